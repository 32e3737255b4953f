"""The standard normal variable on the log-time scale, with digits kept however far out."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from discresorb.standard_variable import Array, Distribution, log1mexp

__all__ = ["LogNormal"]

_LOG_SQRT_2PI: Final = 0.5 * np.log(2.0 * np.pi)
_SQRT_HALF: Final = np.sqrt(0.5)
_SQRT_2_BY_PI: Final = np.sqrt(2.0 / np.pi)
# Gauss and Legendre's five points of an interval, as shares of it, and their weights
_SHARES, _WEIGHTS = 0.5 * np.array(np.polynomial.legendre.leggauss(5)) + [[0.5], [0.0]]


class _LeftTail(NamedTuple):
    """An interval as it lies, or is mirrored, in the left tail, where digits are kept.

    Parameters
    ----------
    mirrored : bool array
        Whether it lay on the right.
    near : array
        The end nearer the middle.
    hazard : array
        f(near) / F(near).
    log_density_gap, log_ratio_gap : array
        log[f(far) / f(near)], and the same of F / f.
    """

    mirrored: Array
    near: Array
    hazard: Array
    log_density_gap: Array
    log_ratio_gap: Array

    @property
    def log_cdf_gap(self) -> Array:
        """log[F(far) / F(near)]."""
        return self.log_density_gap + self.log_ratio_gap


class LogNormal(Distribution):
    """Standard normal on the log-time scale."""

    name = "lognormal"
    label = "log-normal"
    formula = "S(z) = Phi(-z)"

    # below this width the midpoint expansion is exact to rounding, and differences are not
    _NARROW: Final = 0.03
    # beyond this the hazard is so near z that their difference loses digits
    _FAR: Final = 12.0
    _FRACTIONS: Final = 14  # of the continued fraction, as many as are needed so far out
    # below this width five points integrate log(F / f) to rounding
    _SHORT: Final = 0.1

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
        return self._log_mass(lower, width, self._in_left_tail(lower, upper, width))

    def _log_mass(self, lower: Array, width: Array, tail: _LeftTail) -> Array:
        result = self.log_cdf(tail.near) + log1mexp(tail.log_cdf_gap)
        narrow = self._is_narrow(lower, width)
        if np.any(narrow):
            middle = lower + 0.5 * width
            in_narrow = self.log_density(middle) + self._log_narrow(middle, width)
            result = np.where(narrow, in_narrow, result)
        return result

    def interval(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Give log[S(lower) - S(upper)] and what its derivatives need."""
        tail = self._in_left_tail(lower, upper, width)
        return self._log_mass(lower, width, tail), *self._slopes(lower, upper, width, tail)

    def hazard_and_rise(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / S(z) and the derivative of its logarithm."""
        hazard = self.hazard(z)
        return hazard, self._excess(z, hazard)

    def reversed_hazard_and_rise(self, z: Array) -> tuple[Array, Array]:
        """Give f(z) / F(z) and the derivative of its logarithm."""
        hazard, rise = self.hazard_and_rise(-z)
        return hazard, -rise

    def mean_slope(self, lower: Array, upper: Array, width: Array) -> Array:
        """Give the mean of f'/f in between."""
        tail = self._in_left_tail(lower, upper, width)
        return self._mean_slope(lower, width, tail)

    def log_interval_and_mean_slope(
        self, lower: Array, upper: Array, width: Array
    ) -> tuple[Array, Array]:
        """Give `log_interval` and `mean_slope`."""
        tail = self._in_left_tail(lower, upper, width)
        return self._log_mass(lower, width, tail), self._mean_slope(lower, width, tail)

    def _mean_slope(self, lower: Array, width: Array, tail: _LeftTail) -> Array:
        gain = tail.hazard * np.expm1(tail.log_density_gap) / np.expm1(tail.log_cdf_gap)
        result = np.where(tail.mirrored, -gain, gain)
        narrow = self._is_narrow(lower, width)
        if not np.any(narrow):
            return result
        middle = lower + 0.5 * width
        return np.where(narrow, self._shift(middle, width) - middle, result)

    def _slopes(
        self, lower: Array, upper: Array, width: Array, tail: _LeftTail
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Give what `interval` gives after the mass.

        The densities at the ends, over the mass, are of one size, which is not taken from theirs.
        """
        narrow = self._is_narrow(lower, width)
        tail = self._with_digits(tail, width, narrow)
        swap, near, hazard, log_density_gap, log_ratio_gap = tail
        at_near = -hazard / np.expm1(tail.log_cdf_gap)
        at_far = at_near * np.exp(log_density_gap)
        gain = at_near * np.expm1(log_density_gap)
        # the near end and the mean slope nearly cancel far out
        left = self._excess(-near, hazard) + at_far * np.expm1(log_ratio_gap)
        found = (
            np.where(swap, at_near, at_far),
            np.where(swap, at_far, at_near),
            np.where(swap, gain, -gain),
            np.where(swap, at_far * (left - width), -at_near * left),
            gain * left - width * at_far,
        )
        if not np.any(narrow):
            return found
        middle = lower + 0.5 * width
        over = -self._log_narrow(middle, width)
        at_lower = np.exp(over + 0.25 * width * (lower + middle))
        at_upper = np.exp(over - 0.25 * width * (middle + upper))
        shift = self._shift(middle, width)
        slope = shift - middle
        mixed = -at_upper * (0.5 * width + shift)
        bend = -slope * (shift - 0.5 * width) - width * at_upper
        in_narrow = (at_lower, at_upper, slope, mixed, bend)
        first, second, third, fourth, fifth = (
            np.where(narrow, mine, other) for mine, other in zip(in_narrow, found, strict=True)
        )
        return first, second, third, fourth, fifth

    def _in_left_tail(self, lower: Array, upper: Array, width: Array) -> _LeftTail:
        from scipy.special import erfcx

        mirrored = lower + upper > 0.0
        far, near = np.where(mirrored, -upper, lower), np.where(mirrored, -lower, upper)
        scaled = erfcx(-near * _SQRT_HALF)
        density = np.where(np.isinf(far), -np.inf, 0.5 * width * (far + near))
        ratio = np.log(erfcx(-far * _SQRT_HALF) / scaled)
        return _LeftTail(mirrored, near, _SQRT_2_BY_PI / scaled, density, ratio)

    def _with_digits(self, tail: _LeftTail, width: Array, narrow: Array) -> _LeftTail:
        """Integrate log(F / f) over what is short but not narrow, where a difference loses digits.

        It falls by the excess of the hazard.
        """
        short = (width < self._SHORT) & ~narrow
        if not np.any(short):
            return tail
        wide, start = width[short], -tail.near[short]
        points = (start + wide * share for share in _SHARES)
        falls = (w * self._excess(z, self.hazard(z)) for w, z in zip(_WEIGHTS, points, strict=True))
        ratio = np.array(tail.log_ratio_gap)
        ratio[short] = -wide * sum(falls)
        return tail._replace(log_ratio_gap=ratio)

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
        """Give the derivative of `log_odds` where both ends move alike, by the gain in hazard.

        Parameters
        ----------
        lower, upper : float or float array
            Ends, standardised.
        width : float or float array
            Upper less lower, with all its digits.
        log_odds : float or float array
            What `log_odds` gives of them.
        """
        first, last = self.hazard(lower), self.hazard(upper)
        middle = lower + 0.5 * width
        hazard = self.hazard(middle)
        excess = self._excess(middle, hazard)
        rise = hazard * excess  # the hazard's derivative, and its derivatives
        bend = rise * (hazard + excess) - hazard
        third = bend * (hazard + excess) + 2.0 * rise * (rise - 1.0)
        in_narrow = width * (rise + width * width * third / 24.0)
        near = width + (self._excess(upper, last) - self._excess(lower, first))
        gain = np.where(lower > 0.0, near, last - first)
        gain = np.where(self._is_narrow(lower, width), in_narrow, gain)
        return gain * (1.0 + np.exp(-log_odds))

    def hazard(self, z: Array) -> Array:
        """Give f(z) / S(z)."""
        from scipy.special import erfcx

        return _SQRT_2_BY_PI / erfcx(z * _SQRT_HALF)

    def _excess(self, z: Array, hazard: Array) -> Array:
        """Give the hazard less z; far out by its continued fraction 1 / (z + 2 / (z + 3 / …))."""
        result = hazard - z
        if not np.any(z > self._FAR):
            return result
        tail = far = np.maximum(z, self._FAR)
        for k in range(self._FRACTIONS, 1, -1):
            tail = far + k / tail
        return np.where(z > self._FAR, 1.0 / tail, result)

    def _shift(self, middle: Array, width: Array) -> Array:
        """Give the mean of f'/f over a narrow interval, less that in its middle."""
        w2 = width * width
        series = middle * w2 / 12.0 * (1.0 + (middle * middle - 3.0) * w2 / 40.0)
        return series * width * np.exp(-self._log_narrow(middle, width))

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
