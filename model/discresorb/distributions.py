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

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

__all__ = ["DISTRIBUTIONS", "Array", "Distribution", "log1mexp", "softplus"]

# a float array of any shape, or one float: every function here takes and gives either
Array = Any

_LOG_SQRT_2PI: Final = 0.5 * np.log(2.0 * np.pi)
_SQRT_HALF: Final = np.sqrt(0.5)
_SQRT_2_BY_PI: Final = np.sqrt(2.0 / np.pi)
# beyond this exp(z) is not needed: exp(-exp(700)) is already exactly zero
_WEIBULL_SATURATED: Final = 700.0
# a cumulative hazard below this loses digits to underflow, but is its own probability
_WEIBULL_TINY: Final = 1e-290


def softplus(z: Array) -> Array:
    """log(1 + exp z), without overflow and exact in both tails."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def log1mexp(negative: Array) -> Array:
    """log(1 - exp x) for x ≤ 0, exact for x near zero; -inf at zero."""
    return np.log(-np.expm1(negative))


class Distribution(ABC):
    """A standard variable on the log-time scale; functions of z, elementwise."""

    name: str

    @abstractmethod
    def log_survival(self, z: Array) -> Array:
        """Give log S(z)."""

    @abstractmethod
    def log_cdf(self, z: Array) -> Array:
        """Give log F(z)."""

    @abstractmethod
    def log_density(self, z: Array) -> Array:
        """Give log f(z), a density in z."""

    @abstractmethod
    def slope(self, z: Array) -> Array:
        """Give f'(z) / f(z)."""

    @abstractmethod
    def slope_derivative(self, z: Array) -> Array:
        """Give the derivative of f'(z) / f(z)."""

    @abstractmethod
    def log_interval(self, lower: Array, upper: Array, width: Array | None = None) -> Array:
        """Give log[S(lower) - S(upper)], lower ≤ upper.

        `width` is upper - lower where it is known with more digits than the ends leave it.
        """

    @abstractmethod
    def mean_slope(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give [f(upper) - f(lower)] / [S(lower) - S(upper)], the mean of f'/f in between.

        It keeps its digits however near the ends are, where the difference of densities does not.
        """

    # In the far right tail both S(lower) and S(upper) vanish, but not what they are in proportion.

    @abstractmethod
    def log_odds(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give log{[S(lower) - S(upper)] / S(upper)} for an upper in the right tail."""

    @abstractmethod
    def log_odds_slope(self, lower: Array, upper: Array, width: Array, log_odds: Array) -> Array:
        """Give the derivative of `log_odds` where both ends move alike."""

    @abstractmethod
    def hazard(self, z: Array) -> Array:
        """Give f(z) / S(z)."""

    @abstractmethod
    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given; keeps its digits in both tails."""

    # What the likelihood needs at once; a distribution overrides these where its terms share
    # exponentials.

    @abstractmethod
    def interval(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need.

        Returns
        -------
        log_mass, at_upper, mean_slope, bend, slope_upper : array
            log[S(lower) - S(upper)]; f(upper) over that difference; its derivative where both ends
            move alike, and the second one; f'/f at upper.
        """

    def hazard_and_slope(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) and f'(z) / f(z)."""
        return np.exp(self.log_density(z) - self.log_survival(z)), self.slope(z)

    def survival_density_slope(self, z: Array) -> tuple[Array, Array, Array]:
        """Give S(z), f(z) and f'(z) / f(z), for sums in which a vanishing S or f does no harm."""
        return np.exp(self.log_survival(z)), np.exp(self.log_density(z)), self.slope(z)


class LogLogistic(Distribution):
    """Standard logistic on the log-time scale."""

    name = "loglogistic"

    # f = S F and f'/f = S - F
    def interval(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need."""
        above_lower, below_upper = softplus(lower), softplus(-upper)
        share = -np.expm1(-width)
        log_alive = below_upper + upper  # minus log S(upper)
        alive, resorbed = np.exp(-log_alive), np.exp(-below_upper)  # at upper
        alive_before, resorbed_before = np.exp(-above_lower), np.exp(lower - above_lower)
        return (
            np.log(share) - above_lower - below_upper,
            np.exp(above_lower - log_alive) / share,
            alive - resorbed_before,
            -alive * resorbed - alive_before * resorbed_before,
            alive - resorbed,
        )

    def hazard_and_slope(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) = F(z) and f'(z) / f(z)."""
        cdf = 1.0 / (1.0 + np.exp(-z))
        return cdf, 1.0 - 2.0 * cdf

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


class LogNormal(Distribution):
    """Standard normal on the log-time scale."""

    name = "lognormal"

    # below this width the midpoint expansion is exact to rounding, and differences are not
    _NARROW: Final = 0.03
    # beyond this the hazard is so near z that their difference loses digits
    _FAR: Final = 30.0
    _FRACTIONS: Final = 12  # of the continued fraction, more than are needed so far out

    def log_survival(self, z: Array) -> Array:
        """Give log S(z)."""
        return self.log_cdf(-z)

    def log_cdf(self, z: Array) -> Array:
        """Give log F(z)."""
        from scipy.special import log_ndtr

        return log_ndtr(z)

    def log_density(self, z: Array) -> Array:
        """Give log f(z)."""
        return -0.5 * z * z - _LOG_SQRT_2PI

    def slope(self, z: Array) -> Array:
        """Give f'(z) / f(z)."""
        return -z

    def slope_derivative(self, z: Array) -> Array:
        """Give the derivative of f'(z) / f(z)."""
        return -np.ones_like(z)

    def log_interval(self, lower: Array, upper: Array, width: Array | None = None) -> Array:
        """Give log[S(lower) - S(upper)], worked in the tail that keeps the digits."""
        width = upper - lower if width is None else width
        _, far, near = self._in_left_tail(lower, upper)
        result = self.log_cdf(near) + log1mexp(self._log_cdf_gap(far, near, width)[1])
        narrow = self._is_narrow(lower, width)
        if np.any(narrow):
            middle = lower + 0.5 * width
            in_narrow = self.log_density(middle) + self._log_narrow(middle, width)
            result = np.where(narrow, in_narrow, result)
        return result

    def interval(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need."""
        log_mass = self.log_interval(lower, upper, width)
        at_upper = np.exp(self.log_density(upper) - log_mass)
        mean_slope = self.mean_slope(lower, upper, width)
        bend = -mean_slope * (lower + mean_slope) - width * at_upper
        return log_mass, at_upper, mean_slope, bend, -upper

    def hazard_and_slope(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) and f'(z) / f(z)."""
        return self.hazard(z), -z

    def mean_slope(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give the mean of f'/f in between, of which f is taken out."""
        swap, far, near = self._in_left_tail(lower, upper)
        log_density_gap, log_cdf_gap = self._log_cdf_gap(far, near, width)
        result = self.hazard(-near) * np.expm1(log_density_gap) / np.expm1(log_cdf_gap)
        result = np.where(swap, -result, result)
        narrow = self._is_narrow(lower, width)
        if np.any(narrow):
            half = 0.5 * width
            middle = lower + half
            over_mass = np.exp(-0.5 * half * half - self._log_narrow(middle, width))
            result = np.where(narrow, -2.0 * np.sinh(middle * half) * over_mass, result)
        return result

    def _in_left_tail(self, lower: Array, upper: Array) -> tuple[Array, Array, Array]:
        """Whether the interval was mirrored, and its ends, the second nearer the middle."""
        swap = lower + upper > 0.0
        return swap, np.where(swap, -upper, lower), np.where(swap, -lower, upper)

    def _log_cdf_gap(self, far: Array, near: Array, width: Array) -> tuple[Array, Array]:
        """Give log[f(far) / f(near)] and log[F(far) / F(near)]."""
        from scipy.special import erfcx

        density = np.where(np.isinf(far), -np.inf, 0.5 * width * (far + near))
        return density, density + np.log(erfcx(-far * _SQRT_HALF) / erfcx(-near * _SQRT_HALF))

    def log_odds(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give log{[S(lower) - S(upper)] / S(upper)} from the hazard gained in between."""
        from scipy.special import erfcx

        middle = lower + 0.5 * width
        near = width * middle + np.log(erfcx(lower * _SQRT_HALF) / erfcx(upper * _SQRT_HALF))
        apart = self.log_survival(lower) - self.log_survival(upper)
        gained = np.where(lower > 0.0, near, apart)
        # S(upper) = f(upper) / hazard, and f(middle) / f(upper) is exp(width (middle + upper) / 4)
        in_narrow = (
            self._log_narrow(middle, width)
            + np.log(self.hazard(upper))
            + 0.25 * width * (middle + upper)
        )
        return np.where(self._is_narrow(lower, width), in_narrow, gained + log1mexp(-gained))

    def log_odds_slope(self, lower: Array, upper: Array, width: Array, log_odds: Array) -> Array:
        """Give the derivative of `log_odds` where both ends move alike, by the gain in hazard."""
        first, last = self.hazard(lower), self.hazard(upper)
        middle = lower + 0.5 * width
        hazard, excess = self.hazard(middle), self._excess(middle)
        rise = hazard * excess  # the hazard's derivative, and its derivatives
        bend = rise * (hazard + excess) - hazard
        third = bend * (hazard + excess) + 2.0 * rise * (rise - 1.0)
        in_narrow = width * (rise + width * width * third / 24.0)
        near = width + (self._excess(upper) - self._excess(lower))
        gain = np.where(lower > 0.0, near, last - first)
        gain = np.where(self._is_narrow(lower, width), in_narrow, gain)
        return gain * (1.0 + np.exp(-log_odds))

    def hazard(self, z: Array) -> Array:
        """Give f(z) / S(z)."""
        from scipy.special import erfcx

        return _SQRT_2_BY_PI / erfcx(z * _SQRT_HALF)

    def _excess(self, z: Array) -> Array:
        """Give the hazard less z; far out by its continued fraction 1 / (z + 2 / (z + 3 / …))."""
        tail = far = np.maximum(z, self._FAR)
        for k in range(self._FRACTIONS, 1, -1):
            tail = far + k / tail
        return np.where(z > self._FAR, 1.0 / tail, self.hazard(z) - z)

    def _is_narrow(self, lower: Array, width: Array) -> Array:
        return width * (1.0 + np.abs(lower)) < self._NARROW

    def _log_narrow(self, middle: Array, width: Array) -> Array:
        """Give the log of the integral of f over f(middle), to fourth order in the width."""
        m2 = middle * middle
        w2 = width * width
        series = (m2 - 1.0) * w2 / 24.0 + (m2 * m2 - 6.0 * m2 + 3.0) * w2 * w2 / 1920.0
        return np.log(width) + np.log1p(series)

    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given."""
        from scipy.special import ndtri_exp

        return -ndtri_exp(log_survival)


class Weibull(Distribution):
    """Standard smallest extreme value on the log-time scale."""

    name = "weibull"

    # f = S exp(z) and f'/f = 1 - exp(z)
    def interval(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need."""
        by_lower = np.exp(lower)
        by_upper = np.exp(np.minimum(upper, _WEIBULL_SATURATED))
        wide = -np.expm1(-width)
        gained = by_upper * wide
        share = -np.expm1(-gained)
        over, log_share = gained / share, np.log(share)
        tiny = gained < _WEIBULL_TINY
        if np.any(tiny):
            over = np.where(tiny, 1.0, over)
            log_share = np.where(tiny, upper + np.log(wide), log_share)
        left = over * np.exp(-gained)
        return (
            log_share - by_lower,
            left / wide,
            left - by_lower,
            left * (1.0 - over) - by_lower,
            1.0 - by_upper,
        )

    def hazard_and_slope(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) = exp z and f'(z) / f(z)."""
        hazard = np.exp(z)
        return hazard, 1.0 - hazard

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
            result = np.where(tiny, upper + log1mexp(-width), result)
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
