r"""Estimates of an updated model, held toward the parent by what centres may differ by.

At a level with free directions D (`levels`) a centre's parameters are :math:`\theta_p + D\varphi`,
with :math:`\theta_p` those of the parent, known up to its covariance V, and :math:`\varphi \sim
N(0, S)` the centre's own departure. What is kept stays exactly as the parent has it. The estimate
maximises the log-likelihood less :math:`\tfrac12 \varphi' \Lambda \varphi`, with
:math:`\Lambda^{-1} = S + (D' V^{-1} D)^{-1}`: few patients move the parent little, many as far as
they say.

With H the information of the patients in all parameters and :math:`K = D'HD + \Lambda`, the error
is :math:`A(\delta + D\varphi) - D K^{-1} D' \varepsilon`, :math:`A = I - D K^{-1} D' H`, where δ is
the parent's error and ε that of the score. Its covariance therefore holds the parent's uncertainty
about what is kept, the patients', and that of a departure that they only show in part. For the
latter the square of the departure found joins S: a centre that is further off than most is still
held, by more than S alone would say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training.levels import SPREAD, Levels, Spread
from discresorb_training.subspace import Patients, Positions, Subspace, theta_of

__all__ = ["updated_curve"]

_ROUNDING = 1e-12  # of a covariance's largest eigenvalue


def updated_curve(
    parent: CureCurve, patients: Patients, levels: Levels, number: int, spread: Spread = SPREAD
) -> CureCurve:
    """Estimate a centre's model at a level; level 0 gives the parent.

    Parameters
    ----------
    parent : CureCurve
        The model that is updated, with its covariance.
    patients : Patients
        Of the centre.
    levels : Levels
        From `levels_of`.
    number : int
        Which of them.
    spread : Spread
        Between centres.
    """
    if not levels[number].free:
        return parent
    D, S = levels[number].directions, levels.covariance(number, spread)
    precision = np.linalg.inv(S + _within(parent.covariance, D))
    function = Subspace(patients, theta_of(parent), D, precision)
    phi = function.maximum().theta
    theta = function.theta(phi)
    information = -patients.at(theta).hessian
    at = Positions.of(parent).location
    return replace(
        parent,
        location=theta[:at],
        log_scale=float(theta[at]),
        cure=None if parent.cure is None else theta[at + 1 :],
        covariance=_covariance(
            information, D, precision, S + np.outer(phi, phi), parent.covariance
        ),
        between_study_sd=None,
    )


def _within(covariance: Array, D: Array) -> Array:
    """Give the parent's variance of the free directions, what is kept being given."""
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, max(_ROUNDING * float(values[-1]), np.finfo(float).tiny))
    along = D.T @ vectors
    return np.asarray(np.linalg.inv((along / values) @ along.T))


def _covariance(information: Array, D: Array, precision: Array, S: Array, parent: Array) -> Array:
    values, vectors = np.linalg.eigh(D.T @ information @ D)
    score = (vectors * np.maximum(values, 0.0)) @ vectors.T  # as the expected information is
    gain = D @ np.linalg.inv(score + precision)
    A = np.eye(len(parent)) - gain @ D.T @ information
    covariance = A @ (parent + D @ S @ D.T) @ A.T + gain @ score @ gain.T
    return np.asarray(0.5 * (covariance + covariance.T))
