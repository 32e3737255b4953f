"""What `train --report` on 2,000 patients costs, by step: selection, 200 bootstraps, centres, page.

Steps run as the command runs them, in one process that starts others for the bootstrap, one after
the other; shares are of their sum. The whole must end within three minutes on two cores.

Run: python benchmarks/report.py > benchmarks/results/report.txt (about two minutes)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from side_by_side import heading

from discresorb.reading import read_table
from discresorb_training.answerable import DEFAULT_MONTHS, answerable_months
from discresorb_training.by_centre import by_centre
from discresorb_training.cohort import cohort_from_table
from discresorb_training.internal import bootstrap
from discresorb_training.measure import Measure
from discresorb_training.model_card import model_card
from discresorb_training.performance import Evaluation
from discresorb_training.performance_facts import internal_facts
from discresorb_training.report import report_html
from discresorb_training.report_facts import report_facts
from discresorb_training.second_opinion import ask_lifelines
from discresorb_training.subgroups import subgroups_of
from discresorb_training.training import train_cohort
from discresorb_training.tripod import tripod_table
from discresorb_training.validation import DEFAULT_REPEATS, reference

COHORT = Path(__file__).parents[1] / "data" / "synthetic" / "cohort.csv"
LIMIT = 180.0
Result = TypeVar("Result")


class Steps:
    """Times each step once."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, action: Callable[[], Result]) -> Result:
        """Do it, and remember how long it took."""
        start = time.perf_counter()
        found = action()
        self.seconds[name] = time.perf_counter() - start
        return found

    def show(self) -> None:
        """Print shares, and whether the whole is within its limit."""
        whole = sum(self.seconds.values())
        for name, seconds in self.seconds.items():
            print(f"  {name:44}{seconds:7.1f} s {100 * seconds / whole:5.1f} %")
        holds = "within" if whole <= LIMIT else "BEYOND"
        print(f"  {'together':44}{whole:7.1f} s, {holds} {LIMIT:g} s")


def main() -> None:
    """Print the table."""
    heading(f"train --report on {COHORT.name}, {DEFAULT_REPEATS} bootstraps, "
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    step = Steps()
    cohort = step("reading the cohort", lambda: cohort_from_table(read_table(COHORT)))
    X, y = cohort.X, cohort.y
    trained = step(
        "choosing and fitting the model",
        lambda: train_cohort(
            cohort,
            endpoint="definite regression",
            data_origin="synthetic",
            second_opinion=False,
        ),
    )
    model, artifact = trained.model, trained.artifact
    step(
        "second opinion",
        lambda: ask_lifelines(X, y, model._theta, artifact["distribution"], cure=artifact["cure"]),
    )
    answerable = answerable_months(y, DEFAULT_MONTHS)
    months = reference(answerable.months)
    evaluation = step("working models of all patients", lambda: Evaluation(model.curve(), X, y))
    measure = Measure.of(evaluation, answerable.months, months)
    subgroups = subgroups_of(cohort, months)
    found = step(
        f"{DEFAULT_REPEATS} bootstraps of the whole procedure",
        lambda: bootstrap(
            trained.procedure,
            X,
            y,
            measure,
            evaluation,
            subgroups=subgroups.members,
            repeats=DEFAULT_REPEATS,
            n_jobs=-1,
        ),
    )
    sites = cohort.sites or []
    centres = step(
        f"each of {len(set(sites))} centres held out",
        lambda: by_centre(trained.procedure, X, y, sites, months, n_jobs=-1),
    )
    performance = internal_facts(
        found, evaluation, measure, answerable, subgroups, centres, DEFAULT_REPEATS
    )

    def facts_of_all() -> dict[str, Any]:
        return report_facts(
            trained.predictor,
            cohort,
            performance,
            file=COHORT.name,
            data_origin="synthetic",
            command="",
        )

    facts = step("curves and other facts", facts_of_all)
    html = step("figures and page", lambda: report_html(facts))
    step("model card and TRIPOD+AI table", lambda: (model_card(facts, ""), tripod_table(facts, "")))
    step.show()
    print(f"  page of {len(html.encode()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
