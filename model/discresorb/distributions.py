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
# beyond this exp(z) is not needed: exp(-exp(700)) is already exactly zero
_WEIBULL_SATURATED: Final = 700.0


def softplus(z: Array) -> Array:
    """log(1 + exp z), without overflow and exact in both tails."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def log1mexp(negative: Array) -> Array:
    """log(1 - exp x) for x ≤ 0, exact for x near zero; -inf at zero."""
    return np.log(-np.expm1(negative))


class Distribution(ABC):
    """A standard variable on the log-time scale; functions of z, elementwise."""

    name: str
    label: str  # for a person
    formula: str  # of S(z), as a printed equation has it

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
    def log_interval(self, lower: Array, upper: Array) -> Array:
        """Give log[S(lower) - S(upper)], lower ≤ upper."""

    @abstractmethod
    def mean_slope(self, lower: Array, upper: Array, log_mass: Array) -> Array:
        """Give [f(upper) - f(lower)] / [S(lower) - S(upper)], the mean of f'/f in between.

        It keeps its digits however near the ends are, where the difference of densities does not;
        `log_mass` is what `log_interval` gives.
        """

    @abstractmethod
    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given; keeps its digits in both tails."""

    # What the likelihood needs at once; a distribution overrides these where its terms share
    # exponentials.

    def interval(self, lower: Array, upper: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)], f at both ends over that difference, and f'/f there."""
        log_mass = self.log_interval(lower, upper)
        return (
            log_mass,
            np.exp(self.log_density(lower) - log_mass),
            np.exp(self.log_density(upper) - log_mass),
            self.slope(lower),
            self.slope(upper),
        )

    def hazard_and_slope(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) and f'(z) / f(z)."""
        return np.exp(self.log_density(z) - self.log_survival(z)), self.slope(z)

    def survival_density_slope(self, z: Array) -> tuple[Array, Array, Array]:
        """Give S(z), f(z) and f'(z) / f(z), for sums in which a vanishing S or f does no harm."""
        return np.exp(self.log_survival(z)), np.exp(self.log_density(z)), self.slope(z)


