r"""From linear predictors to a probability, its interval and a curve.

**Estimand**: P(resorbed on MRI by the horizon | still herniated at entry, covariates as at the
index MRI), if surgery does not happen before that date.

With :math:`F` the distribution of resorption times of those who ever resorb, :math:`S = 1 - F` and
:math:`\pi` the probability of ever resorbing,

.. math::

   p = \frac{\pi [F(h) - F(e)]}{1 - \pi F(e)}, \qquad
   \operatorname{logit} p = \log \pi + \log[S(e) - S(h)] - \log[1 - \pi + \pi S(h)].

The second form is what is computed: it keeps its digits where p nears 0 or 1. The interval is the
delta method on logit p. Assumption: the model, and that surgery before the horizon does not happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from discresorb.distributions import Array, Distribution, softplus

__all__ = ["CureCurve", "expit", "linear_sum", "logit_resorption", "normal_quantile"]

LEVEL = 0.95
# rows whose intermediate results stay in the processor's cache together
_BLOCK_ROWS = 8_192


def expit(x: Array) -> Array:
    """Inverse of the logit, 1 / (1 + exp(-x)), accurate in both tails."""
    return np.exp(-softplus(-x))


@lru_cache
def normal_quantile(level: float) -> float:
    """Half-width of a two-sided interval of the given level, in standard errors."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + level / 2.0)


def logit_resorption(
    distribution: Distribution,
    z_entry: Array,
    z_horizon: Array,
    log_ever: Array,
    log_never: Array,
) -> tuple[Array, Array, Array]:
    """Logit of p, and the two terms that its gradient needs.

    Parameters
    ----------
    distribution : Distribution
        Of the resorption times of those who ever resorb.
    z_entry, z_horizon : array
        Standardised log times, z_entry ≤ z_horizon.
    log_ever, log_never : array
        log π and log(1 - π).

    Returns
    -------
    logit, log_interval, log_population : array
        logit p, log[S(e) - S(h)], log[1 - π + π S(h)].
    """
    log_interval = distribution.log_interval(z_entry, z_horizon)
    log_population = np.logaddexp(log_never, log_ever + distribution.log_survival(z_horizon))
    return log_ever + log_interval - log_population, log_interval, log_population


