"""Plots with matplotlib: one patient's curve, and a waiting list at a glance.

As in seaborn and lifelines, each function draws into ``ax`` and returns it; without one it draws
into the current axes (``matplotlib.pyplot.gca()``), so that two calls put two curves into one plot.
Nothing else of matplotlib's state is touched, and nothing is shown or saved.

>>> from discresorb import load
>>> from discresorb.plot import plot_curve
>>> ax = plot_curve(
...     load(), size_mm=11, sequestrated=True, months_since_onset=0.5, months_to_surgery=6.2
... )
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from discresorb.advice import (
    DEFAULT_THRESHOLD,
    check_threshold,
)
from discresorb.cells import is_empty
from discresorb.clock import day_name
from discresorb.columns import MONTHS_TO_SURGERY, PATIENT_ID, SURGERY_DATE
from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb.figure_style import BAND, GRID, INK, LINE, MUTED, TICK
from discresorb.prediction import Prediction
from discresorb.predictor import Predictor
from discresorb.scored_patients import ScoredPatients, check_scored_with, read_scored
from discresorb.wording import SYNTHETIC_NOTICE, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_curve", "plot_waiting_list"]

_CONDITION = "if surgery does not happen before then"
_POINTS_DRAWN = 121
_ABOVE = "discresorb-above"  # marks our line above the axes, so that it is written once
_LABEL_PITCH = 7.5  # points that a row needs for its label to be read
_LIST = "discresorb-list"  # marks our intervals, so that no other list is drawn over them
_LEGEND_HEIGHT = 62.0  # points kept free below a list, so that its legend hides nobody
_SMALL = 3.0  # points of a mark from which on its neighbours touch
_OURS = ("fillstyle", "label")  # of points: they tell whom to image again


def plot_curve(
    predictor: Predictor,
    *,
    ax: Axes | None = None,
    months: float = 24.0,
    line_kws: Mapping[str, Any] | None = None,
    band_kws: Mapping[str, Any] | None = None,
    **cells: object,
) -> Axes:
    """Plot one patient's probability of resorption on MRI, month by month after the index MRI.

    The probability holds if surgery does not happen before the month in question. The band is the
    95 % interval. A surgery date is marked if it is given, and so is the end of the training
    patients' follow-up.

    Parameters
    ----------
    predictor : Predictor
        The model.
    ax : matplotlib.axes.Axes, optional
        To draw into; the current axes by default.
    months : float, default 24
        How far to draw; as far as the surgery date if that is later.
    line_kws, band_kws : mapping, optional
        For ``Axes.plot`` and ``Axes.fill_between``, such as ``{"color": "C1", "label": "Ms A"}``.
    **cells
        As `Predictor.predict` takes them; the surgery date is not needed.

    Returns
    -------
    matplotlib.axes.Axes
        That were drawn into.

    Raises
    ------
    InputError
        With every problem in words.

    Examples
    --------
    >>> ax = plot_curve(
    ...     load(), months=12, size_mm=8, sequestrated=False, months_since_onset=2
    ... )
    """
    if not isinstance(months, numbers.Real) or not 0.0 < months <= MONTHS_TO_SURGERY.high:
        raise InputError(
            f"months entered as {months!r}, but must be a number above 0 and at most "
            f"{MONTHS_TO_SURGERY.high:g}"
        )
    lines, bands = _own(line_kws, "line_kws"), _own(band_kws, "band_kws")
    planned = any(
        not is_empty(cells.get(name)) for name in (SURGERY_DATE.name, MONTHS_TO_SURGERY.name)
    )
    prediction = predictor.predict(**cells) if planned else None
    last = float(months)
    if prediction is not None:
        last = max(last, prediction.months_at_surgery - prediction.months_at_imaging)
    found = predictor.curve(months=np.linspace(0.0, last, _POINTS_DRAWN), **cells)
    entry = predictor._at_imaging(cells).entry
    ax = _current() if ax is None else ax
    reach = ax.get_xlim()[1] if ax.has_data() else 0.0
    band = {"facecolor": BAND, "linewidth": 0.0, "label": predictor.interval_label}
    ax.fill_between(found.months, 100.0 * found.low, 100.0 * found.high, **{**band, **bands})
    line = {"color": TICK, "linewidth": 2.0, "zorder": 3.0, "label": "estimate"}
    ax.plot(found.months, 100.0 * found.probability, **{**line, **lines})
    if prediction is not None:
        _mark_surgery(ax, prediction)
    _mark_follow_up(ax, predictor.artifact["longest_follow_up"] - entry, last)
    _finish(ax, f"Resorbed on MRI, {_CONDITION}", predictor.notices, lines=1)
    ax.set(xlim=(0.0, max(last, reach)), ylim=(0.0, 100.0))
    ax.set_xlabel("months after the index MRI")
    ax.set_ylabel("resorbed on MRI, of 100 patients like this")
    _legend(ax)
    return ax


def plot_waiting_list(
    scored: Any,
    *,
    ax: Axes | None = None,
    threshold: float = DEFAULT_THRESHOLD,
    label: str = PATIENT_ID.name,
    point_kws: Mapping[str, Any] | None = None,
    interval_kws: Mapping[str, Any] | None = None,
) -> Axes:
    """Plot who of a scored waiting list is likely to have resorbed by the surgery date.

    One row a patient, the likeliest at the top, each with the 95 % interval. Patients with a reason
    to image again have filled points and a mark at the right edge, others open points. Rows that
    could not be scored are counted in words.

    Parameters
    ----------
    scored : pandas.DataFrame or polars.DataFrame
        As `Predictor.score` gives it.
    ax : matplotlib.axes.Axes, optional
        To draw into; the current axes by default.
    threshold : float, default 0.20
        Where to draw the line: the one that the list was scored with.
    label : str, default "patient_id"
        Column that names the patients; names are written where they have room.
    point_kws, interval_kws : mapping, optional
        For ``Axes.plot`` and ``Axes.hlines``; not points' ``label`` and ``fillstyle``.

    Returns
    -------
    matplotlib.axes.Axes
        That were drawn into.

    Raises
    ------
    InputError
        If the frame is none, lacks what scoring adds or was scored with another threshold, and if
        the axes hold a list already.

    Examples
    --------
    >>> ax = plot_waiting_list(load().score(frame))
    """
    check_threshold(threshold)
    patients = read_scored(scored, label)
    check_scored_with(patients, threshold)
    points = _own(point_kws, "point_kws")
    taken = [name for name in _OURS if name in points]
    if taken:
        raise InputError(f"point_kws holds {' and '.join(taken)}, which tell whom to image again")
    ax = _current() if ax is None else ax
    if any(each.get_gid() == _LIST for each in ax.lines):
        raise InputError("these axes hold a waiting list already; give the next one its own, as ax")
    count = len(patients.probability)
    heights = np.arange(count, dtype=float)
    size = min(max(_pitch(ax, count) * 0.55, 1.0), 6.0)
    interval = {
        "color": LINE if size > _SMALL else BAND,
        "linewidth": min(max(size / 3.0, 0.4), 1.6),
        "label": "95 % interval",
    }
    if count:
        ax.hlines(
            heights,
            100.0 * patients.low,
            100.0 * patients.high,
            **{**interval, **_own(interval_kws, "interval_kws")},
        )
    _points(ax, patients, heights, {"markersize": size, **points})
    ax.axvline(
        100.0 * threshold, gid=_LIST, color=INK, linewidth=1.0, linestyle=(0, (5, 2.5)),
        label=f"threshold, {100.0 * threshold:g} of 100",
    )  # fmt: skip
    bottom = max(count, 1) - 0.4 + _LEGEND_HEIGHT / _pitch(ax, count)
    ax.set(xlim=(0.0, 100.0), ylim=(bottom, -0.6))
    ax.set_xlabel("resorbed on MRI by the planned surgery date, of 100 patients like this")
    _name_rows(ax, patients.names)
    notice = [SYNTHETIC_NOTICE] if patients.synthetic else []
    _finish(ax, f"Resorbed by the surgery date, {_CONDITION}", notice, lines=2)
    _say_above(ax, _counted(count, patients.unscored), line=len(notice))
    _legend(ax, loc="lower right")
    return ax


def _points(ax: Axes, patients: ScoredPatients, heights: Array, how: Mapping[str, Any]) -> None:
    """Draw points filled or open, and a mark at the right edge for the filled ones."""
    edge = 0.8 if how["markersize"] > _SMALL else 0.4
    looks = {"linestyle": "none", "marker": "o", "color": INK, "zorder": 3.0,
             "markeredgewidth": edge, **how}  # fmt: skip
    for advised, fill, said in (
        (True, "full", "consider imaging again (– at the right)"),
        (False, "none", "no reason to image again found"),
    ):
        own = patients.reimage == advised
        ax.plot(
            100.0 * patients.probability[own], heights[own], fillstyle=fill,
            label=f"{said}: {int(own.sum()):,}", **looks,
        )  # fmt: skip
        if advised:
            ax.plot(
                np.full(int(own.sum()), 1.015), heights[own], linestyle="none", marker="_",
                color=INK, markersize=6.0, markeredgewidth=min(how["markersize"] / 3.0, 1.5),
                transform=ax.get_yaxis_transform(), clip_on=False,
            )  # fmt: skip


def _name_rows(ax: Axes, names: Sequence[str]) -> None:
    if names and _pitch(ax, len(names)) >= _LABEL_PITCH:
        size = min(0.85 * _pitch(ax, len(names)), 9.0)
        ax.set_yticks(np.arange(len(names)), labels=list(names), fontsize=size)
        for text in ax.get_yticklabels():
            text.set_parse_math(False)
    else:
        ax.set_yticks([])
        ax.set_ylabel("patients, the likeliest at the top")


def _pitch(ax: Axes, rows: int) -> float:
    """Give the height of one row in points, with room for the legend below."""
    height = 72.0 * ax.get_window_extent().height / ax.figure.dpi
    return float(max(height - _LEGEND_HEIGHT, 0.4 * height) / max(rows, 1))


def _counted(scored: int, unscored: int) -> str:
    said = f"{scored:,} patient{'' if scored == 1 else 's'}"
    if not unscored:
        return said
    rows = "1 row could not be scored and is" if unscored == 1 else (
        f"{unscored:,} rows could not be scored and are"
    )  # fmt: skip
    return f"{said}; {rows} not shown"


def _mark_surgery(ax: Axes, prediction: Prediction) -> None:
    wait = prediction.months_at_surgery - prediction.months_at_imaging
    day = prediction.surgery_day
    when = f"after {wait:.1f} months" if day is None or math.isnan(day) else day_name(day)
    p, low, high = (
        100.0 * each for each in (prediction.probability, prediction.low, prediction.high)
    )
    said = (
        f"{percent(prediction.probability)} ({percent(prediction.low)} to "
        f"{percent(prediction.high)})"
    )
    ax.vlines(wait, low, high, color=INK, linewidth=1.2, zorder=4.0)
    ax.plot(
        [wait], [p], marker="D", markersize=6.0, color=INK, linestyle="none", zorder=5.0,
        clip_on=False, label=f"planned surgery, {when}: {said}",
    )  # fmt: skip


def _mark_follow_up(ax: Axes, end: float, last: float) -> None:
    """Shade what lies beyond the longest follow-up in training."""
    if end >= last:
        return
    ax.axvspan(
        max(end, 0.0), last, facecolor="none", edgecolor=GRID, hatch="///", linewidth=0.0,
        zorder=0.5, label="beyond the training patients' follow-up",
    )  # fmt: skip


def _finish(ax: Axes, title: str, notices: Sequence[str], lines: int) -> None:
    """Give a title unless there is one, and write notices above the axes."""
    if not any(ax.get_title(loc) for loc in ("left", "center", "right")):
        ax.set_title(title, loc="left", fontsize="medium", pad=6.0 + 12.0 * lines, parse_math=False)
    for notice in notices:
        _say_above(ax, notice[:1].upper() + notice[1:] + ".", line=0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _say_above(ax: Axes, text: str, *, line: int) -> None:
    """Write a line above the axes, once."""
    gid = f"{_ABOVE}-{line}"
    for other in [each for each in ax.texts if each.get_gid() == gid]:
        other.remove()
    ax.annotate(
        text, (0.0, 1.0), (0.0, 4.0 + 12.0 * line), xycoords="axes fraction",
        textcoords="offset points", fontsize="small", color=MUTED, gid=gid, parse_math=False,
    )  # fmt: skip


def _legend(ax: Axes, loc: Literal["best", "lower right"] = "best") -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    legend = ax.legend(loc=loc, framealpha=0.9, edgecolor="none", fontsize="small", frameon=True)
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):  # those of a long list are too small to tell apart
            handle.set_markersize(max(handle.get_markersize(), 5.0))
            handle.set_markeredgewidth(0.8)
        if isinstance(handle, LineCollection):
            handle.set_linewidth(max(float(np.max(handle.get_linewidth())), 1.6))
    for text in legend.get_texts():
        text.set_parse_math(False)


def _own(given: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """Give matplotlib's keywords by their full names, so that ours give way to short ones too."""
    from matplotlib import cbook, collections, lines

    artist = {
        "line_kws": lines.Line2D,
        "point_kws": lines.Line2D,
        "band_kws": collections.PolyCollection,
        "interval_kws": collections.LineCollection,
    }[name]
    try:
        full = cbook.normalize_kwargs(dict(given or {}), artist)
    except TypeError as error:  # one thing by two names
        raise InputError(f"{name}: {error}") from error
    if issubclass(artist, collections.Collection):
        plural = ("colors", "linewidths", "linestyles")
        full = {key[:-1] if key in plural else key: value for key, value in full.items()}
    return full


def _current() -> Axes:
    from matplotlib import pyplot as plt

    return plt.gca()
