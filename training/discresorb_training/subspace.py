r"""The likelihood where only some directions of the parameters are free.

:math:`\theta = \theta_0 + D \varphi`, with the columns of D the free directions; the chain rule is
two matrix products, whatever D is. A precision Λ may hold φ toward 0, by
:math:`-\tfrac12 \varphi' \Lambda \varphi`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discresorb.curve import CureCurve
from discresorb.distributions import Array, Distribution
from discresorb_training.blocks import Prepared, prepare
from discresorb_training.likelihood import Evaluation, evaluate
from discresorb_training.newton import Maximum, maximise

__all__ = ["Patients", "Positions", "Subspace", "theta_of"]


@dataclass(frozen=True)
class Positions:
    """Where a model's parameters stand in θ = (β, log σ, γ).

    Parameters
    ----------
    location : int
        Number of coefficients of log time, intercept first.
    cure : int
        Number of coefficients of logit π, intercept first; 0 without a cure fraction.
    """

    location: int
    cure: int

    @classmethod
    def of(cls, curve: CureCurve) -> Positions:
        """Count those of a model."""
        return cls(len(curve.location), 0 if curve.cure is None else len(curve.cure))

    @property
    def log_scale(self) -> Array:
        """Direction of log σ."""
        return np.concatenate([np.zeros(self.location), [1.0], np.zeros(self.cure)])

    def of_time(self, coefficients: Array) -> Array:
        """Direction of coefficients of log time."""
        return np.concatenate([coefficients, np.zeros(1 + self.cure)])

    def of_ever(self, coefficients: Array) -> Array:
        """Direction of coefficients of logit π."""
        return np.concatenate([np.zeros(self.location + 1), coefficients])


@dataclass(frozen=True)
class Patients:
    """Patients as the likelihood of a family of models sees them, prepared once.

    Parameters
    ----------
    prepared : Prepared
        Design and outcome.
    distribution : Distribution
        Of log resorption times of those who ever resorb.
    cure : bool
        Whether some never resorb.
    """

    prepared: Prepared
    distribution: Distribution
    cure: bool

    @classmethod
    def of(cls, curve: CureCurve, design: Array, y: Array) -> Patients:
        """Prepare patients for models of a model's family.

        Parameters
        ----------
        curve : CureCurve
            The model.
        design : float array, (n, 1 + k)
            Leading ones, then covariates.
        y : structured array, (n,)
            From `interval_outcome`.
        """
        prepared = prepare(
            design, y["lower"], y["upper"], y["entry"], cure_columns=curve.cure_columns
        )
        return cls(prepared, curve.distribution, curve.cure is not None)

    def at(self, theta: Array) -> Evaluation:
        """Log-likelihood, gradient and Hessian in θ."""
        return evaluate(self.prepared, self.distribution, theta, cure=self.cure)


@dataclass(frozen=True)
class Subspace:
    """A log-likelihood, or one that is held back, as a function of φ.

    Parameters
    ----------
    patients : Patients
        Whose likelihood it is.
    origin : float array, (parameters,)
        θ where φ is 0.
    directions : float array, (parameters, free)
        D.
    precision : float array, (free, free), optional
        Λ; without it nothing is held back.
    """

    patients: Patients
    origin: Array
    directions: Array
    precision: Array | None = None

    def __call__(self, phi: Array) -> Evaluation:
        """Value, gradient and Hessian in φ."""
        raw, D = self.patients.at(self.theta(phi)), self.directions
        with np.errstate(invalid="ignore"):  # infinities of a model that holds the data impossible
            gradient, hessian = D.T @ raw.gradient, D.T @ raw.hessian @ D
        value = raw.log_likelihood
        if self.precision is None:
            return Evaluation(value, gradient, hessian)
        pull = self.precision @ phi
        return Evaluation(
            value - 0.5 * float(phi @ pull), gradient - pull, hessian - self.precision
        )

    def theta(self, phi: Array) -> Array:
        """Give the parameters of φ."""
        moved: Array = self.origin + self.directions @ phi
        return moved

    def within(self, inner: Array) -> Subspace:
        """Give the same function where φ = inner · ψ, as a function of ψ."""
        precision = None if self.precision is None else inner.T @ self.precision @ inner
        return Subspace(self.patients, self.origin, self.directions @ inner, precision)

    def maximum(self, start: Array | None = None) -> Maximum:
        """Maximise, from 0 if no start is given; raise ConvergenceError if there is none."""
        return maximise(self, np.zeros(self.directions.shape[1]) if start is None else start)


def theta_of(curve: CureCurve) -> Array:
    """Give a model's parameters as one vector, (β, log σ, γ)."""
    cure = np.empty(0) if curve.cure is None else curve.cure
    return np.concatenate([curve.location, [curve.log_scale], cure])
