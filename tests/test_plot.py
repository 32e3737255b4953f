"""Plots: what is drawn is what the predictor says, in the axes given, and nothing else changes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from test_imports import in_a_fresh_process

from discresorb import InputError, Predictor
from discresorb.figure_style import saved
from discresorb.plot import plot_curve, plot_waiting_list

PATIENT: dict[str, Any] = {"size_mm": 8, "sequestrated": True, "months_since_onset": 1.5}
INPUTS = ("patient_id", "size_mm", "sequestrated", "months_since_onset", "months_to_surgery")
HOSTILE = "</text><script>alert(1)</script> $\\frac{$ &"


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture
def ax() -> Axes:
    return Figure().add_subplot()


@pytest.fixture
def waiting(predictor: Predictor) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{i:02d}" for i in range(12)],
            "size_mm": rng.uniform(3, 12, 12).round(1).astype(str).astype(object),
            "sequestrated": rng.choice(["yes", "no"], 12),
            "months_since_onset": rng.uniform(0.5, 5, 12).round(1),
            "months_to_surgery": rng.uniform(1, 9, 12).round(1),
        }
    )
    frame.loc[4, "size_mm"] = "large"
    return predictor.score(frame)


def labelled(ax: Axes, beginning: str) -> Any:
    return next(line for line in ax.lines if str(line.get_label()).startswith(beginning))


def texts(ax: Axes) -> str:
    legend = ax.get_legend()
    assert legend is not None
    found = [ax.get_title("left"), ax.get_xlabel(), ax.get_ylabel()]
    found += [each.get_text() for each in (*ax.texts, *legend.get_texts())]
    return " | ".join(found)


def test_the_curve_is_the_predictors(predictor: Predictor, ax: Axes) -> None:
    assert plot_curve(predictor, ax=ax, months=18, **PATIENT) is ax
    line = labelled(ax, "estimate")
    found = predictor.curve(months=line.get_xdata(), **PATIENT)
    np.testing.assert_array_equal(line.get_ydata(), 100.0 * found.probability)
    corners = np.asarray(ax.collections[0].get_paths()[0].vertices)
    assert corners[:, 1].max() == pytest.approx(100.0 * found.high.max())
    assert ax.get_xlim() == (0.0, 18.0)
    assert "if surgery does not happen before" in texts(ax)
    assert "not for patient care" in texts(ax)
    assert predictor.interval_label in texts(ax)


def test_the_surgery_date_is_marked(predictor: Predictor, ax: Axes) -> None:
    cells: dict[str, Any] = {"size_mm": 11, "sequestrated": True, "onset_date": "2019-03-01",
             "imaging_date": "2019-03-15", "surgery_date": "2019-09-20"}  # fmt: skip
    plot_curve(predictor, ax=ax, months=3, **cells)
    said = predictor.predict(**cells)
    mark = labelled(ax, "planned surgery, 20 Sep 2019")
    wait = said.months_at_surgery - said.months_at_imaging
    assert mark.get_xdata() == [wait]
    assert mark.get_ydata() == [100.0 * said.probability]
    assert ax.get_xlim()[1] == wait  # drawn as far as that, though 3 months were asked for


def test_what_lies_beyond_follow_up_is_shaded(predictor: Predictor, ax: Axes) -> None:
    plot_curve(predictor, ax=ax, months=24, **PATIENT)
    assert "follow-up" not in texts(ax)
    plot_curve(predictor, ax=ax, months=60, **PATIENT)
    assert "beyond the training patients' follow-up" in texts(ax)
    end = predictor.artifact["longest_follow_up"] - PATIENT["months_since_onset"]
    assert ax.patches[0].get_window_extent().x0 == pytest.approx(
        ax.transData.transform((end, 0.0))[0]
    )


def test_styling_reaches_matplotlib(predictor: Predictor, ax: Axes) -> None:
    plot_curve(
        predictor,
        ax=ax,
        line_kws={"color": "red", "label": "$A$"},
        band_kws={"alpha": 0.1},
        **PATIENT,
    )
    assert labelled(ax, "$A$").get_color() == "red"
    assert ax.collections[0].get_alpha() == 0.1
    saved(ax.figure, "svg")  # type: ignore[arg-type]


def test_two_curves_share_axes(predictor: Predictor) -> None:
    first = plot_curve(predictor, months=30, **PATIENT)
    assert first is plt.gca()
    first.set_title("mine")
    second = plot_curve(predictor, months=12, **{**PATIENT, "size_mm": 4})
    assert second is first
    assert first.get_xlim() == (0.0, 30.0)
    assert first.get_title() == "mine"
    assert sum("not for patient care" in text.get_text() for text in first.texts) == 1
    assert len(plt.get_fignums()) == 1


def test_drawing_into_axes_leaves_pyplot_alone(
    predictor: Predictor, ax: Axes, waiting: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("shown"))
    plot_curve(predictor, ax=ax, **PATIENT)
    plot_waiting_list(waiting, ax=Figure().add_subplot())
    assert plt.get_fignums() == []


def test_bad_cells_are_told_of(predictor: Predictor, ax: Axes) -> None:
    with pytest.raises(InputError, match="size_mm must be a number"):
        plot_curve(predictor, ax=ax, **{**PATIENT, "size_mm": "big"})
    for months in (0, -1, 601, np.nan, "6"):
        with pytest.raises(InputError, match="months entered as"):
            plot_curve(predictor, ax=ax, months=months, **PATIENT)  # type: ignore[arg-type]
    assert not ax.has_data()


def test_the_list_is_sorted_and_its_values_are_the_frames(waiting: pd.DataFrame, ax: Axes) -> None:
    assert plot_waiting_list(waiting, ax=ax) is ax
    scored = waiting.dropna(subset="p_resorbed").sort_values("p_resorbed", ascending=False)
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == scored["patient_id"].tolist()
    drawn: dict[float, float] = {}
    for beginning, advised in (("consider", True), ("no reason", False)):
        line = labelled(ax, beginning)
        assert line.get_fillstyle() == ("full" if advised else "none")
        own = scored[scored["reimage"] == advised]
        assert str(line.get_label()).endswith(f": {len(own):,}")
        drawn |= dict(zip(line.get_ydata(), line.get_xdata(), strict=True))
    np.testing.assert_allclose(
        [drawn[height] for height in range(11)], 100.0 * scored["p_resorbed"]
    )
    intervals = next(each for each in ax.collections if isinstance(each, LineCollection))
    ends = np.array([segment[:, 0] for segment in intervals.get_segments()])
    np.testing.assert_allclose(ends, 100.0 * scored[["p_low", "p_high"]])
    bottom, top = ax.get_ylim()
    assert bottom > top  # the likeliest at the top


def test_rows_that_could_not_be_scored_are_counted_in_words(
    waiting: pd.DataFrame, ax: Axes
) -> None:
    plot_waiting_list(waiting, ax=ax)
    assert "11 patients; 1 row could not be scored and is not shown" in texts(ax)
    assert "not for patient care" in texts(ax)
    none = Figure().add_subplot()
    plot_waiting_list(waiting[waiting["p_resorbed"].isna()], ax=none)
    assert "0 patients; 1 row" in texts(none)


def test_two_lists_do_not_share_axes(waiting: pd.DataFrame, ax: Axes) -> None:
    """The rows of the first would bear the names of the second."""
    plot_waiting_list(waiting, ax=ax)
    with pytest.raises(InputError, match="hold a waiting list already"):
        plot_waiting_list(waiting[:3], ax=ax)
    assert len(ax.get_yticklabels()) == 11


def test_the_threshold_is_drawn(predictor: Predictor, waiting: pd.DataFrame, ax: Axes) -> None:
    scored = predictor.score(waiting[[*INPUTS]], threshold=0.35)
    plot_waiting_list(scored, ax=ax, threshold=0.35)
    assert labelled(ax, "threshold, 35 of 100").get_xdata() == [35.0, 35.0]
    with pytest.raises(InputError, match="threshold"):
        plot_waiting_list(waiting, ax=ax, threshold=2.0)


@pytest.mark.parametrize("threshold", [0.05, 0.21, 1.0])
def test_a_list_scored_with_another_threshold_is_refused(
    waiting: pd.DataFrame, threshold: float, ax: Axes
) -> None:
    """Its reasons to image again would not be those that the line tells of."""
    with pytest.raises(InputError, match="was scored with another one"):
        plot_waiting_list(waiting, ax=ax, threshold=threshold)
    assert not ax.has_data()


@pytest.mark.parametrize("name", ["p_low", "p_high", "reimage"])
def test_what_scoring_gave_must_be_whole(waiting: pd.DataFrame, name: str, ax: Axes) -> None:
    """No interval left out, and nobody shown as without a reason who was not asked about."""
    waiting[name] = waiting[name].astype(object)
    waiting.loc[2, name] = None
    with pytest.raises(InputError, match=f"{name} missing where p_resorbed is there"):
        plot_waiting_list(waiting, ax=ax)


def test_a_list_without_its_warnings_is_refused(waiting: pd.DataFrame, ax: Axes) -> None:
    """They say whether the model is for patient care."""
    with pytest.raises(InputError, match="lacks warnings"):
        plot_waiting_list(waiting.drop(columns="warnings"), ax=ax)


def test_the_legend_hides_nobody(waiting: pd.DataFrame, ax: Axes) -> None:
    plot_waiting_list(waiting, ax=ax)
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    legend = ax.get_legend()
    assert legend is not None
    lowest = ax.transData.transform((0.0, 10.3))[1]  # below the last of 11
    assert legend.get_window_extent().y1 < lowest


def test_a_probability_is_never_rounded_to_a_certainty(predictor: Predictor, ax: Axes) -> None:
    plot_curve(predictor, ax=ax, months_to_surgery=0.003, **PATIENT)
    assert "planned surgery, after 0.0 months: fewer than 1 (fewer than 1 to" in texts(ax)


@pytest.mark.parametrize(
    ("name", "given", "seen"),
    [
        ("line_kws", {"c": "red", "lw": 5}, lambda ax: ax.lines[0].get_linewidth() == 5),
        ("line_kws", {"c": "red"}, lambda ax: ax.lines[0].get_color() == "red"),
        ("band_kws", {"fc": "red"}, lambda ax: ax.collections[0].get_facecolor()[0, 1] == 0),
        ("band_kws", {"color": "red"}, lambda ax: ax.collections[0].get_facecolor()[0, 1] == 0),
        ("band_kws", {"lw": 3}, lambda ax: ax.collections[0].get_linewidth()[0] == 3),
    ],
)
def test_short_keywords_of_a_curve_win_too(
    predictor: Predictor, ax: Axes, name: str, given: dict[str, Any], seen: Any
) -> None:
    kws: dict[str, Any] = {name: given}
    assert seen(plot_curve(predictor, ax=ax, **kws, **PATIENT))


@pytest.mark.parametrize(
    ("name", "given", "seen"),
    [
        ("point_kws", {"c": "red", "ms": 9}, lambda ax: ax.lines[0].get_color() == "red"),
        ("point_kws", {"mew": 3}, lambda ax: ax.lines[0].get_markeredgewidth() == 3),
        ("interval_kws", {"colors": "red"}, lambda ax: ax.collections[0].get_color()[0, 0] == 1),
        ("interval_kws", {"lw": 3}, lambda ax: ax.collections[0].get_linewidth()[0] == 3),
        ("interval_kws", {"linewidths": 3}, lambda ax: ax.collections[0].get_linewidth()[0] == 3),
    ],
)
def test_short_keywords_of_a_list_win_too(
    waiting: pd.DataFrame, ax: Axes, name: str, given: dict[str, Any], seen: Any
) -> None:
    kws: dict[str, Any] = {name: given}
    assert seen(plot_waiting_list(waiting, ax=ax, **kws))


@pytest.mark.parametrize("given", [{"label": "x"}, {"fillstyle": "none"}, {"c": "r", "color": "b"}])
def test_keywords_that_cannot_be_taken_are_told_of(
    waiting: pd.DataFrame, ax: Axes, given: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="point_kws"):
        plot_waiting_list(waiting, ax=ax, point_kws=given)


def test_polars_and_pandas_give_the_same_picture(
    predictor: Predictor, waiting: pd.DataFrame
) -> None:
    pictures = []
    in_polars = pl.DataFrame({name: list(waiting[name]) for name in INPUTS}, strict=False)
    elsewhere = waiting.set_index("size_mm", drop=False)  # rows are found by position
    for frame in (waiting, predictor.score(in_polars.cast({"size_mm": pl.String})), elsewhere):
        axes = Figure().add_subplot()
        plot_waiting_list(frame, ax=axes)
        stream = io.BytesIO()
        axes.figure.savefig(stream, format="png", metadata={"Software": None})  # type: ignore[union-attr]
        pictures.append(stream.getvalue())
    assert pictures[0] == pictures[1] == pictures[2]


def test_a_long_list_has_no_names_but_all_points(waiting: pd.DataFrame, ax: Axes) -> None:
    long = pd.concat([waiting] * 180, ignore_index=True)
    plot_waiting_list(long, ax=ax)
    assert list(ax.get_yticks()) == []
    points = [len(labelled(ax, each).get_xdata()) for each in ("consider", "no reason")]
    assert sum(points) == 180 * 11
    assert "1,980 patients; 180 rows could not be scored and are not shown" in texts(ax)


def test_ids_are_text_whatever_they_hold(waiting: pd.DataFrame, ax: Axes) -> None:
    waiting["patient_id"] = [HOSTILE, "$x$", None, *waiting["patient_id"][3:]]
    plot_waiting_list(waiting, ax=ax)
    svg = saved(ax.figure, "svg").decode()  # type: ignore[arg-type]
    assert "<script" not in svg
    names = {text.get_text() for text in ax.get_yticklabels()}
    assert {"$x$", "row 3"} <= names


def test_a_frame_read_back_from_a_file_is_plotted_too(waiting: pd.DataFrame, ax: Axes) -> None:
    text = io.StringIO(waiting.to_csv(index=False))
    plot_waiting_list(pd.read_csv(text, dtype=str, keep_default_na=False), ax=ax)
    assert "11 patients" in texts(ax)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"size_mm": [3.0]}), "lacks p_resorbed, p_low"),
        ([1, 2], "pandas or polars DataFrame"),
        (pl.DataFrame({"p_resorbed": [0.2]}), "predictor.score"),
    ],
)
def test_what_is_no_scored_frame_is_refused(frame: Any, said: str, ax: Axes) -> None:
    with pytest.raises(InputError, match=said):
        plot_waiting_list(frame, ax=ax)


def test_a_column_that_is_not_there_cannot_name_patients(waiting: pd.DataFrame, ax: Axes) -> None:
    with pytest.raises(InputError, match="no column surname"):
        plot_waiting_list(waiting, ax=ax, label="surname")


def test_importing_the_plots_does_not_load_matplotlib() -> None:
    code = "import discresorb.plot, discresorb.nomogram_figure, discresorb.figure_style, sys; "
    assert in_a_fresh_process(code + "print('matplotlib' in sys.modules)") == "False"
