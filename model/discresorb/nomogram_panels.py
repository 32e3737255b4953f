"""The nomogram of two totals on a sheet: two parts with points, and a panel for each month."""

from __future__ import annotations

import math

import numpy as np

from discresorb.distributions import Array
from discresorb.figure_style import GRID, TICK
from discresorb.nomogram import Nomogram
from discresorb.nomogram_charts import MOST_POINTS, TwoTotals, added
from discresorb.nomogram_layout import Area, count_runs, draw_inputs, row_heights
from discresorb.nomogram_scales import even_marks
from discresorb.nomogram_sheet import SMALL, TINY, Ruler, Sheet, spread

__all__ = ["axis_of_two", "draw_two_totals", "panel_rows", "rows_of_two"]

_EVER = "A. Points for whether it ever resorbs"
_PACE = "B. Points for how fast it resorbs"
_SHARE = 0.57  # of the width, for the points
_GUTTER = 2.4
_COLUMNS = 2  # of panels
_LABEL_GAP = 0.115  # inches between the labels of curves


def rows_of_two(chart: TwoTotals) -> int:
    """Count the rows that the two parts need."""
    return 3 + count_runs(chart.ever) + count_runs(chart.pace)


def axis_of_two(left: float, right: float) -> tuple[float, float]:
    """Say where the axes of points begin and end on an area, in inches."""
    return left + _GUTTER, left + _SHARE * (right - left) - 0.35


def panel_rows(months: int) -> int:
    """Count the rows of panels."""
    return math.ceil(months / _COLUMNS)


def draw_two_totals(sheet: Sheet, nomogram: Nomogram, chart: TwoTotals, area: Area) -> None:
    """Draw a chart of two totals into an area.

    Parameters
    ----------
    sheet : Sheet
        To draw on.
    nomogram : Nomogram
        Scales and patients.
    chart : TwoTotals
        Axes whose points add up to a total of time and one of ever resorbing.
    area : Area
        Where, in inches.
    """
    middle = area.left + _SHARE * (area.right - area.left)
    typical = np.array([nomogram.typical()])
    rows = rows_of_two(chart)
    heights = row_heights(sheet, area, rows)
    left, right = axis_of_two(area.left, area.right)
    points = Ruler(left, right, 0.0, MOST_POINTS)
    gutter = Area(area.left, left, area.top, area.bottom)
    draw_inputs(sheet, chart.ever, points, gutter, heights, typical, "ever", _EVER)
    next(heights)
    draw_inputs(sheet, chart.pace, points, gutter, heights, typical, "pace", _PACE)
    totals = [float(added(axes, typical)[0]) for axes in (chart.ever, chart.pace)]
    read = chart.read(typical)[0]
    for number, panel in enumerate(_panels(area, middle, len(nomogram.months))):
        _panel(sheet, nomogram, chart, number, panel, (totals[0], totals[1]), float(read[number]))


def _panels(area: Area, middle: float, count: int) -> list[Area]:
    columns, rows = min(count, _COLUMNS), panel_rows(count)
    wide, tall = (area.right - middle) / columns, (area.top - area.bottom) / rows
    return [
        Area(
            middle + (number % columns) * wide + 0.3,
            middle + (number % columns + 1) * wide - 0.27,
            area.top - (number // columns) * tall - 0.38,
            area.top - (number // columns + 1) * tall + 0.42,
        )
        for number in range(count)
    ]


def _panel(
    sheet: Sheet,
    nomogram: Nomogram,
    chart: TwoTotals,
    number: int,
    panel: Area,
    totals: tuple[float, float],
    read: float,
) -> None:
    """Draw the curves of one month, and where the example is read."""
    month = nomogram.months[number]
    across = Ruler(panel.left, panel.right, float(chart.across[0]), float(chart.across[-1]))

    def height(probability: Array) -> Array:
        return panel.bottom + probability * (panel.top - panel.bottom)

    _frame(sheet, chart, panel, across)
    within = f"Within {month:g} month{'' if month == 1 else 's'}, of 100 patients"
    sheet.text(panel.left - 0.2, panel.top + 0.21, within, SMALL, weight="bold")
    sheet.text(panel.right + 0.27, panel.top + 0.09, "total B", TINY, ha="right")
    x = across.x(chart.across)
    for at, curve in enumerate(chart.curves[number]):
        looks = {"linewidths": 1.0, "linestyles": "solid" if at % 2 == 0 else (0, (4, 1.5))}
        line = np.column_stack([x, height(curve)])
        sheet.segments(f"curve-{month:g}-{chart.levels[at]:g}", [line], **looks)
    ends = height(np.array([curve[-1] for curve in chart.curves[number]]))
    heights = np.full(len(ends), _LABEL_GAP)
    places = spread(ends, heights, panel.bottom, panel.top + 0.5 * _LABEL_GAP)
    for level, end, y in zip(chart.levels, ends, places, strict=True):
        if abs(end - y) > 0.01:
            sheet.segments("leader", [[(panel.right, end), (panel.right + 0.07, y)]],
                           linewidths=0.4)  # fmt: skip
        sheet.text(panel.right + 0.09, y, f"{level:g}", TINY, va="center_baseline")
    spot = float(across.x(totals[0])), float(height(read))
    sheet.example_line(spot[0], panel.bottom, spot[1])
    sheet.axes.plot([panel.left, spot[0]], [spot[1]] * 2, color=TICK, lw=0.9, ls=(0, (3, 2)))
    sheet.example(*spot)


def _frame(sheet: Sheet, chart: TwoTotals, panel: Area, across: Ruler) -> None:
    marks, labels = even_marks(across.low, across.high)
    fits = (marks >= across.low - 1e-9) & (marks <= across.high + 1e-9)
    marks = marks[fits]
    labels = [label for label, each in zip(labels, fits, strict=True) if each]
    sheet.line(across, panel.bottom, across.low, across.high)
    sheet.marks("across", across, panel.bottom, marks, labels, up=False)
    sheet.grid(across, marks[[bool(label) for label in labels]], panel.top, panel.bottom)
    sheet.text(0.5 * (panel.left + panel.right), panel.bottom - 0.3, "total A", TINY, ha="center")
    span = panel.top - panel.bottom
    for percentage in range(0, 101, 5):
        y = panel.bottom + span * percentage / 100.0
        labelled = percentage % 10 == 0
        ends = [(panel.left, y), (panel.right, y)]
        sheet.segments("grid", [ends], colors=GRID, zorder=0,
                       linewidths=0.7 if labelled else 0.35)  # fmt: skip
        if labelled:
            sheet.text(panel.left - 0.05, y, f"{percentage}", TINY, ha="right",
                       va="center_baseline")  # fmt: skip
    sheet.segments("upright", [[(panel.left, panel.bottom), (panel.left, panel.top)]])
