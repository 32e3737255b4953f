"""Choosing distribution and cure fraction by the cross-validated interval log score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.dataset import Dataset
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import check_fit
from discresorb_training.fitting import fit_dataset, fit_near
from discresorb_training.robust import cluster_numbers, fit_options

__all__ = ["Candidate", "choose", "compare", "fold_of_rows"]


@dataclass(frozen=True)
class Candidate:
    """One model that was tried.

    Parameters
    ----------
    distribution : str
        Of resorption times.
    cure : bool
        Whether some never resorb.
    log_score : float or None
        Mean over all patients of the interval log score in the fold that held them out, a split
        patient's being the weighted sum of the rows'; None if it could not be fitted.
    failure : str
        Why not.
    """

    distribution: str
    cure: bool
    log_score: float | None
    failure: str = ""

    @property
    def name(self) -> str:
        """How it is spoken of."""
        return f"{self.distribution}{', cure' if self.cure else ''}"


def fold_of_rows(X: Array, y: Array, folds: int, seed: int) -> Array:
    """Deal patients to folds so that each has its share of events and of every flag's levels.

    Parameters
    ----------
    X, y : arrays
        Covariates and outcome; columns that hold only 0 and 1 are flags.
    folds : int
        How many.
    seed : int
        Of the shuffle.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(y))
    flags = [column for column in X.T if np.isin(column, (0.0, 1.0)).all()]
    strata = np.array([np.isfinite(y["upper"]), *flags])
    by_stratum = shuffled[np.lexsort(strata[:, shuffled])]
    fold = np.empty(len(y), dtype=int)
    fold[by_stratum] = np.arange(len(y)) % folds
    return fold


def compare(
    X: Array,
    y: Array,
    *,
    names: Sequence[str] | None = None,
    distributions: Sequence[str] = tuple(DISTRIBUTIONS),
    cures: Sequence[bool] = (False, True),
    penalty: float = DEFAULT_PENALTY,
    folds: int = 5,
    seed: int = 0,
    weights: Array | None = None,
    patient: Array | None = None,
) -> list[Candidate]:
    """Score every combination by cross-validation; one that fails in any fold is out.

    Weights count in the score, too. `patient` says whose rows are whose, if patients are split:
    they are held out together.

    Parameters
    ----------
    X : float array, (n, k)
        Covariates.
    y : structured array, (n,)
        From `interval_outcome`.
    names : sequence of str, optional
        Of the covariates.
    distributions, cures : sequence
        Of which every combination is tried.
    penalty : float, default 0.1
        Weight of ½ · Σ (standardised slope of logit π)².
    folds : int, default 5
        Of the cross-validation.
    seed : int, default 0
        Of the folds.
    weights : float array, (n,), optional
        Of the rows.
    patient : int array, (n,), optional
        Whose each row is.
    """
    labels = [str(column) for column in (range(X.shape[1]) if names is None else names)]
    number = np.arange(len(y)) if patient is None else cluster_numbers(patient)
    last = np.empty(number.max() + 1, dtype=int)
    last[number] = np.arange(len(y))  # the row that shows whether resorption was seen
    fold = fold_of_rows(X[last], y[last], folds, seed)[number]
    kinds = [(distribution, cure) for cure in cures for distribution in distributions]
    try:
        data = _Folds.cut(X, y, labels, fold, fit_options(weights, patient))
    except TrainingError as error:
        return [Candidate(*kind, None, str(error)) for kind in kinds]
    return [_try(*kind, penalty, data) for kind in kinds]


def choose(tried: Sequence[Candidate]) -> Candidate:
    """Give the best candidate; at equal scores the earlier one, without a cure fraction."""
    able = [each for each in tried if each.log_score is not None]
    if not able:
        reasons = sorted({each.failure for each in tried})
        raise TrainingError("no model can be fitted to these data: " + "; ".join(reasons))
    return max(able, key=lambda each: each.log_score or 0.0)


@dataclass(frozen=True)
class _Folds:
    """Data cut once for all candidates.

    Parameters
    ----------
    everybody : Dataset
        All rows.
    splits : sequence of (Dataset, Dataset)
        For each fold the rows outside it and those in it.
    weights : float array, (n,), or None
        Of the rows.
    count : float
        Of patients, or the sum of the weights, over which the score is averaged.
    """

    everybody: Dataset
    splits: Sequence[tuple[Dataset, Dataset]]
    weights: Array | None
    count: float

    @classmethod
    def cut(
        cls, X: Array, y: Array, names: Sequence[str], fold: Array, options: Mapping[str, Array]
    ) -> _Folds:
        """Cut by fold; refuse data of which some fold leaves nothing to fit."""
        weights, cluster = options.get("sample_weight"), options.get("cluster")
        scale = options.get("scale_weight", weights)
        if cluster is not None:
            count = float(len(np.unique(cluster)))
        else:
            count = float(len(y) if weights is None else weights.sum())
        if weights is not None:  # a row of weight zero must not even set a scale
            used = weights > 0.0
            X, y, fold, weights = X[used], y[used], fold[used], weights[used]
            scale = None if scale is None else scale[used]
        check_fit(X, y, names)
        numbers = np.unique(fold).tolist()
        for number in numbers:
            check_fit(X[fold != number], y[fold != number], names)
        everybody = Dataset.build(X, y, names, weights=scale, fold=fold)
        splits = [
            (everybody.only([each for each in numbers if each != number]), everybody.only([number]))
            for number in numbers
        ]
        return cls(everybody, splits, weights, count)


def _try(distribution: str, cure: bool, penalty: float, data: _Folds) -> Candidate:
    options: dict[str, Any] = {"cure": cure, "penalty": penalty, "weights": data.weights}
    total = 0.0
    try:
        # a fit without one fold is near that of everybody, and starts there
        near = fit_dataset(data.everybody, distribution, **options).scaled
        for others, held_out in data.splits:
            fitted = fit_near(others, distribution, near, **options)
            score = held_out.log_likelihood(distribution, cure=cure, weights=data.weights)
            total += score(fitted.scaled).log_likelihood
    except TrainingError as error:
        return Candidate(distribution, cure, None, str(error))
    if not np.isfinite(total):
        return Candidate(distribution, cure, None, "an outcome it held impossible")
    return Candidate(distribution, cure, total / data.count)
