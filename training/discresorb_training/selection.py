"""Choosing distribution and cure fraction by the cross-validated interval log score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel

__all__ = ["Candidate", "candidates", "choose", "fold_of_rows"]


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
        Mean over all patients of the interval log score in the fold that held them out; None if
        it could not be fitted.
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
    """Deal patients to folds so that each has its share of events.

    Parameters
    ----------
    X, y : arrays
        Covariates and outcome.
    folds : int
        How many.
    seed : int
        Of the shuffle.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(y))
    by_event = shuffled[np.argsort(np.isfinite(y["upper"][shuffled]), kind="stable")]
    fold = np.empty(len(y), dtype=int)
    fold[by_event] = np.arange(len(y)) % folds
    return fold


def candidates(
    X: Array,
    y: Array,
    *,
    distributions: Sequence[str] = tuple(DISTRIBUTIONS),
    cures: Sequence[bool] = (False, True),
    penalty: float = 1.0,
    folds: int = 5,
    seed: int = 0,
) -> list[Candidate]:
    """Score every combination by cross-validation; one that fails in any fold is out."""
    fold = fold_of_rows(X, y, folds, seed)
    return [
        _try(ResorptionModel(distribution, cure=cure, penalty=penalty), X, y, fold)
        for cure in cures
        for distribution in distributions
    ]


def choose(tried: Sequence[Candidate]) -> Candidate:
    """Give the best candidate; at equal scores the earlier one, without a cure fraction."""
    able = [each for each in tried if each.log_score is not None]
    if not able:
        reasons = sorted({each.failure for each in tried})
        raise TrainingError("no model can be fitted to these data: " + "; ".join(reasons))
    return max(able, key=lambda each: each.log_score or 0.0)


def _try(model: ResorptionModel, X: Array, y: Array, fold: Array) -> Candidate:
    total = 0.0
    try:
        for held_out in range(int(fold.max()) + 1):
            test = fold == held_out
            model.fit(X[~test], y[~test])
            total += model.score(X[test], y[test]) * float(test.sum())
    except TrainingError as error:
        return Candidate(model.distribution, model.cure, None, str(error))
    if not np.isfinite(total):
        return Candidate(model.distribution, model.cure, None, "an outcome it held impossible")
    return Candidate(model.distribution, model.cure, total / len(y))
