"""Write docs/calibration.svg and docs/typical_patients.svg: python docs/make_figures.py."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from discresorb import load
from discresorb.figure_style import BAND, INK, LINE, MUTED, STYLE, TICK
from discresorb.wording import SYNTHETIC_NOTICE
from discresorb_training.case_mix import ENTRY_MEAN, SEQUESTRATION, SIZE_MEAN, TYPES
from discresorb_training.evidence import Target, read_data, targets
from discresorb_training.expected import EFFECT_WEIGHTS, STANDARD_EFFECTS, StudyPatients
from discresorb_training.parameters import calibrated
from discresorb_training.process import Process

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

DOT: dict[str, Any] = {"color": INK, "marker": "o", "ms": 6.0, "mew": 1.3}
TRUTH: dict[str, Any] = {"color": INK, "lw": 1.3, "ls": (0, (4, 2.5))}
WIDTH = 100.0 / 12.0  # inches; 800 px in a browser


def figures() -> dict[str, bytes]:
    """Draw both figures; name and SVG bytes."""
    with style.context(["default", STYLE]):
        return {
            "calibration.svg": _svg(calibration(), "Published and simulated proportions"),
            "typical_patients.svg": _svg(typical_patients(), "Probability for typical patients"),
        }


def calibration() -> Figure:
    """Compare every published proportion with the simulated one."""
    rows, (process, spread) = targets(), _law()
    patients = StudyPatients(rows)
    simulated = 100.0 * patients.proportions(process, spread * STANDARD_EFFECTS) @ EFFECT_WEIGHTS
    centres = 100.0 * patients.proportions(process, spread * np.array([-1.96, 1.96]))
    figure = Figure(figsize=(WIDTH, 6.9))
    axes = figure.add_axes((0.48, 0.085, 0.495, 0.765))
    heights = _heights(rows)
    for row, height, mean, (low, high) in zip(rows, heights, simulated, centres, strict=True):
        axes.barh(height, high - low, 0.62, low, color=BAND, zorder=1)
        axes.plot([mean, mean], [height - 0.42, height + 0.42], color=TICK, lw=2.6, zorder=2)
        _published(axes, row, height)
    _labels(figure, axes, rows, heights)
    axes.set(xlim=(-2.0, 102.0), ylim=(min(heights) - 0.8, 0.8), yticks=[])
    axes.set_xlabel("resorbed (of 100)")
    axes.xaxis.grid()
    axes.spines["left"].set_visible(False)
    words = "Published proportions resorbed, and what the simulator gives"
    _around(figure, words, "Months after the baseline MRI; * assumed, none printed")
    tick = Line2D([], [], color=TICK, lw=0, marker="|", ms=12, mew=2.6)
    marks = {
        "published, with 95 % interval": Line2D([], [], **DOT, lw=1.3),
        "published, no interval": Line2D([], [], **DOT, lw=0, mfc="white"),
        "simulated, averaged over centres": tick,
        "simulated, 95 of 100 single centres": Patch(color=BAND),
    }
    _legend(figure, marks)
    return figure


def _published(axes: Axes, row: Target, height: float) -> None:
    x, low, high = row.published.proportion, row.published.low, row.published.high
    if low is None or high is None:
        axes.plot(100.0 * x, height, **DOT, mfc="white", zorder=4)
    else:
        axes.plot([100.0 * low, 100.0 * high], [height, height], color=INK, lw=1.3, zorder=3)
        axes.plot(100.0 * x, height, **DOT, zorder=4)


def _heights(rows: list[Target]) -> list[float]:
    """Place rows from the top down, with a gap between studies."""
    heights = [0.0]
    for before, row in pairwise(rows):
        same = before.published.study == row.published.study
        heights.append(heights[-1] - (1.0 if same else 1.5))
    return heights


def _labels(figure: Figure, axes: Axes, rows: list[Target], heights: list[float]) -> None:
    """Name study, herniations and months in three columns left of the data."""
    printed = csv.DictReader(read_data("published.csv").splitlines())
    kinds = {row["id"]: row["herniation_type"].removeprefix("mixed; ") for row in printed}
    place = blended_transform_factory(figure.transFigure, axes.transData)

    def write(x: float, y: float, words: str, **look: Any) -> None:
        axes.text(x, y, words, transform=place, va="center_baseline", **look)

    write(0.02, 1.1, "study", color=MUTED)
    write(0.178, 1.1, "herniations", color=MUTED)
    write(0.457, 1.1, "months", color=MUTED, ha="right")
    before = ""
    for row, height in zip(rows, heights, strict=True):
        study = " ".join(row.published.study.split()[:2])
        if study != before:
            write(0.02, height, study, weight="bold")
        pooled = ", pooled" if row.published.design == "pooled" else ""
        write(0.178, height, kinds[row.published.key] + pooled)
        write(0.457, height, f"{row.months:g}", ha="right")
        if row.published.months is None:
            write(0.458, height, "*")
        before = study


def typical_patients() -> Figure:
    """Draw the probability by months after the index MRI, for the mean size of each type."""
    figure = Figure(figsize=(WIDTH, 6.4))
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    figure.subplots_adjust(left=0.085, right=0.97, top=0.81, bottom=0.125, hspace=0.22, wspace=0.1)
    for kind, axes in enumerate(grid.flat):
        _curves(axes, kind)
    for axes in grid[:, 0]:
        axes.set_ylabel("resorbed (of 100)")
    for axes in grid[1]:
        axes.set_xlabel("months after the index MRI")
    words = f"Probability of resorption after an index MRI {ENTRY_MEAN:g} months from onset"
    _around(figure, words, SYNTHETIC_NOTICE.capitalize())
    marks = {
        "default model": Line2D([], [], color=LINE, lw=3.2),
        "its 95 % interval, with the spread between studies": Patch(color=BAND),
        "truth: the simulator, averaged over centres": Line2D([], [], **TRUTH),
    }
    _legend(figure, marks)
    return figure


def _curves(axes: Axes, kind: int) -> None:
    size, entry, sequestrated = SIZE_MEAN[kind], ENTRY_MEAN, int(kind == SEQUESTRATION)
    months, (process, spread) = np.linspace(0.0, 24.0, 97), _law()
    who = {"size_mm": size, "sequestrated": sequestrated, "months_since_onset": entry}
    curve = load().curve(months=months, **who)
    patient = np.array(size), np.array(sequestrated), np.array(entry), entry + months[:, None]
    truth = process.probability(*patient, spread * STANDARD_EFFECTS) @ EFFECT_WEIGHTS
    axes.fill_between(months, 100.0 * curve.low, 100.0 * curve.high, color=BAND, lw=0)
    axes.plot(months, 100.0 * curve.probability, color=LINE, lw=3.2)
    axes.plot(months, 100.0 * truth, **TRUTH)
    title = f"{TYPES[kind].capitalize()}, {size:g} mm"
    axes.set_title(title, fontsize=9.5, weight="bold", loc="left")
    axes.set(xlim=(0.0, 24.0), ylim=(0.0, 100.0), xticks=range(0, 25, 6))
    axes.grid()


def _around(figure: Figure, heading: str, note: str) -> None:
    inch = 1.0 / figure.get_figheight()
    figure.text(0.02, 1.0 - 0.2 * inch, heading, fontsize=11.5, weight="bold", va="center")
    figure.text(0.02, 0.1 * inch, note, fontsize=8, color=MUTED)


def _legend(figure: Figure, marks: dict[str, Artist]) -> None:
    at = (0.0125, 1.0 - 0.32 / figure.get_figheight())
    figure.legend(list(marks.values()), list(marks), loc="upper left", bbox_to_anchor=at, ncols=2)


def _law() -> tuple[Process, float]:
    """Give the shipped law in a typical centre, and the SD between centres."""
    p = calibrated()
    return Process(p.distribution, p.latency, p.scale, p.ever), p.site_sd


def _svg(figure: Figure, title: str) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Title": title, "Date": None, "Creator": None})
    return stream.getvalue()


def main() -> None:
    """Write both figures beside this script."""
    for name, content in figures().items():
        (Path(__file__).parent / name).write_bytes(content)


if __name__ == "__main__":
    main()
