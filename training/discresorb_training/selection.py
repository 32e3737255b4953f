"""Choosing distribution and cure fraction by the cross-validated interval log score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel
from discresorb_training.robust import cluster_numbers, fit_options

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
    """
    import pandas as pd

    number = np.arange(len(y)) if patient is None else cluster_numbers(patient)
    last = np.empty(number.max() + 1, dtype=int)
    last[number] = np.arange(len(y))  # the row that shows whether resorption was seen
    fold = fold_of_rows(X[last], y[last], folds, seed)[number]
    frame = pd.DataFrame(X, columns=None if names is None else list(names))
    return [
        _try(
            ResorptionModel(distribution, cure=cure, penalty=penalty, warm_start=True),
            frame,
            y,
            fold,
            fit_options(weights, patient),
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
    model: ResorptionModel, X: pd.DataFrame, y: Array, fold: Array, options: Mapping[str, Array]
) -> Candidate:
    total = 0.0
    weights = options.get("sample_weight", np.ones(len(y)))
    count = len(np.unique(options["cluster"])) if "cluster" in options else weights.sum()
    try:
        model.fit(X, y, **options)  # of all patients; the folds' fits are near it and start there
        for held_out in range(int(fold.max()) + 1):
            test = fold == held_out
            model.fit(X[~test], y[~test], **{name: each[~test] for name, each in options.items()})
            total += model.score(X[test], y[test], weights[test]) * float(weights[test].sum())
    except TrainingError as error:
        return Candidate(model.distribution, model.cure, None, str(error))
    if not np.isfinite(total):
        return Candidate(model.distribution, model.cure, None, "an outcome it held impossible")
    return Candidate(model.distribution, model.cure, total / float(count))
