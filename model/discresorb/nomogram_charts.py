"""Two kinds of nomogram as numbers, each read as a person reads it.

`OneTotal` is the textbook's: points of all inputs are added, and each month's probability is read
off the total; patients of one flag or category may have probability axes of their own. `TwoTotals`
has points for whether the herniation ever resorbs and others for how fast, and a panel of curves
for each month: one total is found across, the other picks the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discresorb.columns import Column
from discresorb.design import Covariate
from discresorb.distributions import Array
from discresorb.nomogram_fit import pooled
from discresorb.nomogram_scales import Scale, even_marks, thinned
from discresorb.predictor import Predictor
from discresorb.training_patients import level_names, training_range

__all__ = ["InputAxis", "Marks", "OneTotal", "TwoTotals", "added", "input_marks", "placed"]

MOST_POINTS = 100.0
_TOLERANCE = 1.5  # points by which an axis may be straightened so that it does not turn back


@dataclass(frozen=True)
class Marks:
    """What is marked on an input's axis, before it is known where.

    Parameters
    ----------
    position : int
        Of the covariate in the model.
    column : Column
        The input.
    values : float array
        Rising.
    labels : sequence of str
        One a value, may be empty.
    optional : bool
        Whether it may be missing.
    """

    position: int
    column: Column
    values: Array
    labels: Sequence[str]
    optional: bool

    def basis(self, x: Array) -> Array:
        """Give how much of each mark a patient gets; a column for those not known comes last."""
        known = ~np.isnan(x)
        found = np.zeros((len(x), len(self.values) + self.optional))
        inside = np.clip(x[known], self.values[0], self.values[-1])
        left = np.clip(np.searchsorted(self.values, inside, "right") - 1, 0, len(self.values) - 2)
        share = (inside - self.values[left]) / (self.values[left + 1] - self.values[left])
        rows = np.flatnonzero(known)
        found[rows, left] = 1.0 - share
        found[rows, left + 1] += share
        if self.optional:
            found[~known, -1] = 1.0
        return found

    def rough(self) -> Array:
        """Give what makes second differences of the points; none for flags and categories."""
        count = len(self.values) - 2 if self.column.kind == "number" else 0
        found = np.zeros((count, len(self.values) + self.optional))
        for row in range(count):
            found[row, row : row + 3] = (1.0, -2.0, 1.0)
        return found * float(len(self.values)) ** 1.5  # the same however many marks there are

    def axis(self, points: Array, closest: float) -> InputAxis:
        """Place the marks; points as in `basis`. Numbers closer than `closest` are left out."""
        scale = Scale(self.values, points[: len(self.values)], self.labels)
        if self.column.kind == "number":
            straight = Scale(self.values, straightened(scale.at), self.labels)
            scale = thinned(straight, closest)
        unknown = float(points[-1]) if self.optional else None
        return InputAxis(self.position, self.column, scale, unknown)


@dataclass(frozen=True)
class InputAxis:
    """One input's axis.

    Parameters
    ----------
    position : int
        Of the covariate in the model.
    column : Column
        The input.
    scale : Scale
        Points by value; of a flag or category by the position of the level.
    unknown : float or None
        Points where the input is not known, if that may be.
    """

    position: int
    column: Column
    scale: Scale
    unknown: float | None

    def points(self, X: Array) -> Array:
        """Give each patient's points."""
        x = X[:, self.position]
        known = self.scale.points(np.where(np.isnan(x), self.scale.values[0], x))
        return np.where(np.isnan(x), self.unknown, known) if self.unknown is not None else known


@dataclass(frozen=True)
class OneTotal:
    """Points of all inputs are added; each month's probability is read off the total.

    Parameters
    ----------
    inputs : sequence of InputAxis
        What gives points.
    stratum : int or None
        Position of the flag or category whose levels have probability axes of their own.
    ends : (float, float)
        Of the axis of totals.
    outcomes : sequence of sequence of Scale
        By level, by month: probability by total.
    """

    inputs: Sequence[InputAxis]
    stratum: int | None
    ends: tuple[float, float]
    outcomes: Sequence[Sequence[Scale]]

    def read(self, X: Array, *, whole: bool = False) -> Array:
        """Read probabilities, (n, months); with points rounded to whole ones if so asked."""
        total = added(self.inputs, X, whole=whole)
        found = np.empty((len(X), len(self.outcomes[0])))
        level = np.zeros(len(X), int) if self.stratum is None else X[:, self.stratum].astype(int)
        for at, scales in enumerate(self.outcomes):
            own = level == at
            found[own] = np.column_stack([scale.value(total[own]) for scale in scales])
        return found

    def beyond(self, X: Array) -> Array:
        """Say by how many points each patient's total lies beyond the probability axes."""
        total = added(self.inputs, X)
        ends = np.array([[scales[0].at[0], scales[0].at[-1]] for scales in self.outcomes])
        level = np.zeros(len(X), int) if self.stratum is None else X[:, self.stratum].astype(int)
        return _outside(total, *ends[level].T)


