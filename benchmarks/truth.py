"""Bias, error and coverage of p where the truth is known, beside naive analyses of the same data.

For every scenario of `scenarios`, cohorts are simulated from a known law and analysed

* by discresorb: interval-censored, left-truncated, with the distribution held fixed;
* with the date on which resorption was seen taken as the date on which it happened;
* with delayed entry left out of the likelihood;
* with other penalties than the default, on which the default can be judged;
* where the scenario says so, with surgery weights (as `train --surgery-weights` does), and with
  distribution and cure fraction selected as `train` does.

What is predicted is always p, given that the herniation is still there at the index MRI. Figures
are the worst of the supported profiles, by 3, 6 and 12 months. The bounds are asked of the first
analysis, where its assumptions hold, and shown for 0.25, the penalty before, too.

Run: python benchmarks/truth.py > benchmarks/results/truth.txt (some 40 minutes on two cores); with
a number, so many cohorts a scenario instead of 1,000; with --scheduler ADDRESS
on a cluster.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from joblib import Parallel, delayed
from on_scheduler import scheduler_asked_for
from recovery import Summary, predictions, summarise, true_p
from scenarios import SCENARIOS, Scenario
from side_by_side import heading

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training import ResorptionModel, TrainingError, interval_outcome
from discresorb_training.cohort import Cohort, cohort_from_frame
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.simulate import Simulation
from discresorb_training.surgery import weighted_rows
from discresorb_training.training import train_cohort
from discresorb_training.visits import visits_from_frame

COHORTS = 1_000
RIGHT, EDGE = "discresorb", "  at the edge"
HEAVIER = "penalty 0.25"
DETECTED, UNDELAYED = "seen taken as happened", "delayed entry ignored"
WEIGHTED, SELECTED = "surgery weights", "model selected"
# largest bias, least and most coverage; the slack for 1,000 cohorts is asked from 400 patients on
SMALL = (0.025, 91.0, 98.0)
MOST_REFUSED = 0.05
LARGE = (0.01, 93.0 - 1.5, 97.0 + 1.5)

Found = Mapping[str, Array | str]  # p, low and high by profile and horizon, or why not


def analyses(scenario: Scenario, seed: int) -> dict[str, Callable[[], CureCurve]]:
    """Give each analysis of one cohort as a function that carries it out."""
    simulation = Simulation(scenario.n, seed=seed, settings=scenario.settings)
    cohort = cohort_from_frame(simulation.cohort())
    distribution = scenario.fitted or scenario.settings.distribution
    X, y = cohort.X, cohort.y
    lower, upper, entry = y["lower"], y["upper"], y["entry"]
    seen = np.isfinite(upper)

    def fit(outcome: Array, penalty: float = DEFAULT_PENALTY) -> CureCurve:
        return ResorptionModel(distribution, penalty=penalty).fit(X, outcome).curve()

    def weighted() -> CureCurve:
        rows = weighted_rows(visits_from_frame(simulation.visits()))
        model = ResorptionModel(distribution)
        return model.fit(rows.X, rows.y, **rows.fit_options()).curve()

    detected = interval_outcome(lower=np.where(seen, upper, lower), upper=upper, entry=entry)
    undelayed = interval_outcome(lower=lower, upper=upper)
    found: dict[str, Callable[[], CureCurve]] = {
        RIGHT: lambda: fit(y),
        DETECTED: lambda: fit(detected),
        UNDELAYED: lambda: fit(undelayed),
    }
    if scenario.weights:
        found[WEIGHTED] = weighted
    for penalty in scenario.penalties:
        found[f"penalty {penalty:g}"] = partial(fit, y, penalty)
    if seed < scenario.selected:
        found[SELECTED] = lambda: select(cohort)
    return found


def select(cohort: Cohort) -> CureCurve:
    """Choose distribution and cure fraction as `train` does."""
    result = train_cohort(
        cohort,
        endpoint="x",
        data_origin="synthetic",
        second_opinion=False,
    )
    return result.model.curve()


def analyse(scenario: Scenario, seed: int, profiles: Array) -> Found:
    """Carry out every analysis of one cohort."""
    found: dict[str, Array | str] = {}
    for name, analysis in analyses(scenario, seed).items():
        try:
            found[name] = predictions(analysis(), profiles)
        except TrainingError as error:
            found[name] = str(error)
    return found


def study(scenario: Scenario, cohorts: int) -> dict[str, str]:
    """Print a scenario's table; say by analysis whether the bounds hold, or by how much not."""
    profiles, supported = scenario.profiles()
    truth = true_p(scenario.settings, np.zeros(1), profiles)
    each = Parallel(n_jobs=2)(delayed(analyse)(scenario, seed, profiles) for seed in range(cohorts))
    print(f"{scenario.name}: {cohorts} cohorts of {scenario.n}")
    shown = ", ".join(
        f"{size:.1f} mm {'seq. ' if sequestrated else ''}{entry:.2f}"
        for size, sequestrated, entry in profiles[:supported]
    )
    print(f"  profiles (months since onset last): {shown}")
    print(f"  true p {truth[:supported].min():.3f} to {truth[:supported].max():.3f}")
    print(f"  {'analysis':<24}{'bias':>8}{'error':>7}{'coverage':>17}{'refused':>13}")
    summaries: dict[str, Summary] = {}
    for name in each[0]:
        tried = [found[name] for found in each if name in found]
        pairs = [one if isinstance(one, str) else (one, truth) for one in tried]
        if all(isinstance(one, str) for one in pairs):
            print(f"  {name:<24}refused in all of {len(pairs)}")
            continue
        summary = summarise(pairs)
        refused = f"{summary.refusals.total()} of {len(pairs)}"
        print(line(name, summary, slice(0, supported)) + f"{refused:>13}")
        summaries[name] = summary
        if name == RIGHT:
            print(line(EDGE, summary, slice(supported, None)))
    for name, summary in summaries.items():
        for reason, count in summary.refusals.most_common():
            print(f"  {count} refused ({name}): {reason}")
    print(flush=True)
    asked = (RIGHT, HEAVIER) if scenario.holds else ()
    return {
        name: verdict(scenario, summaries[name], supported, cohorts)
        for name in asked
        if name in summaries
    }


