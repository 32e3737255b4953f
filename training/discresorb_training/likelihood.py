r"""The likelihood of interval-censored, left-truncated resorption times, with a cure fraction.

Per patient, with entry E, lower L ≥ E and upper R, :math:`\pi` the probability of ever resorbing,
:math:`F` the distribution of log-time :math:`z(t) = (\log t - x\beta)/\sigma` of those who do and
:math:`G(t) = \pi F(z(t))`, the log-likelihood is

=======================================  ===================================
resorbed between two MRIs                log[G(R) - G(L)]
resorbed before the first follow-up      the same with L = E
never seen resorbed, R infinite          log[1 - G(L)]; nothing if L = E
exact, L = R                             log[:math:`\pi` f(z) / (:math:`\sigma` L)]
=======================================  ===================================

each less log[1 - G(E)] where E > 0. A row depends on the parameters
:math:`\theta = (\beta, \log\sigma, \gamma)` through three numbers only: its location
:math:`a = x\beta`, :math:`s = \log\sigma` and :math:`g = \operatorname{logit}\pi = w\gamma`.
Terms are differentiated twice by (a, s, g) and the chain rule through x and w is a few matrix
products a block; `evaluate` maps over blocks and sums ``(log-likelihood, gradient, Hessian)``.

Assumption: visit times do not depend on the event given covariates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from discresorb.distributions import Array, Distribution, softplus
from discresorb_training.blocks import BEFORE, BETWEEN, NEVER_SEEN, Block, Prepared

__all__ = [
    "Evaluation",
    "added",
    "evaluate",
    "evaluate_block",
    "evaluate_blocks",
    "row_scores",
    "row_values",
]


_DEEP: Final = 1e-9  # share not resorbed below which its logarithm is summed, not taken of the sum


class Evaluation(NamedTuple):
    """Log-likelihood with its gradient and Hessian in θ = (β, log σ, γ)."""

    log_likelihood: float
    gradient: Array
    hessian: Array


def evaluate(
    prepared: Prepared,
    distribution: Distribution,
    theta: Array,
    *,
    cure: bool,
    weights: Array | None = None,
) -> Evaluation:
    """Sum log-likelihood, gradient and Hessian over all blocks.

    Parameters
    ----------
    prepared : Prepared
        The data.
    distribution : Distribution
        Of log resorption times of those who ever resorb.
    theta : float array
        (β, log σ, γ), without γ if there is no cure fraction.
    cure : bool
        Whether there is one.
    weights : float array, optional
        In the blocks' order (`Prepared.sorted_weights`).
    """
    return evaluate_blocks(
        prepared.blocks, distribution, theta, prepared.cure_columns, cure, weights
    )


def evaluate_blocks(
    blocks: Sequence[Block],
    distribution: Distribution,
    theta: Array,
    cure_columns: Array,
    cure: bool,
    weights: Array | None,
) -> Evaluation:
    """Sum over some blocks, one after the other; weights are those from position 0 on.

    Parameters
    ----------
    blocks : sequence of Block
        Rows, sorted and cut.
    distribution, theta, cure
        As in `evaluate`.
    cure_columns : int array
        Of the design that enter the probability of ever resorbing.
    weights : float array or None
        Of all rows, in the order of the blocks.
    """
    parts = (
        evaluate_block(
            block,
            distribution,
            theta,
            cure_columns,
            cure,
            None if weights is None else weights[block.start : block.stop],
        )
        for block in blocks
    )
    return added(parts, len(theta))


def added(parts: Iterable[Evaluation], size: int) -> Evaluation:
    """Add evaluations up, in the order in which they come."""
    total, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
    with np.errstate(invalid="ignore"):  # infinities of blocks that were a step too far
        for part in parts:
            total += part.log_likelihood
            gradient += part.gradient
            hessian += part.hessian
    return Evaluation(total, gradient, hessian)


def evaluate_block(
    block: Block,
    distribution: Distribution,
    theta: Array,
    cure_columns: Array,
    cure: bool,
    weights: Array | None,
) -> Evaluation:
    """Log-likelihood, gradient and Hessian of one block: the unit of all sums.

    Overflow gives infinities or nan, which the optimiser takes as a step too far.

    Parameters
    ----------
    block : Block
        Some rows.
    distribution, theta, cure_columns, cure, weights
        As in `evaluate_blocks`.
    """
    with np.errstate(all="ignore"):
        rows = _terms(block, distribution, theta, cure_columns, cure)
        return rows.collect(block.design, cure_columns, cure, weights)


def row_scores(
    prepared: Prepared, distribution: Distribution, theta: Array, *, cure: bool, count: int
) -> Array:
    """Gradient of every row's log-likelihood, unweighted; their sum is that of `evaluate`.

    Parameters
    ----------
    prepared, distribution, theta, cure
        As in `evaluate`.
    count : int
        Rows of the data.

    Returns
    -------
    float array, (count, parameters)
        In the order of the data; zero for rows that say nothing.
    """
    scores = np.zeros((count, len(theta)))
    for block in prepared.blocks:
        rows = _terms(block, distribution, theta, prepared.cure_columns, cure)
        scores[prepared.order[block.start : block.stop]] = rows.scores(
            block.design, prepared.cure_columns, cure
        )
    return scores


def row_values(
    prepared: Prepared, distribution: Distribution, theta: Array, *, cure: bool, count: int
) -> Array:
    """Log-likelihood of every row, in the order of the data; zero for rows that say nothing.

    Parameters
    ----------
    prepared, distribution, theta, cure, count
        As in `row_scores`.
    """
    values = np.zeros(count)
    with np.errstate(all="ignore"):  # a model may hold what was seen impossible
        for block in prepared.blocks:
            rows = _terms(block, distribution, theta, prepared.cure_columns, cure)
            values[prepared.order[block.start : block.stop]] = rows.value
    return values


def _terms(
    block: Block, distribution: Distribution, theta: Array, cure_columns: Array, cure: bool
) -> _Rows:
    """Terms of a block's rows and their derivatives by (a, s, g)."""
    width = len(block.design)
    location = theta[:width] @ block.design
    rows = _Rows(distribution, location, float(theta[width]), len(location))
    if cure:
        rows.set_cure(theta[width + 1 :] @ block.design[cure_columns])
    if block.kind == BETWEEN:
        rows.add_interval(block.log_lower, block.log_upper, block.width)
    elif block.kind == BEFORE:
        rows.add_before(block.log_upper)
    elif block.kind == NEVER_SEEN:
        rows.add_not_yet(block.log_lower, 1.0)
    else:
        rows.add_exact(block.log_lower, block.log_measure)
    if block.log_entry is not None:
        rows.add_not_yet(block.log_entry, -1.0)
    return rows


