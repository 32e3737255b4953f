"""Row scores, and the covariance of rows that belong together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from builders import simulated
from scipy.optimize import approx_fprime

from discresorb import InputError
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training import ResorptionModel, interval_outcome
from discresorb_training.blocks import Prepared, prepare
from discresorb_training.likelihood import evaluate, row_scores
from discresorb_training.robust import fit_options, one_share_each

Data = tuple[pd.DataFrame, Array]


@pytest.fixture(scope="module")
def data() -> Data:
    return simulated(2_000, seed=4)


def every_kind_of_row() -> tuple[Array, Array]:
    inf = np.inf
    rows = [(3, 6, 1), (3, 6, 0), (2, 5, 2), (0, 5, 0), (5, inf, 1), (5, inf, 0), (4, 4, 1),
            (4, 4, 0), (2, inf, 2)]  # fmt: skip
    lower, upper, entry = np.array(rows, dtype=float).T
    X = np.random.default_rng(1).normal(size=(len(rows), 2))
    return X, interval_outcome(lower=lower, upper=upper, entry=entry)


@pytest.mark.parametrize("cure", [True, False])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_row_scores_are_the_rows_gradients_and_sum_to_the_whole(name: str, cure: bool) -> None:
    X, y = every_kind_of_row()
    theta = np.array([1.3, 0.2, -0.3, -0.4, *([0.5, 0.3, -0.2] if cure else [])])
    distribution = DISTRIBUTIONS[name]

    def prepared(rows: slice) -> Prepared:
        design = np.column_stack([np.ones(len(X)), X])[rows]
        return prepare(design, y["lower"][rows], y["upper"][rows], y["entry"][rows])

    whole = prepared(slice(None))
    scores = row_scores(whole, distribution, theta, cure=cure, count=len(X))
    total = evaluate(whole, distribution, theta, cure=cure)
    np.testing.assert_allclose(scores.sum(axis=0), total.gradient, rtol=1e-12, atol=1e-12)
    for row in range(len(X)):
        alone = prepared(slice(row, row + 1))
        by_differences = approx_fprime(
            theta,
            lambda t, alone=alone: evaluate(alone, distribution, t, cure=cure).log_likelihood,
            1e-7,
        )
        np.testing.assert_allclose(scores[row], by_differences, atol=2e-6)
    assert not scores[-1].any()  # never imaged after the index MRI


@pytest.mark.parametrize("cure", [True, False])
def test_of_a_right_model_the_robust_covariance_is_near_the_usual_one(
    data: Data, cure: bool
) -> None:
    X, y = data
    usual = ResorptionModel(cure=cure, penalty=0.0).fit(X, y)
    robust = ResorptionModel(cure=cure, penalty=0.0).fit(X, y, cluster=np.arange(len(y)))
    np.testing.assert_array_equal(robust.coef_, usual.coef_)
    if cure:  # without a cure fraction the model is not right
        ratio = np.sqrt(np.diag(robust.covariance_) / np.diag(usual.covariance_))
        np.testing.assert_allclose(ratio, 1.0, atol=0.15)


def test_doubling_every_patient_in_a_cluster_changes_no_standard_error(data: Data) -> None:
    X, y = data
    labels = np.array([f"P{k}" for k in range(len(y))])
    once = ResorptionModel(penalty=0.0).fit(X, y, cluster=labels)
    twice = ResorptionModel(penalty=0.0).fit(
        pd.concat([X, X]), np.concatenate([y, y]), cluster=np.concatenate([labels, labels])
    )
    naive = ResorptionModel(penalty=0.0).fit(pd.concat([X, X]), np.concatenate([y, y]))
    np.testing.assert_allclose(twice.covariance_, once.covariance_, rtol=1e-5, atol=1e-10)
    assert (np.diag(naive.covariance_) < 0.7 * np.diag(twice.covariance_)).all()


def test_weights_times_a_constant_change_no_robust_standard_error(data: Data) -> None:
    X, y = data
    weights, who = np.linspace(0.5, 2.0, len(y)), np.arange(len(y)) // 2
    one, ten = (
        ResorptionModel(penalty=0.0).fit(X, y, sample_weight=k * weights, cluster=who)
        for k in (1.0, 10.0)
    )
    np.testing.assert_allclose(ten.covariance_, one.covariance_, rtol=1e-5, atol=1e-10)


def test_robust_covariance_is_in_the_users_units(data: Data) -> None:
    X, y = data
    who = np.arange(len(y)) // 2
    millimetres = ResorptionModel().fit(X, y, cluster=who)
    centimetres = ResorptionModel().fit(X * [0.1, 1.0] + [3.0, 0.0], y, cluster=who)
    ratio = np.diag(centimetres.covariance_)[[1, 5]] / np.diag(millimetres.covariance_)[[1, 5]]
    np.testing.assert_allclose(ratio, 100.0, rtol=1e-5)


def test_rows_of_weight_zero_leave_their_clusters(data: Data) -> None:
    X, y = data
    used = np.arange(len(y)) % 3 > 0
    part = ResorptionModel().fit(X[used], y[used], cluster=np.flatnonzero(used))
    zero = ResorptionModel().fit(X, y, sample_weight=used, cluster=np.arange(len(y)))
    np.testing.assert_allclose(zero.covariance_, part.covariance_, rtol=1e-6, atol=1e-12)


def test_one_share_each() -> None:
    np.testing.assert_array_equal(one_share_each(np.array(list("abab"))), [0.5] * 4)
    np.testing.assert_array_equal(one_share_each(np.array([7, 7, 3])), [0.5, 0.5, 1.0])


def test_labels_that_do_not_fit(data: Data) -> None:
    X, y = data
    with pytest.raises(InputError, match=r"cluster has shape \(3,\), but must be \(2000,\)"):
        ResorptionModel().fit(X, y, cluster=[1, 2, 3])
    with pytest.raises(InputError, match=r"cluster must not be nan: positions \[0\]"):
        ResorptionModel().fit(X, y, cluster=np.where(np.arange(len(y)) == 0, np.nan, 1.0))
    with pytest.raises(InputError, match="scale_weight must be 0 or more"):
        ResorptionModel().fit(X, y, scale_weight=-np.ones(len(y)))


def test_scales_of_the_penalty_are_those_of_patients_not_of_weights() -> None:
    options = fit_options(np.array([3.0, 1.0, 2.0]), np.array([0, 0, 1]))
    np.testing.assert_array_equal(options["scale_weight"], [0.5, 0.5, 1.0])
