r"""How the model's own linear predictors fare when refitted to new patients by the likelihood.

**Estimand**: with :math:`\eta` the model's linear predictor of log time and :math:`\zeta` that of
logit π, the values of a, b, σ, c, d that suit the new patients best in

.. math:: \log T = a + b\,\eta + \sigma Z, \qquad \operatorname{logit} \pi = c + d\,\zeta.

Right are a = c = 0, b = d = 1 and the model's own σ. It needs no working model and no horizon; it
assumes the model's own distribution. A slope below 1 says that a part of the model is too extreme.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discresorb.curve import CureCurve, normal_quantile
from discresorb.distributions import Array
from discresorb_training.errors import ConvergenceError
from discresorb_training.subspace import Patients, Positions, Subspace

__all__ = ["Refitted", "refit_predictors"]

_LARGEST_STANDARD_ERROR = 50.0


@dataclass(frozen=True)
class Refitted:
    """One parameter of the refit with its 95 % interval.

    Parameters
    ----------
    name : str
        In words.
    right : float
        What it is if the model is right.
    value, low, high : float
        Estimate and interval, by the inverse Hessian.
    """

    name: str
    right: float
    value: float
    low: float
    high: float


def refit_predictors(curve: CureCurve, design: Array, y: Array) -> list[Refitted]:
    """Refit a + b·η, σ and c + d·ζ to new patients.

    Parameters
    ----------
    curve : CureCurve
        The model.
    design : float array, (n, 1 + k)
        Leading ones, then covariates.
    y : structured array, (n,)
        From `interval_outcome`.

    Raises
    ------
    ConvergenceError
        If these patients do not determine it.
    """
    at = Positions.of(curve)
    first = np.eye(at.location)[0]
    columns = [at.of_time(first), at.of_time(curve.location), at.log_scale]
    names = [
        ("location of log time", 0.0),
        ("slope of log time", 1.0),
        ("log of the spread, less the model's", 0.0),
    ]
    right = [0.0, 1.0, curve.log_scale]
    if curve.cure is not None:
        columns += [at.of_ever(np.eye(at.cure)[0]), at.of_ever(curve.cure)]
        names += [("location of logit π", 0.0), ("slope of logit π", 1.0)]
        right += [0.0, 1.0]
    directions = np.column_stack(columns)
    patients = Patients.of(curve, design, y)
    best = Subspace(patients, np.zeros(len(directions)), directions).maximum(np.array(right))
    values, vectors = np.linalg.eigh(-best.evaluation.hessian)
    if values[0] < _LARGEST_STANDARD_ERROR**-2:
        raise ConvergenceError("these patients do not determine a refit of the linear predictors")
    half = normal_quantile(0.95) * np.sqrt(((vectors / values) * vectors).sum(axis=1))
    theta = best.theta.copy()
    theta[2] -= curve.log_scale
    return [
        Refitted(name, each, float(value), float(value - h), float(value + h))
        for (name, each), value, h in zip(names, theta, half, strict=True)
    ]
