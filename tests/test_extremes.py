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

from discresorb import InputError, Predictor
from discresorb.curve import CureCurve, expit
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.equation import equation
from discresorb.schema_design import wrong_covariate
from discresorb_training import ResorptionModel, interval_outcome, metrics
from discresorb_training.blocks import prepare
from discresorb_training.errors import TrainingError
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


@pytest.mark.parametrize("fit", json.loads((DATA / "fits.json").read_text("utf-8")),
                         ids=lambda fit: f"{fit['kind']}, {fit['distribution']}")  # fmt: skip
def test_weights_over_ten_orders_and_covariates_nearly_the_same(fit: dict[str, Any]) -> None:
    """Estimates and standard errors against Newton's method with 50 digits."""
    rows = np.array(fit["rows"])
    upper = np.where(rows[:, 3] == 0.0, math.inf, rows[:, 3])
    y = interval_outcome(lower=rows[:, 2], upper=upper, entry=rows[:, 4])
    model = ResorptionModel(fit["distribution"], cure=False).fit(rows[:, :2], y, rows[:, 5])
    found = [model.intercept_, *model.coef_, math.log(model.scale_)]
    np.testing.assert_allclose(found, fit["theta"], rtol=1e-9)
    errors = np.sqrt(np.diag(model.covariance_))
    np.testing.assert_allclose(errors, fit["standard_errors"], rtol=1e-8)


def small_cohort() -> tuple[Array, Array]:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 2))
    time = np.exp(1.0 + 0.5 * X[:, 0] + 0.5 * rng.normal(size=80))
    return X, interval_outcome(lower=0.8 * time, upper=1.3 * time)


@pytest.mark.parametrize("apart", [1e-5, 1e-8, 1e-12])
def test_covariates_that_say_the_same_are_named(apart: float) -> None:
    X, y = small_cohort()
    both = np.column_stack([X, X[:, 0] + apart * X[:, 1]])
    for values in (both, both * np.array([1.0, 1.0, 2.0**60])):
        with pytest.raises(TrainingError, match=r"x0, x2 say the same.*leave one out"):
            ResorptionModel(cure=False).fit(values, y)


def test_a_row_a_million_times_is_its_weight() -> None:
    X, y = small_cohort()
    ones = ResorptionModel(cure=False).fit(X, y)
    many = ResorptionModel(cure=False).fit(X, y, np.full(len(X), 1e6))
    np.testing.assert_allclose(many.coef_, ones.coef_, rtol=1e-10)
    np.testing.assert_allclose(1e6 * many.covariance_, ones.covariance_, rtol=1e-8)


@pytest.mark.parametrize("weight", [1e100, 1e300, 1e307])
def test_weights_that_count_no_patients_are_refused_in_words(weight: float) -> None:
    X, y = small_cohort()
    with pytest.raises(InputError, match=r"sample_weight adds up to .* divide all by the same"):
        ResorptionModel(cure=False).fit(X, y, np.full(len(X), weight))


def test_a_scale_from_one_row_is_refused_in_words() -> None:
    X, y = small_cohort()
    one = np.where(np.arange(len(X)) == 3, 1.0, 0.0)
    with pytest.raises(InputError, match=r"scale_weight is above 0 only where x0, x1 has one"):
        ResorptionModel(cure=False).fit(X, y, scale_weight=one)
    huge = ResorptionModel(cure=False).fit(X, y, scale_weight=np.full(len(X), 1e307))
    np.testing.assert_allclose(huge.coef_, ResorptionModel(cure=False).fit(X, y).coef_, rtol=1e-10)


@pytest.mark.parametrize("unit", [1e-200, 1e200, 1e308])
def test_units_whose_squares_are_no_numbers_are_refused_in_words(unit: float) -> None:
    X, y = small_cohort()
    with pytest.raises(TrainingError, match=r"must range over .* give them in another unit"):
        ResorptionModel(cure=False).fit(X * np.array([1.0, unit / 2.0]), y)


def test_all_patients_alike() -> None:
    """Every time the same: no spread to be found; every p the same: chance decides."""
    X, _ = small_cohort()
    same = interval_outcome(lower=np.full(80, 3.0), upper=np.full(80, 4.0))
    with pytest.raises(TrainingError):
        ResorptionModel(cure=False).fit(X, same)
    p, w = np.full(500, 0.3), np.random.default_rng(1).random(500)
    assert metrics.auc(p, w) == 0.5
    assert metrics.brier(p, np.full(500, 0.3)) == pytest.approx(0.21, rel=1e-14)
    assert metrics.observed_expected(p, p) == 1.0
    one = np.array([0.25])
    assert math.isnan(metrics.auc(one, one))
    assert metrics.brier(one, np.array([1.0])) == 0.5625


@pytest.mark.parametrize("level", ["", " x", "x\t"])
def test_a_level_that_no_cell_can_match_is_refused(level: str) -> None:
    work = {"name": "work", "label": "work", "unit": "", "kind": "category", "range": [0.0, 1.0],
            "levels": ["desk", level], "terms": [{"type": "levels"}]}  # fmt: skip
    assert any("no cell can match" in each or "not printable" in each
               for each in wrong_covariate(work))  # fmt: skip
    assert wrong_covariate({**work, "levels": ["desk", "x y"]}) == []


def test_a_logit_whose_derivatives_are_no_numbers_is_a_point(engine: Engine) -> None:
    """Far out the hazard is a number and its derivative by the location, in units of σ, is not."""
    model = {"distribution": "weibull", "log_scale": -6.9, "location": (1.99, 0.0, 0.0),
             "ever": [800.0, 0.0, 0.0], "covariance": np.diag([0.01] * 7).tolist()}  # fmt: skip
    own = predictor(model)
    row: dict[str, Any] = {"size_mm": 40.0, "sequestrated": 1.0, "months_since_onset": 14.87,
                           "months_to_surgery": 1e-6}  # fmt: skip
    found = own.predict(**row)
    assert (found.probability, found.low, found.high) == (0.0, 0.0, 0.0)
    asked = "(({patient}) => model.predict(patient))(model.read(row))"
    texts = [{name: repr(value) for name, value in row.items()}]
    (page,) = engine.ask(asked, texts, own)
    assert (page["probability"], page["low"], page["high"]) == (0.0, 0.0, 0.0)


def test_the_normals_hazards_far_out() -> None:
    """Against their asymptotic series, of which the next term is below rounding."""
    z = np.array([50.0, 500.0, 1254.0])
    rise = 1.0 / z - 2.0 / z**3 + 10.0 / z**5 - 74.0 / z**7
    law = DISTRIBUTIONS["lognormal"]
    for sign, found in ((1.0, law.hazard_and_rise(z)), (-1.0, law.reversed_hazard_and_rise(-z))):
        np.testing.assert_allclose(found[0], z + rise, rtol=1e-14)
        np.testing.assert_allclose(found[1], sign * rise, rtol=1e-10)
