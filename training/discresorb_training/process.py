r"""The true law of resorption that cohorts are drawn from.

With F the distribution of resorption times of those who ever resorb and π the probability of ever
resorbing, G(t) = π F(t) is the probability of having resorbed t months after onset. A centre with
effect u multiplies the odds of G(t) by exp(u) at every t:

.. math::

   G_u(t) = \frac{e^u G(t)}{1 + (e^u - 1) G(t)}, \qquad
   p_u = \frac{G_u(h) - G_u(e)}{1 - G_u(e)}.

For someone imaged at onset this adds u to logit p; the longer a herniation has stood at the index
MRI, the less. With a log-logistic F a centre is again a log-logistic cure model, with its own
location and its own π, so that a centre can have a model of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discresorb.curve import expit
from discresorb.distributions import DISTRIBUTIONS, Array

__all__ = ["Process", "conditional", "shifted"]


def shifted(share: Array, effect: float | Array) -> Array:
    """Multiply the odds of a share by exp(effect)."""
    return share * np.exp(effect) / (1.0 + np.expm1(effect) * share)


def conditional(by_entry: Array, by_horizon: Array, effect: float | Array = 0.0) -> Array:
    """P(resorbed by the horizon | not by entry) in a centre with this effect.

    From the typical centre's G at entry and horizon; written so that no 1 - G cancels.
    """
    between = np.exp(effect) * (by_horizon - by_entry)
    not_yet = (1.0 - by_horizon) * (1.0 + np.expm1(effect) * by_entry)
    return between / (between + not_yet)


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

    def resorbed_by(self, size: Array, sequestrated: Array, months: Array) -> Array:
        """G: probability of having resorbed so many months after onset, in a typical centre."""
        z = (np.log(months) - self._linear(self.latency, size, sequestrated)) / self.scale
        ever = expit(self._linear(self.ever, size, sequestrated))
        share: Array = ever * np.exp(DISTRIBUTIONS[self.distribution].log_cdf(z))
        return share

    def probability(
        self,
        size: Array,
        sequestrated: Array,
        entry: Array,
        horizon: Array,
        effect: float | Array = 0.0,
    ) -> Array:
        """P(resorbed by the horizon | still herniated at entry) in a centre with this effect."""
        return conditional(
            self.resorbed_by(size, sequestrated, entry),
            self.resorbed_by(size, sequestrated, horizon),
            effect,
        )

    def draw(
        self, uniform: Array, size: Array, sequestrated: Array, entry: Array, effect: Array
    ) -> Array:
        """Resorption times of patients herniated at entry; infinite for never.

        The time at which G reaches a uniform draw between G(entry) and 1; never, if that lies
        beyond π. A late time, or never, goes with a large draw.
        """
        by_entry = shifted(self.resorbed_by(size, sequestrated, entry), effect)
        reached = shifted(by_entry + uniform * (1.0 - by_entry), -effect)
        ever = expit(self._linear(self.ever, size, sequestrated))
        resorbs = reached < ever
        share = np.where(resorbs, reached / ever, 0.5)
        log_months = self._linear(self.latency, size, sequestrated) + self.scale * DISTRIBUTIONS[
            self.distribution
        ].quantile(share)
        return np.where(resorbs, np.maximum(np.exp(log_months), entry), np.inf)

    def _linear(self, slopes: tuple[float, ...], size: Array, sequestrated: Array) -> Array:
        intercept, by_size, by_type = slopes
        line: Array = intercept + by_size * size + by_type * sequestrated
        return line
