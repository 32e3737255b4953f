r"""What the evaluation data themselves say of status at a horizon, where it was not seen.

**Estimand**: w, the probability that a patient had resorbed by the horizon, given everything seen
of that patient. With lower L, upper R and horizon t,

.. math::

   w = 1 \text{ if } R \le t, \quad 0 \text{ if } L \ge t, \quad
   \frac{S_w(L) - S_w(t)}{S_w(L) - S_w(R)} \text{ else}, \qquad S_w(\infty) := 0.

:math:`S_w` is a working model fitted to the *evaluation* data, never the model under evaluation:
its own weights would flatter it. Covariates are both linear predictors of the evaluated model;
three distributions, each with and without a cure fraction, are always candidates, because working
models without cure misjudge cured data. Assumption: times of MRIs do not depend on the event, given
the linear predictors.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from discresorb.curve import CureCurve
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel

__all__ = ["WorkingModel", "certain_bounds", "fit_working_models"]

_MANY = 1_000
_ROUNDING = 1e-9
_SAME = 1.0 - 1e-8  # correlation from which a second linear predictor says nothing new


@dataclass(frozen=True)
class WorkingModel:
    """One candidate for the working model.

    Parameters
    ----------
    curve : CureCurve
        The fit.
    aic : float
        Twice the parameters, less twice the log-likelihood; smaller is better.
    design : float array, (n, 1 + k)
        Leading ones, then the linear predictors that it was fitted with.
    model : ResorptionModel
        The estimator, from which a fit to similar data can start.
    """

    curve: CureCurve
    aic: float
    design: Array
    model: ResorptionModel

    @property
    def name(self) -> str:
        """Distribution, and whether some never resorb."""
        return self.curve.distribution.name + (", cure" if self.curve.cure is not None else "")

    def weights(self, y: Array, horizon: float | Array) -> Array:
        """Probability of having resorbed by the horizon, given what was seen.

        Parameters
        ----------
        y : structured array, (n,)
            From `interval_outcome`, of the rows that it was fitted to.
        horizon : float or float array, (n,)
            Time since onset, one a row.
        """
        horizon = np.broadcast_to(np.asarray(horizon, float), (len(y),))
        known, open_ = certain_bounds(y, horizon)
        unknown = known != open_
        weights = known.copy()
        bracketed = unknown & np.isfinite(y["upper"])
        weights[bracketed] = self._within(y[bracketed], horizon[bracketed], bracketed)
        unseen = unknown & ~bracketed
        weights[unseen] = self.curve.probability(
            self.design[unseen], y["lower"][unseen], horizon[unseen]
        )
        return weights

    def _within(self, y: Array, horizon: Array, rows: Array) -> Array:
        """Share of an interval's probability that lies before the horizon; π cancels."""
        location = self.design[rows] @ self.curve.location
        scale = np.exp(self.curve.log_scale)
        interval = self.curve.distribution.log_interval
        # a lower end of 0 is -inf; both branches of a distribution's where() are computed
        with np.errstate(divide="ignore", invalid="ignore"):
            lower, upper, at = (
                (np.log(each) - location) / scale for each in (y["lower"], y["upper"], horizon)
            )
            share: Array = np.exp(interval(lower, at) - interval(lower, upper))
        return np.minimum(share, 1.0)


def fit_working_models(
    y: Array, predictors: Array, near: Sequence[WorkingModel] = ()
) -> list[WorkingModel]:
    """Fit every candidate to the evaluation data, best first.

    Parameters
    ----------
    y : structured array, (n,)
        From `interval_outcome`.
    predictors : float array, (n, 1 or 2)
        Linear predictors of the evaluated model: of log time, and of logit π if it has a cure
        fraction. A constant one is left out, and one that says the same as the other.
    near : sequence of WorkingModel, optional
        Of similar data, such as those that y is a resample of. From 1,000 patients on fits start
        there, which takes a tenth of the time; the likelihood of fewer can have several maxima, and
        a fit must look for the best.

    Raises
    ------
    TrainingError
        If none can be fitted.
    """
    chosen = _distinct(np.asarray(predictors, float))
    design = np.column_stack([np.ones(len(y)), chosen])
    starting = {
        (each.model.distribution, each.model.cure): copy(each.model).set_params(warm_start=True)
        for each in near
        if len(y) >= _MANY
    }
    fitted, failures = [], []
    for name in DISTRIBUTIONS:
        for cure in (True, False):
            model = starting.get((name, cure)) or ResorptionModel(name, cure=cure)
            try:
                model.fit(chosen, y)
            except TrainingError as error:
                failures.append(f"{name}{', cure' if cure else ''}: {error}")
                continue
            aic = 2.0 * (len(model.parameter_names_) - model.log_likelihood_)
            fitted.append(WorkingModel(model.curve(), aic, design, model))
    if not fitted:
        raise TrainingError("no working model can be fitted to these data: " + "; ".join(failures))
    return sorted(fitted, key=lambda each: each.aic)


def certain_bounds(y: Array, horizon: float | Array) -> tuple[Array, Array]:
    """Smallest and largest status at the horizon that what was seen allows, whatever the law.

    Both are 1 where resorption was seen by then, both 0 where the herniation was still seen then or
    later, 0 and 1 else. An MRI on the very day counts, though entry + months be rounded.
    """
    horizon = np.asarray(horizon)
    resorbed = y["upper"] <= horizon * (1.0 + _ROUNDING)
    herniated = y["lower"] >= horizon * (1.0 - _ROUNDING)
    return resorbed.astype(float), 1.0 - (herniated & ~resorbed)


def _distinct(predictors: Array) -> Array:
    columns: Sequence[Array] = [
        each for each in predictors.T if np.ptp(each) > _ROUNDING * np.abs(each).max()
    ]
    if len(columns) == 2 and abs(np.corrcoef(columns[0], columns[1])[0, 1]) > _SAME:
        columns = columns[:1]
    return np.column_stack(columns) if columns else np.empty((len(predictors), 0))
