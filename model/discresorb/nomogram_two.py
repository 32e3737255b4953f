"""A nomogram of two totals, which a model with a cure fraction fills exactly.

The points are the model's own linear predictors: of the logit of ever resorbing, and of the log
time, faster giving more. Only what stands in for a missing input, and the space between two curves,
is approximate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from discresorb.curve import CureCurve
from discresorb.design import Design
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.nomogram_charts import MOST_POINTS, Marks, TwoTotals, added, placed
from discresorb.nomogram_scales import even_marks
from discresorb.predictor import Predictor

__all__ = ["two_totals"]

_CORNERS = 81
_CLOSEST = 0.8  # points between two marks of an input, on half the width of a sheet


def two_totals(
    predictor: Predictor, marks: Sequence[Marks], X: Array, months: Sequence[float], entry: float
) -> TwoTotals:
    """Take points from the linear predictors, and curves of each month from the model.

    Parameters
    ----------
    predictor : Predictor
        A model with a cure fraction.
    marks : sequence of Marks
        Of all inputs.
    X : float array, (n, k)
        Patients like those in training.
    months : sequence of float
        After the index MRI.
    entry : float
        Months since onset at the index MRI.
    """
    artifact = predictor.artifact
    ever = np.zeros(len(artifact["location"]))
    ever[artifact["cure_columns"] or slice(None)] = artifact["cure_coefficients"]
    to_ever = _Points(predictor.design, ever, marks, X, entry)
    to_pace = _Points(predictor.design, -artifact["location"], marks, X, entry)
    low, high = _ends(added(to_ever.axes, X))
    across = np.linspace(low, high, _CORNERS)
    levels = _levels(added(to_pace.axes, X))
    curve = CureCurve(
        DISTRIBUTIONS[artifact["distribution"]],
        np.array([0.0, 1.0, 0.0]),
        artifact["log_scale"],
        np.array([0.0, 0.0, 1.0]),
        np.eye(7),
    )
    grid = np.ones((len(levels), _CORNERS, 3))
    grid[..., 1] = -to_pace.predictor(levels)[:, None]
    grid[..., 2] = to_ever.predictor(across)
    return TwoTotals(
        to_ever.axes,
        to_pace.axes,
        across,
        levels,
        [curve.probability(grid, entry, entry + month) for month in months],
    )


class _Points:
    """Points for one linear predictor, and the way back from their total."""

    def __init__(
        self, design: Design, coefficients: Array, marks: Sequence[Marks], X: Array, entry: float
    ) -> None:
        parts = [_part(design, coefficients, each, X, entry) for each in marks]
        largest = max((float(np.ptp(part)) for part in parts), default=0.0)
        self._unit = MOST_POINTS / largest if largest > 0.0 else 1.0
        self._lowest = float(coefficients[0] + sum(np.min(part) for part in parts))
        self.axes = placed(marks, parts, self._unit, _CLOSEST)

    def predictor(self, totals: Array) -> Array:
        return self._lowest + totals / self._unit


def _part(design: Design, coefficients: Array, marks: Marks, X: Array, entry: float) -> Array:
    """Give what one input adds to the linear predictor at each mark, and if it is not known."""
    start = 1 + sum(len(each.names) for each in design.covariates[: marks.position])
    own = slice(start, start + len(design.covariates[marks.position].names))

    def contributions(values: Array, others: Array) -> Array:
        patients = others.copy()
        patients[:, marks.position] = values
        columns = design.matrix(patients, np.full(len(patients), entry))[:, own]
        return columns @ coefficients[own]

    known = contributions(marks.values, np.repeat(X[:1], len(marks.values), axis=0))
    if not marks.optional:
        return known
    return np.r_[known, contributions(np.full(len(X), np.nan), X).mean()]


def _ends(totals: Array) -> tuple[float, float]:
    values, _ = even_marks(float(totals.min()), float(totals.max()))
    return float(values[0]), float(values[-1])


def _levels(totals: Array) -> Array:
    """Choose the labelled ones of even marks, and one beyond each end."""
    values, labels = even_marks(float(totals.min()), float(totals.max()))
    written = np.array([value for value, label in zip(values, labels, strict=True) if label])
    step = written[1] - written[0]
    low = written[0] - step if written[0] > totals.min() else written[0]
    high = written[-1] + step if written[-1] < totals.max() else written[-1]
    return np.arange(round((high - low) / step) + 1) * step + low
