r"""From linear predictors to a probability, its interval and a curve.

**Estimand**: P(resorbed on MRI by the horizon | still herniated at entry, covariates as at the
index MRI), if surgery does not happen before that date.

With :math:`F` the distribution of resorption times of those who ever resorb, :math:`S = 1 - F` and
:math:`\pi` the probability of ever resorbing,

.. math::

   p = \frac{\pi [F(h) - F(e)]}{1 - \pi F(e)}, \qquad
   \operatorname{logit} p = \log \pi + \log[S(e) - S(h)] - \log[1 - \pi + \pi S(h)].

The second form is what is computed: it keeps its digits where p nears 0 or 1. Where a population is
asked about that the model holds all but impossible, its last two terms both run away; there

.. math::

   \operatorname{logit} p = \log \frac{S(e) - S(h)}{S(h)}
       - \log\Bigl[1 + \frac{1 - \pi}{\pi S(h)}\Bigr]

is. The interval is the delta method on logit p. Assumption: the model, and that surgery before the
horizon does not happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from discresorb.distributions import Array, Distribution, softplus

__all__ = ["CureCurve", "expit", "linear_sum", "normal_quantile"]

LEVEL = 0.95
# rows whose intermediate results stay in the processor's cache together
_BLOCK_ROWS = 8_192
# log of the share still herniated at the horizon below which the terms of logit p run away
_DEEP: Final = -10.0
# a logit beyond this is taken for infinite: its gradient is no number any more
_FARTHEST_LOGIT: Final = 1e280
_FARTHEST: Final = 1e305  # a log survival may be -inf, which no difference must meet twice


def expit(x: Array) -> Array:
    """Inverse of the logit, 1 / (1 + exp(-x)), accurate in both tails."""
    return np.exp(-softplus(-x))


@lru_cache
def normal_quantile(level: float) -> float:
    """Half-width of a two-sided interval of the given level, in standard errors."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + level / 2.0)


class _Wait(NamedTuple):
    """From entry to horizon on the standardised log-time scale, for each row.

    Parameters
    ----------
    start, end : array
        Standardised log times of entry and horizon.
    width : array
        Their difference, with the digits that a short wait has and the ends have not.
    """

    start: Array
    end: Array
    width: Array


class _Terms(NamedTuple):
    """Logit of p, and what its gradient needs.

    Parameters
    ----------
    logit : array
        logit p.
    log_interval, log_population : array
        log[S(e) - S(h)], log[1 - π + π S(h)].
    log_ever, log_never : array
        log π and log(1 - π).
    mean_slope : array or None
        Of the distribution between entry and horizon, where a gradient is wanted.
    deep : bool array
        Rows of which nearly nobody is left at the horizon, and of those most will still resorb.
    log_odds, never_to_alive : array
        Of those rows: log{[S(e) - S(h)] / S(h)}, log{(1 - π) / [π S(h)]}.
    """

    logit: Array
    log_interval: Array
    log_population: Array
    log_ever: Array
    log_never: Array
    mean_slope: Array | None
    deep: Array
    log_odds: Array = 0.0
    never_to_alive: Array = 0.0


