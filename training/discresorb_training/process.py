r"""The true law of resorption that cohorts are drawn from.

With F the distribution of resorption times of those who ever resorb and π the probability of ever
resorbing, G(t) = π F(t) is the probability of having resorbed t months after onset. A centre with
effect u multiplies the odds of G(t) by exp(u) at every t:

.. math::

   G_u(t) = \frac{e^u G(t)}{1 + (e^u - 1) G(t)}, \qquad
   p_u = \frac{G_u(h) - G_u(e)}{1 - G_u(e)}
       = \frac{e^u [G(h) - G(e)]}{e^u [G(h) - G(e)] + Q(h) [Q(e) + e^u G(e)]}, \quad Q = 1 - G.

For someone imaged at onset this adds u to logit p; the longer a herniation has stood at the index
MRI, the less. With a log-logistic F a centre is again a log-logistic cure model, with its own
location and its own π, so that a centre can have a model of its own. Q and G(h) - G(e) are computed
as they stand, not from G, which has no digits left where nearly everybody has resorbed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discresorb.curve import expit
from discresorb.distributions import DISTRIBUTIONS, Array

__all__ = ["Process", "Span"]

_LATEST = 600.0  # log months; a later time is never seen


@dataclass(frozen=True)
class Span:
    """What happens between entry and horizon in a typical centre, from onset on.

    Parameters
    ----------
    before, between : float array
        Probability of resorbing by entry, G(e), and between entry and horizon, G(h) - G(e).
    left_at_entry, left_at_horizon : float array
        Probability of being herniated still, Q(e) and Q(h).
    """

    before: Array
    between: Array
    left_at_entry: Array
    left_at_horizon: Array

    def probability(self, effect: float | Array = 0.0) -> Array:
        """P(resorbed by the horizon | still herniated at entry) in a centre with this effect."""
        odds = np.exp(effect)
        resorbed = odds * self.between
        return resorbed / (
            resorbed + self.left_at_horizon * (self.left_at_entry + odds * self.before)
        )

    def across_centres(self) -> Span:
        """Give the same with a last axis for the effects of several centres."""
        return Span(*(part[..., None] for part in vars(self).values()))


@dataclass(frozen=True)
class Process:
    """When, and whether ever, herniations resorb.

    Parameters
    ----------
    distribution : str
        Of the resorption times of those who ever resorb.
    latency : tuple of float
        Intercept, slope of size_mm and of sequestrated on log months.
    scale : float
        σ of log months.
    ever : tuple of float
        Intercept, slope of size_mm and of sequestrated on logit π.
    """

    distribution: str
    latency: tuple[float, ...]
    scale: float
    ever: tuple[float, ...]

    def span(self, size: Array, sequestrated: Array, entry: Array, horizon: Array) -> Span:
        """Describe the time between entry and horizon, both in months since onset.

        Parameters
        ----------
        size : float array, (n,)
            In millimetres.
        sequestrated : float array, (n,)
            0 or 1.
        entry, horizon : float array, (n,)
            Months since onset.
        """
        law = DISTRIBUTIONS[self.distribution]
        ever, never = self._shares(size, sequestrated)
        z_entry = self._standardised(size, sequestrated, entry)
        z_horizon = self._standardised(size, sequestrated, horizon)
        with np.errstate(over="ignore", under="ignore", divide="ignore"):  # exp(-inf) is 0
            return Span(
                ever * np.exp(law.log_cdf(z_entry)),
                ever * np.exp(law.log_interval(z_entry, z_horizon)),
                never + ever * np.exp(law.log_survival(z_entry)),
                never + ever * np.exp(law.log_survival(z_horizon)),
            )

    def probability(
        self,
        size: Array,
        sequestrated: Array,
        entry: Array,
        horizon: Array,
        effect: float | Array = 0.0,
    ) -> Array:
        """P(resorbed by the horizon | still herniated at entry) in a centre with this effect.

        Parameters
        ----------
        size, sequestrated, entry, horizon
            As in `span`.
        effect : float or float array, (n,), default 0
            Of the centre, on the logit of having resorbed.
        """
        return self.span(size, sequestrated, entry, horizon).probability(effect)

    def draw(
        self, uniform: Array, size: Array, sequestrated: Array, entry: Array, effect: Array
    ) -> Array:
        """Resorption times of patients herniated at entry; infinite for never.

        The time at which the share still herniated, Q_u, has fallen from Q_u(entry) to its product
        with a uniform draw; never, if that lies below 1 - π_u. A late time, or never, goes with a
        large draw.

        Parameters
        ----------
        uniform : float array, (n,)
            Uniform draws between 0 and 1.
        size, sequestrated, entry
            As in `span`.
        effect : float array, (n,)
            Of the centre, on the logit of having resorbed.
        """
        law, odds = DISTRIBUTIONS[self.distribution], np.exp(effect)
        ever, never = self._shares(size, sequestrated)
        z_entry = self._standardised(size, sequestrated, entry)
        with np.errstate(over="ignore", under="ignore"):  # exp(-inf) is 0
            log_left = law.log_survival(z_entry)
            left = never + ever * np.exp(log_left)
            before = ever * np.exp(law.log_cdf(z_entry))
        left_there = (1.0 - uniform) * left / (left + odds * before)
        left = odds * left_there / ((1.0 - left_there) + odds * left_there)
        resorbs = left > never
        share = np.where(resorbs, left - never, 1.0) / ever
        with np.errstate(divide="ignore"):  # a resorption on the day of the index MRI
            log_share = np.minimum(np.log(share), np.minimum(log_left, -np.finfo(float).tiny))
            log_months = self._location(size, sequestrated) + self.scale * (
                law.inverse_log_survival(log_share)
            )
        times = np.maximum(np.exp(np.minimum(log_months, _LATEST)), entry)
        return np.where(resorbs, times, np.inf)

    def _shares(self, size: Array, sequestrated: Array) -> tuple[Array, Array]:
        logit = _line(self.ever, size, sequestrated)
        return expit(logit), expit(-logit)

    def _location(self, size: Array, sequestrated: Array) -> Array:
        return _line(self.latency, size, sequestrated)

    def _standardised(self, size: Array, sequestrated: Array, months: Array) -> Array:
        z: Array = (np.log(months) - self._location(size, sequestrated)) / self.scale
        return z


def _line(coefficients: tuple[float, ...], size: Array, sequestrated: Array) -> Array:
    intercept, by_size, by_type = coefficients
    line: Array = intercept + by_size * size + by_type * sequestrated
    return line
