"""The textbook's nomogram on a sheet: points, inputs, total, and a probability for each month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.nomogram import Nomogram
from discresorb.nomogram_charts import MOST_POINTS, InputAxis, OneTotal, added
from discresorb.nomogram_scales import Scale, even_marks, monotone_runs, run_bounds
from discresorb.nomogram_sheet import NOT_KNOWN, Ruler, Sheet, level_labels
from discresorb.training_patients import level_names

__all__ = [
    "Area",
    "axis_of_one",
    "count_runs",
    "draw_inputs",
    "draw_one_total",
    "input_labels",
    "row_heights",
    "rows_of",
]

_GUTTER = 2.95
_MOST_LINES = 3  # inputs whose example is led up to the points; of more, dots say it clearer
_HALF_MARGIN = 0.12  # of a row, above the first and below the last


@dataclass(frozen=True)
class Area:
    """A part of the sheet, in inches.

    Parameters
    ----------
    left, right, top, bottom : float
        Its ends.
    """

    left: float
    right: float
    top: float
    bottom: float


def axis_of_one(left: float, right: float) -> tuple[float, float]:
    """Say where axes begin and end on an area, in inches."""
    return left + _GUTTER, right - 0.1


def input_labels(axis: InputAxis, inches: float) -> list[str]:
    """Label the levels of a flag or category, and that it is not known where that may be."""
    unknown = [] if axis.unknown is None else [NOT_KNOWN]
    names = [*axis.scale.labels, *unknown]
    labels = level_labels(names, inches)
    return labels if not unknown or labels[-1] == NOT_KNOWN else [*labels[:-1], NOT_KNOWN]


def rows_of(nomogram: Nomogram, chart: OneTotal) -> int:
    """Count the rows that a chart of one total needs."""
    headings = len(chart.outcomes) if chart.stratum is not None else 1
    return 2 + count_runs(chart.inputs) + len(chart.outcomes) * len(nomogram.months) + headings


def count_runs(inputs: Sequence[InputAxis]) -> int:
    """Count the lines that inputs need: one that turns back needs more than one."""
    return sum(len(_runs(axis)) for axis in inputs)


def draw_one_total(sheet: Sheet, nomogram: Nomogram, chart: OneTotal, area: Area) -> None:
    """Draw a chart of one total into an area.

    Parameters
    ----------
    sheet : Sheet
        To draw on.
    nomogram : Nomogram
        Scales and patients.
    chart : OneTotal
        Axes whose points add up to one total.
    area : Area
        Where, in inches.
    """
    heights = row_heights(sheet, area, rows_of(nomogram, chart))
    typical = np.array([nomogram.typical()])
    left, right = axis_of_one(area.left, area.right)
    points = Ruler(left, right, 0.0, MOST_POINTS)
    inner = Area(area.left, left, area.top, area.bottom)
    draw_inputs(sheet, chart.inputs, points, inner, heights, typical, "input", "Points")
    total = Ruler(left, right, *chart.ends)
    y = next(heights)
    marks, labels = even_marks(*chart.ends)
    fits = (marks >= chart.ends[0] - 1e-9) & (marks <= chart.ends[1] + 1e-9)
    labels = [label for label, each in zip(labels, fits, strict=True) if each]
    sheet.label_column(area.left, y, _GUTTER - 0.2, "Total points", weight="bold")
    sheet.line(total, y, *chart.ends)
    sheet.marks("total", total, y, marks[fits], labels, up=False)
    at = float(np.clip(added(chart.inputs, typical)[0], *chart.ends))
    sheet.example(float(total.x(at)), y)
    written = [each for each, label in zip(marks[fits], labels, strict=True) if label]
    level = 0 if chart.stratum is None else int(typical[0, chart.stratum])
    last = y
    for stratum, scales in enumerate(chart.outcomes):
        head = next(heights)
        heading = _heading(nomogram, chart, stratum)
        sheet.label_column(area.left, head - 0.09, right - area.left, *heading, weight="bold")
        for month, scale in zip(nomogram.months, scales, strict=True):
            last = next(heights)
            _outcome(sheet, total, last, scale, f"month-{stratum}-{month:g}", month, area)
            if stratum == level:
                sheet.example(float(total.x(at)), last)
        if stratum == level:
            sheet.example_line(float(total.x(at)), y, last)
    sheet.grid(total, np.array(written), y, last)


def _heading(nomogram: Nomogram, chart: OneTotal, stratum: int) -> tuple[str, str]:
    if chart.stratum is None:
        return "Resorbed on MRI, of 100 patients", ""
    column = nomogram.predictor.columns[chart.stratum]
    level = level_names(column)[stratum]
    return column.meaning, f": {level} – resorbed on MRI, of 100 patients"


def _outcome(
    sheet: Sheet, total: Ruler, y: float, scale: Scale, name: str, month: float, area: Area
) -> None:
    within = f"within {month:g} month{'' if month == 1 else 's'}"
    sheet.label_column(area.left + 0.25, y, _GUTTER - 0.4, within)
    sheet.line(total, y, float(scale.at[0]), float(scale.at[-1]))
    sheet.marks(name, total, y, scale.at, scale.labels, up=False)


def draw_inputs(
    sheet: Sheet,
    inputs: Sequence[InputAxis],
    points: Ruler,
    gutter: Area,
    heights: Iterator[float],
    typical: np.ndarray,
    name: str,
    title: str,
) -> None:
    """Draw the points axis and every input below it.

    Parameters
    ----------
    sheet : Sheet
        To draw on.
    inputs : sequence of InputAxis
        From top to bottom.
    points : Ruler
        Where points lie.
    gutter : Area
        What stands left of the axes.
    heights : iterator of float
        Of the rows; as many are taken as are needed.
    typical : float array, (1, k)
        Covariates of the patient that is marked.
    name, title : str
        Of the axes in the file, and of the points axis.
    """
    width = gutter.right - gutter.left - 0.2
    top = y = next(heights)
    marks, labels = even_marks(0.0, MOST_POINTS)
    sheet.label_column(gutter.left, y, width, title, weight="bold")
    sheet.line(points, y, 0.0, MOST_POINTS)
    sheet.marks(f"{name}-points", points, y, marks, labels, up=True)
    for axis in inputs:
        for number, run in enumerate(_runs(axis)):
            y = next(heights)
            sheet.label_column(gutter.left, y, width, *_label(axis, number, run))
            ends = _one_run(sheet, axis, points, y, run, f"{name}-{axis.position}-{number}")
            value = typical[0, axis.position]
            if run_bounds(axis.scale, run)[0] <= value <= run_bounds(axis.scale, run)[1]:
                x = float(points.x(float(axis.points(typical)[0])))
                sheet.example(x, y)
                sheet.example(x, top)
                if len(inputs) <= _MOST_LINES:
                    sheet.example_line(x, top, y)
        if axis.unknown is not None and axis.column.kind == "number":
            sheet.unknown(f"{name}-{axis.position}-unknown", points, y, axis.unknown, ends[1])
    sheet.grid(points, marks[[bool(label) for label in labels]], top, y)


def _one_run(
    sheet: Sheet, axis: InputAxis, points: Ruler, y: float, run: slice, name: str
) -> tuple[float, float]:
    """Draw a line and its marks; give where the line begins and ends."""
    at, labels = axis.scale.at[run], axis.scale.labels[run]
    outer = [*at, axis.unknown] if axis.unknown is not None else [*at]
    ends = float(min(outer)), float(max(outer))
    sheet.line(points, y, *ends)
    if axis.column.kind == "number":
        sheet.marks(name, points, y, at, labels, up=False)
    else:
        shown = input_labels(axis, points.right - points.left)
        sheet.levels(name, points, y, np.array(outer), shown)
    return ends


def _runs(axis: InputAxis) -> list[slice]:
    if axis.column.kind != "number":
        return [slice(0, len(axis.scale.values))]
    return monotone_runs(axis.scale.at)


def _label(axis: InputAxis, number: int, run: slice) -> tuple[str, str]:
    """Say what an axis is, and what must stand behind that however short it is cut."""
    column = axis.column
    unit = f" ({column.unit})" if column.unit else ""
    if len(_runs(axis)) == 1:
        return column.meaning, unit
    low, high = run_bounds(axis.scale, run)
    what = "the same" if number else column.meaning
    return what, f", from {low:g} to {high:g} {column.unit}".rstrip()


def row_heights(sheet: Sheet, area: Area, rows: int) -> Iterator[float]:
    """Give the heights of rows from the top, and tell the sheet how high one is."""
    sheet.row = step = (area.top - area.bottom) / (rows + 2.0 * _HALF_MARGIN)
    return iter([area.top - step * (_HALF_MARGIN + 0.5 + row) for row in range(rows)])
