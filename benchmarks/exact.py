"""The model's formulas with 50 digits and more, by mpmath: what float64 is held against.

Written from the formulas of the documents, not from the library: the probability as a ratio,
derivatives as differences so small that fifty digits are left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import mpmath as mp

__all__ = ["Exact", "log_likelihood", "logit_resorption", "row_derivatives", "se_of_logit"]

# a difference of step 1e-30 of a function known to 110 digits keeps 50, second differences too
mp.mp.dps = 120
_STEP: Final = mp.mpf(10) ** -30
_VANISHING: Final = mp.mpf(10) ** 6  # exp of less than minus this is nothing beside any digit kept
Exact = Any  # mpmath has no types


def softplus(x: Exact) -> Exact:
    """log(1 + exp x)."""
    if x > _VANISHING:
        return x
    return mp.log1p(mp.exp(x)) if x > -_VANISHING else mp.mpf(0)


def _log1mexp(x: Exact) -> Exact:
    """log(1 - exp(-x)), x > 0."""
    return mp.log(-mp.expm1(-x)) if x < _VANISHING else mp.mpf(0)


def _normal_log_survival(z: Exact) -> Exact:
    root = mp.sqrt(mp.mpf(2))
    if z < 0:
        return mp.log1p(-mp.erfc(-z / root) / 2)
    return mp.log(mp.erfc(z / root) / 2)


LOG_SURVIVAL: Final[dict[str, Callable[[Exact], Exact]]] = {
    "loglogistic": lambda z: -softplus(z),
    "lognormal": _normal_log_survival,
    "weibull": lambda z: -mp.exp(z),
}
LOG_DENSITY: Final[dict[str, Callable[[Exact], Exact]]] = {
    "loglogistic": lambda z: z - 2 * softplus(z),
    "lognormal": lambda z: -z * z / 2 - mp.log(2 * mp.pi) / 2,
    "weibull": lambda z: z - mp.exp(z),
}


@dataclass(frozen=True)
class Law:
    """A patient's law of resorption: location and log σ of log time, logit π or None for π = 1."""

    distribution: str
    location: Exact
    log_scale: Exact
    cure_logit: Exact | None

    def log_alive(self, t: Exact) -> Exact:
        """Log survival at t of those who ever resorb."""
        if t == 0:
            return mp.mpf(0)
        if t == mp.inf:
            return -mp.inf
        return LOG_SURVIVAL[self.distribution](self.z(t))

    def z(self, t: Exact) -> Exact:
        return (mp.log(t) - self.location) / mp.exp(self.log_scale)

    @property
    def log_ever(self) -> Exact:
        return mp.mpf(0) if self.cure_logit is None else -softplus(-self.cure_logit)

    def log_not_yet(self, t: Exact) -> Exact:
        """log(1 - π F(t))."""
        alive = self.log_alive(t)
        if self.cure_logit is None:
            return alive
        never = -softplus(self.cure_logit)
        if alive == -mp.inf:
            return never
        if alive == 0:
            return mp.mpf(0)
        both = self.log_ever + alive
        # log(1 - π F) keeps its digits as log1p(-πF) where that is small
        if both > -1:
            return mp.log1p(mp.exp(self.log_ever) * mp.expm1(alive))
        return max(never, both) + softplus(-abs(never - both))

    def log_between(self, start: Exact, end: Exact) -> Exact:
        """log{π [F(end) - F(start)]}."""
        first, last = self.log_alive(start), self.log_alive(end)
        return self.log_ever + first + (_log1mexp(first - last) if last != -mp.inf else 0)


def logit_resorption(law: Law, entry: Exact, wait: Exact) -> Exact:
    """Logit of π [F(h) - F(e)] / [1 - π F(e)], the horizon a wait after entry."""
    return law.log_between(entry, entry + wait) - law.log_not_yet(entry + wait)


def log_likelihood(law: Law, lower: Exact, upper: Exact, entry: Exact) -> Exact:
    """One patient's contribution, as STATISTICS writes it."""
    if lower == upper:
        part = law.log_ever + LOG_DENSITY[law.distribution](law.z(lower))
        part -= law.log_scale + mp.log(lower)
    elif upper == mp.inf:
        part = law.log_not_yet(lower)
    else:
        part = law.log_between(lower, upper)
    return part - (law.log_not_yet(entry) if entry > 0 else 0)


def row_derivatives(
    function: Callable[[Law], Exact], law: Law, second: bool = True
) -> tuple[Exact, list[Exact], list[list[Exact]]]:
    """Value, gradient and Hessian by (location, log σ, logit π), by central differences."""
    size = 2 if law.cure_logit is None else 3
    centre = [law.location, law.log_scale, law.cure_logit][:size]

    def at(*moves: tuple[int, int]) -> Exact:
        moved = list(centre)
        for which, sign in moves:
            moved[which] += sign * _STEP
        return function(Law(law.distribution, *moved, *([None] * (3 - size))))

    here = at()
    ahead, behind = ([at((j, sign)) for j in range(size)] for sign in (1, -1))
    gradient = [(a - b) / (2 * _STEP) for a, b in zip(ahead, behind, strict=True)]
    hessian = [[mp.mpf(0)] * size for _ in range(size)]
    for j in range(size if second else 0):
        hessian[j][j] = (ahead[j] - 2 * here + behind[j]) / _STEP**2
        for k in range(j):
            corners = at((j, 1), (k, 1)) - at((j, 1), (k, -1)) - at((j, -1), (k, 1))
            hessian[j][k] = hessian[k][j] = (corners + at((j, -1), (k, -1))) / (4 * _STEP**2)
    return here, gradient, hessian


def se_of_logit(
    gradient: Sequence[Exact], columns: Sequence[float], cure: bool, covariance: Any, between: float
) -> Exact:
    """Give the standard error of logit p by the delta method, from its gradient by the law."""
    row = [mp.mpf(each) for each in columns]
    slopes = [gradient[0] * each for each in row] + [gradient[1]]
    slopes += [gradient[2] * each for each in row] if cure else []
    total = mp.mpf(between) ** 2
    for j, first in enumerate(slopes):
        for k, other in enumerate(slopes):
            total += first * other * mp.mpf(float(covariance[j, k]))
    return mp.sqrt(total)
