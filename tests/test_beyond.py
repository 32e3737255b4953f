"""Whether months since onset matter beyond the clock, and what the penalty did."""

from __future__ import annotations

import numpy as np
from builders import simulated

from discresorb_training import ConvergenceError, ResorptionModel, Settings, interval_outcome
from discresorb_training.beyond import BeyondClock, PenaltyEffect, beyond_clock, penalty_effect

PLAIN = Settings(surgery_by_year=0.0, lost_by_year=0.0)


def by_another_clock(n: int, seed: int, factor: float) -> BeyondClock:
    """Test on patients whose waiting after the index MRI goes by another clock than ours."""
    X, y = simulated(n, seed=seed, settings=PLAIN)
    y = interval_outcome(
        lower=y["entry"] + factor ** (y["entry"] - 2.4) * (y["lower"] - y["entry"]),
        upper=y["entry"] + factor ** (y["entry"] - 2.4) * (y["upper"] - y["entry"]),
        entry=y["entry"],
    )
    model = ResorptionModel("loglogistic", cure=False, penalty=0.0).fit(X, y)
    found = beyond_clock(model, X.to_numpy(), y)
    assert isinstance(found, BeyondClock)
    return found


def test_the_test_keeps_its_level_where_the_clock_suffices() -> None:
    """Everybody resorbs by one law, so that the clock is all there is; 100 cohorts, level 5 %."""
    everybody = Settings(
        ever=(30.0, 0.0, 0.0), latency=(1.6, -0.01, -0.3), scale=0.45,
        surgery_by_year=0.0, lost_by_year=0.0,
    )  # fmt: skip
    rejected = fitted = 0
    for seed in range(120):
        X, y = simulated(150, seed=seed, settings=everybody)
        try:
            model = ResorptionModel("loglogistic", cure=False).fit(X, y)
        except ConvergenceError:  # nearly all had resorbed by their first MRI
            continue
        fitted += 1
        found = beyond_clock(model, X.to_numpy(), y)
        assert isinstance(found, BeyondClock)
        assert found.degrees == 1
        rejected += found.p_value < 0.05
    assert fitted >= 90
    assert rejected <= 0.12 * fitted  # more happens once in a thousand times


def test_another_clock_is_found_out() -> None:
    assert by_another_clock(1500, 3, 1.6).p_value < 1e-6
    assert "differ beyond what the clock says" in by_another_clock(1500, 3, 1.6).words


def test_the_p_value_is_that_of_chi_square() -> None:
    from scipy.stats import chi2

    found = by_another_clock(300, 5, 1.0)
    np.testing.assert_allclose(found.p_value, chi2.sf(found.statistic, found.degrees), rtol=1e-10)


def test_nothing_to_test() -> None:
    X, y = simulated(200, seed=2)
    y["entry"] = 0.0
    model = ResorptionModel("weibull", cure=False).fit(X, y)
    assert "same time after onset" in str(beyond_clock(model, X.to_numpy(), y))
    assert "no slope was penalised" in str(penalty_effect(model, X.to_numpy(), y, None))


def test_the_penaltys_effect_is_the_difference_of_two_fits() -> None:
    X, y = simulated(600, seed=8)
    held = ResorptionModel(penalty=5.0).fit(X, y)
    free = ResorptionModel(penalty=0.0).fit(X, y)
    found = penalty_effect(held, X.to_numpy(), y, None)
    assert isinstance(found, PenaltyEffect)
    apart = np.abs(
        held.predict_resorption(X, entry=y["entry"], horizon=y["entry"] + 6.0)
        - free.predict_resorption(X, entry=y["entry"], horizon=y["entry"] + 6.0)
    )
    np.testing.assert_allclose([found.mean, found.largest], [apart.mean(), apart.max()], atol=1e-8)
    assert found.log_likelihood > 0.0
    light = penalty_effect(ResorptionModel(penalty=0.01).fit(X, y), X.to_numpy(), y, None)
    assert isinstance(light, PenaltyEffect)
    assert light.largest < found.largest
