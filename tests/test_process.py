"""The law of resorption: limits, centre effects, and agreement with the predictor's curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discresorb.curve import CureCurve, expit
from discresorb.distributions import DISTRIBUTIONS
from discresorb_training import Settings
from discresorb_training.process import Process, Span

shares = st.floats(1e-6, 1 - 1e-6)
effects = st.floats(-5, 5)


def moved(share: float, effect: float) -> float:
    """The share of a centre, by the odds that the effect multiplies."""
    odds = np.exp(effect) * share / (1 - share)
    return float(odds / (1 + odds))


def span_of(entry: float, horizon: float) -> Span:
    return Span(*map(np.array, (entry, horizon - entry, 1 - entry, 1 - horizon)))


@given(ends=st.tuples(shares, shares).map(sorted), effect=effects)
def test_a_centre_multiplies_the_odds_of_having_resorbed(ends: list[float], effect: float) -> None:
    entry, horizon = ends
    by_entry, by_horizon = moved(entry, effect), moved(horizon, effect)
    plain = (by_horizon - by_entry) / (1 - by_entry)
    assert span_of(entry, horizon).probability(effect) == pytest.approx(plain, rel=1e-6, abs=1e-9)
    assert span_of(entry, entry).probability(effect) == 0.0
    assert span_of(entry, 1.0).probability(effect) == 1.0


def test_at_onset_an_effect_adds_to_the_logit() -> None:
    for p in (0.2, 0.7):
        there = span_of(0.0, p).probability(0.8)
        logit = np.log(there / (1 - there)) - np.log(p / (1 - p))
        assert logit == pytest.approx(0.8, rel=1e-12)


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
    )


def test_a_centre_is_again_a_log_logistic_cure_model() -> None:
    law, effect = Settings().process(), 0.7
    assert law.distribution == "loglogistic"
    size, flag = np.array(8.0), np.array(0.0)
    ever = expit(np.array(law.ever[0] + 8.0 * law.ever[1]))
    # logit π moves by the effect, the location by -σ log(1 + (e^u - 1) π)
    own = Process(
        "loglogistic",
        (law.latency[0] - law.scale * np.log1p(np.expm1(effect) * ever), *law.latency[1:]),
        law.scale,
        (law.ever[0] + effect, *law.ever[1:]),
    )
    entry, horizon = np.array([0.5, 2.0, 6.0]), np.array([1.0, 9.0, 30.0])
    np.testing.assert_allclose(
        own.probability(size, flag, entry, horizon),
        law.probability(size, flag, entry, horizon, effect),
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


EXTREME = {
    "nearly all have resorbed": ((2.2, 0.0, -1.2), 0.4, (40.0, 0.0, 0.0), 24.0, 0.0),
    "so in a centre where all do": ((2.2, 0.0, -1.2), 0.4, (30.0, 0.0, 0.0), 24.0, 10.0),
    "all at once": ((2.2, 0.0, -1.2), 0.05, (40.0, 0.0, 0.0), 12.0, 0.0),
    "nobody ever": ((2.2, 0.0, -1.2), 0.4, (-40.0, 0.0, 0.0), 3.0, -10.0),
    "very late": ((50.0, 0.0, 0.0), 10.0, (0.0, 0.0, 0.0), 240.0, 5.0),
    "very early": ((-5.0, 0.0, 0.0), 2.0, (1.0, 0.0, 0.0), 0.03, 1.0),
}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("name", EXTREME)
def test_draws_follow_the_law_where_digits_are_few(name: str, distribution: str) -> None:
    """The draw of a uniform u comes by a horizon just if u is at most p: p is their share."""
    latency, scale, ever, months, effect = EXTREME[name]
    law = Process(distribution, latency, scale, ever)
    uniform = (np.arange(4_000) + 0.5) / 4_000
    size, flag, entry = np.array([8.0]), np.array([0.0]), np.array([months])
    times = law.draw(uniform, size, flag, entry, np.array([effect]))
    assert not np.isnan(times).any()
    assert (times >= months).all()
    for horizon in (months * 1.01, months + 3.0, months + 12.0, months + 1e4):
        p = law.probability(size, flag, entry, np.array([horizon]), effect)[0]
        assert 0.0 <= p <= 1.0
        assert (times <= horizon).mean() == pytest.approx(p, abs=1e-3)


# tests/oracles/centre_effect.py
FAR = {
    "loglogistic": 0.32440944751727123,
    "lognormal": 0.79451952693766192,
    "weibull": 0.9997903200658559,
}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_few_left_against_sixty_digits(distribution: str) -> None:
    """One in 10^14 is left at entry under the Weibull law, and a centre's effect is on top."""
    law = Process(distribution, (1.0, 0.0, 0.0), 0.3, (45.0, 0.0, 0.0))
    size, flag, entry, horizon = map(np.array, (8.0, 0.0, 8.0, 9.0))
    found = law.probability(size, flag, entry, horizon, 3.0)
    assert found == pytest.approx(FAR[distribution], rel=1e-12)
