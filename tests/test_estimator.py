"""The estimator: scikit-learn's manners, units, weights, refusals, and recovery of the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import EVERYBODY, NO_EXITS, SEPARATED, simulated
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from discresorb import InputError
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training import (
    ConvergenceError,
    ResorptionModel,
    Settings,
    TrainingError,
    interval_outcome,
)
from discresorb_training.cohort import cohort_from_frame

Data = tuple[pd.DataFrame, Array]


@pytest.fixture(scope="module")
def data() -> Data:
    X, y = simulated(800)
    return X, y


@pytest.fixture(scope="module")
def model(data: Data) -> ResorptionModel:
    return ResorptionModel().fit(*data)


def test_scikit_learn_manners(data: Data) -> None:
    X, y = data
    model = ResorptionModel("weibull", cure=False, penalty=0.5)
    assert model.get_params() == clone(model).get_params()
    assert model.set_params(cure=True).cure
    scores = cross_val_score(ResorptionModel(), X, y, cv=3)
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    search = GridSearchCV(
        ResorptionModel(), {"distribution": list(DISTRIBUTIONS), "cure": [True, False]}, cv=3
    ).fit(X, y)
    assert search.best_params_["cure"]
    piped = make_pipeline(StandardScaler(), ResorptionModel()).fit(X, y)
    assert piped.score(X, y) == pytest.approx(ResorptionModel().fit(X, y).score(X, y), abs=1e-9)


def test_fitted_attributes(model: ResorptionModel, data: Data) -> None:
    assert model.feature_names_in_.tolist() == ["size_mm", "sequestrated"]
    assert model.parameter_names_ == [
        *("intercept", "size_mm", "sequestrated", "log_scale"),
        *("cure_intercept", "cure_size_mm", "cure_sequestrated"),
    ]
    assert model.coef_.shape == model.cure_coef_.shape == (2,)
    assert model.covariance_.shape == (7, 7)
    assert np.linalg.eigvalsh(model.covariance_).min() > 0
    assert model.converged_
    assert model.score(*data) * 800 == pytest.approx(model.log_likelihood_, rel=1e-10)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("cure", [True, False])
def test_unit_of_time_and_of_covariates_do_not_matter(
    distribution: str, cure: bool, data: Data
) -> None:
    X, y = data
    days = interval_outcome(**{name: 30.4375 * y[name] for name in ("lower", "upper", "entry")})
    months = ResorptionModel(distribution, cure=cure).fit(X, y)
    other = ResorptionModel(distribution, cure=cure).fit(X * [0.1, 1000.0] + [5.0, -2.0], days)
    p = months.predict_resorption(X, entry=y["entry"], horizon=y["entry"] + 6, interval=0.95)
    q = other.predict_resorption(
        X * [0.1, 1000.0] + [5.0, -2.0],
        entry=days["entry"],
        horizon=days["entry"] + 6 * 30.4375,
        interval=0.95,
    )
    np.testing.assert_allclose(q, p, rtol=1e-6)
    assert other.coef_[0] == pytest.approx(10 * months.coef_[0], rel=1e-5, abs=1e-8)


def test_order_of_rows_does_not_matter(model: ResorptionModel, data: Data) -> None:
    X, y = data
    shuffled = np.random.default_rng(5).permutation(len(y))
    again = ResorptionModel().fit(X.iloc[shuffled], y[shuffled])
    np.testing.assert_allclose(again.coef_, model.coef_, rtol=1e-6)
    assert again.log_likelihood_ == pytest.approx(model.log_likelihood_, rel=1e-10)


def test_weights_are_repeated_rows(data: Data) -> None:
    X, y = data
    weights = np.random.default_rng(6).integers(0, 3, len(y))
    weighted = ResorptionModel(penalty=0).fit(X, y, sample_weight=weights)
    repeated = ResorptionModel(penalty=0).fit(
        np.repeat(X.to_numpy(), weights, axis=0), np.repeat(y, weights)
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6)
    np.testing.assert_allclose(weighted.covariance_, repeated.covariance_, rtol=1e-5, atol=1e-10)
    assert weighted.score(X, y, sample_weight=weights) == pytest.approx(
        repeated.score(np.repeat(X.to_numpy(), weights, axis=0), np.repeat(y, weights)), rel=1e-9
    )


def test_large_data_start_from_a_share_and_end_the_same() -> None:
    X, y = simulated(12_000, seed=3)
    model = ResorptionModel().fit(X, y)
    halves = np.concatenate([np.zeros(6_000), np.ones(6_000)])
    small = ResorptionModel(penalty=0.0).fit(X.iloc[6_000:], y[6_000:])
    large = ResorptionModel(penalty=0.0).fit(X, y, sample_weight=halves)
    np.testing.assert_allclose(large.coef_, small.coef_, rtol=1e-6)
    assert model.n_iter_ <= 6


def test_predictions_by_row(model: ResorptionModel, data: Data) -> None:
    X, y = data
    wait = np.linspace(0, 30, len(y))
    p = model.predict_resorption(X, entry=y["entry"], horizon=y["entry"] + wait)
    with_interval = model.predict_resorption(
        X, entry=y["entry"], horizon=y["entry"] + wait, interval=0.9
    )
    assert p.shape == (len(y),)
    np.testing.assert_array_equal(with_interval[:, 0], p)
    assert (with_interval[:, 1] <= p).all()
    assert (p <= with_interval[:, 2]).all()
    assert p[0] == 0.0
    assert model.predict_resorption(X[:2], entry=1.0, horizon=np.inf).max() < 1.0


def test_an_unseen_interval_is_scored_by_its_conditional_probability(
    model: ResorptionModel, data: Data
) -> None:
    X, _ = data
    y = interval_outcome(lower=[3.0], upper=[7.0], entry=[1.0])
    between = model.predict_resorption(X[:1], entry=1.0, horizon=7.0) - model.predict_resorption(
        X[:1], entry=1.0, horizon=3.0
    )
    assert model.score(X[:1], y) == pytest.approx(float(np.log(between[0])), rel=1e-9)


def test_the_penalty_shrinks_slopes_of_the_cure_fraction_only() -> None:
    data = simulated(1500, settings=Settings(ever=(-1.5, 0.25, 0.8), surgery_by_year=0.1))
    slopes = [
        np.abs(ResorptionModel(penalty=penalty).fit(*data).cure_coef_).sum()
        for penalty in (0.0, 10.0, 1000.0)
    ]
    assert slopes[0] > slopes[1] > slopes[2]
    free, tight = (
        ResorptionModel(cure=False, penalty=penalty).fit(*data).coef_ for penalty in (0.0, 1000.0)
    )
    np.testing.assert_array_equal(free, tight)


def test_chosen_covariates_in_the_cure_fraction(data: Data) -> None:
    X, y = data
    by_name = ResorptionModel(cure_covariates=["size_mm"]).fit(X, y)
    by_position = ResorptionModel(cure_covariates=[0]).fit(X.to_numpy(), y)
    assert by_name.parameter_names_[-2:] == ["cure_intercept", "cure_size_mm"]
    np.testing.assert_allclose(by_name.cure_coef_, by_position.cure_coef_)
    p = by_name.predict_resorption(X, entry=y["entry"], horizon=y["entry"] + 5)
    assert by_name.score(X, y) * len(y) == pytest.approx(by_name.log_likelihood_)
    assert np.isfinite(p).all()
    with pytest.raises(InputError, match="cure_covariates names 'age'"):
        ResorptionModel(cure_covariates=["age"]).fit(X, y)


def test_no_covariates(data: Data) -> None:
    _, y = data
    model = ResorptionModel().fit(np.empty((len(y), 0)), y)
    assert model.coef_.shape == (0,)
    p = model.predict_resorption(np.empty((1, 0)), entry=1, horizon=9)
    assert 0 < p[0] < 1


def bad_cases() -> dict[str, tuple[object, object, object, str]]:
    X, y = simulated(60)
    nan = X.copy()
    nan.iloc[4, 0] = np.nan
    return {
        "one dimension": (X["size_mm"], y, None, "two dimensions"),
        "text": (X.astype(str) + "x", y, None, "numbers only"),
        "nan": (nan, y, None, r"finite, but is not at positions \[4\]"),
        "lengths": (X[:5], y, None, "X has 5 rows, but y has 60"),
        "plain y": (X, np.ones(60), None, "made by interval_outcome"),
        "short weights": (X, y, np.ones(3), "sample_weight has shape"),
        "negative weights": (X, y, -np.ones(60), "0 or more and finite"),
    }


@pytest.mark.parametrize("case", bad_cases())
def test_input_that_does_not_fit(case: str) -> None:
    X, y, weights, words = bad_cases()[case]
    with pytest.raises(InputError, match=words):
        ResorptionModel().fit(X, y, sample_weight=weights)


def test_settings_that_do_not_fit(data: Data) -> None:
    with pytest.raises(InputError) as caught:
        ResorptionModel("gamma", penalty=-1).fit(*data)
    assert len(caught.value.problems) == 2


def test_predicting_something_else(model: ResorptionModel, data: Data) -> None:
    X, _ = data
    with pytest.raises(InputError, match="was fitted on"):
        model.predict_resorption(X[["sequestrated", "size_mm"]], entry=1, horizon=2)
    with pytest.raises(InputError, match="horizon not before it"):
        model.predict_resorption(X, entry=2, horizon=1)


def test_refuses_what_cannot_be_fitted() -> None:
    X, y = simulated(60)
    none = interval_outcome(lower=y["lower"], upper=np.full(60, np.inf), entry=y["entry"])
    with pytest.raises(TrainingError, match="no patient was seen resorbed"):
        ResorptionModel().fit(X, none)
    with pytest.raises(TrainingError, match="size_mm has the same value in every patient"):
        ResorptionModel().fit(X.assign(size_mm=5.0), y)
    twice = X.assign(again=X["size_mm"] * 2 + 1)
    with pytest.raises(ConvergenceError, match="size_mm, again say the same"):
        ResorptionModel(cure=False).fit(twice, y)


def test_refuses_a_cure_fraction_that_the_data_leave_open() -> None:
    """Everybody resorbs: the probability of ever resorbing runs to 1."""
    X, y = simulated(300, seed=8, settings=replace(EVERYBODY, surgery_by_year=0.0))
    with pytest.raises(ConvergenceError, match="do not determine a fraction that never resorbs"):
        ResorptionModel().fit(X, y)
    assert ResorptionModel(cure=False).fit(X, y).converged_


def test_finds_the_better_of_two_maxima() -> None:
    """Here size can act on when or on whether; by 40 random starts the better is -89.0120."""
    cohort = cohort_from_frame(pd.read_csv(Path(__file__).parent / "data" / "two_maxima.csv"))
    X, y = cohort.X, cohort.y
    model = ResorptionModel("lognormal", penalty=1.0).fit(X, y)
    slopes = model.cure_coef_ * X.std(axis=0)
    assert model.log_likelihood_ - 0.5 * (slopes**2).sum() == pytest.approx(-89.0120, abs=1e-4)


def test_numpy_numbers_are_numbers() -> None:
    X, y = simulated(100, settings=Settings(ever=(-1.5, 0.25, 0.8)))
    plain = ResorptionModel(cure=False, penalty=1, cure_covariates=[1]).fit(X, y)
    numpys: dict[str, Any] = {"cure": np.False_, "penalty": np.int64(1)}
    numpys["cure_covariates"] = [np.int64(1)]
    theirs = ResorptionModel(**numpys)
    assert theirs.fit(X, y).log_likelihood_ == plain.log_likelihood_


def test_separation_is_settled_by_the_penalty() -> None:
    """Every sequestration resorbs, none of the others is different: monotone without a penalty."""
    X, y = simulated(400, settings=SEPARATED)
    with pytest.raises(ConvergenceError, match="how sequestrated changes"):
        ResorptionModel(penalty=0.0).fit(X, y)
    model = ResorptionModel().fit(X, y)
    assert np.isfinite(model.cure_coef_).all()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_recovers_the_truth(distribution: str) -> None:
    truth = Settings(distribution=distribution, ever=(-1.5, 0.25, 0.8))
    X, y = simulated(20_000, seed=11, settings=truth)
    model = ResorptionModel(distribution).fit(X, y)
    found = [model.intercept_, *model.coef_, np.log(model.scale_), model.cure_intercept_,
             *model.cure_coef_]  # fmt: skip
    expected = [*truth.latency, np.log(truth.scale), *truth.ever]
    z = (np.array(found) - expected) / np.sqrt(np.diag(model.covariance_))
    assert np.abs(z).max() < 4.0
    p = model.predict_resorption(X, entry=y["entry"], horizon=y["entry"] + 6)
    size, sequestrated = X.to_numpy().T
    expected_p = truth.process().probability(size, sequestrated, y["entry"], y["entry"] + 6)
    assert np.abs(p - expected_p).mean() < 0.01


def test_delayed_entry_must_not_be_ignored() -> None:
    """Negative control: the same fit without entry is clearly biased."""
    truth = Settings(ever=(1.0, 0.0, 0.0), latency=(1.4, 0.0, 0.0), entry_mean=4.0)
    cohort, y = simulated(4_000, settings=truth)
    X = cohort[["size_mm"]]
    expected = float(truth.process().probability(*map(np.array, (7.0, 0.0, 3.0, 9.0))))
    at = {"entry": 3.0, "horizon": 9.0}
    right = ResorptionModel().fit(X, y).predict_resorption([[7.0]], **at)[0]
    ignoring = interval_outcome(lower=y["lower"], upper=y["upper"])
    wrong = ResorptionModel().fit(X, ignoring).predict_resorption([[7.0]], **at)[0]
    assert abs(right - expected) < 0.03
    assert abs(wrong - expected) > 0.05


def test_no_exits_setting_is_what_it_says() -> None:
    _, y = simulated(300, settings=NO_EXITS)
    assert (np.isfinite(y["upper"]) | (y["lower"] > y["entry"])).all()
