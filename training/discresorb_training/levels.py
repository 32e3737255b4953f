r"""Levels of updating: how much of a model a centre may have of its own.

With :math:`\eta` the parent's linear predictor of log time and :math:`\zeta` that of logit π, the
levels free more and more of

.. math:: \log T = a + b\,\eta + \sigma Z, \qquad \operatorname{logit} \pi = c + d\,\zeta,

0 nothing, 1 the locations a and c, 2 all of a, b, σ, c and d, 3 every coefficient (Vergouwe 2017,
doi:10.1002/sim.7179). A location of log time alone could not say that fewer resorb, and a parent
that is too extreme is so in both parts. Everything is linear in what is free: :math:`\theta` is the
parent's plus directions times :math:`\varphi`.

What centres may differ by is a normal spread of :math:`\varphi`. Its units suit every model: the
logit scale, on which the shipped model's calibration found centres to differ with an SD of 0.77, σ
being the unit of log time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training.subspace import Positions

__all__ = [
    "LEVEL_NAMES",
    "SPREAD",
    "TEST_SPREAD",
    "Direction",
    "Level",
    "Levels",
    "Spread",
    "levels_of",
]

LEVEL_NAMES: Final = ("keep", "locations", "recalibrate", "refit")
LOCATION, SLOPE, LOG_SCALE, EFFECT = "location", "slope", "log_scale", "effect"
TIME, EVER = "log time", "logit π"
_SAME = 1e-9  # of a linear predictor: a smaller spread is none


@dataclass(frozen=True)
class Spread:
    """SD between centres, by kind of parameter.

    Parameters
    ----------
    location : float
        Of log time in units of σ, and of logit π.
    slope : float
        Of the slopes of both linear predictors, which are 1 in the parent.
    log_scale : float
        Of log σ.
    effect : float
        Of the effect of a single covariate beyond what its slope changes, per SD of the covariate:
        on log time in units of σ, and on logit π.
    """

    location: float
    slope: float
    log_scale: float
    effect: float

    def times(self, factor: float) -> Spread:
        """Give a wider or narrower one."""
        return Spread(*(factor * each for each in vars(self).values()))


# Of estimates: what a centre may well differ by. Locations are hardly held, because a centre that
# resorbs much less is why models are updated; single effects are held most. Of the test: what it is
# to find, which is centres that are unlike, so wider in slopes and effects. Chosen on simulated
# centres other than those that `benchmarks/updating.py` prints.
SPREAD: Final = Spread(location=1.25, slope=0.3, log_scale=0.2, effect=0.15)
TEST_SPREAD: Final = Spread(location=1.0, slope=1.0, log_scale=0.1, effect=0.3)


@dataclass(frozen=True)
class Direction:
    """One thing that may change, in units of 1.

    Parameters
    ----------
    kind : str
        A field of `Spread`.
    of : str
        log time, logit π or log σ.
    vector : float array, (parameters,)
        By which θ moves.
    """

    kind: str
    of: str
    vector: Array


@dataclass(frozen=True)
class Level:
    """What may change.

    Parameters
    ----------
    number : int
        0 to 3.
    free : sequence of Direction
        Linearly independent.
    parameters : int
        Of the whole model.
    """

    number: int
    free: Sequence[Direction]
    parameters: int

    @property
    def name(self) -> str:
        """In a word."""
        return LEVEL_NAMES[self.number]

    @property
    def directions(self) -> Array:
        """The directions as columns, (parameters, free)."""
        columns = [each.vector for each in self.free]
        return np.column_stack(columns) if columns else np.empty((self.parameters, 0))


@dataclass(frozen=True)
class Levels:
    """The four levels of one parent and one centre's patients, smallest first."""

    all: Sequence[Level]

    def __getitem__(self, number: int) -> Level:
        """Give one of them."""
        return self.all[number]

    def coordinates(self, inner: int, outer: int) -> Array:
        """Give the directions of a level in those of a larger one, which holds it."""
        found: Array = np.linalg.lstsq(self[outer].directions, self[inner].directions, rcond=None)[
            0
        ]
        return found

    def covariance(self, number: int, spread: Spread) -> Array:
        """Give S of a level, (free, free): every smaller level's spread, and its own."""
        S = np.diag([getattr(spread, each.kind) ** 2 for each in self[number].free])
        if number == 3:  # slopes move all effects together
            turned = [j for j, each in enumerate(self[2].free) if each.kind == SLOPE]
            across = self.coordinates(2, 3)[:, turned]
            S = S + spread.slope**2 * across @ across.T
        return S


def levels_of(curve: CureCurve, design: Array) -> Levels:
    """Give the levels for a parent and the patients of a centre.

    Parameters
    ----------
    curve : CureCurve
        The parent.
    design : float array, (n, 1 + k)
        Of the new patients: leading ones, then covariates.
    """
    at = Positions.of(curve)
    parts = [_Part(TIME, design, curve.location, at.of_time, float(np.exp(curve.log_scale)))]
    if curve.cure is not None:
        entering = slice(None) if curve.cure_columns is None else list(curve.cure_columns)
        parts.append(_Part(EVER, design[:, entering], curve.cure, at.of_ever, 1.0))
    locations = [part.location() for part in parts]
    scale = Direction(LOG_SCALE, "log σ", at.log_scale)
    slopes = [each for part in parts for each in part.slope()]
    effects = [each for part in parts for each in part.effects()]
    freed = [[], locations, [*locations, *slopes, scale], [*locations, *effects, scale]]
    return Levels([Level(k, free, len(at.log_scale)) for k, free in enumerate(freed)])


@dataclass(frozen=True)
class _Part:
    """One of both linear predictors; `whole` places its coefficients among all parameters."""

    name: str
    design: Array
    coefficients: Array
    whole: Callable[[Array], Array]
    unit: float

    def location(self) -> Direction:
        intercept = np.zeros(len(self.coefficients))
        intercept[0] = self.unit
        return Direction(LOCATION, self.name, self.whole(intercept))

    def slope(self) -> list[Direction]:
        """Turn the predictor about its mean, if it varies."""
        predictor = self.design @ self.coefficients
        if predictor.std() <= _SAME * (1.0 + np.abs(predictor).max()):
            return []
        turned = self.coefficients.copy()
        turned[0] -= predictor.mean()
        return [Direction(SLOPE, self.name, self.whole(turned))]

    def effects(self) -> list[Direction]:
        """Change one coefficient at a time, about the mean of its covariate."""
        found = []
        for j, values in enumerate(self.design.T):
            if j:
                sd = values.std() or 1.0
                coefficients = np.zeros(len(self.coefficients))
                coefficients[[0, j]] = -self.unit * values.mean() / sd, self.unit / sd
                found.append(Direction(EFFECT, self.name, self.whole(coefficients)))
        return found
