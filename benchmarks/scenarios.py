"""The scenarios of the truth study, fixed before it was run in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from discresorb.distributions import Array
from discresorb_training import Settings, simulate_cohort

__all__ = ["SCENARIOS", "Scenario"]

# Quantiles of size and of months since onset among patients of a type, in the scenario: three
# profiles a type well within the 10th to 90th percentile, which is what "supported" means in
# `recovery`, and two in the corners of that, the edge, for which no bound is stated.
SUPPORTED_QUANTILES = ((0.25, 0.25), (0.5, 0.5), (0.75, 0.75))
EDGE_QUANTILES = ((0.1, 0.9), (0.9, 0.1))
_MANY = 100_000


@dataclass(frozen=True)
class Scenario:
    """How cohorts are made, and what is fitted to them.

    Parameters
    ----------
    name : str
        In words.
    n : int
        Patients a cohort.
    settings : Settings
        Of the simulation.
    fitted : str
        Distribution that is fitted; empty for the true one.
    holds : bool
        Whether the assumptions of the model hold, so that the bounds are asked of it.
    penalties : sequence of float
        Other penalties to fit with besides the default.
    weights : bool
        Whether to fit with surgery weights, too.
    selected : int
        In how many cohorts distribution and cure fraction are also selected.
    """

    name: str
    n: int = 1_000
    settings: Settings = field(default_factory=Settings)
    fitted: str = ""
    holds: bool = True
    penalties: Sequence[float] = (0.25,)
    weights: bool = False
    selected: int = 0

    def profiles(self) -> tuple[Array, int]:
        """Give size_mm, sequestrated and months since onset of profiles; how many are supported."""
        patients, _ = simulate_cohort(_MANY, seed=1, settings=self.settings)
        rows: dict[bool, list[list[float]]] = {True: [], False: []}
        for sequestrated in (0.0, 1.0):
            of_type = patients[patients["sequestrated"] == sequestrated]
            values = of_type[["size_mm", "months_since_onset"]].to_numpy()
            for quantiles in (*SUPPORTED_QUANTILES, *EDGE_QUANTILES):
                size, entry = (
                    float(np.quantile(column, q))
                    for column, q in zip(values.T, quantiles, strict=True)
                )
                rows[quantiles in SUPPORTED_QUANTILES].append([size, sequestrated, entry])
        return np.round(np.array([*rows[True], *rows[False]]), 2), len(rows[True])


_PENALTIES = (0.25, 0.15, 0.05)
_LINK = 0.6  # correlation of severity with late resorption or none

SCENARIOS = (
    Scenario("cohorts of 150", n=150, penalties=_PENALTIES, selected=300),
    Scenario("cohorts of 400", n=400, penalties=_PENALTIES),
    Scenario("cohorts of 1,000", penalties=_PENALTIES, selected=300),
    Scenario("cohorts of 2,000", n=2_000),
    Scenario("light cure: most resorb in the end", settings=Settings(ever=(0.5, 0.2, 0.8))),
    Scenario("heavy cure: most never resorb", settings=Settings(ever=(-1.5, 0.1, 0.5))),
    Scenario(
        "log-normal law, log-normal fitted",
        settings=Settings(distribution="lognormal", scale=0.75),
        selected=300,
    ),
    Scenario("Weibull law, Weibull fitted", settings=Settings(distribution="weibull", scale=0.58)),
    Scenario(
        "wrong distribution: Weibull law, log-logistic fitted",
        settings=Settings(distribution="weibull", scale=0.58),
        fitted="loglogistic",
        holds=False,
        selected=300,
    ),
    Scenario(
        "sparse visits: MRIs at 6 and 18 months, two months late or early, a third missed",
        settings=Settings(visit_months=(6.0, 18.0), visit_jitter=2.0, visit_missed=0.33),
    ),
    Scenario(
        "30 % operated on within 3 months, whatever their pain",
        settings=Settings(surgery_by_year=0.46, surgery_shape=0.4),
        weights=True,
    ),
    Scenario(
        "surgery by severity: hazard twofold an SD of pain, pain goes with late resorption",
        settings=Settings(surgery_severity=float(np.log(2.0)), severity_resorption=_LINK),
        holds=False,
        weights=True,
    ),
    Scenario(
        "surgery by severity, strongly: threefold an SD, half operated on within a year",
        settings=Settings(
            surgery_severity=float(np.log(3.0)), surgery_by_year=0.5, severity_resorption=_LINK
        ),
        holds=False,
        weights=True,
    ),
    Scenario(
        "MRIs at random times, more often with more pain, unrelated to resorption",
        settings=Settings(visits="symptoms", visit_triggered=0.0),
    ),
    Scenario(
        "MRIs driven by symptoms: a third of resorptions lead to one, pain goes with late ones",
        settings=Settings(visits="symptoms", severity_resorption=_LINK),
        holds=False,
    ),
    Scenario("no delayed entry: index MRI within days of onset", settings=Settings(entry_mean=0.1)),
    Scenario("long delayed entry: 8 months on average", settings=Settings(entry_mean=8.0)),
)
