"""From planned covariates and patients to a design: knots, and regressions for what is missing.

No outcome is looked at, and whatever is fitted here is fitted anew in every resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from discresorb.design import Covariate, Design, Imputation
from discresorb.distributions import Array
from discresorb_training.errors import TrainingError
from discresorb_training.plan import Planned

__all__ = ["fit_design"]

# Harrell, Regression Modeling Strategies, 2015, table 2.3
_KNOT_QUANTILES: Final = {
    3: (0.10, 0.5, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.5, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975),
}


def fit_design(
    plan: Sequence[Planned], X: Array, entry: Array, weights: Array | None = None
) -> Design:
    """Place knots and fit what stands in for missing values.

    Parameters
    ----------
    plan : sequence of Planned
        Covariates; categories with their levels.
    X : float array, (n, k)
        Their values, nan where one is missing that may be.
    entry : float array, (n,)
        Months since onset at the index MRI.
    weights : float array, (n,), optional
        Of the rows.

    Raises
    ------
    TrainingError
        If there are too few different values, or too few patients to fill in from.
    """
    weights = np.ones(len(X)) if weights is None else weights
    covariates = [
        Covariate(each.column, _knots(each, values, weights))
        for each, values in zip(plan, X.T, strict=True)
    ]
    wanted = [
        Imputation(name, np.empty(0), 0.0, 0.0)
        for each, covariate in zip(plan, covariates, strict=True)
        if each.optional
        for name in covariate.basic_names
    ]
    if not wanted:
        return Design(covariates)
    design = Design(covariates, wanted)
    predictors = np.column_stack(design.imputation_predictors(X.T, entry))
    imputations = [
        _regression(name, column, predictors, weights)
        for each, covariate, values in zip(plan, covariates, X.T, strict=True)
        if each.optional
        for name, column in zip(covariate.basic_names, covariate.basic(values), strict=True)
    ]
    return Design(covariates, imputations)


def _knots(each: Planned, values: Array, weights: Array) -> tuple[float, ...]:
    if not each.knots:
        return ()
    known = ~np.isnan(values) & (weights > 0.0)
    quantiles = _KNOT_QUANTILES[each.knots]
    knots = _weighted_quantiles(values[known], weights[known], quantiles)
    if len(np.unique(values[known])) < each.knots or not (np.diff(knots) > 0.0).all():
        raise TrainingError(
            f"{each.column.name} has too few different values for a natural spline of "
            f"{each.knots} knots; use fewer, or a linear effect"
        )
    return tuple(knots.tolist())


def _weighted_quantiles(values: Array, weights: Array, at: Sequence[float]) -> Array:
    """Quantiles of values that stand for so many each, linear between their middles."""
    if not len(values):
        return np.empty(0)
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    middle = (np.cumsum(weights) - 0.5 * weights) / weights.sum()
    return np.interp(at, middle, values)


def _regression(name: str, column: Array, predictors: Array, weights: Array) -> Imputation:
    """Fit by weighted least squares to the patients in whom the column is known."""
    known = ~np.isnan(column) & (weights > 0.0)
    least = predictors.shape[1] + 1
    if known.sum() < least:
        raise TrainingError(
            f"{name} is known of {int(known.sum())} patients, but at least {least} are needed to "
            "fill it in for others; bring more, or leave it out"
        )
    root = np.sqrt(weights[known])
    solution = np.linalg.lstsq(predictors[known] * root[:, None], column[known] * root, rcond=None)
    low, high = float(column[known].min()), float(column[known].max())
    return Imputation(name, np.ascontiguousarray(solution[0]), low, high)
