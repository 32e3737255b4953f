"""A nomogram of one total: points fitted, axes placed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from discresorb.distributions import Array
from discresorb.nomogram_charts import MOST_POINTS, Marks, OneTotal, added, placed
from discresorb.nomogram_fit import fit_points, monotone_curve
from discresorb.nomogram_scales import Scale, probability_scale

__all__ = ["one_total"]

# of the axis' length: closest marks, and closest labels
_APART, _WRITTEN = 0.005, 0.026
_ROUND = 10.0
_CLOSEST = 0.4  # points between two marks of an input


def one_total(
    marks: Sequence[Marks], X: Array, probabilities: Array, stratum: int | None, roughness: float
) -> OneTotal:
    """Find the points of all inputs but the stratum, and the axes read off their total.

    Parameters
    ----------
    marks : sequence of Marks
        Of all inputs.
    X : float array, (n, k)
        Patients like those in training.
    probabilities : float array, (n, months)
        The model's for them.
    stratum : int or None
        Position of the flag or category with axes of its own for each level.
    roughness : float
        How much uneven marks count against the fit.
    """
    strata = np.zeros(len(X), int) if stratum is None else X[:, stratum].astype(int)
    own = [each for each in marks if each.position != stratum]
    if not own:
        return _without_points(probabilities, strata, stratum)
    blocks = [each.basis(X[:, each.position]) for each in own]
    rough = _block_diagonal([each.rough() for each in own])
    fitted = fit_points(np.hstack(blocks), rough, probabilities, strata, roughness)
    ends = np.cumsum([block.shape[1] for block in blocks])[:-1]
    parts = _within_the_drawn(np.split(fitted.points, ends), blocks)
    largest = max(float(np.ptp(part)) for part in parts)
    inputs = placed(own, parts, MOST_POINTS / largest if largest > 0.0 else 0.0, _CLOSEST)
    totals = added(inputs, X)
    low, high = _rounded_ends(totals)
    span = high - low
    return OneTotal(
        inputs,
        stratum,
        (low, high),
        [
            [_outcome(totals[strata == level], p, span) for p in probabilities[strata == level].T]
            for level in range(int(strata.max()) + 1)
        ],
    )


def _without_points(probabilities: Array, strata: Array, stratum: int | None) -> OneTotal:
    """Give one probability a level: the stratum is the only input."""
    levels = range(int(strata.max()) + 1)
    totals = np.zeros(len(strata))
    outcomes = [
        [_outcome(totals[strata == level], p, _ROUND) for p in probabilities[strata == level].T]
        for level in levels
    ]
    return OneTotal([], stratum, (0.0, _ROUND), outcomes)


def _outcome(totals: Array, probabilities: Array, span: float) -> Scale:
    curve = monotone_curve(totals, probabilities)
    return probability_scale(curve.totals, curve.probabilities, _APART * span, _WRITTEN * span)


def _within_the_drawn(parts: Sequence[Array], blocks: Sequence[Array]) -> list[Array]:
    """Give marks that no patient needs the points of the nearest one that some do."""
    found = []
    for part, block in zip(parts, blocks, strict=True):
        used = np.flatnonzero(block.sum(axis=0) > 0.0)
        nearest = used[np.abs(np.arange(len(part))[:, None] - used).argmin(axis=1)]
        found.append(part[nearest])
    return found


def _rounded_ends(totals: Array) -> tuple[float, float]:
    low = np.floor(totals.min() / _ROUND) * _ROUND
    return float(low), float(max(np.ceil(totals.max() / _ROUND) * _ROUND, low + _ROUND))


def _block_diagonal(blocks: Sequence[Array]) -> Array:
    found = np.zeros((sum(len(b) for b in blocks), sum(b.shape[1] for b in blocks)))
    row = column = 0
    for block in blocks:
        found[row : row + len(block), column : column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return found
