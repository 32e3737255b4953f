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
_BELOW_ONE = 0.004  # what a mark of less than 1 of 100 stands for, and is worded as
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
    """Leave out marks that stand too close to others.

    Labelled ones stay rather than small ones. Of the small ones between two labels all stay, or
    every second and so on, since otherwise nobody could tell what they stand for; where none stay,
    an end is labelled.
    """
    chosen: set[int] = set()
    labels = [*scale.labels]
    for run in monotone_runs(scale.at):
        own = range(run.start, run.stop)
        kept = {own[0], own[-1]}
        for position in (each for each in own if scale.labels[each]):
            if min(abs(scale.at[position] - scale.at[each]) for each in kept) >= closest:
                kept.add(position)
        for left, right in itertools.pairwise(sorted(kept)):
            between = _regular(range(left, right + 1), scale.at[left : right + 1], closest)
            kept |= {*between}
            if right - left > 1 and not between:
                for end in (left, right):
                    labels[end] = labels[end] or f"{scale.values[end]:.10g}"
        chosen |= kept
    order = sorted(chosen)
    return Scale(scale.values[order], scale.at[order], [labels[position] for position in order])


def _regular(marks: range, at: Array, closest: float) -> range:
    """Keep as many even marks, the first and the last among them, as stand apart."""
    count = len(marks) - 1
    for every in range(1, count):
        if count % every == 0 and np.abs(np.diff(at[::every])).min() >= closest:
            return marks[::every]
    return marks[:0]


def run_bounds(scale: Scale, run: slice) -> tuple[float, float]:
    """Give the smallest and the largest value of a run."""
    return float(scale.values[run][0]), float(scale.values[run][-1])


def probability_scale(totals: Array, probabilities: Array, apart: float, written: float) -> Scale:
    """Mark whole percentages on an axis of totals, and what is read at its ends.

    Small marks between two labels are even percentages, so that they can be counted.
    Where a curve has levelled off, the mark at the end repeats the last percentage, so that the
    axis reaches as far as the totals do.

    Parameters
    ----------
    totals, probabilities : float array
        Both rising: what is read off each total.
    apart, written : float
        Smallest distance of two marks, and of two labels, in points.
    """
    labelled: dict[float, float] = {}  # share by place
    for share, place in _percentages(totals, probabilities):
        if _nearest(place, [*labelled]) >= written:
            labelled[place] = share
    known, where = _rising(totals, probabilities)
    taken = {place: (share, _percent(share)) for place, share in labelled.items()}
    for left, right in itertools.pairwise(sorted(labelled)):
        between = range(round(100.0 * labelled[left]), round(100.0 * labelled[right]) + 1)
        at = np.interp(np.array(between) / 100.0, known, where)
        at[[0, -1]] = left, right
        for percentage in _regular(between, at, apart)[1:-1]:
            share = percentage / 100.0
            taken[float(np.interp(share, known, where))] = (share, "")
    places = sorted(taken)
    shares = np.array([taken[place][0] for place in places])
    return Scale(
        np.maximum.accumulate(shares), np.array(places), [taken[place][1] for place in places]
    )


def _percentages(totals: Array, probabilities: Array) -> Iterator[tuple[float, float]]:
    """Give probabilities that may have labels and where, those first that matter most."""
    for end in (0, -1):
        share = min(max(round(float(probabilities[end]), 2), _BELOW_ONE), 1.0 - _BELOW_ONE)
        yield share, float(totals[end])
    known, where = _rising(totals, probabilities)
    for percentage in dict.fromkeys(itertools.chain.from_iterable(_TIERS)):
        share = percentage / 100.0
        if known[0] <= share <= known[-1]:
            yield share, float(np.interp(share, known, where))


def _rising(totals: Array, probabilities: Array) -> tuple[Array, Array]:
    rising = np.concatenate([[True], np.diff(probabilities) > 1e-9])
    return probabilities[rising], totals[rising]


def _nearest(place: float, others: Sequence[float]) -> float:
    return min((abs(place - other) for other in others), default=math.inf)


def _percent(share: float) -> str:
    """Write a percentage; below 1 and above 99 as such."""
    if share < 0.01:
        return "<1"
    return ">99" if share > 0.99 else f"{100.0 * share:.0f}"
