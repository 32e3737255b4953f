"""A sheet of paper measured in inches, and what is drawn on it: axes, marks, labels, text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from discresorb.distributions import Array
from discresorb.figure_style import GRID, INK, MUTED, TICK, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["NOT_KNOWN", "Ruler", "Sheet", "lines_of", "spread"]

SMALL, TINY = 7.5, 6.6  # points
_LETTER = 0.6  # width of a letter in its size, at most about
_MEAN_LETTER = 0.54  # and on average
_LINE_HEIGHT = 1.32
_LONG, _SHORT = 0.065, 0.035  # inches of a mark with and without a label
_CAP = 0.02
_BESIDE = 1.3  # inches that a note beside an axis needs
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Ruler:
    """Where the points of an axis lie on the sheet.

    Parameters
    ----------
    left, right : float
        Inches.
    low, high : float
        Points there.
    """

    left: float
    right: float
    low: float
    high: float

    def x(self, points: Array) -> Array:
        """Give inches by points."""
        return self.left + (points - self.low) / (self.high - self.low) * (self.right - self.left)


def lines_of(text: str, width: float, size: float, most: int = 99, tail: str = "") -> list[str]:
    """Break text so that it fits a width in inches; what is over gives way to an ellipsis.

    The tail, such as a unit, stays.
    """
    letters = max(int(width * 72.0 / (size * _MEAN_LETTER)), 8)
    lines = wrap(words(text + tail), letters) or [""]
    if len(lines) > most:
        last = " ".join(lines[most - 1 :])
        tail = words(tail)[: letters - 2]
        lines = [*lines[: most - 1], last[: letters - 1 - len(tail)].rstrip() + "…" + tail]
    return lines


def spread(places: Array, widths: Array, low: float, high: float) -> Array:
    """Move labels apart, in their order and as little as need be, and keep them within bounds.

    Parameters
    ----------
    places : float array
        Where their middles should stand.
    widths : float array
        How wide, or high, they are.
    low, high : float
        Bounds of their outer edges.
    """
    order = np.argsort(places, kind="stable")
    found, half = places[order].astype(float), 0.5 * widths[order]
    gaps = half[1:] + half[:-1]
    for _ in range(300):
        close = np.maximum(gaps - np.diff(found), 0.0)
        if close.max(initial=0.0) < 1e-4:
            break
        found[:-1] -= 0.5 * close
        found[1:] += 0.5 * close
    reach = np.concatenate([[0.0], np.cumsum(gaps)])
    found = np.maximum(found, low + half[0] + reach)
    found = np.minimum(found, high - half[-1] - (reach[-1] - reach))
    placed = np.empty_like(found)
    placed[order] = found
    return placed


class Sheet:
    """One figure whose every position is in inches from its lower left corner.

    Parameters
    ----------
    figure : Figure
        Empty.

    Attributes
    ----------
    row : float
        Height of a row of what is being drawn.
    """

    row = 0.4

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.width, self.height = figure.get_size_inches()
        self.axes: Axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set(xlim=(0.0, self.width), ylim=(0.0, self.height))
        self.axes.set_axis_off()

    def text(self, x: float, y: float, text: str, size: float = SMALL, **how: Any) -> None:
        """Write one line; its baseline is at y."""
        self.axes.text(x, y, words(text), fontsize=size, **how)

    def paragraph(
        self, x: float, y: float, width: float, text: str, size: float, **how: Any
    ) -> float:
        """Write text from y downwards; give where it ends."""
        for line in lines_of(text, width, size):
            y -= size * _LINE_HEIGHT / 72.0
            self.text(x, y, line, size, **how)
        return y

    def segments(self, name: str, segments: Sequence[Any], **how: Any) -> None:
        """Draw lines that bear one name in the file."""
        from matplotlib.collections import LineCollection

        how = {"colors": INK, "linewidths": 0.7, "capstyle": "butt", **how}
        found = LineCollection(segments, clip_on=False, **how)
        found.set_gid(name)
        self.axes.add_collection(found, autolim=False)

    def label_column(
        self, x: float, y: float, width: float, text: str, tail: str = "", **how: Any
    ) -> None:
        """Write what an axis is, centred in as many lines as its row has room for."""
        most = max(1, int(self.row * 72.0 / (SMALL * _LINE_HEIGHT)))
        lines = lines_of(text, width, SMALL, most, tail)
        step = SMALL * _LINE_HEIGHT / 72.0
        top = y + 0.5 * step * (len(lines) - 1) - 0.3 * SMALL / 72.0
        for at, line in enumerate(lines):
            self.text(x, top - at * step, line, **how)

    def line(self, ruler: Ruler, y: float, low: float, high: float) -> None:
        """Draw an axis' own line."""
        self.segments("line", [[(ruler.x(low), y), (ruler.x(high), y)]])

    def marks(
        self, name: str, ruler: Ruler, y: float, at: Array, labels: Sequence[str], *, up: bool
    ) -> None:
        """Draw marks and their labels; a label that has no room is left out."""
        sign = 1.0 if up else -1.0
        x = ruler.x(np.asarray(at, float))
        ends = [y + sign * (_LONG if label else _SHORT) for label in labels]
        self.segments(name, [[(a, y), (a, end)] for a, end in zip(x, ends, strict=True)])
        base = y + sign * (_LONG + _CAP)
        shown = [(float(a), words(label)) for a, label in zip(x, labels, strict=True) if label]
        for a, label in _with_room(sorted(shown)):
            self.text(a, base, label, TINY, ha="center", va="bottom" if up else "top")

    def levels(self, name: str, ruler: Ruler, y: float, at: Array, labels: Sequence[str]) -> None:
        """Draw the levels of a flag or category, each with its label, moved aside to have room.

        None is left out, since nothing else says which level a mark is.
        """
        x = ruler.x(np.asarray(at, float))
        self.segments(name, [[(a, y), (a, y - _SHORT)] for a in x])
        room = (ruler.right - ruler.left + 0.6) / len(labels)
        most = max(int(room * 72.0 / (TINY * _LETTER)) - 1, 3)
        shown = [
            each if len(each) <= most else each[: most - 1] + "…" for each in map(words, labels)
        ]
        widths = np.array([len(each) + 1.0 for each in shown]) * TINY * _LETTER / 72.0
        places = spread(x, widths, ruler.left - 0.3, ruler.right + 0.3)
        foot = y - _LONG - 0.03
        leaders = [[(a, y - _SHORT), (b, foot)] for a, b in zip(x, places, strict=True)]
        self.segments("leader", leaders, linewidths=0.4)
        for place, label in zip(places, shown, strict=True):
            self.text(place, foot - _CAP, label, TINY, ha="center", va="top")

    def unknown(self, name: str, ruler: Ruler, y: float, at: float, end: float) -> None:
        """Mark the points of a number that is not known; its axis ends at `end`."""
        x, beside = float(ruler.x(at)), float(ruler.x(end)) + 0.1
        self.segments(name, [[(x, y), (x, y + 0.07)]], linewidths=1.4)
        if beside < ruler.right - _BESIDE:
            self.text(beside, y, f"mark above: {NOT_KNOWN}", TINY, va="center_baseline")
        else:
            self.text(x, y + 0.08, NOT_KNOWN, TINY, ha="center", va="bottom")

    def grid(self, ruler: Ruler, at: Array, top: float, bottom: float) -> None:
        """Draw faint lines that lead the eye straight up or down."""
        lines = [[(x, bottom), (x, top)] for x in ruler.x(np.asarray(at, float))]
        self.segments("grid", lines, colors=GRID, linewidths=0.6, zorder=0)

    def example(self, x: float, y: float) -> None:
        """Mark where the example is read."""
        self.axes.plot([x], [y], "o", color=TICK, ms=4.2, clip_on=False, zorder=6)

    def example_line(self, x: float, top: float, bottom: float) -> None:
        """Draw how the example is read."""
        self.axes.plot(
            [x, x], [top, bottom], color=TICK, lw=0.9, ls=(0, (3, 2)), zorder=5, clip_on=False
        )

    def rule(self, y: float, left: float, right: float) -> None:
        """Draw a thin line between two parts."""
        self.segments("rule", [[(left, y), (right, y)]], colors=MUTED, linewidths=0.5)


def _with_room(labels: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Keep labels that do not touch; the first and the last come first."""
    ends = labels[:1] + labels[-1:][len(labels) < 2 :]
    kept: list[tuple[float, str]] = []
    for each in [*ends, *labels[1:-1]]:
        if all(_apart(each, other) for other in kept):
            kept.append(each)
    return kept


def _apart(one: tuple[float, str], other: tuple[float, str]) -> bool:
    letters = 0.5 * (len(one[1]) + len(other[1])) + 0.6
    return abs(one[0] - other[0]) >= letters * TINY * _LETTER / 72.0
