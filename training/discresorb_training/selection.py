"""Choosing distribution and cure fraction by the cross-validated interval log score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel

if TYPE_CHECKING:
    import pandas as pd

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
) -> list[Candidate]:
    """Score every combination by cross-validation; one that fails in any fold is out."""
    import pandas as pd

    fold = fold_of_rows(X, y, folds, seed)
    frame = pd.DataFrame(X, columns=None if names is None else list(names))
    return [
        _try(
            ResorptionModel(distribution, cure=cure, penalty=penalty, warm_start=True),
            frame,
            y,
            fold,
            np.ones(len(y)) if weights is None else weights,
        )
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


def _try(
    model: ResorptionModel, X: pd.DataFrame, y: Array, fold: Array, weights: Array
) -> Candidate:
    total = 0.0
    try:
        model.fit(X, y, weights)  # of all patients; the folds' fits are near it and start there
        for held_out in range(int(fold.max()) + 1):
            test = fold == held_out
            model.fit(X[~test], y[~test], weights[~test])
            own = weights[test]
            total += model.score(X[test], y[test], own) * float(own.sum())
    except TrainingError as error:
        return Candidate(model.distribution, model.cure, None, str(error))
    if not np.isfinite(total):
        return Candidate(model.distribution, model.cure, None, "an outcome it held impossible")
    return Candidate(model.distribution, model.cure, total / float(weights.sum()))
