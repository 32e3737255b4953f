"""Figures of patients as inline SVG: curves of typical ones, and gaps between their MRIs.

As in `figures`: plain numbers in, SVG text out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from discresorb.distributions import Array
from discresorb.figure_style import BAND, INK, LINE, drawn, words
from discresorb_training.figures import of_100

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["gaps", "typical_curves"]

_BETWEEN = "#b9b9b9"
_SEEN, _ANYWHERE = "seen, without a model", "seen: anywhere in the box"
_SAID_AT = (3.0, 6.0, 12.0)  # months that a screen reader is told of


def typical_curves(
    panels: Sequence[Mapping[str, Any]],
    *,
    name: str = "typical",
    title: str = "Probability for typical patients",
) -> str:
    """Draw the model's curve of each typical patient, and what was seen without a model.

    Parameters
    ----------
    panels : sequence of mapping
        One a patient: ``title``; ``months`` after the index MRI with the model's ``p``, ``low`` and
        ``high``; optional ``nonparametric``: ``times`` (likewise after the index MRI), ``low``,
        ``high`` as step functions, and ``n`` patients.
    name, title : str
        Of the figure.
    """
    columns = min(2, max(len(panels), 1))
    rows = max(1, math.ceil(len(panels) / columns))
    height = 0.95 + (2.25 if columns == 2 else 2.75) * rows

    def draw(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        figure.subplots_adjust(
            left=0.085, right=0.97, top=1.0 - 0.62 / height, bottom=0.47 / height,
            hspace=0.24, wspace=0.1,
        )  # fmt: skip
        for axes, panel in zip(grid.flat, panels, strict=False):
            _panel(axes, panel)
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("resorbed (of 100)")
        for axes in list(grid.flat)[: len(panels)][-columns:]:
            axes.set_xlabel("months after the index MRI")
            axes.tick_params(labelbottom=True)
        marks = {
            label: handle
            for axes in grid.flat
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        if marks:
            at = (0.0, 1.0)
            figure.legend(
                marks.values(),
                marks,
                loc="upper left",
                bbox_to_anchor=at,
                ncols=4,
                columnspacing=1.4,
            )

    said = "; ".join(_in_words(panel) for panel in panels)
    return drawn(draw, height, name, title, said or "No patients.")


def _panel(axes: Axes, panel: Mapping[str, Any]) -> None:
    months = np.asarray(panel["months"], float)
    p, low, high = (of_100(panel[key]) for key in ("p", "low", "high"))
    axes.plot(months, p, color=LINE, lw=2.8, label="model", zorder=3)
    axes.fill_between(months, low, high, color=BAND, lw=0, label="its 95 % interval")
    steps = panel.get("nonparametric")
    if steps is not None:
        times, lower, upper = (
            np.asarray(steps["times"], float),
            of_100(steps["low"]),
            of_100(steps["high"]),
        )
        axes.step(times, lower, where="post", color=INK, lw=1.0, zorder=4, label=_SEEN)
        axes.step(times, upper, where="post", color=INK, lw=1.0, zorder=4)
        axes.fill_between(
            times, lower, upper, step="post", color=_BETWEEN, lw=0, zorder=2, label=_ANYWHERE
        )
        axes.text(0.97, 0.05, f"seen: n = {steps['n']}", transform=axes.transAxes, ha="right")
    axes.set_title(words(panel["title"]))
    last = float(months.max(initial=1.0))
    axes.set(xlim=(0.0, last), ylim=(0.0, 100.0))
    axes.locator_params("x", steps=[1, 3, 6, 10], integer=True)
    axes.grid()


def _in_words(panel: Mapping[str, Any]) -> str:
    months = np.asarray(panel["months"], float)
    curves = [100.0 * np.asarray(panel[key], float) for key in ("p", "low", "high")]
    at = [each for each in _SAID_AT if len(months) and months[0] <= each <= months[-1]]
    said = ", ".join(
        "{:g} months {:.0f} of 100 ({:.0f} to {:.0f})".format(
            each, *(np.interp(each, months, curve) for curve in curves)
        )
        for each in at
    )
    return f"{panel['title']}: {said}"


def gaps(
    values: Sequence[float] | Array,
    *,
    name: str = "gaps",
    title: str = "Months between the last MRI with and the first without the herniation",
) -> str:
    """Draw how long it took from the last MRI with the herniation to the first without it.

    Parameters
    ----------
    values : sequence of float
        Months, one a patient who was seen to resorb; may be empty.
    name, title : str
        Of the figure.
    """
    months = np.asarray(values, float)

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.085, 0.17, 0.885, 0.70))
        axes.set(xlabel="months from the last MRI with the herniation to the first without it")
        axes.set(ylabel="patients")
        if not len(months):
            axes.set(xlim=(0.0, 12.0), ylim=(0.0, 1.0), yticks=[])
            said = "nobody was seen to resorb"
            axes.text(0.5, 0.5, said, transform=axes.transAxes, ha="center", va="center")
            return
        width = max(1.0, math.ceil(float(months.max()) / 48.0))
        edges = np.arange(0.0, float(months.max()) + 2.0 * width, width)
        axes.hist(months, edges.tolist(), color=LINE, ec="white", lw=0.8)
        middle = float(np.median(months))
        axes.axvline(middle, color=INK, lw=1.4, ls=(0, (5, 2.5)))
        side = "left" if middle < edges[-1] / 2.0 else "right"
        axes.text(middle, 1.02, f"median {middle:.1f}", ha=side,
                  transform=axes.get_xaxis_transform())  # fmt: skip
        axes.set(xlim=(0.0, edges[-1]))
        axes.locator_params("y", integer=True)
        axes.yaxis.grid()

    said = "Nobody was seen to resorb."
    if len(months):
        low, middle, high = np.quantile(months, [0.25, 0.5, 0.75])
        said = (
            f"{len(months)} patients; median {middle:.1f} months, half of them between "
            f"{low:.1f} and {high:.1f}, longest {months.max():.1f}."
        )
    return drawn(draw, 2.8, name, title, said)
