"""What every distribution of resorption times gives, and the functions they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

__all__ = ["Array", "Distribution", "log1mexp", "softplus"]

# a float array of any shape, or one float: every function here takes and gives either
Array = Any


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
        """Give the derivative of `log_odds` where both ends move alike.

        Parameters
        ----------
        lower, upper : float or float array
            Ends, standardised.
        width : float or float array
            Upper less lower, with all its digits.
        log_odds : float or float array
            What `log_odds` gives of them.
        """

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
    ) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need.

        Returns
        -------
        log_mass, at_lower, at_upper : array
            log[S(lower) - S(upper)]; f at either end over that difference.
        mean_slope, mixed, bend : array
            Derivative of the first where both ends move alike; of that, where the upper end moves
            and where both do.
        """

    @abstractmethod
    def hazard_and_rise(self, z: Array) -> tuple[Array, Array]:
        """Give the hazard f(z) / S(z) and the derivative of its logarithm, hazard + f'(z) / f(z).

        The two terms of the latter nearly cancel far out, so that it is not taken of them.
        """

    def reversed_hazard_and_rise(self, z: Array) -> tuple[Array, Array]:
        """Give the reversed hazard f(z) / F(z) and the derivative of its logarithm."""
        hazard = np.exp(self.log_density(z) - self.log_cdf(z))
        return hazard, self.slope(z) - hazard

    def log_interval_and_mean_slope(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array]:
        """Give `log_interval` and `mean_slope`."""
        return self.log_interval(lower, upper, width), self.mean_slope(lower, upper, width)

    def survival_density_slope(self, z: Array) -> tuple[Array, Array, Array]:
        """Give S(z), f(z) and f'(z) / f(z), for sums in which a vanishing S or f does no harm."""
        return np.exp(self.log_survival(z)), np.exp(self.log_density(z)), self.slope(z)
