"""Linear predictors refitted by the likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from builders import EVERYBODY, simulated

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb_training import ResorptionModel
from discresorb_training.errors import ConvergenceError
from discresorb_training.recalibration import refit_predictors


def with_ones(X: Array) -> Array:
    return np.column_stack([np.ones(len(X)), X])


def test_an_unpenalised_model_on_its_own_patients_is_right() -> None:
    X, y = simulated(600)
    curve = ResorptionModel(penalty=0.0).fit(X, y).curve()
    for each in refit_predictors(curve, with_ones(X.to_numpy()), y):
        assert each.value == pytest.approx(each.right, abs=1e-5), each.name
        assert each.low < each.right < each.high


def test_without_cure_it_is_a_regression_on_the_linear_predictor() -> None:
    X, y = simulated(600, settings=EVERYBODY)
    others, y_others = simulated(600, seed=2, settings=EVERYBODY)
    curve = ResorptionModel(cure=False).fit(others, y_others).curve()
    design = with_ones(X.to_numpy())
    found = refit_predictors(curve, design, y)
    model = ResorptionModel(cure=False, penalty=0.0).fit((design @ curve.location)[:, None], y)
    assert found[0].value == pytest.approx(model.intercept_, rel=1e-5, abs=1e-6)
    assert found[1].value == pytest.approx(model.coef_[0], rel=1e-6)
    assert found[2].value + curve.log_scale == pytest.approx(np.log(model.scale_), rel=1e-5)
    error = np.sqrt(model.covariance_[1, 1])
    assert found[1].high - found[1].value == pytest.approx(1.959964 * error, rel=1e-4)


def test_a_model_that_is_too_extreme_has_slopes_below_one() -> None:
    X, y = simulated(3_000)
    curve = ResorptionModel().fit(X, y).curve()
    middle = with_ones(X.to_numpy()).mean(axis=0)
    assert curve.cure is not None

    def doubled(coefficients: Array) -> Array:
        found = 2.0 * coefficients
        found[0] = coefficients @ middle - found[1:] @ middle[1:]
        return found

    extreme = CureCurve(
        curve.distribution,
        doubled(curve.location),
        curve.log_scale,
        doubled(curve.cure),
        curve.covariance,
    )
    found = {
        each.name: each.value for each in refit_predictors(extreme, with_ones(X.to_numpy()), y)
    }
    assert found["slope of log time"] == pytest.approx(0.5, abs=0.05)
    assert found["slope of logit π"] == pytest.approx(0.5, abs=0.05)


def test_patients_who_are_all_alike_determine_no_slope() -> None:
    X, y = simulated(200)
    curve = ResorptionModel().fit(X, y).curve()
    alike = np.ones((200, 3))
    with pytest.raises(ConvergenceError):
        refit_predictors(curve, alike, y)