@dataclass
class _Rows:
    """Running sums, row by row, of a term and its derivatives by (a, s, g)."""

    distribution: Distribution
    location: Array
    log_scale: float
    count: int
    value: Array = 0.0
    a: Array = 0.0
    s: Array = 0.0
    g: Array = 0.0
    aa: Array = 0.0
    as_: Array = 0.0
    ss: Array = 0.0
    ag: Array = 0.0
    sg: Array = 0.0
    gg: Array = 0.0
    cure: bool = False
    log_ever: Array = 0.0
    log_never: Array = -np.inf
    ever: Array = 1.0
    never: Array = 0.0
    spread: Array = 0.0  # π(1 - π)
    inverse_scale: float = field(init=False)

    def __post_init__(self) -> None:
        self.inverse_scale = float(np.exp(-self.log_scale))

    def set_cure(self, logit: Array) -> None:
        """Take π from its logit."""
        self.cure = True
        self.log_ever, self.log_never = -softplus(-logit), -softplus(logit)
        self.ever, self.never = np.exp(self.log_ever), np.exp(self.log_never)
        self.spread = self.never * self.ever

    def _z(self, log_time: Array) -> Array:
        return (log_time - self.location) * self.inverse_scale

    def add_interval(
        self, log_lower: Array | None, log_upper: Array | None, log_width: Array
    ) -> None:
        """Add log π + log[F(R) - F(L)]."""
        z_lower, z_upper = self._z(log_lower), self._z(log_upper)
        width = log_width * self.inverse_scale
        log_mass, at_lower, at_upper, mean_slope, mixed, bend = self.distribution.interval(
            z_lower, z_upper, width
        )
        by_width = mixed - at_upper * at_lower  # twice by the interval's width
        moment = z_lower * mean_slope + width * at_upper
        self._add_event(log_mass, mean_slope, moment)
        self.aa += bend * self.inverse_scale**2
        self.as_ += (mean_slope + z_lower * bend + width * mixed) * self.inverse_scale
        self.ss += moment + z_lower * (z_lower * bend + 2.0 * width * mixed) + width**2 * by_width

    def add_before(self, log_upper: Array | None) -> None:
        """Add log π + log F(R): the interval that starts at time zero."""
        z = self._z(log_upper)
        hazard, rise = self.distribution.reversed_hazard_and_rise(z)
        self._add_event(self.distribution.log_cdf(z), hazard, z * hazard)
        self._add_second(z, hazard, hazard * rise)

    def add_exact(self, log_time: Array, log_measure: Array) -> None:
        """Add log π + log f(z) - log σ + log measure."""
        z = self._z(log_time)
        slope = self.distribution.slope(z)
        self._add_event(self.distribution.log_density(z), slope, z * slope)
        self._add_second(z, slope, self.distribution.slope_derivative(z))
        self.value += log_measure - self.log_scale
        self.s += -1.0

    def add_not_yet(self, log_time: Array | None, sign: float) -> None:
        """Add sign × log[1 - G(t)]: not resorbed by t, or never going to be."""
        z = self._z(log_time)
        if self.cure:
            log_rest, hazard, resorbed, rise = self._population(z)
            mixed = -hazard * (self.never + resorbed)
            self.value += sign * log_rest
            self.g += -sign * resorbed
            self.gg += sign * resorbed * (2.0 * self.ever - 1.0 - resorbed)
            self.ag += -sign * self.inverse_scale * mixed
            self.sg += -sign * z * mixed
        else:
            hazard, rise = self.distribution.hazard_and_rise(z)
            self.value += sign * self.distribution.log_survival(z)
        second = -hazard * rise
        self.a += sign * self.inverse_scale * hazard
        self.s += sign * z * hazard
        self._add_second(z, -sign * hazard, sign * second)

    def _population(self, z: Array) -> tuple[Array, Array, Array, Array]:
        """Give log[1 - πF], minus its derivatives by z and by g, the first's logarithm's by z."""
        survival, density, slope = self.distribution.survival_density_slope(z)
        rest = self.never + self.ever * survival
        log_rest = np.log(rest)
        hazard = self.ever * density / rest
        rise = slope + hazard
        resorbed = self.spread * (1.0 - survival) / rest
        deep = rest < _DEEP
        if np.any(deep):  # what is left must be neither zero nor a quotient of two zeros
            log_alive = self.log_ever + self.distribution.log_survival(z)
            log_rest = np.where(deep, np.logaddexp(self.log_never, log_alive), log_rest)
            never = np.exp(self.log_never - log_rest)
            alive = np.exp(log_alive - log_rest)
            of_those, its_rise = self.distribution.hazard_and_rise(z)
            hazard = np.where(deep, of_those * alive, hazard)
            rise = np.where(deep, its_rise - of_those * never, rise)
            resorbed = np.where(deep, self.ever * (1.0 - survival) * never, resorbed)
        return log_rest, hazard, resorbed, rise

    def _add_event(self, log_mass: Array, first: Array, moment: Array) -> None:
        self.value += log_mass + self.log_ever
        self.a += -first * self.inverse_scale
        self.s += -moment
        if self.cure:
            self.g += self.never
            self.gg += -self.spread

    def _add_second(self, z: Array, first: Array, second: Array) -> None:
        """Chain rule for a term of one time, from its derivatives by z."""
        self.aa += second * self.inverse_scale**2
        self.as_ += (first + z * second) * self.inverse_scale
        self.ss += z * (first + z * second)

    def collect(
        self, design: Array, cure_columns: Array, cure: bool, weights: Array | None
    ) -> Evaluation:
        """Weight the rows and go from (a, s, g) to θ."""
        names = ("value", "a", "s", "aa", "as_", "ss") + (("g", "ag", "sg", "gg") if cure else ())
        w = np.ones(self.count) if weights is None else weights
        term = {name: w * getattr(self, name) for name in names}
        k = len(design)
        size = k + 1 + (len(cure_columns) if cure else 0)
        gradient, hessian = np.empty(size), np.empty((size, size))
        gradient[:k], gradient[k] = design @ term["a"], term["s"].sum()
        hessian[:k, :k] = (design * term["aa"]) @ design.T
        hessian[k, :k] = hessian[:k, k] = design @ term["as_"]
        hessian[k, k] = term["ss"].sum()
        if cure:
            wide = design[cure_columns]
            gradient[k + 1 :] = wide @ term["g"]
            hessian[k + 1 :, k + 1 :] = (wide * term["gg"]) @ wide.T
            hessian[k + 1 :, :k] = (wide * term["ag"]) @ design.T
            hessian[k + 1 :, k] = wide @ term["sg"]
            hessian[: k + 1, k + 1 :] = hessian[k + 1 :, : k + 1].T
        return Evaluation(float(term["value"].sum()), gradient, hessian)

    def scores(self, design: Array, cure_columns: Array, cure: bool) -> Array:
        """Gradient of each row by θ, (rows, parameters)."""
        by_ever = self.g * design[cure_columns] if cure else np.empty((0, self.count))
        return np.vstack([self.a * design, np.broadcast_to(self.s, (1, self.count)), by_ever]).T
