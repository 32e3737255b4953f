r"""One answer, for several models, to who had resorbed by a horizon where it was not seen.

Were each model's patients weighted by its own working model, models would differ because the
weights do. So there is one working model for all, on the linear predictors of all of them together:
whatever any of the models takes for telling may tell. Linear predictors of models of the same kind
say nearly the same, which no fit can hold apart; so they enter as their principal components, the
largest first, each of variance 1, those left out that hold less than a hundredth of the largest's
spread. There are at most as many as the patients bear: one for ten seen resorbed, two at least, as
one model has. Components do not depend on the order in which models are named, nor on naming one
twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb_training.errors import TrainingError
from discresorb_training.working import WorkingModel, fit_working_models

__all__ = ["CommonComponents"]

_LEAST_SPREAD = 0.01
_RESORBED_EACH = 10
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CommonComponents:
    """How linear predictors of all models become a few that are uncorrelated.

    Parameters
    ----------
    order : int array
        Of the columns of predictors, the same however models are named.
    mean, rotation : float array
        By which those columns are centred, and turned and scaled.
    """

    order: Array
    mean: Array
    rotation: Array

    @classmethod
    def of(cls, predictors: Array) -> CommonComponents:
        """Find them.

        Parameters
        ----------
        predictors : float array, (n, columns)
            Linear predictors of all models.
        """
        _, once = np.unique(predictors, axis=1, return_index=True)  # sorted by their values
        varying = np.ptp(predictors, axis=0) > _ROUNDING * np.abs(predictors).max(axis=0)
        order = once[varying[once]]
        chosen = predictors[:, order]
        mean, sd = chosen.mean(axis=0), chosen.std(axis=0)
        if not len(order):
            return cls(order, mean, np.empty((0, 0)))
        _, sizes, turned = np.linalg.svd((chosen - mean) / sd, full_matrices=False)
        kept = sizes > _LEAST_SPREAD * sizes[0]
        rotation = (turned[kept] / sd).T * (np.sqrt(len(chosen)) / sizes[kept])
        return cls(order, mean, rotation)

    def __call__(self, predictors: Array) -> Array:
        """Give the components of these or other patients, (n, components)."""
        components: Array = (predictors[:, self.order] - self.mean) @ self.rotation
        return components

    def working_models(
        self, y: Array, predictors: Array, near: Sequence[WorkingModel] = ()
    ) -> list[WorkingModel]:
        """Fit every candidate on the components; on fewer, if the patients cannot bear all.

        Parameters
        ----------
        y : structured array, (n,)
            From `interval_outcome`.
        predictors : float array, (n, columns)
            Of the same models, in the same order.
        near : sequence of WorkingModel, optional
            As `fit_working_models` takes it.

        Raises
        ------
        TrainingError
            If none can be fitted.
        """
        bearable = max(2, int(np.isfinite(y["upper"]).sum()) // _RESORBED_EACH)
        components = self(predictors)[:, :bearable]
        for count in range(components.shape[1], 1, -1):
            try:
                return fit_working_models(y, components[:, :count], near)
            except TrainingError:
                continue
        return fit_working_models(y, components[:, :1], near)
