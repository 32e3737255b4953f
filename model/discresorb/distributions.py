r"""Resorption times of those who ever resorb, on the log-time scale.

With :math:`z = (\log t - \text{location}) / \sigma`, each distribution gives, of a standard
variable :math:`Z`: :math:`S(z)`, :math:`F(z) = 1 - S(z)`, the density :math:`f(z)`, its
logarithmic slope :math:`f'(z)/f(z)` and that slope's own slope, and

.. math:: \log[S(z_l) - S(z_u)],

computed so that far tails and narrow intervals keep their digits. ``z = -inf`` is time zero,
``z = inf`` is never.

===========  =====================  =======================
name         :math:`S(z)`           :math:`f(z)`
===========  =====================  =======================
loglogistic  1 / (1 + exp z)        exp z / (1 + exp z)²
lognormal    Φ(-z)                  exp(-z²/2) / √(2π)
weibull      exp(-exp z)            exp(z - exp z)
===========  =====================  =======================

Source: Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data, 2nd ed., 2002, ch. 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from discresorb.lognormal import LogNormal
from discresorb.standard_variable import Array, Distribution, log1mexp, softplus

__all__ = ["DISTRIBUTIONS", "Array", "Distribution", "log1mexp", "softplus"]

# beyond this exp(z) is not needed: exp(-exp(700)) is already exactly zero
_WEIBULL_SATURATED: Final = 700.0
# a cumulative hazard below this loses digits to underflow, but is its own probability
_WEIBULL_TINY: Final = 1e-290


class LogLogistic(Distribution):
    """Standard logistic on the log-time scale."""

    name = "loglogistic"
    label = "log-logistic"
    formula = "S(z) = 1 / (1 + exp(z))"

    # f = S F and f'/f = S - F
    def interval(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need."""
        above_lower, below_upper = softplus(lower), softplus(-upper)
        share = -np.expm1(-width)
        log_alive = below_upper + upper  # minus log S(upper)
        alive, resorbed = np.exp(-log_alive), np.exp(-below_upper)  # at upper
        alive_before, resorbed_before = np.exp(-above_lower), np.exp(lower - above_lower)
        return (
            np.log(share) - above_lower - below_upper,
            np.exp(lower - above_lower + below_upper) / share,
            np.exp(above_lower - log_alive) / share,
            alive - resorbed_before,
            -alive * resorbed,
            -alive * resorbed - alive_before * resorbed_before,
        )

    def hazard_and_rise(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) = F(z) and the derivative of its logarithm, S(z)."""
        small = np.exp(-np.abs(z))
        one = 1.0 / (1.0 + small)  # the larger of S and F
        other = small * one
        right = z > 0.0
        return np.where(right, one, other), np.where(right, other, one)

    def survival_density_slope(self, z: Array) -> tuple[Array, Array, Array]:
        """Give S(z), f(z) = S(z) F(z) and f'(z) / f(z)."""
        small = np.exp(-np.abs(z))
        one = 1.0 / (1.0 + small)  # the larger of S and F
        other = small * one
        survival = np.where(z > 0.0, other, one)
        return survival, one * other, 2.0 * survival - 1.0

    def log_survival(self, z: Array) -> Array:
        """Give log S(z)."""
        return -softplus(z)

    def log_cdf(self, z: Array) -> Array:
        """Give log F(z)."""
        return -softplus(-z)

    def log_density(self, z: Array) -> Array:
        """Give log f(z)."""
        return -np.abs(z) - 2.0 * np.log1p(np.exp(-np.abs(z)))  # f is even

    def slope(self, z: Array) -> Array:
        """Give f'(z) / f(z)."""
        return -np.tanh(0.5 * z)

    def slope_derivative(self, z: Array) -> Array:
        """Give the derivative of f'(z) / f(z)."""
        return -2.0 * np.exp(self.log_density(z))

    def log_interval(self, lower: Array, upper: Array, width: Array | None = None) -> Array:
        """Give log[S(lower) - S(upper)] = log[S(lower) F(upper) (1 - exp(lower - upper))]."""
        gap = lower - upper if width is None else -width
        return log1mexp(gap) - softplus(lower) - softplus(-upper)

    def mean_slope(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give the mean of f'/f in between, S(upper) - F(lower)."""
        return 1.0 / (1.0 + np.exp(upper)) - 1.0 / (1.0 + np.exp(-lower))

    def log_odds(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give log{[S(lower) - S(upper)] / S(upper)} = log{S(lower) [exp(upper) - exp(lower)]}."""
        return upper + log1mexp(-width) - softplus(lower)

    def log_odds_slope(self, lower: Array, upper: Array, width: Array, log_odds: Array) -> Array:
        """Give the derivative of `log_odds` where both ends move alike, S(lower)."""
        return np.exp(-softplus(lower))

    def hazard(self, z: Array) -> Array:
        """Give f(z) / S(z) = F(z)."""
        return np.exp(-softplus(-z))

    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given."""
        return log1mexp(log_survival) - log_survival


class Weibull(Distribution):
    """Standard smallest extreme value on the log-time scale."""

    name = "weibull"
    label = "Weibull"
    formula = "S(z) = exp(-exp(z))"

    # f = S exp(z) and f'/f = 1 - exp(z)
    def interval(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need."""
        by_lower = np.exp(lower)
        by_upper = np.exp(np.minimum(upper, _WEIBULL_SATURATED))
        wide = -np.expm1(-width)
        gained = by_upper * wide
        share = -np.expm1(-gained)
        over, log_share, at_lower = gained / share, np.log(share), by_lower / share
        tiny = gained < _WEIBULL_TINY
        if np.any(tiny):
            over = np.where(tiny, 1.0, over)
            at_lower = np.where(tiny, np.exp(-width) / wide, at_lower)
            log_share = np.where(tiny, upper + np.log(wide), log_share)
        left = over * np.exp(-gained)
        return (
            log_share - by_lower,
            at_lower,
            left / wide,
            left - by_lower,
            left / wide * (1.0 - over),
            left * (1.0 - over) - by_lower,
        )

    def hazard_and_rise(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) = exp z and the derivative of its logarithm."""
        return np.exp(z), np.ones_like(z)

    def survival_density_slope(self, z: Array) -> tuple[Array, Array, Array]:
        """Give S(z), f(z) = exp(z) S(z) and f'(z) / f(z)."""
        hazard = np.exp(np.minimum(z, _WEIBULL_SATURATED))
        survival = np.exp(-hazard)
        return survival, hazard * survival, 1.0 - hazard

    def log_survival(self, z: Array) -> Array:
        """Give log S(z)."""
        return -np.exp(z)

    def log_cdf(self, z: Array) -> Array:
        """Give log F(z)."""
        cumulative = np.exp(z)
        result = log1mexp(-cumulative)
        tiny = cumulative < _WEIBULL_TINY
        return np.where(tiny, z, result) if np.any(tiny) else result

    def log_density(self, z: Array) -> Array:
        """Give log f(z)."""
        return np.minimum(z, _WEIBULL_SATURATED) - np.exp(z)

    def slope(self, z: Array) -> Array:
        """Give f'(z) / f(z)."""
        return 1.0 - np.exp(np.minimum(z, _WEIBULL_SATURATED))

    def slope_derivative(self, z: Array) -> Array:
        """Give the derivative of f'(z) / f(z)."""
        return -np.exp(np.minimum(z, _WEIBULL_SATURATED))

    def log_interval(self, lower: Array, upper: Array, width: Array | None = None) -> Array:
        """Give log[S(lower) - S(upper)] = -exp(lower) + log[1 - exp(exp(lower) - exp(upper))]."""
        width = upper - lower if width is None else width
        gained = self._gained(upper, width)
        result = log1mexp(-gained) - np.exp(lower)
        tiny = gained < _WEIBULL_TINY
        if np.any(tiny):
            result = np.where(tiny, upper + log1mexp(-width) - np.exp(lower), result)
        return result

    def mean_slope(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give the mean of f'/f in between, by the hazard gained there and that at its start."""
        gained = self._gained(upper, width)
        ratio = gained / np.expm1(gained)
        return np.where(gained < _WEIBULL_TINY, 1.0, ratio) - np.exp(lower)

    def log_odds(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give log{[S(lower) - S(upper)] / S(upper)} from the hazard gained in between."""
        gained = self._gained(upper, width)
        found = np.where(upper < _WEIBULL_SATURATED, gained + log1mexp(-gained), np.inf)
        return np.where(gained < _WEIBULL_TINY, upper + log1mexp(-width), found)

    def log_odds_slope(self, lower: Array, upper: Array, width: Array, log_odds: Array) -> Array:
        """Give the derivative of `log_odds` where both ends move alike."""
        gained = self._gained(upper, width)
        return np.where(gained < _WEIBULL_TINY, 1.0, gained / -np.expm1(-gained))

    def hazard(self, z: Array) -> Array:
        """Give f(z) / S(z) = exp z."""
        return np.exp(np.minimum(z, _WEIBULL_SATURATED))

    def _gained(self, upper: Array, width: Array) -> Array:
        """Give exp(upper) - exp(lower), the cumulative hazard between."""
        return -np.exp(np.minimum(upper, _WEIBULL_SATURATED)) * np.expm1(-width)

    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given."""
        return np.log(-log_survival)


DISTRIBUTIONS: Final[Mapping[str, Distribution]] = MappingProxyType(
    {each.name: each for each in (LogLogistic(), LogNormal(), Weibull())}
)
