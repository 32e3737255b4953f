"""The law of resorption: limits, centre effects, and agreement with the predictor's curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discresorb.curve import CureCurve
from discresorb.distributions import DISTRIBUTIONS
from discresorb_training import Settings
from discresorb_training.process import Process, conditional, shifted

shares = st.floats(1e-6, 1 - 1e-6)
effects = st.floats(-5, 5)


@given(share=shares, effect=effects)
def test_a_centre_multiplies_odds(share: float, effect: float) -> None:
    moved = shifted(np.array(share), effect)
    assert moved / (1 - moved) == pytest.approx(np.exp(effect) * share / (1 - share), rel=1e-6)
    assert shifted(moved, -effect) == pytest.approx(share, rel=1e-9)


@given(ends=st.tuples(shares, shares).map(sorted), effect=effects)
def test_conditional_is_the_ratio_of_shares(ends: list[float], effect: float) -> None:
    entry, horizon = map(np.array, ends)
    by_entry, by_horizon = shifted(entry, effect), shifted(horizon, effect)
    plain = (by_horizon - by_entry) / (1 - by_entry)
    assert conditional(entry, horizon, effect) == pytest.approx(plain, rel=1e-6, abs=1e-9)
    assert conditional(entry, entry, effect) == 0.0
    assert conditional(entry, np.array(1.0), effect) == 1.0


def test_at_onset_an_effect_adds_to_the_logit() -> None:
    p = conditional(np.array(0.0), np.array([0.2, 0.7]), 0.8)
    logit = np.log(p / (1 - p)) - np.log(np.array([0.2, 0.7]) / np.array([0.8, 0.3]))
    np.testing.assert_allclose(logit, 0.8, rtol=1e-12)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_typical_centre_is_the_predictors_curve(distribution: str) -> None:
    settings = Settings(distribution=distribution)
    process, rng = settings.process(), np.random.default_rng(1)
    size, flag = rng.uniform(3, 14, 50), rng.integers(0, 2, 50).astype(float)
    entry = rng.uniform(0.1, 12, 50)
    horizon = entry + rng.uniform(0, 24, 50)
    curve = CureCurve(
        DISTRIBUTIONS[distribution],
        np.array(settings.latency),
        float(np.log(settings.scale)),
        np.array(settings.ever),
        np.zeros((7, 7)),
    )
    design = np.column_stack([np.ones(50), size, flag])
    np.testing.assert_allclose(
        process.probability(size, flag, entry, horizon),
        curve.probability(design, entry, horizon),
        rtol=1e-9,
        atol=1e-10,  # the truth is printed to six decimals; the predictor keeps far tails
    )


def test_a_centre_is_again_a_log_logistic_cure_model() -> None:
    law, effect = Settings().process(), 0.7
    assert law.distribution == "loglogistic"
    size, flag, months = np.array([8.0]), np.array([0.0]), np.array([0.5, 2.0, 6.0, 30.0])
    ever = law.resorbed_by(size, flag, np.array([1e300]))[0]
    # logit π moves by the effect, the location by -σ log(1 + (e^u - 1) π)
    own = Process(
        "loglogistic",
        (law.latency[0] - law.scale * np.log1p(np.expm1(effect) * ever), *law.latency[1:]),
        law.scale,
        (law.ever[0] + effect, *law.ever[1:]),
    )
    np.testing.assert_allclose(
        own.resorbed_by(size, flag, months),
        shifted(law.resorbed_by(size, flag, months), effect),
        rtol=1e-12,
    )


def test_draws_follow_the_law() -> None:
    """The share drawn by a time is p, for every uniform: draws are its quantiles."""
    law = Settings().process()
    uniform = (np.arange(2_000) + 0.5) / 2_000
    size, flag, entry = np.array([7.0]), np.array([0.0]), np.array([2.0])
    times = law.draw(uniform, size, flag, entry, np.array([-0.4]))
    assert (np.diff(times[np.isfinite(times)]) >= 0).all()
    for months in (3.0, 8.0, 30.0):
        p = law.probability(size, flag, entry, np.array([months]), -0.4)[0]
        assert (times <= months).mean() == pytest.approx(p, abs=1e-3)
