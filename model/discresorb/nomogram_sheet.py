"""A sheet of paper measured in inches, and what is drawn on it: axes, marks, labels, text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from discresorb.distributions import Array
from discresorb.figure_style import GRID, INK, MUTED, TICK, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "LINE_HEIGHT",
    "NOT_KNOWN",
    "Ruler",
    "Sheet",
    "level_labels",
    "lines_of",
    "one_line",
    "paragraph_lines",
    "spread",
    "text_width",
]

SMALL, TINY = 7.5, 6.6  # points
_BOLD = 1.12  # how much wider, at most about
_OTHER_SCRIPT = 1.1  # width of a letter that the measuring font lacks, at most about
_SPARE = 1.03  # for readers whose font is a little wider
_OVER = 0.3  # inches by which the labels of levels may reach beyond their axis
LINE_HEIGHT = 1.32
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


def text_width(text: str, size: float) -> float:
    """Give how wide a line of text is, in inches."""
    return _SPARE * size / 72.0 * sum(_letter_width(letter) for letter in text)


@lru_cache(maxsize=4096)
def _letter_width(letter: str) -> float:
    """Give a letter's width in its size."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    if not font.get_char_index(ord(letter)):
        return _OTHER_SCRIPT
    font.set_size(1_000.0, 72.0)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65_536.0 / 1_000.0


def one_line(text: str) -> str:
    """Give text that can be drawn on one line."""
    return " ".join(words(text).split())


def lines_of(text: str, width: float, size: float, most: int = 99, tail: str = "") -> list[str]:
    """Break text so that it fits a width in inches; what is over gives way to an ellipsis.

    The tail, such as a unit, stays.

    Parameters
    ----------
    text : str
        To be broken between words, and within one that is wider than a line.
    width : float
        Of a line, in inches.
    size : float
        Of letters, in points.
    most : int, default 99
        Lines.
    tail : str, default none
        Belongs to the end of the text, such as a unit.
    """
    lines = _broken(one_line(text + tail), width, size)
    if len(lines) <= most:
        return lines
    tail = "…" + _fitting(words(tail), 0.8 * width, size)
    last = _fitting(" ".join(lines[most - 1 :]), width - text_width(tail, size), size)
    return [*lines[: most - 1], last.rstrip() + tail]


def paragraph_lines(text: str, width: float, size: float, weight: str) -> list[str]:
    """Break a paragraph; bold letters are wider.

    Parameters
    ----------
    text, width, size
        As in `lines_of`.
    weight : str
        Of letters, as matplotlib names it.
    """
    return lines_of(text, width / _BOLD if weight == "bold" else width, size)


def _broken(text: str, width: float, size: float) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size) > width:
            lines.append(line)
            longer = word
        line = longer
        while text_width(line, size) > width:  # one word wider than the line
            part = _fitting(line, width, size) or line[0]
            lines.append(part)
            line = line[len(part) :]
    return [*lines, line]


def _fitting(text: str, width: float, size: float) -> str:
    """Give as much of the beginning as fits."""
    while text and text_width(text, size) > width:
        text = text[:-1]
    return text


def level_labels(names: Sequence[str], inches: float) -> list[str]:
    """Give the levels' names if an axis of that length has room for them, else numbers."""
    names = [one_line(name) for name in names]
    room = inches + 2.0 * _OVER
    if sum(map(_level_width, names)) <= room and "" not in names:
        return names
    return [f"{number}" for number in range(1, len(names) + 1)]


def _level_width(label: str) -> float:
    return text_width(label, TINY) + 0.6 * TINY / 72.0


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

    Notes
    -----
    Where methods take them, ``x``, ``y``, ``top``, ``bottom`` and ``width`` are inches, from the
    lower left corner; ``size`` is that of letters, in points; a ``ruler`` turns points of an axis,
    such as ``at``, ``low``, ``high`` and ``end``, into inches; ``name`` is what lines are
    called in the file; ``labels`` stand one at each mark, ``up`` above it instead of below;
    ``text`` is written on one line or broken, with its ``tail`` kept; ``how`` is for matplotlib.
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
        self.axes.text(x, y, one_line(text), fontsize=size, **how)

    def paragraph(
        self, x: float, y: float, width: float, text: str, size: float, **how: Any
    ) -> float:
        """Write text from y downwards; give where it ends."""
        for line in paragraph_lines(text, width, size, how.get("weight", "normal")):
            y -= size * LINE_HEIGHT / 72.0
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
        most = max(1, int(self.row * 72.0 / (SMALL * LINE_HEIGHT)))
        width = width / _BOLD if how.get("weight") == "bold" else width
        lines = lines_of(text, width, SMALL, most, tail)
        step = SMALL * LINE_HEIGHT / 72.0
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

        None is left out, since nothing else says which level a mark is; see `level_labels`.
        """
        x = ruler.x(np.asarray(at, float))
        self.segments(name, [[(a, y), (a, y - _SHORT)] for a in x])
        widths = np.array([_level_width(label) for label in labels])
        places = spread(x, widths, ruler.left - _OVER, ruler.right + _OVER)
        foot = y - _LONG - 0.03
        leaders = [[(a, y - _SHORT), (b, foot)] for a, b in zip(x, places, strict=True)]
        self.segments("leader", leaders, linewidths=0.4)
        for place, label in zip(places, labels, strict=True):
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
    half = 0.5 * (_level_width(one[1]) + _level_width(other[1]))
    return abs(one[0] - other[0]) >= half