@dataclass(frozen=True)
class TwoTotals:
    """One total for whether, another for how fast; curves for each month.

    Parameters
    ----------
    ever, pace : sequence of InputAxis
        What gives points for whether the herniation ever resorbs, and for how fast.
    across : float array
        Totals of the first at which the curves have their corners.
    levels : float array
        Totals of the second for which a curve is drawn, rising.
    curves : sequence of float array, (levels, across)
        By month.
    """

    ever: Sequence[InputAxis]
    pace: Sequence[InputAxis]
    across: Array
    levels: Array
    curves: Sequence[Array]

    def read(self, X: Array, *, whole: bool = False) -> Array:
        """Read probabilities, (n, months), evenly between the two nearest curves."""
        first, second = (added(axes, X, whole=whole) for axes in (self.ever, self.pace))
        second = np.clip(second, self.levels[0], self.levels[-1])
        upper = np.clip(np.searchsorted(self.levels, second), 1, len(self.levels) - 1)
        gap = self.levels[upper] - self.levels[upper - 1]
        share = (second - self.levels[upper - 1]) / gap
        found = []
        for curves in self.curves:
            by_curve = np.array([np.interp(first, self.across, curve) for curve in curves])
            rows = np.arange(len(X))
            low, high = by_curve[upper - 1, rows], by_curve[upper, rows]
            found.append(low + share * (high - low))
        return np.column_stack(found)

    def beyond(self, X: Array) -> Array:
        """Say by how many points a total of each patient lies beyond the curves."""
        first, second = (added(axes, X) for axes in (self.ever, self.pace))
        return np.maximum(
            _outside(first, self.across[0], self.across[-1]),
            _outside(second, self.levels[0], self.levels[-1]),
        )


def _outside(total: Array, low: Array | float, high: Array | float) -> Array:
    return np.maximum(np.maximum(low - total, total - high), 0.0)


def added(axes: Sequence[InputAxis], X: Array, *, whole: bool = False) -> Array:
    """Add each patient's points."""
    total = np.zeros(len(X))
    for axis in axes:
        points = axis.points(X)
        total = total + (np.round(points) if whole else points)
    return total


def input_marks(predictor: Predictor) -> list[Marks]:
    """Choose the marks of every input: numbers over the training range, all levels of others."""
    found = []
    for position, covariate in enumerate(predictor.design.covariates):
        column = covariate.column
        values, labels = _marks(predictor, covariate)
        found.append(
            Marks(position, column, values, labels, column.name in predictor.design.optional)
        )
    return found


def _marks(predictor: Predictor, covariate: Covariate) -> tuple[Array, list[str]]:
    column = covariate.column
    if column.kind != "number":
        names = [*level_names(column)]
        return np.arange(len(names), dtype=float), names
    values, labels = even_marks(*training_range(predictor, column.name))
    allowed = (values >= column.low) & (values <= column.high)
    if allowed.sum() < 2:
        return values, labels
    return values[allowed], [each for each, fits in zip(labels, allowed, strict=True) if fits]


def straightened(at: Array) -> Array:
    """Keep an axis from turning back where a point or so does not matter.

    Rising, falling, and turning once are tried in this order; otherwise it stays as it is.
    """
    top, bottom = int(np.argmax(at)), int(np.argmin(at))
    for signs in (
        np.ones(len(at)),
        -np.ones(len(at)),
        np.where(np.arange(len(at)) <= top, 1.0, -1.0),
        np.where(np.arange(len(at)) <= bottom, -1.0, 1.0),
    ):
        tried = _directed(at, signs)
        if np.max(np.abs(tried - at)) <= _TOLERANCE:
            return tried
    return at


def _directed(at: Array, signs: Array) -> Array:
    found = at.copy()
    for sign in (1.0, -1.0):
        own = signs == sign
        if own.any():
            means, pool = pooled(sign * at[own], np.ones(int(own.sum())))
            found[own] = sign * means[pool]
    return found


def placed(
    marks: Sequence[Marks], parts: Sequence[Any], unit: float, closest: float
) -> list[InputAxis]:
    """Turn each input's raw points into an axis that begins at 0; leave out those that give none.

    Parameters
    ----------
    marks : sequence of Marks
        The inputs.
    parts : sequence of float array
        Their raw points, as in `Marks.basis`.
    unit : float
        Points for one of them.
    closest : float
        Points between two marks of a number.
    """
    scaled = [(each, unit * (part - np.min(part))) for each, part in zip(marks, parts, strict=True)]
    return [each.axis(points, closest) for each, points in scaled if np.ptp(points) > 0.05]
