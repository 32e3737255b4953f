"""The axes of a nomogram as numbers: which marks are drawn, where, and what is read between them.

A scale is read as a person reads it: by the marks that are drawn, and evenly between two of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array

__all__ = ["Scale", "even_marks", "monotone_runs", "probability_scale", "run_bounds", "thinned"]

_STEPS = (1.0, 2.0, 5.0)
_MOST_LABELS = 14
# percentages from the one that must be drawn first to those that fill what is empty
_TIERS: tuple[tuple[int, ...], ...] = (
    (50,),
    (10, 90),
    (20, 30, 40, 60, 70, 80),
    (1, 99, 5, 95),
    (2, 98),
    tuple(range(5, 100, 5)),
    tuple(range(1, 100)),
)


@dataclass(frozen=True)
class Scale:
    """Marks on one axis.

    Parameters
    ----------
    values : float array
        What the marks stand for, rising.
    at : float array
        Where they stand, in points.
    labels : sequence of str
        What is written at them; empty for small marks.
    """

    values: Array
    at: Array
    labels: Sequence[str]

    def points(self, values: Array) -> Array:
        """Give points by value."""
        return np.interp(values, self.values, self.at)

    def value(self, points: Array) -> Array:
        """Give values by points; the axis must not turn back."""
        return np.interp(points, self.at, self.values)


def even_marks(low: float, high: float) -> tuple[Array, list[str]]:
    """Give even marks from below a range to above it, and labels for some of them."""
    if not high > low:
        low, high = low - 0.5, low + 0.5
    step = _step((high - low) / (_MOST_LABELS - 1))
    small = step / 5.0 if _leading(step) != 2 else step / 4.0
    first, last = math.floor(low / small + 1e-9), math.ceil(high / small - 1e-9)
    values = np.arange(first, last + 1) * small
    return values, [f"{value:.10g}" if _is_multiple(value, step) else "" for value in values]


def _leading(step: float) -> int:
    return round(step / 10.0 ** math.floor(math.log10(step) + 1e-9))


def _step(at_least: float) -> float:
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(each * power for each in (*_STEPS, 10.0) if each * power >= at_least - 1e-12)


def _is_multiple(value: float, step: float) -> bool:
    return math.isclose(value / step, round(value / step), abs_tol=1e-6)


def monotone_runs(at: Array) -> list[slice]:
    """Cut marks where their axis turns back; neighbouring runs share the mark between them."""
    signs = np.sign(np.diff(at))
    cuts, last = [0], 0.0
    for i, sign in enumerate(signs):
        if sign and last and sign != last:
            cuts.append(i)
        last = sign or last
    return [slice(a, b + 1) for a, b in itertools.pairwise([*cuts, len(at) - 1])]


def thinned(scale: Scale, closest: float) -> Scale:
    """Leave out marks that stand too close to others; labelled ones stay rather than small ones."""
    kept: set[int] = set()
    for run in monotone_runs(scale.at):
        own = range(run.start, run.stop)
        kept |= {own[0], own[-1]}
        for position in sorted(own, key=lambda each: not scale.labels[each]):
            near = (abs(scale.at[position] - scale.at[each]) for each in kept if each in own)
            if min(near) >= closest:
                kept.add(position)
    chosen = sorted(kept)
    return Scale(
        scale.values[chosen], scale.at[chosen], [scale.labels[position] for position in chosen]
    )


def run_bounds(scale: Scale, run: slice) -> tuple[float, float]:
    """Give the smallest and the largest value of a run."""
    return float(scale.values[run][0]), float(scale.values[run][-1])


def probability_scale(totals: Array, probabilities: Array, apart: float, written: float) -> Scale:
    """Mark whole percentages on an axis of totals, and what is read at its ends.

    Where a curve has levelled off, the mark at the end repeats the last percentage, so that the
    axis reaches as far as the totals do.

    Parameters
    ----------
    totals, probabilities : float array
        Both rising: what is read off each total.
    apart, written : float
        Smallest distance of two marks, and of two labels, in points.
    """
    taken: dict[float, tuple[float, str]] = {}  # by place
    labelled: list[float] = []
    for share, place in _percentages(totals, probabilities):
        if _nearest(place, [*taken]) < apart:
            continue
        label = ""
        if _nearest(place, labelled) >= written:
            label = _percent(share)
            labelled.append(place)
        taken[place] = (share, label)
    places = sorted(taken)
    shares = np.array([taken[place][0] for place in places])
    return Scale(
        np.maximum.accumulate(shares), np.array(places), [taken[place][1] for place in places]
    )


def _percentages(totals: Array, probabilities: Array) -> Iterator[tuple[float, float]]:
    """Give probabilities to mark and where, those first that matter most."""
    rising = np.concatenate([[True], np.diff(probabilities) > 1e-9])
    known, where = probabilities[rising], totals[rising]
    for percentage in dict.fromkeys(itertools.chain.from_iterable(_TIERS)):
        share = percentage / 100.0
        if known[0] <= share <= known[-1]:
            yield share, float(np.interp(share, known, where))
    for end in (0, -1):
        share = min(max(round(float(probabilities[end]), 2), 0.005), 0.995)
        yield share, float(totals[end])


def _nearest(place: float, others: Sequence[float]) -> float:
    return min((abs(place - other) for other in others), default=math.inf)


def _percent(share: float) -> str:
    """Write a percentage; below 1 and above 99 as such."""
    if share < 0.01:
        return "<1"
    return ">99" if share > 0.99 else f"{100.0 * share:.0f}"
