"""At the ends of what is allowed: answers against 50 digits, frozen by oracles/extremes.py.

What is compared: p to 1e-10 of itself where it is above the smallest normal number, each end of its
interval likewise, for every unit of the interval's half-width on the logit scale that is beyond
one; 0 where the answer is below that; never nan, never low > p or p > high.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from composed import composed
from engine import Engine
from equations import solved

from discresorb import Predictor
from discresorb.curve import CureCurve, expit
from discresorb.distributions import DISTRIBUTIONS
from discresorb.equation import equation
from discresorb_training.blocks import prepare
from discresorb_training.likelihood import evaluate

DATA = Path(__file__).parent / "data" / "extremes"
CLOSE = 1e-10
SMALLEST = float(np.finfo(float).tiny)
MODELS: list[dict[str, Any]] = json.loads((DATA / "probabilities.json").read_text("utf-8"))
LIKELIHOODS: list[list[Any]] = json.loads((DATA / "likelihoods.json").read_text("utf-8"))
COLUMNS = ("size_mm", "sequestrated", "months_since_onset", "months_to_surgery")
EVERY = pytest.mark.parametrize("name", DISTRIBUTIONS)


def predictor(model: dict[str, Any]) -> Predictor:
    return composed(
        distribution=model["distribution"],
        cure=model["ever"] is not None,
        location=np.array(model["location"]),
        log_scale=model["log_scale"],
        cure_coefficients=None if model["ever"] is None else np.array(model["ever"]),
        covariance=np.array(model["covariance"]),
    )


def rows(model: dict[str, Any]) -> list[dict[str, float]]:
    return [dict(zip(COLUMNS, row[:4], strict=True)) for row in model["patients"]]


def assert_exact(model: dict[str, Any], found: list[tuple[float, float, float]]) -> None:
    for row, ends in zip(model["patients"], found, strict=True):
        where = (model["distribution"], model["log_scale"], model["ever"], row[:4])
        p, low, high = ends
        assert 0.0 <= low <= p <= high <= 1.0, where
        allowed = CLOSE * max(1.0, float(row[7]))
        for end, text, tolerance in zip(ends, row[4:7], (CLOSE, allowed, allowed), strict=True):
            exact = float(text)
            if exact < SMALLEST:
                assert end <= 2.0 * SMALLEST, (where, end, text)
            else:
                assert abs(end / exact - 1.0) <= tolerance, (where, end, text)


def test_a_file_of_patients_at_the_ends() -> None:
    for model in MODELS:
        scored = predictor(model).score(pd.DataFrame(rows(model)))
        assert (scored["problems"] == "").all()
        assert_exact(model, list(zip(*(scored[c] for c in ("p_resorbed", "p_low", "p_high")),
                                     strict=True)))  # fmt: skip


def test_patients_at_the_ends_one_by_one_and_their_curves() -> None:
    for model in MODELS:
        own = predictor(model)
        single = [own.predict(**row) for row in rows(model)]
        assert_exact(model, [(each.probability, each.low, each.high) for each in single])
        for row, one in zip(rows(model), single, strict=True):
            wait = row.pop("months_to_surgery")
            points = own.curve(months=[0.0, wait, 600.0], **row)
            assert points.probability[0] == points.high[0] == 0.0
            assert points.probability[1] == pytest.approx(one.probability, rel=1e-14, abs=0.0)
            assert (np.diff(points.probability) >= 0.0).all()


def test_the_page_computes_the_ends_too(engine: Engine) -> None:
    asked = "(({patient}) => model.predict(patient))(model.read(row))"
    for model in MODELS:
        texts = [{name: repr(value) for name, value in row.items()} for row in rows(model)]
        found = engine.ask(asked, texts, predictor(model))
        assert_exact(model, [(each["probability"], each["low"], each["high"]) for each in found])


def test_likelihood_with_gradient_and_hessian() -> None:
    """In (a / σ, log σ, logit π): the derivatives by where log time lies are in units of σ.

    Each is held to 1e-10 of the largest among the row's, or of one.
    """
    for name, ever, place, log_scale, lower, upper, entry, numbers in LIKELIHOODS:
        ends = (np.array([each]) for each in (lower, math.inf if upper is None else upper, entry))
        theta = np.array([place, log_scale, *([] if ever is None else [ever])])
        found = evaluate(
            prepare(np.ones((1, 1)), *ends), DISTRIBUTIONS[name], theta, cure=ever is not None
        )
        size = len(theta)
        unit = np.array([math.exp(log_scale), 1.0, 1.0])[:size]
        where = (name, ever, place, log_scale, lower, upper, entry)
        assert abs(found.log_likelihood - numbers[0]) <= CLOSE * max(1.0, abs(numbers[0])), where
        for mine, its in (
            (found.gradient * unit, np.array(numbers[1 : 1 + size]) * unit),
            (
                found.hessian * np.outer(unit, unit),
                np.reshape(numbers[1 + size :], (size, size)) * np.outer(unit, unit),
            ),
        ):
            assert np.abs(mine - its).max() <= CLOSE * max(1.0, np.abs(its).max()), where


@EVERY
@pytest.mark.parametrize("ever", [None, 0.5, -800.0])
@pytest.mark.parametrize("log_scale", [math.log(1e-3), -0.6, math.log(1e3)])
def test_never_falls_and_is_in_order_for_any_wait(
    name: str, ever: float | None, log_scale: float
) -> None:
    cure = None if ever is None else np.array([ever])
    size = 2 if ever is None else 3
    curve = CureCurve(DISTRIBUTIONS[name], np.array([1.7]), log_scale, cure, 0.04 * np.eye(size))
    wait = np.concatenate([[0.0], 10.0 ** np.linspace(-300, 2.77, 500), [600.0, 1e300]])
    ones = np.ones((len(wait), 1))
    for entry in (0.0, 1e-300, 0.25, 5.4, 5.5, 240.0):
        p, low, high = curve.interval(ones, entry, entry + wait, wait=wait)
        assert p[0] == low[0] == high[0] == 0.0
        assert (np.diff(p) >= -1e-15 * p[1:]).all(), np.diff(p).min()
        assert ((low >= 0.0) & (low <= p) & (p <= high) & (high <= 1.0)).all()


@EVERY
def test_where_p_rounds_to_one_the_interval_says_how_sure(name: str) -> None:
    """The ends come from logit p, which goes on where p cannot."""
    sure, unsure = (
        CureCurve(DISTRIBUTIONS[name], np.array([-60.0]), 0.0, None, np.diag([variance, 0.0]))
        for variance in (1e-4, 900.0)
    )
    for curve, low in ((sure, 1.0), (unsure, 0.9)):
        found = curve.interval(np.ones(1), 0.0, 1.0)
        assert found[0] == found[2] == 1.0
        assert (found[1] >= low) == (curve is sure)


def test_a_covariate_in_large_units_keeps_the_intervals_digits() -> None:
    """Platelets per litre, with a coefficient that is as small."""

    def half(unit: float) -> float:
        sd = np.array([0.2, 0.1 / unit, 0.1])
        covariance = np.outer(sd, sd) * (0.9 * np.ones((3, 3)) + 0.1 * np.eye(3))
        curve = CureCurve(
            DISTRIBUTIONS["weibull"], np.array([1.7, -0.2 / unit]), -0.6, None, covariance
        )
        p, low, _ = curve.interval(np.array([1.0, 2.5 * unit]), 1.0, 4.0)
        return float(np.log(p / (1 - p)) - np.log(low / (1 - low)))

    assert half(2.0**40) == pytest.approx(half(1.0), rel=1e-13)


def test_small_types_are_taken_at_their_value() -> None:
    own = predictor(MODELS[7])
    row: dict[str, Any] = {"size_mm": 11.5, "sequestrated": 1.0, "months_since_onset": 6.25,
           "months_to_surgery": 5.5}  # fmt: skip
    one = own.predict(**row)
    for kind in (np.float16, np.float32, np.longdouble):
        typed_row: dict[str, Any] = {name: kind(value) for name, value in row.items()}
        assert own.predict(**typed_row) == one
    whole = {**row, "size_mm": 11.0, "months_since_onset": 6.0, "months_to_surgery": 5.0}
    small: dict[str, Any] = {name: np.int8(value) for name, value in whole.items()}
    assert own.predict(**small) == own.predict(**whole)
    frame = pd.DataFrame([row])
    for typed in (frame.astype("float32"), frame.astype("Float32"), pl.DataFrame(frame).cast(
            pl.Float32)):  # fmt: skip
        assert own.score(typed)["p_resorbed"].to_list() == [one.probability]


def test_the_printed_equation_says_the_same() -> None:
    """Where its differences keep their digits: 1 - π does not as π nears 1."""
    for model in MODELS:
        if model["log_scale"] != -0.6 or model["ever"] is None or model["ever"][0] != 0.5:
            continue
        lines = equation(predictor(model).artifact)
        for size, sequestrated, entry, wait, exact, *_ in model["patients"]:
            inputs = {"size_mm": size, "sequestrated": sequestrated, "entry": entry}
            if entry and wait > 1.0:
                found = solved(lines, {**inputs, "horizon": entry + wait})
                assert found == pytest.approx(float(exact), rel=1e-9, abs=1e-15)


def test_expit_keeps_what_is_left_in_both_tails() -> None:
    assert expit(-745.0) == pytest.approx(math.exp(-745.0), abs=5e-324)
    assert [float(expit(x)) for x in (-math.inf, -800.0, 0.0, 40.0, math.inf)] == [0, 0, 0.5, 1, 1]