def line(name: str, summary: Summary, rows: slice) -> str:
    """Say the worst of some profiles: bias with its sign, error, range of coverage."""
    bias = summary.bias[rows].ravel()
    covered = 100 * summary.covered[rows]
    worst = bias[np.abs(bias).argmax()]
    coverage = f"{covered.min():.1f} to {covered.max():.1f} %"
    return f"  {name:<24}{worst:+8.4f}{summary.error[rows].max():7.3f}{coverage:>17}"


def verdict(scenario: Scenario, summary: Summary, supported: int, cohorts: int) -> str:
    """Say whether a scenario keeps its bounds, and by how much it misses them."""
    most, low, high = LARGE if scenario.n >= 400 else SMALL
    bias = float(np.abs(summary.bias[:supported]).max())
    covered = 100 * summary.covered[:supported]
    refused = summary.refusals.total() / cohorts
    missed = []
    if refused > MOST_REFUSED:
        missed.append(f"{100 * refused:.0f} % refused")
    if bias > most:
        missed.append(f"bias {bias:.4f}, {bias - most:.4f} more than {most:g}")
    if covered.min() < low:
        missed.append(f"coverage {covered.min():.1f} %, {low - covered.min():.1f} below {low:g}")
    if covered.max() > high:
        missed.append(f"coverage {covered.max():.1f} %, {covered.max() - high:.1f} above {high:g}")
    said = f"MISSED: {'; '.join(missed)}" if missed else "holds"
    return f"  {scenario.name}: {said}"


def main() -> None:
    """Print every scenario, then the bounds."""
    cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else COHORTS
    heading("Truth, and what is found of it")
    print("Worst of the supported profiles by 3, 6 and 12 months; bias and error (RMSE) of p.\n")
    verdicts = [study(scenario, cohorts) for scenario in SCENARIOS]
    print(
        f"bounds: bias at most {LARGE[0]:g} and coverage 93 to 97 % (± 1.5) from 400 patients on, "
        f"{SMALL[0]:g} and {SMALL[1]:g} to {SMALL[2]:g} % at 150"
    )
    for name, penalty in (
        (RIGHT, f"{DEFAULT_PENALTY:g}, the default"),
        (HEAVIER, "0.25, the former default"),
    ):
        print(f"discresorb with a penalty of {penalty}")
        print("\n".join(said[name] for said in verdicts if name in said))


if __name__ == "__main__":
    with scheduler_asked_for():
        main()
