"""The conditional probability: its formula, limits and shape, and the interval's gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discresorb import curve as curves
from discresorb.curve import CureCurve, expit, linear_sum, normal_quantile
from discresorb.distributions import DISTRIBUTIONS, Array

EVERY = pytest.mark.parametrize("name", DISTRIBUTIONS)
CURE = pytest.mark.parametrize("cure", [True, False], ids=["cure", "no cure"])
X = np.array([1.0, 11.0, 1.0])
LOCATION, LOG_SCALE, EVER = np.array([1.6, -0.01, -0.3]), -0.8, np.array([-3.1, 0.4, 1.0])


def make(name: str, cure: bool) -> CureCurve:
    size = 7 if cure else 4
    root = np.random.default_rng(1).normal(size=(size, size)) * 0.05
    return CureCurve(
        DISTRIBUTIONS[name],
        LOCATION,
        LOG_SCALE,
        EVER if cure else None,
        root @ root.T,
    )


def naive(name: str, cure: bool, entry: float, horizon: float) -> float:
    """Give the probability as DESIGN writes it."""
    distribution = DISTRIBUTIONS[name]

    def cdf(t: float) -> float:
        z = (math.log(t) - X @ LOCATION) / math.exp(LOG_SCALE) if t else -math.inf
        with np.errstate(all="ignore"):
            return float(np.exp(distribution.log_cdf(z)))

    ever = 1 / (1 + math.exp(-(X @ EVER))) if cure else 1.0
    return ever * (cdf(horizon) - cdf(entry)) / (1 - ever * cdf(entry))


@EVERY
@CURE
@pytest.mark.parametrize(("entry", "horizon"), [(0.5, 6.7), (0.0, 3.0), (4.0, 4.5), (6.0, 30.0)])
def test_formula(name: str, cure: bool, entry: float, horizon: float) -> None:
    p = make(name, cure).probability(X, entry, horizon)
    assert p == pytest.approx(naive(name, cure, entry, horizon), rel=1e-11)


@EVERY
@CURE
def test_no_time_no_resorption(name: str, cure: bool) -> None:
    for entry in (0.0, 0.5, 20.0):
        assert make(name, cure).interval(X, entry, entry) == (0.0, 0.0, 0.0)


@EVERY
@CURE
@pytest.mark.parametrize("entry", [0.0, 2.0])
def test_limit_of_a_late_horizon(name: str, cure: bool, entry: float) -> None:
    curve = make(name, cure)
    limit = naive(name, cure, entry, 1e300)
    p, low, high = curve.interval(X, entry, np.inf)
    assert p == pytest.approx(limit, rel=1e-12)
    assert curve.probability(X, entry, 1e12) == pytest.approx(limit, rel=1e-6)
    assert 0.0 <= low <= p <= high <= 1.0


@given(
    name=st.sampled_from(list(DISTRIBUTIONS)),
    cure=st.booleans(),
    entry=st.floats(0, 240),
    wait=st.floats(0, 600),
    later=st.floats(0, 600),
    size=st.floats(0.5, 40),
    sequestrated=st.sampled_from([0.0, 1.0]),
)
def test_probability_is_one_and_never_falls(
    name: str,
    cure: bool,
    entry: float,
    wait: float,
    later: float,
    size: float,
    sequestrated: float,
) -> None:
    curve, x = make(name, cure), np.array([1.0, size, sequestrated])
    p, low, high = curve.interval(x, entry, entry + wait)
    assert 0.0 <= low <= p <= high <= 1.0
    assert curve.probability(x, entry, entry + wait + later) >= p - 1e-12  # rounding


@EVERY
@CURE
@pytest.mark.parametrize("entry", [0.0, 0.5])
def test_gradient_by_differences(name: str, cure: bool, entry: float) -> None:
    curve, h = make(name, cure), 1e-6
    theta = np.concatenate([LOCATION, [LOG_SCALE], EVER if cure else []])

    def logit(at: Array) -> float:
        moved = CureCurve(
            curve.distribution, at[:3], float(at[3]), at[4:] if cure else None, curve.covariance
        )
        p = float(moved.probability(X, entry, 6.7))
        return math.log(p / (1 - p))

    slopes = [
        (logit(theta + step) - logit(theta - step)) / (2 * h) for step in h * np.eye(len(theta))
    ]
    p, low, high = curve.interval(X, entry, 6.7)
    se = math.sqrt(np.array(slopes) @ curve.covariance @ np.array(slopes))
    centre = math.log(p / (1 - p))
    assert low == pytest.approx(expit(centre - 1.959963984540054 * se), rel=1e-6)
    assert high == pytest.approx(expit(centre + 1.959963984540054 * se), rel=1e-6)


@EVERY
@CURE
def test_an_interval_keeps_its_digits_however_short_the_wait(name: str, cure: bool) -> None:
    """As the wait vanishes logit p runs away, but its standard error settles."""
    curve = make(name, cure)

    def half(wait: float) -> float:
        p, low, high = curve.interval(X, 6.0, 6.0 + wait)
        assert low < p < high
        return float(math.log(high / (1 - high)) - math.log(p / (1 - p)))

    assert [half(wait) for wait in (1e-7, 1e-9, 1e-11)] == pytest.approx([half(1e-5)] * 3, rel=1e-5)


def test_spread_between_studies_widens_on_the_logit_scale() -> None:
    alone = CureCurve(DISTRIBUTIONS["weibull"], LOCATION, LOG_SCALE, EVER, np.zeros((7, 7)))
    wider = CureCurve(
        DISTRIBUTIONS["weibull"], LOCATION, LOG_SCALE, EVER, np.zeros((7, 7)), None, 0.5
    )
    p, low, high = wider.interval(X, 0.5, 3.0)
    logit = math.log(p / (1 - p))
    assert alone.interval(X, 0.5, 3.0) == (p, p, p)
    assert low == pytest.approx(expit(logit - 0.5 * 1.959963984540054))
    assert high == pytest.approx(expit(logit + 0.5 * 1.959963984540054))


@EVERY
def test_rows_at_once_equal_rows_one_by_one(name: str) -> None:
    curve, rng = make(name, True), np.random.default_rng(2)
    design = np.column_stack([np.ones(50), rng.uniform(1, 15, 50), rng.integers(0, 2, 50)])
    entry, wait = rng.uniform(0, 8, 50), rng.uniform(0, 12, 50)
    entry[0], wait[1] = 0.0, 0.0
    together = np.column_stack(curve.interval(design, entry, entry + wait))
    apart = [curve.interval(x, e, e + w) for x, e, w in zip(design, entry, wait, strict=True)]
    np.testing.assert_allclose(together, np.array(apart), rtol=1e-13)


def test_some_covariates_only_in_the_cure_fraction() -> None:
    full = CureCurve(
        DISTRIBUTIONS["loglogistic"], LOCATION, LOG_SCALE, np.array([-3.1, 0.4, 0.0]), np.eye(7)
    )
    part = CureCurve(
        DISTRIBUTIONS["loglogistic"], LOCATION, LOG_SCALE, np.array([-3.1, 0.4]), np.eye(6), [0, 1]
    )
    assert part.probability(X, 1.0, 5.0) == full.probability(X, 1.0, 5.0)


def test_normal_quantile() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959963984540054, rel=1e-14)


def test_many_rows_are_cut_and_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    curve, rng = make("lognormal", True), np.random.default_rng(3)
    design = np.column_stack([np.ones(40), rng.uniform(1, 15, 40), rng.integers(0, 2, 40)])
    entry = rng.uniform(0, 8, 40)
    wait = rng.uniform(0, 12, 40)
    whole = curve.interval(design, entry, entry + wait)
    at_six = curve.interval(design, 1.5, 6.0, 0.8)
    monkeypatch.setattr(curves, "_BLOCK_ROWS", 7)
    np.testing.assert_array_equal(curve.interval(design, entry, entry + wait), whole)
    np.testing.assert_array_equal(curve.interval(design, 1.5, 6.0, 0.8), at_six)
    with_wait = curve.interval(design, entry, entry + wait, wait=wait)
    np.testing.assert_allclose(with_wait, whole, rtol=1e-12)


def test_a_sum_needs_a_coefficient_a_column() -> None:
    with pytest.raises(ValueError, match="shorter"):
        linear_sum([1.0, 2.0], [1.0])


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_where_logit_p_is_beyond_all_numbers_the_interval_is_that_point(name: str) -> None:
    """Everybody would have resorbed long before entry; a second later nobody more has."""
    curve = CureCurve(
        DISTRIBUTIONS[name],
        np.array([1.55]),
        -6.9,
        np.array([800.0]),
        np.diag([0.01, 0.01, 0.01]),
    )
    p, low, high = curve.interval(np.ones((1, 1)), 9.53, 9.53 + 1e-6, wait=np.array([1e-6]))
    assert low <= p <= high
    if name == "weibull":
        assert (p, low, high) == (0.0, 0.0, 0.0)
