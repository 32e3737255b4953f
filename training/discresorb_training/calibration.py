r"""Fit the simulator to the published proportions, under two stated assumptions.

**Model**: `process` with a log-logistic latency. A single study is a centre with an effect
u ~ N(0, τ²), shared by all its rows; a pooled one sees the average over centres. Size and onset of
the patients are those of `case_mix`, types as assumed for each study.

**Likelihood**: binomial where patients are counted, normal where a pooled proportion has a printed
interval; a percentage printed without patients weighs like a count in 20. Single studies are
integrated over u, so the between-study spread τ is estimated together with everything else. A
penalty on the slopes of logit π is subtracted, because without it they run to the ends of their
range: π nears 1 in sequestrations, where these proportions do not tell how near. Rows of one study
overlap in patients (Komori's types add up to his total); they are all used, so no standard error is
claimed.

**Assumptions** (`ASSUMPTIONS`): the proportions alone leave clinically absurd laws possible, which
these two exclude. They are constraints of the fit, on probabilities averaged over centres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discresorb.clock import DAYS_PER_MONTH
from discresorb.distributions import Array
from discresorb_training.case_mix import SEQUESTRATION, SIZE_MEAN, SIZE_SD, TYPE_SHARES
from discresorb_training.errors import TrainingError
from discresorb_training.evidence import Target, targets
from discresorb_training.expected import EFFECT_WEIGHTS, STANDARD_EFFECTS, StudyPatients
from discresorb_training.process import Process

__all__ = ["ASSUMPTIONS", "Calibration", "calibrate"]

DISTRIBUTION = "loglogistic"
PATIENTS_IF_NOT_PRINTED = 20
PENALTY = 0.25  # of ½ · Σ (standardised slope of logit π)²; its own, so that training's can change
ROOM = 0.0125  # beyond the assumptions, for the error of a model trained on a simulated cohort
_DIGITS = 4  # of the parameters that are written
_STARTS = (
    (2.5, -0.05, -0.8, -0.7, -4.0, 0.8, 3.0, -0.5),
    (1.6, -0.01, -0.3, -0.8, -3.0, 0.5, 2.4, -0.7),
    (2.0, 0.0, -1.0, -1.0, -5.0, 1.0, 3.0, 0.0),
)
# the search stays where 1 - p keeps its digits, and ends inside
_BOUNDS = ((1.0, 4.0), (-0.2, 0.2), (-2.5, 1.0), (-1.5, 0.5), (-12.0, 2.0), (-0.5, 1.5),
           (-1.0, 5.0), (-4.0, 0.7))  # fmt: skip

# p(size, sequestrated, entry, horizon), averaged over centres
Probability = Callable[[Array, Array, Array, Array], Array]


@dataclass(frozen=True)
class Assumption:
    """A stated assumption: what it says, and by how much a law keeps to it (below 0: not)."""

    words: str
    margins: Callable[[Probability], Array]


def _late_sequestrations(p: Probability) -> Array:
    large, entry = np.array([9.0, 11.0])[:, None], np.linspace(0.05, 6.0, 25)
    chance = p(large[:, 0], np.ones(2), np.full(2, 5.8), np.full(2, 12.0)) - 0.4
    spans = [np.full(25, 12.0), *(entry + months for months in (3.0, 6.0, 12.0))]
    more = [
        p(large, np.ones((2, 1)), entry, end) - p(np.array(5.0), np.zeros(1), entry, end)
        for end in spans
    ]
    return np.concatenate([chance, *(each.ravel() for each in more)])


def _early_sequestrations(p: Probability) -> Array:
    size, entry = np.linspace(9.0, 14.0, 11), np.full(11, 14.0 / DAYS_PER_MONTH)
    return 0.96 - p(size, np.ones(11), entry, entry + 6.0)


ASSUMPTIONS = (
    Assumption(
        "sequestrations of 9 and 11 mm still herniated 5.8 months after onset have p of at least "
        "0.40 by month 12 after onset, and at any entry up to six months no less than a 5 mm "
        "protrusion over the same span",
        _late_sequestrations,
    ),
    Assumption(
        "sequestrations of 9 to 14 mm imaged two weeks after onset have p of at most 0.96 six "
        "months later",
        _early_sequestrations,
    ),
)


@dataclass(frozen=True)
class Calibration:
    """A fitted simulator and how it meets the evidence.

    Parameters
    ----------
    process : Process
        The law in a typical centre.
    between_study_sd : float
        τ, of centre effects on the logit scale.
    targets : sequence of Target
        What it was fitted to.
    simulated : float array
        Expected proportion of each target, averaged over centres.
    """

    process: Process
    between_study_sd: float
    targets: Sequence[Target]
    simulated: Array

    @property
    def differences(self) -> Array:
        """Simulated less published."""
        return self.simulated - np.array([each.published.proportion for each in self.targets])

    @property
    def rms_difference(self) -> float:
        """Root mean square difference over all targets."""
        return float(np.sqrt((self.differences**2).mean()))

    def probability(self, size: Array, sequestrated: Array, entry: Array, horizon: Array) -> Array:
        """P(resorbed by the horizon | herniated at entry), averaged over centres.

        Parameters
        ----------
        size : float array, (n,)
            In millimetres.
        sequestrated : float array, (n,)
            0 or 1.
        entry, horizon : float array, (n,)
            Months since onset.
        """
        return _averaged(self.process, self.between_study_sd)(size, sequestrated, entry, horizon)

    def margins(self) -> list[float]:
        """By how much each stated assumption is kept."""
        return [float(each.margins(self.probability).min()) for each in ASSUMPTIONS]

    def to_dict(self) -> dict[str, Any]:
        """Give the parameters with their provenance, as plain values for JSON."""
        return {
            "distribution": self.process.distribution,
            "latency": list(self.process.latency),
            "scale": self.process.scale,
            "ever": list(self.process.ever),
            "between_study_sd": self.between_study_sd,
            "fitted_to": [each.published.key for each in self.targets],
            "rms_difference": round(self.rms_difference, 4),
            "assumptions": [each.words for each in ASSUMPTIONS],
            "room_beyond_assumptions": ROOM,
            "penalty": PENALTY,
            "patients_if_not_printed": PATIENTS_IF_NOT_PRINTED,
            "studies": [
                {
                    "id": each.published.key,
                    "study": each.published.study,
                    "source": each.published.identifier,
                    "published": each.published.proportion,
                    "simulated": round(float(simulated), 4),
                    "difference": round(float(difference), 4),
                    "months": each.months,
                    "months_assumed": each.published.months is None,
                    "type_shares_assumed": list(each.assumed.type_shares),
                    "min_size_mm_assumed": each.assumed.min_size_mm,
                    "mean_entry_months_assumed": each.assumed.mean_entry_months,
                }
                for each, simulated, difference in zip(
                    self.targets, self.simulated, self.differences, strict=True
                )
            ],
        }


def calibrate(rows: Sequence[Target] | None = None) -> Calibration:
    """Fit the simulator's parameters and the between-study spread.

    Parameters
    ----------
    rows : sequence of Target, optional
        All targets of the shipped evidence by default.

    Raises
    ------
    TrainingError
        If no start of the optimiser ends at a maximum that keeps the assumptions.
    """
    from scipy.optimize import minimize

    rows = targets() if rows is None else rows
    objective = _Objective(rows)
    constraint = {"type": "ineq", "fun": _margins}
    ends = [
        minimize(
            objective,
            start,
            method="SLSQP",
            constraints=constraint,
            bounds=_BOUNDS,
            jac="3-point",
            options={"maxiter": 500, "ftol": 1e-11},
        )
        for start in _STARTS
    ]
    good = [end for end in ends if end.success]
    if not good:
        raise TrainingError(
            f"the calibration found no maximum that keeps the assumptions: {ends[0].message}"
        )
    process, spread = _unpacked(min(good, key=lambda end: float(end.fun)).x, digits=_DIGITS)
    return Calibration(process, spread, rows, objective.expected(process, spread))


class _Objective:
    """Minus the penalised log-likelihood of (latency, log σ, cure, log τ)."""

    def __init__(self, rows: Sequence[Target]) -> None:
        self._patients = StudyPatients(rows)
        single = [row.published.study for row in rows if row.published.design == "single"]
        self._pooled = np.array([row.published.design == "pooled" for row in rows])
        self._studies = [
            np.array([row.published.study == study for row in rows])
            for study in dict.fromkeys(single)
        ]
        self._proportion = np.array([row.published.proportion for row in rows])
        self._weight = np.array([_patients(row) for row in rows])
        self._precision = np.array([_precision(row) for row in rows])
        flag = np.arange(len(TYPE_SHARES)) == SEQUESTRATION
        self._sds = np.array([_mixture_sd(SIZE_MEAN, SIZE_SD), _mixture_sd(flag, 0.0)])

    def expected(self, process: Process, spread: float) -> Array:
        """Proportions averaged over centres."""
        means: Array = (
            self._patients.proportions(process, spread * STANDARD_EFFECTS) @ EFFECT_WEIGHTS
        )
        return means

    def __call__(self, x: Array) -> float:
        process, spread = _unpacked(x)
        by_effect = self._patients.proportions(process, spread * STANDARD_EFFECTS)
        averaged = (by_effect @ EFFECT_WEIGHTS)[:, None]
        total = self._rows(averaged, self._pooled).sum()
        for rows in self._studies:
            log_likelihood = self._rows(by_effect, rows).sum(axis=0)
            most = log_likelihood.max()
            total += most + np.log(EFFECT_WEIGHTS @ np.exp(log_likelihood - most))
        slopes = self._sds * process.ever[1:]
        return float(0.5 * PENALTY * (slopes**2).sum() - total)

    def _rows(self, expected: Array, rows: Array) -> Array:
        """Log-likelihood of the chosen rows at each column of expected proportions."""
        p, seen = expected[rows], self._proportion[rows, None]
        n, precision = self._weight[rows, None], self._precision[rows, None]
        terms: Array = n * (seen * np.log(p) + (1.0 - seen) * np.log1p(-p))
        return terms - 0.5 * precision * (p - seen) ** 2


def _patients(row: Target) -> float:
    """Patients that a proportion is counted over; 0 if its printed interval is used instead."""
    printed = row.published
    if printed.design == "pooled" and printed.low is not None:
        return 0.0
    return float(printed.n or PATIENTS_IF_NOT_PRINTED)


def _precision(row: Target) -> float:
    """1 / SE² from the printed interval of a pooled proportion; 0 if patients are counted."""
    low, high = row.published.low, row.published.high
    if _patients(row) or low is None or high is None:
        return 0.0
    return (2.0 * 1.96 / (high - low)) ** 2


def _mixture_sd(means: Any, sds: Any) -> float:
    shares, means = np.array(TYPE_SHARES), np.array(means, float)
    centre = shares @ means
    return float(np.sqrt(shares @ ((means - centre) ** 2 + np.array(sds) ** 2)))


def _unpacked(x: Array, digits: int | None = None) -> tuple[Process, float]:
    def told(value: float) -> float:
        return float(value) if digits is None else round(float(value), digits)

    latency, ever = tuple(map(told, x[:3])), tuple(map(told, x[4:7]))
    scale, spread = told(np.exp(x[3])), told(np.exp(x[7]))
    return Process(DISTRIBUTION, latency, scale, ever), spread


def _averaged(process: Process, spread: float) -> Probability:
    def probability(size: Array, sequestrated: Array, entry: Array, horizon: Array) -> Array:
        span = process.span(size, sequestrated, entry, horizon).across_centres()
        by_centre = span.probability(spread * STANDARD_EFFECTS)
        return by_centre @ EFFECT_WEIGHTS

    return probability


def _margins(x: Array) -> Array:
    p = _averaged(*_unpacked(x))
    return np.concatenate([each.margins(p) for each in ASSUMPTIONS]) - ROOM
