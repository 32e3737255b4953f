"""A nomogram on a sheet of A4: how to read it, its axes, an example, and what it cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discresorb import __version__
from discresorb.figure_style import INK, MUTED, saved, styled
from discresorb.nomogram import Nomogram, accuracy_sentence, notes, ranges_sentences
from discresorb.nomogram_charts import OneTotal
from discresorb.nomogram_layout import Area, axis_of_one, draw_one_total, input_labels, rows_of
from discresorb.nomogram_panels import axis_of_two, draw_two_totals, panel_rows, rows_of_two
from discresorb.nomogram_sheet import LINE_HEIGHT, Sheet, one_line, paragraph_lines
from discresorb.wording import ESTIMAND, LIMITS, as_sentence, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FORMS", "draw_nomogram", "nomogram_file"]

FORMS = ("svg", "pdf", "png")
_WIDTH, _HEIGHT = 11.69, 8.27  # inches of A4 on its side
_MARGIN = 0.45
_FOOT = 6.8  # points of the text below
_FOOT_STEP = _FOOT * LINE_HEIGHT / 72.0
_FOOT_LINES = 9  # for which there is room around the rows
_AROUND, _LEAST_ROW, _LEAST_PANEL = 2.6, 0.315, 2.35  # inches
_TITLE = "Has the herniation resorbed on MRI? A nomogram"
_DPI = 200


def nomogram_file(nomogram: Nomogram, form: str) -> bytes:
    """Draw a nomogram and give it as a file, the same bytes every time.

    Parameters
    ----------
    nomogram : Nomogram
        As `discresorb.nomogram.make_nomogram` gives it.
    form : {"svg", "pdf", "png"}
        Of the file.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(_WIDTH, _height(nomogram)), dpi=_DPI)
        draw_nomogram(nomogram, figure)
        return saved(figure, form, _TITLE)


def draw_nomogram(nomogram: Nomogram, figure: Figure) -> None:
    """Draw a nomogram into an empty figure.

    Parameters
    ----------
    nomogram : Nomogram
        What is drawn.
    figure : Figure
        As wide as A4 on its side.
    """
    sheet = Sheet(figure)
    top = _head(sheet, nomogram)
    bottom = _foot(sheet, nomogram)
    area = Area(_MARGIN, sheet.width - _MARGIN, top, bottom)
    if isinstance(nomogram.chart, OneTotal):
        draw_one_total(sheet, nomogram, nomogram.chart, area)
    else:
        draw_two_totals(sheet, nomogram, nomogram.chart, area)


def _height(nomogram: Nomogram) -> float:
    """A4, or more where many inputs would stand too close."""
    chart = nomogram.chart
    lines = sum(len(_foot_lines(*each)) for each in _foot_texts(nomogram))
    around = _AROUND + max(lines - _FOOT_LINES, 0) * _FOOT_STEP
    if isinstance(chart, OneTotal):
        return max(_HEIGHT, around + rows_of(nomogram, chart) * _LEAST_ROW)
    panels = panel_rows(len(nomogram.months)) * _LEAST_PANEL
    return max(_HEIGHT, around + max(rows_of_two(chart) * _LEAST_ROW, panels))


def _head(sheet: Sheet, nomogram: Nomogram) -> float:
    y, width = sheet.height - _MARGIN - 0.05, sheet.width - 2.0 * _MARGIN
    sheet.text(_MARGIN, y, _TITLE, 14.0, weight="bold")
    for notice in nomogram.predictor.notices:
        y = sheet.paragraph(_MARGIN, y - 0.03, width, as_sentence(notice), 9.0, weight="bold")
    y = sheet.paragraph(_MARGIN, y - 0.05, width, _condition(nomogram), 8.5)
    y = sheet.paragraph(_MARGIN, y - 0.03, width, _how_to_read(nomogram), 8.5, color=MUTED)
    return y - 0.12


def _condition(nomogram: Nomogram) -> str:
    return (
        f"For a herniation seen on an index MRI {nomogram.entry:.3g} months after the onset of "
        "symptoms: the probability that it has resorbed on MRI by so many months after that MRI, "
        "if surgery does not happen before then. It holds for this time since onset only; for "
        "another, draw one with --entry, or use discresorb predict."
    )