class LogLogistic(Distribution):
    """Standard logistic on the log-time scale."""

    name = "loglogistic"
    label = "log-logistic"
    formula = "S(z) = 1 / (1 + exp(z))"

    # f = S F and f'/f = S - F
    def interval(self, lower: Array, upper: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)], f at both ends over that difference, and f'/f there."""
        above_lower, below_upper = softplus(lower), softplus(-upper)
        share = -np.expm1(lower - upper)
        return (
            np.log(share) - above_lower - below_upper,
            np.exp(below_upper - above_lower + lower) / share,
            np.exp(above_lower - below_upper - upper) / share,
            self.slope(lower),
            self.slope(upper),
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

    def log_interval(self, lower: Array, upper: Array) -> Array:
        """Give log[S(lower) - S(upper)] = log[S(lower) F(upper) (1 - exp(lower - upper))]."""
        return log1mexp(lower - upper) - softplus(lower) - softplus(-upper)

    def mean_slope(self, lower: Array, upper: Array, log_mass: Array) -> Array:
        """Give the mean of f'/f in between, S(upper) - F(lower)."""
        return 1.0 / (1.0 + np.exp(upper)) - 1.0 / (1.0 + np.exp(-lower))

    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given."""
        return log1mexp(log_survival) - log_survival


class LogNormal(Distribution):
    """Standard normal on the log-time scale."""

    name = "lognormal"
    label = "log-normal"
    formula = "S(z) = Phi(-z)"

    # below this width the midpoint expansion is exact to rounding, and differences are not
    _NARROW: Final = 0.01

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

    def log_interval(self, lower: Array, upper: Array) -> Array:
        """Give log[S(lower) - S(upper)], worked in the tail that keeps the digits."""
        swap = lower + upper > 0.0
        a, b = np.where(swap, -upper, lower), np.where(swap, -lower, upper)
        log_b = self.log_cdf(b)
        result = log_b + log1mexp(self.log_cdf(a) - log_b)
        narrow = self._is_narrow(lower, upper)
        if np.any(narrow):
            result = np.where(narrow, self._log_narrow(lower, upper - lower), result)
        return result

    def mean_slope(self, lower: Array, upper: Array, log_mass: Array) -> Array:
        """Give the mean of f'/f in between, of which f is taken out where both ends are near."""
        log_density = self.log_density
        result = np.exp(log_density(upper) - log_mass) - np.exp(log_density(lower) - log_mass)
        narrow = self._is_narrow(lower, upper)
        if np.any(narrow):
            half = 0.5 * (upper - lower)
            m = lower + half
            of_middle = np.exp(log_density(m) - 0.5 * half * half - log_mass)
            result = np.where(narrow, -2.0 * np.sinh(m * half) * of_middle, result)
        return result

    def _is_narrow(self, lower: Array, upper: Array) -> Array:
        return (upper - lower) * (1.0 + np.abs(lower)) < self._NARROW

    def _log_narrow(self, lower: Array, width: Array) -> Array:
        """Expand the integral of f about the interval's midpoint to fourth order in its width."""
        m = lower + 0.5 * width
        m2 = m * m
        w2 = width * width
        series = (m2 - 1.0) * w2 / 24.0 + (m2 * m2 - 6.0 * m2 + 3.0) * w2 * w2 / 1920.0
        return self.log_density(m) + np.log(width) + np.log1p(series)

    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given."""
        from scipy.special import ndtri_exp

        return -ndtri_exp(log_survival)


class Weibull(Distribution):
    """Standard smallest extreme value on the log-time scale."""

    name = "weibull"
    label = "Weibull"
    formula = "S(z) = exp(-exp(z))"

    # f = S exp(z) and f'/f = 1 - exp(z)
    def interval(self, lower: Array, upper: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)], f at both ends over that difference, and f'/f there."""
        by_lower = np.exp(lower)
        by_upper = np.exp(np.minimum(upper, _WEIBULL_SATURATED))
        share = -np.expm1(by_upper * np.expm1(lower - upper))
        return (
            np.log(share) - by_lower,
            by_lower / share,
            by_upper * (1.0 / share - 1.0),
            1.0 - by_lower,
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
        return log1mexp(-np.exp(z))

    def log_density(self, z: Array) -> Array:
        """Give log f(z)."""
        return np.minimum(z, _WEIBULL_SATURATED) - np.exp(z)

    def slope(self, z: Array) -> Array:
        """Give f'(z) / f(z)."""
        return 1.0 - np.exp(np.minimum(z, _WEIBULL_SATURATED))

    def slope_derivative(self, z: Array) -> Array:
        """Give the derivative of f'(z) / f(z)."""
        return -np.exp(np.minimum(z, _WEIBULL_SATURATED))

    def log_interval(self, lower: Array, upper: Array) -> Array:
        """Give log[S(lower) - S(upper)] = -exp(lower) + log[1 - exp(exp(lower) - exp(upper))]."""
        hazard = -np.exp(upper) * np.expm1(lower - upper)
        return log1mexp(-hazard) - np.exp(lower)

    def mean_slope(self, lower: Array, upper: Array, log_mass: Array) -> Array:
        """Give the mean of f'/f in between, by the hazard gained there and that at its start."""
        gained = -np.exp(np.minimum(upper, _WEIBULL_SATURATED)) * np.expm1(lower - upper)
        return gained / np.expm1(gained) - np.exp(lower)

    def inverse_log_survival(self, log_survival: Array) -> Array:
        """Give z with log S(z) as given."""
        return np.log(-log_survival)


DISTRIBUTIONS: Final[Mapping[str, Distribution]] = MappingProxyType(
    {each.name: each for each in (LogLogistic(), LogNormal(), Weibull())}
)
