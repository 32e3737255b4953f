"""Nomograms: what is read off is what the model says, and what is drawn is what is read."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from nomogram_models import model
from typer.testing import CliRunner

from discresorb import InputError, Predictor
from discresorb.artifact import find_shipped
from discresorb.cli import app
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.nomogram import Nomogram, make_nomogram, notes
from discresorb.nomogram_charts import OneTotal, TwoTotals, added
from discresorb.nomogram_figure import nomogram_file
from discresorb.nomogram_fit import monotone_curve, pooled
from discresorb.nomogram_scales import (
    Scale,
    even_marks,
    monotone_runs,
    probability_scale,
    thinned,
)
from discresorb.training_patients import similar_patients
from discresorb.wording import ESTIMAND, LIMITS

HOSTILE = '</text></svg><script>alert(1)</script> $\\alpha$ & "x" 漢'
SVG = "{http://www.w3.org/2000/svg}"
MADE = [(name, cure) for name in DISTRIBUTIONS for cure in (True, False)]


@pytest.fixture(scope="module")
def shipped(predictor: Predictor) -> Nomogram:
    return make_nomogram(predictor)


@pytest.fixture(scope="module")
def two(predictor: Predictor) -> Nomogram:
    return make_nomogram(model(predictor, "lognormal", cure=True))


def cells_of(predictor: Predictor, row: Array) -> dict[str, Any]:
    pairs = zip(predictor.columns, row.tolist(), strict=True)
    return {
        column.name: column.levels[int(value)] if column.levels else value
        for column, value in pairs
        if value == value
    }


def assert_reads_well(nomogram: Nomogram, count: int = 150) -> None:
    """Patients of another seed than those that it was made and checked with."""
    predictor = nomogram.predictor
    errors = []
    patients = similar_patients(predictor, count, seed=77)
    within = patients[nomogram.chart.beyond(patients) <= 1.0]
    assert len(within) >= 0.98 * count
    for row in within:
        cells = cells_of(predictor, row)
        read = nomogram.read(**cells)
        said = predictor.curve(
            months=list(read), months_since_onset=nomogram.entry, **cells
        ).probability
        errors.append(np.abs(np.array([*read.values()]) - said))
    assert np.mean(errors, axis=0).max() < 0.01
    assert np.max(errors) < 0.06


@pytest.mark.parametrize(("distribution", "cure"), MADE)
def test_reading_back_gives_the_models_probabilities(
    predictor: Predictor, distribution: str, cure: bool
) -> None:
    nomogram = make_nomogram(model(predictor, distribution, cure=cure))
    assert isinstance(nomogram.chart, TwoTotals if cure else OneTotal)
    assert nomogram.accuracy.is_good
    assert_reads_well(nomogram)


@pytest.mark.parametrize("entry", [0.0, 6.0])
def test_the_shipped_model_reads_well_whenever_the_index_mri_was(
    predictor: Predictor, entry: float
) -> None:
    assert_reads_well(make_nomogram(predictor, entry=entry, months=[1, 9, 30]), 60)


def test_the_shipped_model_is_the_textbooks_chart(shipped: Nomogram) -> None:
    chart = shipped.chart
    assert isinstance(chart, OneTotal)
    assert shipped.predictor.columns[chart.stratum or 0].name == "sequestrated"
    assert shipped.entry == shipped.predictor.artifact["fingerprint"]["quantiles"][
        "months_since_onset"]["0.5"]  # fmt: skip
    assert_reads_well(shipped)


def test_the_measured_accuracy_is_what_reading_gives(shipped: Nomogram) -> None:
    """Recomputed one patient at a time, through `read` and `curve`."""
    X = similar_patients(shipped.predictor, 2_000, seed=2)
    rows = np.arange(0, 2_000, 20)
    errors = []
    for row in X[rows]:
        cells = cells_of(shipped.predictor, row)
        truth = shipped.predictor.curve(
            months=shipped.months, months_since_onset=shipped.entry, **cells
        ).probability
        errors.append(np.array([*shipped.read(**cells).values()]) - truth)
    largest = np.abs(errors).max(axis=0)
    assert (largest <= shipped.accuracy.most + 1e-12).all()
    assert np.abs(errors).mean(axis=0).max() == pytest.approx(
        shipped.accuracy.mean.max(), rel=0.5, abs=1e-4
    )
    assert (shipped.accuracy.mean <= shipped.accuracy.most).all()


def tree(svg: bytes) -> ElementTree.Element:
    # the code under test has just drawn it: no XML of others is read here
    return ElementTree.fromstring(svg)  # noqa: S314  # for the reason above


def drawn(svg: bytes) -> dict[str, list[list[tuple[float, float]]]]:
    """Lines of every named group of an SVG: points in inches, by name."""
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for group in tree(svg).iter(f"{SVG}g"):
        lines = []
        for path in group.findall(f"{SVG}path"):
            numbers = re.findall(r"[ML] (\S+) (\S+)", path.attrib["d"])
            lines.append([(float(x) / 72.0, float(y) / 72.0) for x, y in numbers])
        if lines and "id" in group.attrib:
            found.setdefault(group.attrib["id"], []).extend(lines)
    return found


def across(lines: list[list[tuple[float, float]]]) -> Array:
    return np.array([line[0][0] for line in lines])


def test_marks_of_one_total_stand_where_they_are_read(shipped: Nomogram) -> None:
    """A person's ruler: inches to points by the points axis, points to inches by the total's."""
    lines = drawn(nomogram_file(shipped, "svg"))
    chart = shipped.chart
    assert isinstance(chart, OneTotal)
    marks, _ = even_marks(0.0, 100.0)
    points_at = across(lines["input-points"])
    for axis in chart.inputs:
        x = across(lines[f"input-{axis.position}-0"])
        np.testing.assert_allclose(np.interp(x, points_at, marks), axis.scale.at, atol=0.01)
    totals, _ = even_marks(*chart.ends)
    totals_at = across(lines["total"])
    for stratum, scales in enumerate(chart.outcomes):
        for month, scale in zip(shipped.months, scales, strict=True):
            x = across(lines[f"month-{stratum}-{month:g}"])
            np.testing.assert_allclose(np.interp(x, totals_at, totals), scale.at, atol=0.01)


def test_curves_of_two_totals_run_where_they_are_read(two: Nomogram) -> None:
    lines = drawn(nomogram_file(two, "svg"))
    chart = two.chart
    assert isinstance(chart, TwoTotals)
    marks, _ = even_marks(0.0, 100.0)
    for name, axes in (("ever", chart.ever), ("pace", chart.pace)):
        points_at = across(lines[f"{name}-points"])
        for axis in axes:
            runs = monotone_runs(axis.scale.at) if axis.column.kind == "number" else [slice(None)]
            for number, run in enumerate(runs):
                x = across(lines[f"{name}-{axis.position}-{number}"])
                at = axis.scale.at[run]
                if axis.unknown is not None and axis.column.kind != "number":
                    at = np.r_[at, axis.unknown]
                np.testing.assert_allclose(np.interp(x, points_at, marks), at, atol=0.01)
    for month, curves in zip(two.months, chart.curves, strict=True):
        corners = {
            level: np.array(lines[f"curve-{month:g}-{level:g}"][0]) for level in chart.levels
        }
        ends = np.array([corners[level][[0, -1]] for level in chart.levels])
        assert np.ptp(ends[:, 0, 0]) == pytest.approx(0.0, abs=1e-6)
        heights = np.concatenate([corner[:, 1] for corner in corners.values()])
        slope, shift = np.polyfit(np.ravel(curves), heights, 1)
        assert slope < -1.0  # inches for a probability of 1; SVG counts downwards
        np.testing.assert_allclose(heights, slope * np.ravel(curves) + shift, atol=1e-4)


def test_the_same_bytes_every_time(shipped: Nomogram, predictor: Predictor) -> None:
    again = make_nomogram(predictor)
    for form in ("svg", "pdf", "png"):
        assert nomogram_file(shipped, form) == nomogram_file(again, form), form


def test_the_sheet_says_what_must_be_known(shipped: Nomogram) -> None:
    svg = nomogram_file(shipped, "svg")
    said = " ".join("".join(tree(svg).itertext()).split())
    accuracy = shipped.accuracy
    for sentence in (
        "Demonstration model trained on synthetic data, not for patient care.",
        "an index MRI 2.07 months after the onset of symptoms",
        "holds for this time since onset only",
        "value or total lies beyond an axis",
        "readings hold from 2.26 to 12.3 mm with sequestrated no and 3.43 to 14.7 mm with "
        "sequestrated yes, the central 98 % of training patients",
        ESTIMAND[1:],
        shipped.predictor.endpoint,
        LIMITS,
        shipped.predictor.model_id,
        "interval is not shown",
        f"by {accuracy.mean.max():.3f} on average and {accuracy.most.max():.3f} at most",
        "among 2,000 patients drawn from the training ranges",
    ):
        assert sentence in said
    assert b"<dc:date>" not in svg


def test_words_of_a_model_are_inert(predictor: Predictor) -> None:
    stored = [{**each, "label": HOSTILE} for each in predictor.artifact["covariates"]]
    hostile = Predictor({**predictor.artifact, "covariates": stored, "endpoint": HOSTILE})
    made = make_nomogram(hostile, months=[6])
    svg = nomogram_file(made, "svg")
    root = tree(svg)  # well-formed
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert b"<script" not in svg
    assert "$\\alpha$" in " ".join("".join(root.itertext()).split())
    for form in ("pdf", "png"):
        assert nomogram_file(made, form)


def test_what_no_axis_reaches_is_refused(shipped: Nomogram) -> None:
    with pytest.raises(InputError, match="size_mm lies beyond the axis"):
        shipped.read(size_mm=30, sequestrated=True)
    with pytest.raises(InputError) as caught:
        shipped.read(size_mm="big", sequestrated="perhaps", age=3)
    assert len(caught.value.problems) == 3


def test_a_total_that_no_axis_reaches_is_refused(shipped: Nomogram) -> None:
    """A size within the size axis, but beyond what sequestrated patients in training had."""
    said = shipped.predictor.curve(
        months=[12], months_since_onset=shipped.entry, size_mm=2.3, sequestrated=True
    )
    ends = shipped.chart.outcomes[1][2].values[0]  # type: ignore[union-attr]
    assert abs(said.probability[0] - ends) > 0.1  # what would be read at the end of the axis
    X = np.array([[2.3, 1.0], [2.3, 0.0], [8.0, 1.0]])
    np.testing.assert_array_equal(shipped.chart.beyond(X) > 1.0, [True, False, False])
    with pytest.raises(InputError, match=r"with sequestrated like this, from 3\.4"):
        shipped.read(size_mm=2.3, sequestrated=True)
    anywhere = [
        {**group, "ranges": {}} for group in shipped.predictor.artifact["support"]["groups"]
    ]
    support = {**shipped.predictor.artifact["support"], "groups": anywhere}
    lenient = Predictor({**shipped.predictor.artifact, "support": support})
    with pytest.raises(InputError, match="no probability axis reaches"):
        replace(shipped, predictor=lenient).read(size_mm=2.3, sequestrated=True)
    assert shipped.read(size_mm=2.3, sequestrated=False)


def test_totals_beyond_the_curves_are_refused(two: Nomogram) -> None:
    chart = two.chart
    assert isinstance(chart, TwoTotals)
    inside = added(chart.ever, similar_patients(two.predictor, 50, seed=3))
    shorter = replace(chart, across=chart.across[chart.across < np.median(inside)])
    X = similar_patients(two.predictor, 50, seed=3)
    np.testing.assert_allclose(
        shorter.beyond(X), np.maximum(inside - shorter.across[-1], 0.0), atol=1e-9
    )
    assert chart.beyond(X).max() == 0.0


@pytest.mark.parametrize(
    "months",
    [
        [],
        [6, 3],
        [1.0000001, 1.0000002],
        [3, 3],
        [0.5],
        [601],
        [1, 2, 3, 4, 5, 6],
        [np.nan],
        [np.inf],
    ],
)
def test_months_that_cannot_be_drawn(predictor: Predictor, months: list[float]) -> None:
    with pytest.raises(InputError, match="one to 5 rising numbers from 1 to 600"):
        make_nomogram(predictor, months=months)


@pytest.mark.parametrize("entry", [-0.1, 240.1, np.nan])
def test_entries_that_are_not_allowed(predictor: Predictor, entry: float) -> None:
    with pytest.raises(InputError, match="entry entered as"):
        make_nomogram(predictor, entry=entry)


def test_what_lies_beyond_training_is_noted(shipped: Nomogram, predictor: Predictor) -> None:
    assert notes(shipped) == []
    said = notes(make_nomogram(predictor, months=[3, 40], entry=12))
    assert "12 months after onset lies outside the central 98 %" in said[0]
    late = notes(make_nomogram(predictor, months=[40, 50, 60]))
    assert late[0].startswith("40, 50 and 60 months after the index MRI lie beyond")
    assert "40 months after the index MRI lie beyond the longest follow-up" in said[1]


@pytest.mark.parametrize(("entry", "month"), [(240.0, 600.0), (0.0, 1.0)])
def test_the_ends_of_what_may_be_entered(predictor: Predictor, entry: float, month: float) -> None:
    made = make_nomogram(predictor, months=[month], entry=entry)
    assert_reads_well(made, 40)
    tree(nomogram_file(made, "svg"))


@pytest.mark.parametrize("cure", [True, False])
def test_a_flag_alone_is_a_group_with_one_probability(predictor: Predictor, cure: bool) -> None:
    shipped = predictor.artifact
    ranges = [{"months_since_onset": [0.2, 8.0]}] * 2
    groups = [
        {**group, "ranges": own}
        for group, own in zip(shipped["support"]["groups"], ranges, strict=True)
    ]
    flag = Predictor(
        {
            **shipped,
            "cure": cure,
            "covariates": shipped["covariates"][1:],
            "location": np.array([1.8, -1.2]),
            "cure_coefficients": np.array([0.4, 2.0]) if cure else None,
            "covariance": 0.01 * np.eye(5 if cure else 3),
            "support": {**shipped["support"], "groups": groups},
        }
    )
    made = make_nomogram(flag)
    assert_reads_well(made, 20)
    tree(nomogram_file(made, "svg"))


def test_missing_inputs_are_read_where_that_is_marked(two: Nomogram) -> None:
    known = {"size_mm": 8, "sequestrated": False, "work": "desk", "smoker": False}
    read = two.read(**known)
    said = two.predictor.curve(months=two.months, months_since_onset=two.entry, **known)
    np.testing.assert_allclose([*read.values()], said.probability, atol=0.03)


def test_points_are_what_is_added(two: Nomogram) -> None:
    X = np.array([two.typical()])
    chart = two.chart
    assert isinstance(chart, TwoTotals)
    for axes in (chart.ever, chart.pace):
        assert added(axes, X)[0] == sum(float(axis.points(X)[0]) for axis in axes)
        largest = max(np.ptp([*axis.scale.at, axis.unknown or 0.0]) for axis in axes)
        assert largest == pytest.approx(100.0, abs=2.0)


def test_pools_are_the_closest_rising_values() -> None:
    means, pool = pooled(np.array([1.0, 3.0, 2.0, 4.0, 0.0]), np.ones(5))
    np.testing.assert_allclose(means[pool], [1.0, 2.25, 2.25, 2.25, 2.25])


def test_a_rising_curve_stays_within_probabilities() -> None:
    totals = np.linspace(0.0, 10.0, 500)
    curve = monotone_curve(totals, 1.0 / (1.0 + np.exp(5.0 - totals)))
    assert (np.diff(curve.probabilities) > 0.0).all()
    assert np.abs(curve(totals) - 1.0 / (1.0 + np.exp(5.0 - totals))).max() < 0.01
    assert curve.probabilities.min() >= 0.0
    assert curve.probabilities.max() <= 1.0


@pytest.mark.parametrize(
    "ends", [(2.259, 14.7), (0.0, 100.0), (17.6, 34.9), (5.0, 5.0), (-3e4, 8e5)]
)
def test_even_marks_cover_a_range(ends: tuple[float, float]) -> None:
    values, labels = even_marks(*ends)
    assert values[0] <= ends[0]
    assert values[-1] >= ends[1]
    np.testing.assert_allclose(np.diff(values), values[1] - values[0])
    assert 1 <= sum(map(bool, labels)) <= 15
    assert all(float(label) == value for label, value in zip(labels, values.round(9), strict=True)
               if label)  # fmt: skip


def test_an_axis_says_where_a_curve_has_levelled_off() -> None:
    totals = np.array([0.0, 50.0, 100.0])
    scale = probability_scale(totals, np.array([0.0, 0.4, 0.4]), apart=0.5, written=2.6)
    assert scale.values[0] == 0.004  # what is below 1 of 100
    assert scale.values[-1] == scale.values[-2] == 0.4
    assert scale.at[[0, -1]].tolist() == [0.0, 100.0]
    assert scale.value(75.0) == pytest.approx(0.4, abs=0.006)
    assert (np.diff(scale.at) >= 0.5).all()


def steps_between_labels(values: Array, labels: Sequence[str]) -> list[Array]:
    written = [i for i, label in enumerate(labels) if label]
    return [np.diff(values[a : b + 1]) for a, b in itertools.pairwise(written)]


def test_small_marks_between_two_labels_can_be_counted(shipped: Nomogram) -> None:
    """Where some had no room and others had, nobody could tell which percentage is meant."""
    chart = shipped.chart
    assert isinstance(chart, OneTotal)
    scales = [scale for scales in chart.outcomes for scale in scales]
    for scale in [*scales, *(axis.scale for axis in chart.inputs)]:
        for steps in steps_between_labels(scale.values, scale.labels):
            # what is below 1 of 100 stands for 0
            assert np.ptp(steps) < 0.0051, scale.values
    assert all(scale.labels[0] and scale.labels[-1] for scale in scales)


def test_marks_without_room_go_all_together() -> None:
    values = np.arange(0.0, 2.01, 0.2)
    labels = [f"{each:g}" if each in (0.0, 1.0) else "" for each in values]
    at = np.where(values <= 1.0, 10.0 * values, 10.0 + (values - 1.0) ** 2)
    found = thinned(Scale(values, at, labels), closest=0.4)
    np.testing.assert_allclose(found.values, [0, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0])
    assert found.labels[-1] == "2"  # nothing else would say what the end is


def test_the_same_probability_for_all_is_an_axis_too(predictor: Predictor) -> None:
    slopes = np.zeros(2)
    artifact = {**predictor.artifact, "location": np.r_[2.0, slopes]}
    made = make_nomogram(Predictor({**artifact, "cure_coefficients": np.r_[-9.0, slopes]}))
    chart = made.chart
    assert isinstance(chart, OneTotal)
    for scale in itertools.chain.from_iterable(chart.outcomes):
        assert scale.at[-1] - scale.at[0] > 50.0
    said = " ".join("".join(tree(nomogram_file(made, "svg")).itertext()).split())
    assert "fewer than 1 of 100 by 3 months" in said
    assert " 0 of 100" not in said


def test_the_command_writes_what_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "nomogram.svg"
    arguments = ["nomogram", "-o", str(file), "--months", "3, 40", "--entry", "12"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert "not for patient care" in done.stderr
    assert "outside the central 98 %" in done.stderr
    assert "on average and" in done.stderr
    assert b"within 40 months" in file.read_bytes()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2
    assert "--force" in again.stderr


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_other_forms(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"n.{suffix.upper()}"
    assert CliRunner().invoke(app, ["nomogram", "-o", str(file)]).exit_code == 0
    assert file.read_bytes()[:5] in (b"%PDF-", b"\x89PNG\r")


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["nomogram", "-o", str(tmp_path / "n.txt"), "--months", "6,x", "--entry", "999"]
    )
    assert done.exit_code == 2
    for words in (
        "must end in .svg, .pdf or .png",
        "months entered as 6,x",
        "entry entered as 999",
    ):
        assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("linked", [False, True])
def test_a_model_is_never_overwritten(tmp_path: Path, linked: bool) -> None:
    """Whatever it is called, and though a link leads there: no force makes that right."""
    model_file = tmp_path / ("m.joblib" if linked else "m.svg")
    shutil.copy(find_shipped(), model_file)
    lines = find_shipped().with_suffix(".sha256").read_text()
    (tmp_path / "m.sha256").write_text(lines.replace("default.joblib", model_file.name))
    shutil.copy(find_shipped().with_suffix(".json"), tmp_path / "default.json")
    output = tmp_path / "link.svg" if linked else model_file
    if linked:
        output.symlink_to(model_file)
    before = model_file.read_bytes()
    done = CliRunner().invoke(
        app, ["nomogram", "-o", str(output), "--model", str(model_file), "--force"]
    )
    assert "is an input of this command" in done.stderr
    assert done.exit_code == 2
    assert model_file.read_bytes() == before