def _how_to_read(nomogram: Nomogram) -> str:
    chart = nomogram.chart
    if not isinstance(chart, OneTotal):
        return (
            "How to read: from each input's value go straight up to its points; add the points of "
            "part A, and those of part B. In the panel of the month find total A below, go up to "
            "the curve of total B, or between the two nearest, and across to the probability. "
            "The round dots are the example below."
        )
    axes = "the month"
    if chart.stratum is not None:
        axes += ", in the group that fits the patient"
    return (
        "How to read: from each input's value go straight up to Points; add all points and find "
        f"the sum on Total points; straight below stands the probability, on the axis of {axes}. "
        "The round dots are the example below."
    )


def _foot(sheet: Sheet, nomogram: Nomogram) -> float:
    """Write from the bottom upwards; give where it begins."""
    width = sheet.width - 2.0 * _MARGIN
    texts = _foot_texts(nomogram)
    count = sum(len(_foot_lines(*each)) for each in texts)
    top = y = _MARGIN - 0.12 + count * _FOOT_STEP
    for text, weight in texts:
        y = sheet.paragraph(
            _MARGIN, y, width, text, _FOOT, weight=weight, color=INK if weight == "bold" else MUTED
        )
    sheet.rule(top + 0.05, _MARGIN, sheet.width - _MARGIN)
    return top + 0.1


def _foot_lines(text: str, weight: str) -> list[str]:
    return paragraph_lines(text, _WIDTH - 2.0 * _MARGIN, _FOOT, weight)


def _foot_texts(nomogram: Nomogram) -> list[tuple[str, str]]:
    predictor, accuracy = nomogram.predictor, accuracy_sentence(nomogram)
    said = f"{ESTIMAND[:1].upper()}{ESTIMAND[1:]}. Resorption here means: {predictor.endpoint}."
    return [
        (_example(nomogram), "normal"),
        *((key, "normal") for key in _keys(nomogram)),
        *((f"Note: {note}.", "bold") for note in notes(nomogram)),
        (accuracy[:1].upper() + accuracy[1:], "normal"),
        *((each[:1].upper() + each[1:], "normal") for each in ranges_sentences(nomogram)),
        (said, "normal"),
        (
            "The 95 % interval is not shown here; discresorb predict gives it, and warnings for "
            "patients unlike those in training, and probabilities for those whose value or total "
            f"lies beyond an axis: nothing can be read there. {LIMITS}",
            "normal",
        ),
        (f"Model {predictor.model_id}, discresorb {__version__}.", "normal"),
    ]


def _keys(nomogram: Nomogram) -> list[str]:
    """Say what levels are that had no room for their names."""
    chart = nomogram.chart
    if isinstance(chart, OneTotal):
        inputs, (left, right) = [*chart.inputs], axis_of_one(_MARGIN, _WIDTH - _MARGIN)
    else:
        inputs, (left, right) = (
            [*chart.ever, *chart.pace],
            axis_of_two(_MARGIN, _WIDTH - _MARGIN),
        )
    found = []
    for axis in inputs:
        if axis.column.kind == "number":
            continue
        names = axis.scale.labels
        pairs = zip(input_labels(axis, right - left), names, strict=False)  # not known has no name
        told = [f"{label} = {name}" for label, name in pairs if label != one_line(name)]
        if told:
            found.append(f"{axis.column.meaning}: {'; '.join(told)}.")
    return list(dict.fromkeys(found))


def _example(nomogram: Nomogram) -> str:
    typical = nomogram.typical()
    inputs = "; ".join(
        f"{column.meaning}: {nomogram.words(position, typical[position])}"
        for position, column in enumerate(nomogram.predictor.columns)
    )
    totals = ", ".join(f"{name} {points:.0f}" for name, points in nomogram.totals(typical).items())
    read = nomogram.chart.read(np.array([typical]))[0]
    said = ", ".join(
        f"{percent(p)} of 100 by {month:g} month{'' if month == 1 else 's'}"
        for month, p in zip(nomogram.months, read, strict=True)
    )
    return f"Example, a typical patient ({inputs}): {totals}; {said}."
