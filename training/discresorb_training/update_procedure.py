"""Updating a model with a centre's own patients: what is chosen, what it gains, what comes of it.

The procedure is one function of patients, `chosen_update`, so that cross-validation can repeat all
of it: closed test, then held-back estimates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training.carried import Carried, carried_levels
from discresorb_training.closed_test import Comparison, closed_test, significance
from discresorb_training.levels import SPREAD, Levels, Spread, levels_of
from discresorb_training.likelihood import row_values
from discresorb_training.selection import fold_of_rows
from discresorb_training.subspace import Patients, theta_of
from discresorb_training.updated_estimates import updated_curve
from discresorb_training.working import fit_working_models

__all__ = [
    "Assessment",
    "Chosen",
    "Paired",
    "assess_update",
    "chosen_update",
]

FOLDS = 10
_MOST_REPEATS = 5
_STEADY = 2_000  # patients from which on one repeat is steady enough


@dataclass(frozen=True)
class Chosen:
    """A level and the model at it.

    Parameters
    ----------
    level : int
        0 to 3.
    curve : CureCurve
        The parent at level 0.
    levels : Levels
        That there were.
    carried : Carried
        Which of them the patients carry.
    comparisons : sequence of Comparison
        As far as the closed test went.
    """

    level: int
    curve: CureCurve
    levels: Levels
    carried: Carried
    comparisons: Sequence[Comparison]


def chosen_update(
    parent: CureCurve,
    design: Array,
    y: Array,
    *,
    wanted: int | None = None,
    carried: Carried | None = None,
    spread: Spread = SPREAD,
) -> Chosen:
    """Choose a level by the closed test, and estimate there.

    Parameters
    ----------
    parent : CureCurve
        The model, with its covariance.
    design : float array, (n, 1 + k)
        Of the new patients: leading ones, then covariates.
    y : structured array, (n,)
        From `interval_outcome`.
    wanted : int, optional
        A level that is taken whatever the test says.
    carried : Carried, optional
        Which levels may be chosen, if it is known already: a fold of the patients is judged by
        all of them.
    spread : Spread
        Between centres, as estimates are held by it.
    """
    levels = levels_of(parent, design)
    patients = Patients.of(parent, design, y)
    carried = carried or carried_levels(levels, y)
    level, done = closed_test(
        parent, patients, levels, carried.highest, alphas=significance(carried.followed)
    )
    level = level if wanted is None else wanted
    curve = updated_curve(parent, patients, levels, level, spread)
    return Chosen(level, curve, levels, carried, done)


@dataclass(frozen=True)
class Paired:
    """A figure of the parent and of the update on the same patients.

    Parameters
    ----------
    before, after : float
        Of the parent, and of updates made without the patients that they are judged on.
    difference, error : float
        After less before, with its standard error over patients.
    """

    before: float
    after: float
    difference: float
    error: float


@dataclass(frozen=True)
class Assessment:
    """What updating gains, by cross-validation that repeats all of it.

    Parameters
    ----------
    log_score : Paired
        Mean interval log score.
    observed_expected : Paired or None
        At the horizon; None if the data answer none.
    months : float or None
        The horizon, after the index MRI.
    chosen : sequence of float
        Share of the refits that chose each level.
    folds, repeats : int
        Of the cross-validation.
    """

    log_score: Paired
    observed_expected: Paired | None
    months: float | None
    chosen: Sequence[float]
    folds: int
    repeats: int


def assess_update(
    parent: CureCurve,
    design: Array,
    y: Array,
    carried: Carried,
    *,
    wanted: int | None = None,
    months: float | None = None,
    seed: int = 0,
    spread: Spread = SPREAD,
) -> Assessment:
    """Compare the parent with updates by cross-validation.

    Parameters
    ----------
    parent, design, y, carried, wanted, spread
        As in `chosen_update`.
    months : float, optional
        Horizon of observed : expected, after the index MRI.
    seed : int
        Of the folds.
    """
    count = len(y)
    repeats = max(1, min(_MOST_REPEATS, _STEADY // count))
    scores, expected = np.zeros(count), np.zeros(count)
    chosen = np.zeros(len(carried.barred) + carried.highest + 1)
    for repeat in range(repeats):
        fold = fold_of_rows(design[:, 1:], y, FOLDS, seed + repeat)
        for number in np.unique(fold):
            out = fold == number
            made = chosen_update(
                parent, design[~out], y[~out], wanted=wanted, carried=carried, spread=spread
            )
            chosen[made.level] += 1
            scores[out] += _scores(made.curve, design[out], y[out])
            if months is not None:
                expected[out] += _probability(made.curve, design[out], y[out], months)
    before = _scores(parent, design, y)
    log_score = _paired(before, scores / repeats)
    observed_expected = None
    if months is not None:
        w = _seen(parent, design, y, months)
        p = _probability(parent, design, y, months)
        observed_expected = _ratio(w, p, expected / repeats)
    shares = (chosen / chosen.sum()).tolist()
    return Assessment(log_score, observed_expected, months, shares, FOLDS, repeats)


def _scores(curve: CureCurve, design: Array, y: Array) -> Array:
    patients = Patients.of(curve, design, y)
    return row_values(
        patients.prepared, curve.distribution, theta_of(curve), cure=patients.cure, count=len(y)
    )


def _probability(curve: CureCurve, design: Array, y: Array, months: float) -> Array:
    return np.asarray(curve.probability(design, y["entry"], y["entry"] + months))


def _seen(curve: CureCurve, design: Array, y: Array, months: float) -> Array:
    """P(resorbed by the horizon | what was seen), by a working model of all these patients."""
    predictors = [design @ curve.location]
    if curve.cure is not None:
        entering = slice(None) if curve.cure_columns is None else list(curve.cure_columns)
        predictors.append(design[:, entering] @ curve.cure)
    working = fit_working_models(y, np.column_stack(predictors))[0]
    return working.weights(y, y["entry"] + months)


def _paired(before: Array, after: Array) -> Paired:
    return Paired(
        float(before.mean()),
        float(after.mean()),
        float((after - before).mean()),
        _error(after - before),
    )


def _ratio(w: Array, before: Array, after: Array) -> Paired:
    """Observed : expected, the standard error of the difference by linearisation."""
    ratios = [float(w.sum() / p.sum()) for p in (before, after)]
    parts = [(w - r * p) / p.mean() for r, p in zip(ratios, (before, after), strict=True)]
    return Paired(ratios[0], ratios[1], ratios[1] - ratios[0], _error(parts[1] - parts[0]))


def _error(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))