def _logit_resorption(
    distribution: Distribution, wait: _Wait, log_ever: Array, log_never: Array, with_slope: bool
) -> _Terms:
    mean_slope = None
    if with_slope:
        log_interval, mean_slope = distribution.log_interval_and_mean_slope(*wait)
    else:
        log_interval = distribution.log_interval(*wait)
    log_survival = distribution.log_survival(wait.end)
    log_population = np.logaddexp(log_never, log_ever + log_survival)
    logit = log_ever + log_interval - log_population
    deep = (log_population < _DEEP) & (log_never <= log_ever + log_survival)
    terms = _Terms(logit, log_interval, log_population, log_ever, log_never, mean_slope, deep)
    if not deep.any():
        return terms
    log_odds = distribution.log_odds(*wait)
    never_to_alive = log_never - log_ever - np.maximum(log_survival, -_FARTHEST)
    logit = np.where(deep, log_odds - softplus(never_to_alive), logit)
    return terms._replace(logit=logit, log_odds=log_odds, never_to_alive=never_to_alive)


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
        set_once = object.__setattr__
        set_once(self, "_root", _root(self.covariance))
        set_once(self, "_scale", float(np.exp(self.log_scale)))
        columns = slice(None) if self.cure_columns is None else np.array(self.cure_columns, int)
        set_once(self, "_columns", columns)

    def probability(
        self, design: Array, entry: Array, horizon: Array, *, wait: Array | None = None
    ) -> Array:
        """Give p for each row's own entry and horizon.

        Parameters
        ----------
        design : float array, (n, 1 + k), or one row (1 + k,)
            Leading ones, then covariates.
        entry, horizon : float or float array, (n,)
            Time since onset, 0 ≤ entry ≤ horizon; the horizon may be infinite.
        wait : float or float array, (n,), optional
            Horizon less entry where that is what is known: the difference of a late entry and a
            horizon that comes soon after has lost digits.
        """
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return expit(self._terms(design, entry, horizon, wait)[0].logit)

    def interval(
        self,
        design: Array,
        entry: Array,
        horizon: Array,
        level: float = LEVEL,
        *,
        wait: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        """Give p with the ends of its interval: delta method on logit p.

        Where p is exactly 0 (horizon = entry) or logit p is beyond 1e280 either way the interval is
        that point. A row's result does not depend on the rows beside it, to the last digit.

        Parameters
        ----------
        design, entry, horizon, wait
            As `probability` takes them.
        level : float, default 0.95
            That the interval covers.

        Returns
        -------
        p, low, high : float array, (n,)
            A row each.
        """
        if np.ndim(design) < 2 or len(design) <= _BLOCK_ROWS:
            return self._interval(design, entry, horizon, level, wait)
        wait = horizon - entry if wait is None else wait
        entry, horizon, wait = np.broadcast_arrays(entry, horizon, wait, np.empty(len(design)))[:3]
        ends = np.empty((3, len(design)))
        for start in range(0, len(design), _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            ends[:, part] = self._interval(
                design[part], entry[part], horizon[part], level, wait[part]
            )
        return ends[0], ends[1], ends[2]

    def _interval(
        self, design: Array, entry: Array, horizon: Array, level: float, wait: Array | None
    ) -> tuple[Array, Array, Array]:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            terms, times = self._terms(design, entry, horizon, wait, with_slope=True)
            logit = terms.logit
            length = _length(self._gradient(design, terms, times), self._root)
            if self.between_study_sd is not None:
                length = np.hypot(length, self.between_study_sd)
            half = normal_quantile(level) * length
            half = np.where(np.abs(logit) > _FARTHEST_LOGIT, 0.0, half)
            return expit(logit), expit(logit - half), expit(logit + half)

    def _terms(
        self,
        design: Array,
        entry: Array,
        horizon: Array,
        wait: Array | None,
        with_slope: bool = False,
    ) -> tuple[_Terms, _Wait]:
        wait = np.subtract(horizon, entry) if wait is None else wait
        location = linear_sum(_columns(design), self.location)
        log_entry, log_horizon = np.log(entry), np.log(horizon)
        start, end = (log_entry - location) / self._scale, (log_horizon - location) / self._scale
        share = wait / np.asarray(entry, float)
        # log(horizon / entry)
        apart = np.where(share < 1.0, np.log1p(share), log_horizon - log_entry)
        times = _Wait(start, end, apart / self._scale)
        if self.cure is None:
            log_ever, log_never = 0.0, -np.inf
        else:
            cure_logit = linear_sum(self._cure_design(design), self.cure)
            log_ever, log_never = -softplus(-cure_logit), -softplus(cure_logit)
        terms = _logit_resorption(self.distribution, times, log_ever, log_never, with_slope)
        logit = np.where(np.less_equal(wait, 0.0), -np.inf, terms.logit)  # also if both are 0
        return terms._replace(logit=logit), times

    def _cure_design(self, design: Array) -> list[Array]:
        return _columns(design[..., self._columns])

    def _gradient(self, design: Array, terms: _Terms, times: _Wait) -> list[Array]:
        at_horizon, together, d_cure = _slopes(self.distribution, terms, times)
        d_location = -together / self._scale
        start, width = times.start, times.width
        from_zero = np.isinf(start)
        if from_zero.any():
            start = np.where(from_zero, times.end, start)
            width = np.where(from_zero, 0.0, width)
        d_log_scale = -_moment(start, together) - _moment(width, at_horizon)
        gradient = [d_location * column for column in _columns(design)]
        gradient.append(d_log_scale)
        if self.cure is not None:
            gradient += [d_cure * column for column in self._cure_design(design)]
        return gradient


def _slopes(distribution: Distribution, terms: _Terms, times: _Wait) -> tuple[Array, Array, Array]:
    """Give derivatives of logit p by the horizon, by both ends moved alike, and by logit π."""
    log_density = distribution.log_density(times.end)
    of_population = np.exp(terms.log_ever + log_density - terms.log_population)
    at_horizon = np.exp(log_density - terms.log_interval) + of_population
    # the densities at both ends nearly cancel if the wait is short, so that the difference is not
    # taken of them
    together = terms.mean_slope + of_population
    d_cure = np.exp(terms.log_never - terms.log_population)
    if not terms.deep.any():
        return at_horizon, together, d_cure
    hazard = distribution.hazard(times.end)
    never = expit(terms.never_to_alive)  # of those left at the horizon
    deep_at_horizon = hazard * (np.exp(-terms.log_odds) + expit(-terms.never_to_alive))
    deep_together = distribution.log_odds_slope(*times, terms.log_odds) - hazard * never
    return (
        np.where(terms.deep, deep_at_horizon, at_horizon),
        np.where(terms.deep, deep_together, together),
        np.where(terms.deep, never, d_cure),
    )


def _root(covariance: Array) -> Array:
    """Give a matrix whose square is the covariance, found from correlations.

    Parameters of covariates in large and in small units then keep their digits alike.
    """
    variances = np.diag(covariance)
    sd = np.sqrt(np.where(variances > 0.0, variances, 1.0))
    values, vectors = np.linalg.eigh(covariance / sd / sd[:, None])
    return np.asarray(sd[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))


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


def _length(columns: Sequence[Array], root: Array) -> Array:
    """Length of each row's columns times root."""
    total = _squared_length(columns, root)
    if np.isinf(total).any():  # squares overflow long before lengths do
        farthest = np.maximum.reduce(np.broadcast_arrays(*map(np.abs, columns)))
        unit = [column / farthest for column in columns]
        scaled = np.where(
            np.isinf(farthest), np.inf, farthest * np.sqrt(_squared_length(unit, root))
        )
        return np.where(np.isinf(total), scaled, np.sqrt(total))
    return np.sqrt(total)


def _squared_length(columns: Sequence[Array], root: Array) -> Array:
    first, *others = (linear_sum(columns, weights) for weights in root.T)
    total = first * first
    for each in others:
        total = total + each * each
    return total
