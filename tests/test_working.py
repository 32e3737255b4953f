"""The working model's weights against their definition, and which candidates are fitted."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from builders import simulated
from scipy import stats

from discresorb.curve import CureCurve
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training import ResorptionModel, interval_outcome
from discresorb_training.errors import TrainingError
from discresorb_training.working import WorkingModel, certain_bounds, fit_working_models

EVERY = pytest.mark.parametrize("name", DISTRIBUTIONS)
CURE = pytest.mark.parametrize("cure", [True, False], ids=["cure", "no cure"])
INF = np.inf
SCIPY = {"loglogistic": stats.logistic, "lognormal": stats.norm, "weibull": stats.gumbel_l}
LOCATION, LOG_SCALE, EVER = np.array([1.4, -0.3]), -0.4, np.array([0.3, 0.8])


def working(name: str, design: Array, cure: bool) -> WorkingModel:
    size = len(LOCATION) + 1 + (len(EVER) if cure else 0)
    curve = CureCurve(
        DISTRIBUTIONS[name], LOCATION, LOG_SCALE, EVER if cure else None, np.eye(size)
    )
    return WorkingModel(curve, 0.0, design, ResorptionModel(name, cure=cure))


@EVERY
@CURE
def test_weights_are_by_definition(name: str, cure: bool) -> None:
    rows = [  # lower, upper, entry, horizon
        (2.0, 5.0, 1.0, 3.0),
        (0.0, 5.0, 0.0, 3.0),
        (0.5, 9.0, 0.5, 8.0),
        (2.0, INF, 1.0, 6.0),
        (0.0, INF, 0.0, 6.0),
        (2.0, 5.0, 1.0, 5.0),
        (2.0, 5.0, 1.0, 2.0),
        (2.0, 5.0, 1.0, 7.0),
        (4.0, INF, 1.0, 3.0),
    ]
    lower, upper, entry, horizon = np.array(rows).T
    design = np.column_stack([np.ones(len(rows)), np.linspace(-1.0, 1.0, len(rows))])
    y = interval_outcome(lower=lower, upper=upper, entry=entry)
    ever = 1.0 / (1.0 + np.exp(-design @ EVER)) if cure else np.ones(len(rows))

    def herniated(t: Array) -> Array:
        with np.errstate(divide="ignore"):
            z = (np.log(t) - design @ LOCATION) / np.exp(LOG_SCALE)
        return np.where(np.isinf(t), 0.0, 1.0 - ever * SCIPY[name].cdf(z))

    between = herniated(lower) - herniated(np.minimum(horizon, upper))
    share = between / (herniated(lower) - herniated(upper))
    expected = np.where(upper <= horizon, 1.0, np.where(lower >= horizon, 0.0, share))
    found = working(name, design, cure).weights(y, horizon)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert ((found[:5] > 0.0) & (found[:5] < 1.0)).all()
    at_three = working(name, design, cure).weights(y, 3.0)
    np.testing.assert_array_equal(at_three[:2], found[:2])


def test_what_was_seen_on_the_very_day_counts_though_months_be_rounded() -> None:
    tenth, sum_of_tenths = 0.3, 0.1 + 0.2
    assert tenth < sum_of_tenths
    for horizon, seen in ((tenth, sum_of_tenths), (sum_of_tenths, tenth)):
        y = interval_outcome(
            lower=[0.1, seen, seen], upper=[seen, 0.9, seen], entry=[0.1, 0.1, 0.0]
        )
        low, high = certain_bounds(y, horizon)
        assert low.tolist() == high.tolist() == [1.0, 0.0, 1.0]
    y = interval_outcome(lower=[0.1, 0.1, 0.29], upper=[0.31, INF, INF])
    low, high = certain_bounds(y, 0.3)
    assert (low.tolist(), high.tolist()) == ([0.0] * 3, [1.0] * 3)


def test_a_working_model_is_named_by_its_law_and_cure() -> None:
    design = np.ones((1, 2))
    assert working("weibull", design, True).name == "weibull, cure"
    assert working("lognormal", design, False).name == "lognormal"
    with pytest.raises(FrozenInstanceError):
        working("weibull", design, True).aic = 1.0  # type: ignore[misc]


@pytest.fixture(scope="module")
def thousand() -> tuple[Array, Array, list[WorkingModel]]:
    X, y = simulated(1_000)
    return X.to_numpy(), y, fit_working_models(y, X.to_numpy())


def test_candidates_by_akaikes_criterion(thousand: tuple[Array, Array, list[WorkingModel]]) -> None:
    predictors, _, fitted = thousand
    assert len({each.name for each in fitted}) == len(fitted) > 3
    for each in fitted:
        parameters = len(each.model.parameter_names_)
        assert parameters == (7 if each.curve.cure is not None else 4)
        assert each.aic == pytest.approx(2 * parameters - 2 * each.model.log_likelihood_)
        np.testing.assert_array_equal(each.design, np.column_stack([np.ones(1_000), predictors]))
    assert [each.aic for each in fitted] == sorted(each.aic for each in fitted)


def test_from_a_thousand_patients_on_fits_start_near_others(
    thousand: tuple[Array, Array, list[WorkingModel]],
) -> None:
    predictors, y, near = thousand
    for count, warm in ((1_000, True), (999, False)):
        fitted = fit_working_models(y[:count], predictors[:count], near[:1])
        assert {each.name for each in fitted if each.model.warm_start} == (
            {near[0].name} if warm else set()
        )
    assert not near[0].model.warm_start  # it is left as it was


def test_predictors_that_nearly_agree_are_both_used() -> None:
    X, y = simulated(150)
    eta = X.to_numpy()[:, 0]
    other = eta + 0.05 * np.ptp(eta) * np.random.default_rng(1).normal(size=150)
    fitted = fit_working_models(y, np.column_stack([eta, other]))
    assert fitted[0].design.shape == (150, 3)
    tilted = fit_working_models(y, np.column_stack([np.full(150, 5.0), -eta]))
    np.testing.assert_array_equal(tilted[0].design, np.column_stack([np.ones(150), -eta]))
    small = fit_working_models(y, 1e-6 * eta[:, None])
    assert small[0].design.shape == (150, 2)
    with_rounding = np.full(150, 5.0) + 1e-12 * eta
    alone = fit_working_models(y, with_rounding[:, None])
    assert alone[0].design.shape == (150, 1)


def test_without_a_resorption_no_candidate_can_be_fitted() -> None:
    y = interval_outcome(lower=np.linspace(1.0, 9.0, 30), upper=np.full(30, INF))
    with pytest.raises(TrainingError, match="no working model can be fitted") as caught:
        fit_working_models(y, np.linspace(-1.0, 1.0, 30)[:, None])
    message = str(caught.value)
    named = [message.find(f"{name}{cure}: ") for name in DISTRIBUTIONS for cure in (", cure", "")]
    assert named == sorted(named)
    assert named[0] > 0
