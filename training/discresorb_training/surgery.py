r"""Weights for surgery that depends on severity: inverse probability of not being operated on yet.

Whoever hurts most is operated on first and leaves before a later MRI could have shown resorption.
If pain also goes with late resorption, those who are left resorb sooner than all would have, and
an unweighted fit says so. Here patients are split at their MRIs, and the row that ends at MRI
:math:`v_k` is weighted by

.. math:: w_k = \frac{P(\text{no surgery by } v_k \mid \text{covariates, onset})}
                     {P(\text{no surgery by } v_k \mid \text{the same, leg pain up to then})}.

The denominator makes the rows that are there stand for those that surgery took away. The numerator
only steadies the weights. It may be any function of the outcome model's covariates and of the
times of the MRIs, because given these, and a herniation still there where the row begins, a row's
score has mean zero, whatever multiplies it. Leg pain is not among them, so it must stay out of the
numerator.

Both are Weibull hazards of surgery, counted from the index MRI: a Weibull accelerated-failure-time
model has proportional hazards, so leg pain may change at every MRI. Patients are at risk of surgery
until they leave: resorption seen, loss, or end.

Assumptions: given size, sequestration, months from onset to the index MRI and the leg pain last
recorded, surgery does not depend on whether or when the herniation resorbs, nor does loss; the
hazard of surgery is a Weibull's in time since the index MRI, its logarithm linear in them; and at
every leg pain some are not operated on. Weights are never cut.

Robins and Finkelstein, Biometrics 2000;56:779.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from discresorb.clock import DAYS_PER_MONTH
from discresorb.columns import MONTHS_SINCE_ONSET
from discresorb.distributions import Array
from discresorb.errors import InputError, InputFileError
from discresorb.reading import Table
from discresorb_training.cohort import Cohort, cohort_from_table, is_by_visit
from discresorb_training.errors import ConvergenceError, TrainingError
from discresorb_training.estimator import ResorptionModel
from discresorb_training.outcome import interval_outcome
from discresorb_training.plan import STANDARD, Planned
from discresorb_training.robust import fit_options
from discresorb_training.visits import SplitRows, Visits, visits_from_table

__all__ = [
    "FEWEST_OPERATIONS",
    "WeightedRows",
    "check_surgery_weights",
    "cohort_and_weights",
    "weighted_rows",
]

FEWEST_OPERATIONS: Final = 20  # of whom four slopes and a shape can be told
_LARGE: Final = 20.0
_ASSUMED: Final = "that surgery and loss, given these, do not depend on resorption"
_ASSUMED_UNWEIGHTED: Final = (
    "that surgery and loss, given the covariates, do not depend on resorption"
)
_SAME_DAY: Final = 0.5 / DAYS_PER_MONTH  # surgery on the day of an MRI came after it


@dataclass(frozen=True)
class WeightedRows:
    """Rows to fit, with their weights.

    Parameters
    ----------
    X, y : arrays
        Covariates and outcome of patients split at their MRIs.
    weights : float array, (rows,)
        Of the rows.
    patient : int array, (rows,)
        To whom each belongs: the clusters of the robust covariance.
    about : mapping
        How they were weighted, in words, by what it is about.
    notes : sequence of str
        What the person who trains must know.
    """

    X: Array
    y: Array
    weights: Array
    patient: Array
    about: Mapping[str, str]
    notes: Sequence[str]

    def fit_options(self) -> dict[str, Array]:
        """Give what `ResorptionModel.fit` must be told besides X and y."""
        return fit_options(self.weights, self.patient)


def cohort_and_weights(
    table: Table,
    plan: Sequence[Planned] = STANDARD,
    weights: str | None = None,
    *,
    surgery_weights: bool,
) -> tuple[Cohort, WeightedRows | None]:
    """Read a training CSV, one row a patient, or one row an MRI with the weights asked for.

    Parameters
    ----------
    table : Table
        The file's cells.
    plan : sequence of Planned
        Covariates and how they enter.
    weights : str, optional
        Column that says how much each patient counts.
    surgery_weights : bool
        Whether the file has one row an MRI, to be weighted for surgery.
    """
    if surgery_weights:
        check_surgery_weights(plan, weights)
        visits = visits_from_table(table)
        return visits.patients, weighted_rows(visits)
    if is_by_visit(table.header):
        raise InputFileError(
            f"{table.name} has one row an MRI; make one row a patient of it with "
            "discresorb cohort, or train on it with --surgery-weights"
        )
    return cohort_from_table(table, plan, weights), None


def check_surgery_weights(plan: Sequence[Planned], weights: str | None) -> None:
    """Refuse what weights for surgery do not go with.

    Raises
    ------
    InputError
        With all reasons.
    """
    problems = []
    if tuple(plan) != STANDARD:
        names = " and ".join(each.column.name for each in STANDARD)
        problems.append(
            f"weights for surgery are made of {names} as they are; name no other covariates or "
            "forms, or leave the weights for surgery out"
        )
    if weights is not None:
        problems.append("weights for surgery and a column of weights do not go together")
    if problems:
        raise InputError(problems)


def weighted_rows(visits: Visits) -> WeightedRows:
    """Split patients at their MRIs and weight the rows for surgery.

    Parameters
    ----------
    visits : Visits
        One row an MRI.

    Returns
    -------
    WeightedRows
        With weights 1, and a note, where fewer than 20 patients were operated on.

    Raises
    ------
    TrainingError
        If nobody was imaged again, or the hazard of surgery cannot be estimated.
    """
    rows = visits.split()
    if not rows.telling.any():
        raise TrainingError("nobody was imaged after the index MRI; nothing can be trained")
    operations = int(visits.operated.sum())
    notes: list[str] = []
    if operations < FEWEST_OPERATIONS:
        weights = np.ones(len(rows.y))
        by = "nothing: too few operations; all weights are 1"
        notes.append(
            f"{operations} patients were operated on, too few to model surgery (at least "
            f"{FEWEST_OPERATIONS} are needed), so that all weights are 1"
        )
    else:
        weights = _weights(visits)[rows.visit]
        means = [column.name for column in visits.patients.covariates]
        means.append(f"{MONTHS_SINCE_ONSET.name} at the index MRI")
        by = (
            "inverse probability of no surgery before the row's end, from a Weibull hazard of "
            f"surgery on {', '.join(means)} and the last leg_pain"
        )
        notes += _on_weights(visits, weights)
        notes += _on_nobody_left(visits, rows)
    telling = weights[rows.telling]
    about = {
        "rows": f"{len(rows.y)}, of patients split at their MRIs",
        "rows weighted by": by,
        "patients operated on": str(operations),
        "weights": f"{telling.min():.3g} to {telling.max():.3g}, mean {telling.mean():.3g}, "
        "none cut",
        "weights assume": _ASSUMED if operations >= FEWEST_OPERATIONS else _ASSUMED_UNWEIGHTED,
        "interval": "by patient (sandwich covariance), weights taken as known",
    }
    return WeightedRows(rows.X, rows.y, weights, rows.patient, about, notes)


def _weights(visits: Visits) -> Array:
    """Give the weight of a row that ends at each MRI, (visits,)."""
    periods = _Periods.of(visits)
    given_pain, numerator = (
        periods.cumulative_hazard(visits, with_pain=with_pain) for with_pain in (True, False)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        weights: Array = np.exp(given_pain - numerator)
    if not np.isfinite(weights).all():
        raise TrainingError(_HOPELESS)
    return weights


def _on_weights(visits: Visits, weights: Array) -> list[str]:
    notes = []
    if np.ptp(visits.leg_pain[visits.herniated]) == 0.0:
        notes.append("leg_pain is the same at every MRI, so that weights cannot depend on it")
    if weights.max() > _LARGE:
        notes.append(
            f"the largest weight is {weights.max():.3g}: a few patients stand for many who were "
            "operated on, and estimates rest on them"
        )
    return notes


def _on_nobody_left(visits: Visits, rows: SplitRows) -> list[str]:
    """Tell of those who were operated on and hurt more than anybody whom a weight could raise."""
    index = np.diff(visits.patient, prepend=-1) > 0
    most = visits.leg_pain[rows.visit[rows.telling] - 1].max(initial=-1.0)
    beyond = int((visits.operated & (visits.leg_pain[index] > most)).sum())
    if not beyond:
        return []
    return [
        f"{beyond} patients operated on had more leg_pain than anybody imaged again; nobody "
        "stands for them, whatever the weights"
    ]


_HOPELESS: Final = (
    "surgery cannot be modelled from these visits (its hazard runs to 0 or infinity: are all "
    "above some leg_pain operated on at once, or do columns say the same?), so that weights for "
    "surgery cannot be had; train on one row a patient, without them"
)


@dataclass(frozen=True)
class _Periods:
    """Time at risk of surgery from one MRI to the next, or to the exit; months since the index MRI.

    Parameters
    ----------
    visit : int array, (periods,)
        The MRI at which each begins.
    start, stop : float array, (periods,)
        When.
    surgery : bool array, (periods,)
        Whether it ends with surgery.
    """

    visit: Array
    start: Array
    stop: Array
    surgery: Array

    @classmethod
    def of(cls, visits: Visits) -> _Periods:
        entry = visits.patients.y["entry"][visits.patient]
        last = np.diff(visits.patient, append=len(visits.operated)) > 0
        following = np.where(last, visits.exit_months[visits.patient], np.roll(visits.months, -1))
        start, stop = visits.months - entry, following - entry
        surgery = last & visits.operated[visits.patient]
        stop = np.where(surgery, np.maximum(stop, start + _SAME_DAY), stop)
        at_risk = visits.herniated & (stop > start)
        return cls(np.flatnonzero(at_risk), start[at_risk], stop[at_risk], surgery[at_risk])

    def cumulative_hazard(self, visits: Visits, *, with_pain: bool) -> Array:
        """Cumulative hazard of surgery from the index MRI to every MRI, (visits,)."""
        patient = visits.patient[self.visit]
        entry = visits.patients.y["entry"][patient]
        X = np.column_stack([visits.patients.X[patient], entry])
        if with_pain:
            X = np.column_stack([X, visits.leg_pain[self.visit]])
        X = X[:, np.ptp(X, axis=0) > 0.0]  # a constant's SD is rounding, not 0
        model = self._fit(X, patient)
        with np.errstate(divide="ignore", over="ignore"):
            location = model.intercept_ + X @ model.coef_
            at_start, at_stop = (
                np.exp((np.log(t) - location) / model.scale_) for t in (self.start, self.stop)
            )
        # what is added between an MRI and the next; an MRI's own sum leaves its own period out
        added = np.zeros(len(visits.patient))
        added[self.visit] = at_stop - at_start
        total = np.cumsum(added) - added
        index = np.flatnonzero(np.diff(visits.patient, prepend=-1) > 0)
        by_then: Array = total - total[index][visits.patient]
        return by_then

    def _fit(self, X: Array, patient: Array) -> ResorptionModel:
        """Fit a Weibull hazard; periods that go on with the same covariates are one row."""
        begins = np.ones(len(X), dtype=bool)
        begins[1:] = (patient[1:] != patient[:-1]) | (X[1:] != X[:-1]).any(axis=1)
        begins[1:] |= self.start[1:] != self.stop[:-1]
        first = np.flatnonzero(begins)
        final = np.append(first[1:], len(X)) - 1
        stop = self.stop[final]
        y = interval_outcome(
            lower=stop,
            upper=np.where(self.surgery[final], stop, np.inf),
            entry=self.start[first],
        )
        try:
            return ResorptionModel("weibull", cure=False, penalty=0.0).fit(X[first], y)
        except ConvergenceError:
            raise TrainingError(_HOPELESS) from None
