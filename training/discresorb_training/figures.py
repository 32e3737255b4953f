"""Figures of a validation as inline SVG: calibration, decision, instability, centres.

Every function takes plain numbers, as JSON holds them, and gives SVG text for an HTML page; `name`
begins its ids and must be unique on the page. Probabilities are given from 0 to 1 and drawn of 100.
Lines differ in dashes and lightness, not in colour only. Curves of patients, and gaps between their
MRIs, are in `figures_of_patients`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb.figure_style import BAND, INK, LINE, MUTED, TICK, drawn, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["calibration", "decision", "instability", "of_100", "sites"]

Numbers = Sequence[float] | Array
_DIAGONAL: dict[str, Any] = {"color": MUTED, "lw": 1.0, "ls": (0, (1, 2))}
_PREDICTED = "predicted probability (of 100)"
_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # keeps grid lines off words
_MOST_DRAWN = 500
_LOWEST_BENEFIT = -5.0  # of 100 patients; imaging all falls far below
_RATIOS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_LONGEST_NAME = 18


def of_100(values: Numbers | float, what: str = "a probability") -> Array:
    """Probabilities times 100; raise InputError if they are none."""
    values = np.asarray(values, float)
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise InputError(f"{what} must be from 0 to 1")
    return 100.0 * values


def calibration(
    groups: Sequence[Mapping[str, Any]],
    curve: Mapping[str, Numbers] | None = None,
    predictions: Numbers | None = None,
    *,
    name: str = "calibration",
    title: str = "Calibration: predicted and observed",
) -> str:
    """Draw predicted against observed, of 100.

    Parameters
    ----------
    groups : sequence of mapping
        Patients of similar p: ``n``, ``predicted``, ``observed``; optional ``low`` and ``high``
        (95 % interval), ``bound_low`` and ``bound_high`` (what holds whatever the law).
    curve : mapping, optional
        Smooth curve: ``predicted``, ``observed``.
    predictions : sequence of float, optional
        Each patient's p, for a histogram beneath.
    name, title : str
        Of the figure.
    """
    height = 4.15 if predictions is None else 5.0

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.085, 1.0 - 3.7 / height, 0.555, 3.6 / height))
        axes.plot([0.0, 100.0], [0.0, 100.0], **_DIAGONAL, label="predicted = observed")
        _bounds(axes, groups)
        if curve is not None:
            x, y = of_100(curve["predicted"]), of_100(curve["observed"])
            order = np.argsort(x, kind="stable")
            axes.plot(x[order], y[order], color=LINE, lw=2.4, label="smooth curve")
        _group_points(axes, groups)
        axes.set(xlim=(0.0, 100.0), ylim=(0.0, 100.0), ylabel="observed, resorbed (of 100)")
        axes.grid()
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
        if predictions is None:
            axes.set_xlabel(_PREDICTED)
            return
        axes.tick_params(labelbottom=False)
        beneath = figure.add_axes((0.085, 0.42 / height, 0.555, 0.6 / height), sharex=axes)
        bins = np.arange(0.0, 101.0, 2.5).tolist()
        beneath.hist(of_100(predictions), bins, color=TICK, ec="white")
        beneath.set(ylabel="patients", xlabel=_PREDICTED)
        beneath.locator_params("y", nbins=2, integer=True)
        figure.align_ylabels()

    said = "; ".join(
        f"predicted {100 * each['predicted']:.0f}, observed {100 * each['observed']:.0f} "
        f"of 100 ({each['n']} patients)"
        for each in groups
    )
    return drawn(draw, height, name, title, said or "No groups.")


def _bounds(axes: Axes, groups: Sequence[Mapping[str, Any]]) -> None:
    known = [each for each in groups if each.get("bound_low") is not None]
    for each in known:
        low, high = of_100([each["bound_low"], each["bound_high"]])
        label = "what was seen allows" if each is known[0] else None
        at = 100.0 * each["predicted"]
        axes.plot([at, at], [low, high], color=BAND, lw=7.0, solid_capstyle="butt", label=label)


def _group_points(axes: Axes, groups: Sequence[Mapping[str, Any]]) -> None:
    known = [each for each in groups if each.get("low") is not None]
    for each in known:
        low, high = of_100([each["low"], each["high"]])
        label = "95 % interval" if each is known[0] else None
        at = 100.0 * each["predicted"]
        axes.plot([at, at], [low, high], color=INK, lw=1.3, label=label, zorder=3)
    x, y = (of_100([each[key] for each in groups]) for key in ("predicted", "observed"))
    label = "group of patients"
    axes.plot(x, y, "o", color=INK, ms=5.5, label=label, zorder=4, clip_on=False)


def decision(
    thresholds: Numbers,
    model: Numbers,
    everybody: Numbers,
    low: Numbers | None = None,
    high: Numbers | None = None,
    *,
    name: str = "decision",
    title: str = "Decision curve: net benefit of imaging again",
) -> str:
    """Draw net benefit by threshold probability, per 100 patients.

    Parameters
    ----------
    thresholds : sequence of float
        Probabilities from which on a patient is imaged again.
    model, everybody : sequence of float
        Net benefit per patient of imaging by the model, and of imaging all.
    low, high : sequence of float, optional
        Band of the model's.
    name, title : str
        Of the figure.
    """
    at, by_model, by_all = of_100(thresholds), *(100.0 * np.asarray(v) for v in (model, everybody))

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.095, 0.145, 0.885, 0.70))
        top = max(by_model.max(initial=0.0), by_all.max(initial=0.0))
        axes.plot(at, by_model, color=TICK, lw=2.4, label="by the model", zorder=3)
        if low is not None and high is not None:
            least, most = (100.0 * np.asarray(each) for each in (low, high))
            top = max(top, most.max(initial=0.0))
            axes.fill_between(at, least, most, color=BAND, lw=0, label="its 95 % interval")
        axes.plot(at, by_all, color=INK, lw=1.5, ls=(0, (5, 2.5)), label="imaging all")
        axes.axhline(0.0, color=MUTED, lw=1.2, ls=(0, (1, 2)), label="imaging none")
        axes.set(xlim=_limits(at), ylim=(_LOWEST_BENEFIT, 1.08 * top + 1.0))
        axes.set(xlabel="threshold probability (of 100)", ylabel="net benefit (per 100 patients)")
        axes.grid()
        _legend_above(figure, axes, 4)

    best = "; ".join(
        f"at a threshold of {at[k]:.0f} of 100: by the model {by_model[k]:.1f}, "
        f"imaging all {by_all[k]:.1f}"
        for k in np.unique(np.linspace(0, len(at) - 1, 5).round().astype(int))
        if len(at)
    )
    return drawn(draw, 3.5, name, title, f"Net benefit per 100 patients; {best}; imaging none 0.")


def instability(
    p: Numbers,
    low: Numbers,
    high: Numbers,
    *,
    name: str = "instability",
    title: str = "Instability: predictions over refits",
) -> str:
    """Draw each patient's range of predictions over bootstrap refits against the prediction.

    Parameters
    ----------
    p, low, high : sequence of float
        Prediction, and 2.5 % and 97.5 % quantiles over refits. Of more than 500 patients, 500 are
        drawn, evenly by rank of p, and the figure says so.
    name, title : str
        Of the figure.
    """
    x, ends = of_100(p), (of_100(low), of_100(high))
    order = np.argsort(x, kind="stable")
    if len(x) > _MOST_DRAWN:
        order = order[np.linspace(0, len(x) - 1, _MOST_DRAWN).round().astype(int)]

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.085, 0.115, 0.555, 0.865))
        gap = np.full(len(order), np.nan)
        across = np.column_stack([x[order], x[order], gap]).ravel()
        along = np.column_stack([ends[0][order], ends[1][order], gap]).ravel()
        axes.plot(across, along, color=LINE, lw=0.7, label="95 of 100 refits")
        axes.plot(
            [0.0, 100.0], [0.0, 100.0], color=INK, lw=1.3, ls=(0, (5, 2.5)), label="the model"
        )
        axes.set(xlim=(0.0, 100.0), ylim=(0.0, 100.0))
        axes.set(xlabel=_PREDICTED, ylabel="predicted by refits (of 100)")
        axes.grid()
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
        note = f"{len(x)} patients"
        if len(order) < len(x):
            note = f"{len(order)} of {len(x)} patients,\nevenly by rank"
        axes.text(1.035, 0.87, note, transform=axes.transAxes, color=MUTED, va="top")

    width = ends[1] - ends[0]
    said = f"{len(x)} patients. " + (
        f"Width of the range over refits: median {np.median(width):.1f}, "
        f"95 of 100 patients up to {np.quantile(width, 0.95):.1f} of 100."
        if len(x)
        else ""
    )
    return drawn(draw, 4.6, name, title, said)


def sites(
    rows: Sequence[Mapping[str, Any]],
    *,
    name: str = "sites",
    title: str = "Each centre by a model of the others",
) -> str:
    """Draw observed:expected and AUC of every held-out centre.

    Parameters
    ----------
    rows : sequence of mapping
        ``site``, ``n``; either ``oe`` and ``auc``, each with optional ``…_low`` and ``…_high``, or
        ``suppressed``: why this centre's numbers are not shown. None is drawn as a dash, a ratio
        beyond tenfold as an arrow at the edge.
    name, title : str
        Of the figure.
    """
    height = 0.75 + 0.235 * max(len(rows), 1)

    def draw(figure: Figure) -> None:
        bottom, tall = 0.47 / height, 0.235 * max(len(rows), 1) / height
        ratio = figure.add_axes((0.31, bottom, 0.36, tall))
        area = figure.add_axes((0.72, bottom, 0.255, tall), sharey=ratio)
        ratio.set(xscale="log", xlim=_ratio_limits(rows), ylim=(len(rows) - 0.4, -0.6))
        ratio.set_xticks([each for each in _RATIOS if _inside(each, ratio.get_xlim())])
        ratio.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        ratio.minorticks_off()
        area.set(xlim=(_area_from(rows), 1.0))
        for axes, one, label in ((ratio, 1.0, "observed : expected"), (area, 0.5, "AUC")):
            axes.axvline(one, color=MUTED, lw=1.0, ls=(0, (1, 2)))
            axes.xaxis.grid()
            axes.spines["left"].set_visible(False)
            axes.tick_params(left=False, labelleft=False)
            axes.set_xlabel(label)
        for x, head in ((-0.86, "centre"), (-0.06, "patients")):
            ratio.text(x, 1.0 + 0.1 / (height * tall), head, transform=ratio.transAxes,
                       color=MUTED, ha="left" if head == "centre" else "right")  # fmt: skip
        for at, row in enumerate(rows):
            _site(ratio, area, at, row)

    said = "; ".join(_site_in_words(row) for row in rows)
    return drawn(draw, height, name, title, said or "No centres.")


def _site(ratio: Axes, area: Axes, at: int, row: Mapping[str, Any]) -> None:
    place, place_area = ratio.get_yaxis_transform(), area.get_yaxis_transform()
    site = words(row["site"])
    short = site if len(site) <= _LONGEST_NAME else site[: _LONGEST_NAME - 1] + "…"
    ratio.text(-0.86, at, short, transform=place, va="center_baseline")
    ratio.text(-0.06, at, f"{row['n']}", transform=place, va="center_baseline", ha="right")
    look: dict[str, Any] = {"va": "center_baseline", "color": MUTED, "bbox": _PAPER}
    if row.get("suppressed"):
        ratio.text(0.03, at, words(row["suppressed"]), transform=place, **look)
        return
    for axes, key, where in ((ratio, "oe", place), (area, "auc", place_area)):
        limits = axes.get_xlim()
        value, low, high = (_number(row.get(key + end)) for end in ("", "_low", "_high"))
        if value is None:
            axes.text(0.03, at, "–", transform=where, **look)
            continue
        if low is not None and high is not None:
            axes.plot(np.clip([low, high], *limits), [at, at], color=TICK, lw=1.6, zorder=3)
        # what lies beyond the axis points there
        mark = "<" if value < limits[0] else ">" if value > limits[1] else "o"
        axes.plot(np.clip(value, *limits), at, mark, color=INK, ms=5.0, zorder=4, clip_on=False)


def _number(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _site_in_words(row: Mapping[str, Any]) -> str:
    if row.get("suppressed"):
        return f"{row['site']}: {row['suppressed']}"
    numbers = (_number(row.get(key)) for key in ("oe", "auc"))
    ratio, area = ("none" if each is None else f"{each:.2f}" for each in numbers)
    return f"{row['site']}, {row['n']} patients: observed to expected {ratio}, AUC {area}"


def _shown(rows: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    found = [_number(row.get(key + end)) for row in rows if not row.get("suppressed")
             for end in ("", "_low", "_high")]  # fmt: skip
    return [float(each) for each in found if each is not None]


def _ratio_limits(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Give limits that hold 1 and every ratio, but nothing beyond tenfold."""
    logs = np.log(np.clip([*_shown(rows, "oe"), 0.5, 2.0], 0.1, 10.0))
    return float(np.exp(logs.min() - 0.08)), float(np.exp(logs.max() + 0.08))


def _area_from(rows: Sequence[Mapping[str, Any]]) -> float:
    return min(0.45, *(each - 0.03 for each in [*_shown(rows, "auc"), 1.0]))


def _inside(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _limits(x: Array) -> tuple[float, float]:
    low, high = (float(x.min()), float(x.max())) if len(x) else (0.0, 100.0)
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _legend_above(figure: Figure, axes: Axes, columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=columns)
