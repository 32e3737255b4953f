"""Metrics: their ordinary forms where nothing is censored, by hand, and against known times."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from discresorb import InputError
from discresorb.distributions import Array
from discresorb_training import ResorptionModel, Settings, interval_outcome, metrics
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.metrics import (
    auc,
    brier,
    brier_bounds,
    calibration_curve,
    calibration_location,
    calibration_slope,
    concordance,
    integrated,
    interval_log_score,
    ipa,
    net_benefit,
    observed_expected,
    observed_expected_bounds,
    risk_groups,
)
from discresorb_training.simulate import Simulation
from discresorb_training.working import certain_bounds, fit_working_models

N = 400
RNG = np.random.default_rng(3)
P = np.round(RNG.uniform(0.02, 0.98, N), 2)  # with ties
STATUS = (RNG.uniform(size=N) < P**1.3).astype(float)
W = RNG.uniform(size=N)


def logit(p: Array) -> Array:
    return np.log(p / (1 - p))


def test_uncensored_metrics_are_the_ordinary_ones() -> None:
    assert brier(P, STATUS) == pytest.approx(brier_score_loss(STATUS, P), rel=1e-12)
    assert auc(P, STATUS) == pytest.approx(roc_auc_score(STATUS, P), rel=1e-12)
    plain = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logit(P)[:, None], STATUS)
    assert calibration_slope(P, STATUS) == pytest.approx(plain.coef_[0, 0], abs=1e-6)
    moved = 1 / (1 + np.exp(-logit(P) - calibration_location(P, STATUS)))
    assert moved.sum() == pytest.approx(STATUS.sum(), abs=1e-6)
    assert observed_expected(P, STATUS) == STATUS.sum() / P.sum()
    null = np.full(N, STATUS.mean())
    assert ipa(P, STATUS, null) == pytest.approx(1 - brier(P, STATUS) / STATUS.var(), rel=1e-12)


def test_intervals_shrunk_to_nothing_give_the_status() -> None:
    simulation = Simulation(N, seed=2, settings=Settings(entry_mean=0.05))
    event = simulation.truth()["resorption_months"].fillna(np.inf).to_numpy()
    seen = event < 20.0
    lower = np.where(seen, event, 20.0)
    y = interval_outcome(lower=lower, upper=np.where(seen, event * (1 + 1e-9), np.inf))
    model = fit_working_models(y, logit(P)[:, None])[0]
    for horizon in (3.0, 6.0, 12.0):
        np.testing.assert_array_equal(model.weights(y, horizon), (event <= horizon).astype(float))


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), min_size=1, max_size=25))
def test_auc_is_what_all_pairs_give(rows: list[tuple[int, float]]) -> None:
    p, w = np.array([a / 10 for a, _ in rows]), np.array([b for _, b in rows])
    pair = w[:, None] * (1 - w)[None, :]
    np.fill_diagonal(pair, 0.0)
    ahead = (p[:, None] > p[None, :]) + 0.5 * (p[:, None] == p[None, :])
    if pair.sum() > 1e-9:
        assert auc(p, w) == pytest.approx((pair * ahead).sum() / pair.sum(), abs=1e-9)


def test_by_hand() -> None:
    p, w = np.array([0.2, 0.8]), np.array([0.5, 1.0])
    assert brier(p, w) == pytest.approx((0.5 * 0.64 + 0.5 * 0.04 + 0.04) / 2)
    assert auc(p, w) == 1.0  # of the one pair, the second resorbed and the first perhaps not
    assert brier_bounds(p, np.array([0.0, 1.0]), np.ones(2)) == pytest.approx((0.04, 0.34))
    assert observed_expected_bounds(p, np.array([0.0, 1.0]), np.ones(2)) == (1.0, 2.0)
    np.testing.assert_allclose(net_benefit(p, w, [0.1, 0.5]), [
        [0.75 - 0.25 / 9, 0.75 - 0.25 / 9], [0.5, 0.5],
    ])  # fmt: skip
    assert interval_log_score(np.array([0.5]), np.array([0.25])) == pytest.approx(np.log(0.125))
    assert integrated([1.0, 3.0, 3.0], [0.0, 1.0, 3.0]) == pytest.approx(8.0 / 3.0)
    np.testing.assert_allclose(
        risk_groups(np.array([0.1, 0.1, 0.9]), np.array([0.0, 1.0, 1.0]), 2),
        [[2, 0.1, 0.5], [1, 0.9, 1.0]],
    )


def test_concordance_is_of_pairs_whose_order_was_seen() -> None:
    y = interval_outcome(lower=[1, 5, 2, 3], upper=[3, np.inf, 9, 4])
    # pairs R_i ≤ L_j: 0 before 1, 0 before 3, 3 before 1
    assert concordance(np.array([3.0, 1.0, 0.0, 2.0]), y) == 1.0
    assert concordance(np.array([3.0, 3.0, 0.0, 2.0]), y) == pytest.approx((0.5 + 1 + 0) / 3)
    assert np.isnan(concordance(np.zeros(4), interval_outcome(lower=[1] * 4, upper=[np.inf] * 4)))


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4), st.integers(0, 3)),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 50),
)
def test_concordance_is_what_all_pairs_give(
    rows: list[tuple[int, int, int, int]], at_once: int
) -> None:
    """Entry, months seen herniated, months until seen resorbed (0: never, 1: exact), score."""
    entry, herniated, gap, score = np.array(rows, float).T
    entry += 1.0
    lower = entry + herniated + (gap == 1.0)  # an exact time is after entry
    upper = np.select([gap == 0.0, gap == 1.0], [np.inf, lower], lower + gap - 1.0)
    y = interval_outcome(lower=lower, upper=upper, entry=entry)
    concordant = pairs = 0.0
    for i, j in itertools.permutations(range(len(y)), 2):
        if upper[i] - entry[i] <= lower[j] - entry[j]:
            pairs += 1.0
            concordant += float(score[i] > score[j]) + 0.5 * float(score[i] == score[j])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "_ROWS_AT_ONCE", at_once)
        found = concordance(score, y)
    assert found == pytest.approx(concordant / pairs) if pairs else np.isnan(found)


def test_a_flexible_curve_follows_what_is_there() -> None:
    p = np.linspace(0.02, 0.98, 4_000)
    right = calibration_curve(p, p)
    assert right.ici == pytest.approx(0.0, abs=1e-6)
    bent = calibration_curve(p, np.clip(p + 0.1 * np.sin(2 * np.pi * p), 0, 1))
    assert bent.ici == pytest.approx(0.2 / np.pi, abs=0.01)
    assert 0.0 < bent.e50 < bent.e90 < 0.11
    few = calibration_curve(np.array([0.2, 0.2, 0.8, 0.8]), np.array([0.0, 1.0, 1.0, 0.5]))
    np.testing.assert_allclose(few.observed, [0.5, 0.5, 0.75, 0.75], atol=1e-8)


BAD: dict[str, Callable[[], object]] = {
    "p must be from 0 to 1: positions \\[1\\]": lambda: brier(
        np.array([0.1, 1.2]), np.array([0.0, 1.0])
    ),
    "w must be from 0 to 1: positions \\[0\\]": lambda: auc(P[:2], np.array([np.nan, 1.0])),
    "must go together": lambda: brier(P, W[:-1]),
    "no logit: positions \\[0\\]": lambda: calibration_slope(np.array([0.0, 0.5]), W[:2]),
    "thresholds must lie between": lambda: net_benefit(P, W, [0.0]),
    "months must rise": lambda: integrated([1.0, 2.0], [3.0, 3.0]),
    "score must be finite": lambda: concordance(
        np.zeros(3), interval_outcome(lower=[1], upper=[2])
    ),
}


@pytest.mark.parametrize("words", BAD)
def test_refusals(words: str) -> None:
    with pytest.raises(InputError, match=words):
        BAD[words]()


def test_every_public_metric_says_what_it_estimates() -> None:
    for name in metrics.__all__:
        assert (getattr(metrics, name).__doc__ or "").strip(), name


HEAVY_CURE = Settings(ever=(-4.0, 0.6, 1.5))
SETTINGS = {
    "the shipped law": (Settings(), ()),
    "heavy cure, sparse MRIs": (replace(HEAVY_CURE, visit_months=(6.0, 12.0, 24.0)), ()),
    "Weibull, which no working model has": (Settings(distribution="weibull"), ("weibull",)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_metrics_match_their_values_with_known_times(name: str) -> None:
    """Means of 30 replicates; benchmarks/metrics.py prints 200."""
    settings, removed = SETTINGS[name]
    gaps = np.array([compare(seed, settings, removed) for seed in range(30)])
    for gap, bound in zip(gaps.mean(axis=0), (0.005, 0.01, 0.02, 0.05), strict=True):
        assert abs(gap) <= bound, gaps.mean(axis=0)


def compare(seed: int, settings: Settings, removed: tuple[str, ...]) -> Array:
    """Brier, AUC, O:E and slope by working weights, less the same by known times."""
    simulation = Simulation(1_000, seed=seed, settings=settings)
    table = simulation.cohort()
    cohort = cohort_from_frame(table)
    event = simulation.truth()["resorption_months"].fillna(np.inf).to_numpy()
    size, sequestrated = cohort.X.T
    entry = cohort.y["entry"]
    horizon = entry + 6.0
    # the model under evaluation: near the shipped law, and fixed
    judged = Settings().process()
    p = judged.probability(size, sequestrated, entry, horizon, 0.3)
    predictors = np.column_stack([cohort.X @ judged.latency[1:], cohort.X @ judged.ever[1:]])
    working = fit_working_models(cohort.y, predictors)
    kept = [each for each in working if each.curve.distribution.name not in removed]
    w, status = kept[0].weights(cohort.y, horizon), (event <= horizon).astype(float)
    return np.array(
        [
            each(p, w) - each(p, status)
            for each in (brier, auc, observed_expected, calibration_slope)
        ]
    )


def test_an_overfitted_model_scores_worse() -> None:
    """Ten covariates of noise, 200 patients; judged on 1,000 others, 12 times."""
    results = np.array([overfitted_and_plain(seed) for seed in range(12)]).mean(axis=0)
    overfitted, plain = results
    log_score, squared_error, discrimination, slope_error = range(4)
    assert overfitted[log_score] < plain[log_score]
    assert overfitted[squared_error] > plain[squared_error]
    assert overfitted[discrimination] < plain[discrimination]
    assert overfitted[slope_error] > plain[slope_error]


def overfitted_and_plain(seed: int) -> Array:
    rng = np.random.default_rng(seed)
    law = Settings(visit_months=(1.5, 3, 4.5, 6, 9, 12, 24), visit_jitter=0.5, surgery_by_year=0.2,
                   latency=(1.6, -0.01, -0.3), scale=0.45, ever=(1.0, 0.1, 0.5))  # fmt: skip
    few, many = (cohort_from_frame(Simulation(n, seed=seed + s, settings=law).cohort())
                 for n, s in ((200, 0), (1_000, 500)))  # fmt: skip
    y, horizon = many.y, many.y["entry"] + 6.0
    rows = []
    for noise in (10, 0):
        X_few, X_many = (np.column_stack([each.X, rng.normal(size=(len(each.X), noise))])
                         for each in (few, many))  # fmt: skip
        curve = ResorptionModel(cure=False, penalty=0.0).fit(X_few, few.y).curve()
        design = np.column_stack([np.ones(len(y)), X_many])
        p = curve.probability(design, y["entry"], horizon)
        by_lower = curve.probability(design, y["entry"], y["lower"])
        between = curve.probability(design, y["lower"], y["upper"])
        between = np.where(np.isinf(y["upper"]), 1.0, between)
        w = fit_working_models(y, (design @ curve.location)[:, None])[0].weights(y, horizon)
        score = interval_log_score(by_lower, between)
        rows.append([score, brier(p, w), auc(p, w), abs(calibration_slope(p, w) - 1.0)])
    return np.array(rows)


def test_bounds_hold_whatever_the_law() -> None:
    simulation = Simulation(1_000, seed=1)
    cohort = cohort_from_frame(simulation.cohort())
    event = simulation.truth()["resorption_months"].fillna(np.inf).to_numpy()
    horizon = cohort.y["entry"] + 6.0
    p = simulation.probability(6.0)
    low, high = certain_bounds(cohort.y, horizon)
    status = (event <= horizon).astype(float)
    certain = low == high
    assert (low[certain] == status[certain]).all()
    assert 0.2 < certain.mean() < 1.0
    least, most = brier_bounds(p, low, high)
    assert least <= brier(p, status) <= most
    w = fit_working_models(cohort.y, logit(p)[:, None])[0].weights(cohort.y, horizon)
    assert least <= brier(p, w) <= most
    assert ((w >= low) & (w <= high)).all()
    smallest, largest = observed_expected_bounds(p, low, high)
    assert smallest <= observed_expected(p, w) <= largest


def test_the_interval_log_score_is_the_estimators() -> None:
    cohort = cohort_from_frame(Simulation(500, seed=1).cohort())
    model = ResorptionModel().fit(cohort.X, cohort.y)
    y, curve = cohort.y, model.curve()
    design = np.column_stack([np.ones(500), cohort.X])
    by_lower = curve.probability(design, y["entry"], y["lower"])
    between = curve.probability(design, y["lower"], y["upper"])
    between = np.where(np.isinf(y["upper"]), 1.0, between)
    assert interval_log_score(by_lower, between) == pytest.approx(
        model.score(cohort.X, y), rel=1e-9
    )


def test_predictors_that_say_the_same_are_used_once() -> None:
    cohort = cohort_from_frame(Simulation(300, seed=1).cohort())
    eta = cohort.X[:, 0]
    twice = fit_working_models(cohort.y, np.column_stack([eta, 2.0 - 3.0 * eta]))
    once = fit_working_models(cohort.y, eta[:, None])
    assert [each.name for each in twice] == [each.name for each in once]
    constant = fit_working_models(cohort.y, np.ones((300, 2)))
    assert constant[0].design.shape == (300, 1)
    assert len({each.name for each in once}) == len(once) <= 6


def test_fits_to_a_resample_may_start_near_and_end_at_the_same() -> None:
    cohort = cohort_from_frame(Simulation(1_200, seed=1).cohort())
    predictors = np.column_stack([cohort.X[:, 0], cohort.X[:, 1]])
    near = fit_working_models(cohort.y, predictors)
    rows = np.random.default_rng(1).integers(1_200, size=1_200)
    y, drawn = cohort.y[rows], predictors[rows]
    cold, warm = fit_working_models(y, drawn), fit_working_models(y, drawn, near)
    assert [each.name for each in warm] == [each.name for each in cold]
    for one, other in zip(warm, cold, strict=True):
        assert one.aic == pytest.approx(other.aic, abs=1e-6)
        assert one.model.n_iter_ < 15
    assert near[0].aic != warm[0].aic
