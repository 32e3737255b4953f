"""The sheet of a nomogram: nothing is cut off, and every level can be told from the others."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from nomogram_models import FLAG, LINEAR, model

from discresorb import Predictor
from discresorb.design import Covariate, Design
from discresorb.figure_style import styled
from discresorb.nomogram import Nomogram, make_nomogram
from discresorb.nomogram_figure import _height, draw_nomogram
from discresorb.nomogram_sheet import lines_of, text_width

LEVELS = [f"kind of work number {i}, which has a rather long name" for i in range(12)]


def beyond_the_sheet(nomogram: Nomogram) -> list[str]:
    with styled():
        figure = Figure(figsize=(11.69, _height(nomogram)), dpi=100)
        draw_nomogram(nomogram, figure)
        figure.draw_without_rendering()
        width, height = figure.bbox.size
        boxes = [(each.get_text(), each.get_window_extent()) for each in figure.axes[0].texts]
    return [
        text
        for text, box in boxes
        if box.x0 < 0.0 or box.x1 > width or box.y0 < 0.0 or box.y1 > height
    ]


def texts(nomogram: Nomogram) -> list[str]:
    with styled():
        figure = Figure(figsize=(11.69, _height(nomogram)))
        draw_nomogram(nomogram, figure)
    return [each.get_text() for each in figure.axes[0].texts]


def of_many_levels(base: Predictor) -> Predictor:
    work: dict[str, Any] = {
        "name": "work", "label": "work", "unit": "", "kind": "category", "range": [0.0, 11.0],
        "levels": LEVELS, "terms": [{"type": "levels"}],
    }  # fmt: skip
    covariates = [{**FLAG, "name": "sequestrated", "terms": LINEAR}, work]
    count = 1 + len(Design([Covariate.from_artifact(each) for each in covariates]).names)
    support = base.artifact["support"]
    groups = [
        {**group, "ranges": {"months_since_onset": group["ranges"]["months_since_onset"]}}
        for group in support["groups"]
    ]
    slopes = np.r_[1.8, -1.2, np.linspace(-0.5, 0.6, 11)]
    return model(
        base,
        "loglogistic",
        cure=False,
        covariates=covariates,
        imputation=None,
        support={**support, "groups": groups},
        location=slopes,
        covariance=0.01 * np.eye(count + 1),
    )


TOO_LONG = ["W" * 500, "REGRESSION OF THE HERNIATION " * 15, "退縮" * 200, "a\nb\tc " * 60]


@pytest.mark.parametrize(("cure", "first"), [(True, 0), (True, 2), (False, 1)])
def test_nothing_is_cut_off(predictor: Predictor, cure: bool, first: int) -> None:
    """Each covariate and the endpoint bear another name that is too long."""
    words = itertools.cycle(TOO_LONG[first:] + TOO_LONG[:first])
    made = model(predictor, "loglogistic", cure=cure)
    stored = [{**each, "label": next(words)} for each in made.artifact["covariates"]]
    long = Predictor({**made.artifact, "covariates": stored, "endpoint": next(words)})
    assert beyond_the_sheet(make_nomogram(long, months=[6])) == []


def test_a_long_heading_is_not_cut_off(predictor: Predictor) -> None:
    stored = [{**each, "label": "W" * 300} for each in predictor.artifact["covariates"]]
    made = make_nomogram(Predictor({**predictor.artifact, "covariates": stored}))
    assert beyond_the_sheet(made) == []
    assert any(text.endswith("…: no – resorbed on MRI, of 100 patients") for text in texts(made))


def test_levels_whose_names_have_no_room_are_numbered(predictor: Predictor) -> None:
    """Cut short they would all look alike."""
    made = make_nomogram(of_many_levels(predictor), months=[6])
    drawn = texts(made)
    assert {f"{number}" for number in range(1, 13)} <= set(drawn)
    said = " ".join(drawn)
    assert all(f"{number} = {name}" in said for number, name in enumerate(LEVELS, 1))
    assert beyond_the_sheet(made) == []


def test_levels_that_have_room_bear_their_names(predictor: Predictor) -> None:
    drawn = texts(make_nomogram(model(predictor, "weibull", cure=True), months=[6]))
    assert drawn.count("heavy, by hand") == 2
    assert not any("1 = " in text for text in drawn)


@pytest.mark.parametrize("text", ["W" * 300, "some words " * 40, "漢" * 99, "iiii " * 80])
def test_lines_fit_and_lose_nothing(text: str) -> None:
    lines = lines_of(text, 3.0, 8.0)
    assert all(text_width(line, 8.0) <= 3.0 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    short = lines_of(text, 3.0, 8.0, 2, " (mm)")
    assert len(short) == 2
    assert short[-1].endswith("… (mm)")
    assert text_width(short[-1], 8.0) <= 3.0


def test_text_is_as_wide_as_it_is_drawn() -> None:
    with styled():
        figure = Figure(figsize=(10, 1), dpi=720)
        drawn = figure.text(0.0, 0.0, "Points for how fast it resorbs, WWW", fontsize=8.0)
        figure.draw_without_rendering()
        width = drawn.get_window_extent().width / 720.0
    assert width <= text_width(drawn.get_text(), 8.0) <= 1.08 * width