@dataclass(frozen=True)
class CureCurve:
    """A fitted model as plain numbers: distribution, coefficients, their covariance.

    Parameters
    ----------
    distribution : Distribution
        Of log resorption times of those who ever resorb.
    location : float array, (1 + k,)
        Intercept and slopes of log time, in the design's own units.
    log_scale : float
        log σ.
    cure : float array, (1 + q,), or None
        Intercept and slopes of logit π; None means π = 1.
    covariance : float array
        Of (location, log_scale, cure) in this order.
    cure_columns : sequence of int, optional
        Columns of the design that enter π; all by default.
    between_study_sd : float, optional
        Spread between studies on the logit scale, added to the interval's variance.
    """

    distribution: Distribution
    location: Array
    log_scale: float
    cure: Array | None
    covariance: Array
    cure_columns: Sequence[int] | None = None
    between_study_sd: float | None = None
    _scale: float = field(init=False, repr=False)
    _root: Array = field(init=False, repr=False)
    _columns: Array | slice = field(init=False, repr=False)

    def __post_init__(self) -> None:
        values, vectors = np.linalg.eigh(self.covariance)
        set_once = object.__setattr__
        set_once(self, "_root", vectors * np.sqrt(np.maximum(values, 0.0)))
        set_once(self, "_scale", float(np.exp(self.log_scale)))
        columns = slice(None) if self.cure_columns is None else np.array(self.cure_columns, int)
        set_once(self, "_columns", columns)

    def probability(self, design: Array, entry: Array, horizon: Array) -> Array:
        """Give p for each row's own entry and horizon.

        Parameters
        ----------
        design : float array, (n, 1 + k), or one row (1 + k,)
            Leading ones, then covariates.
        entry, horizon : float or float array, (n,)
            Time since onset, 0 ≤ entry ≤ horizon; the horizon may be infinite.
        """
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return expit(self._parts(design, entry, horizon)[0])

    def interval(
        self, design: Array, entry: Array, horizon: Array, level: float = LEVEL
    ) -> tuple[Array, Array, Array]:
        """Give p with the ends of its interval: delta method on logit p.

        Where p is exactly 0 (horizon = entry) or 1 the interval is that point. A row's result does
        not depend on the rows beside it, to the last digit.

        Parameters
        ----------
        design, entry, horizon
            As `probability` takes them.
        level : float, default 0.95
            That the interval covers.

        Returns
        -------
        p, low, high : float array, (n,)
            A row each.
        """
        if np.ndim(design) < 2 or len(design) <= _BLOCK_ROWS:
            return self._interval(design, entry, horizon, level)
        entry, horizon = np.broadcast_arrays(entry, horizon, np.empty(len(design)))[:2]
        ends = np.empty((3, len(design)))
        for start in range(0, len(design), _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            ends[:, part] = self._interval(design[part], entry[part], horizon[part], level)
        return ends[0], ends[1], ends[2]

    def _interval(
        self, design: Array, entry: Array, horizon: Array, level: float
    ) -> tuple[Array, Array, Array]:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            logit, gradient = self._logit_and_gradient(design, entry, horizon)
            variance = _squared_length(gradient, self._root)
            if self.between_study_sd is not None:
                variance = variance + self.between_study_sd**2
            half = normal_quantile(level) * np.sqrt(variance)
            half = np.where(np.isinf(logit), 0.0, half)
            return expit(logit), expit(logit - half), expit(logit + half)

    def _parts(self, design: Array, entry: Array, horizon: Array) -> tuple[Array, ...]:
        location = linear_sum(_columns(design), self.location)
        z_entry = (np.log(entry) - location) / self._scale
        z_horizon = (np.log(horizon) - location) / self._scale
        if self.cure is None:
            log_ever, log_never = 0.0, -np.inf
        else:
            cure_logit = linear_sum(self._cure_design(design), self.cure)
            log_ever, log_never = -softplus(-cure_logit), -softplus(cure_logit)
        logit, *terms = logit_resorption(self.distribution, z_entry, z_horizon, log_ever, log_never)
        logit = np.where(np.less_equal(horizon, entry), -np.inf, logit)  # also if both are 0
        return (logit, *terms, z_entry, z_horizon, log_ever, log_never)

    def _cure_design(self, design: Array) -> list[Array]:
        return _columns(design[..., self._columns])

    def _logit_and_gradient(
        self, design: Array, entry: Array, horizon: Array
    ) -> tuple[Array, list[Array]]:
        parts = self._parts(design, entry, horizon)
        logit, log_interval, log_population, z_entry, z_horizon, log_ever, log_never = parts
        distribution = self.distribution
        log_density = distribution.log_density(z_horizon)
        of_population = np.exp(log_ever + log_density - log_population)
        at_horizon = np.exp(log_density - log_interval) + of_population
        # both ends moved alike: their densities nearly cancel if the wait is short, so that the
        # difference is not taken of them
        together = distribution.mean_slope(z_entry, z_horizon, log_interval) + of_population
        d_location = -together / self._scale
        start = np.where(np.isinf(z_entry), z_horizon, z_entry)
        d_log_scale = -_moment(start, together) - _moment(z_horizon - start, at_horizon)
        gradient = [d_location * column for column in _columns(design)]
        gradient.append(d_log_scale)
        if self.cure is not None:
            d_cure = np.exp(log_never - log_population)
            gradient += [d_cure * column for column in self._cure_design(design)]
        return logit, gradient


def _moment(z: Array, density: Array) -> Array:
    """Give z times what vanishes where z is infinite; zero there."""
    return np.where(density != 0.0, z, 0.0) * density


# Sums are spelt out column by column: a matrix product rounds by how many rows there are, and a
# row's result must not depend on the batch that it came in.


def _columns(design: Array) -> list[Array]:
    return [design[..., j] for j in range(np.shape(design)[-1])]


def linear_sum(columns: Sequence[Array], coefficients: Array) -> Array:
    """Sum columns times coefficients, each row's in the same order whatever rows are beside it."""
    first, *others = zip(columns, coefficients, strict=True)
    total = first[0] * first[1]
    for column, coefficient in others:
        total = total + column * coefficient
    return total


def _squared_length(columns: Sequence[Array], root: Array) -> Array:
    first, *others = (linear_sum(columns, weights) for weights in root.T)
    total = first * first
    for each in others:
        total = total + each * each
    return total
