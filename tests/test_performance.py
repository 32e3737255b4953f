"""A model on patients: metrics end to end, horizons that can be answered, subgroups."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from builders import EVERYBODY, NO_EXITS, simulated
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from discresorb.curve import CureCurve
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb.errors import InputError
from discresorb_training import ResorptionModel, TrainingError, interval_outcome
from discresorb_training.answerable import LEAST, answerable_months, known_by
from discresorb_training.cohort import Cohort
from discresorb_training.measure import THRESHOLDS, Measure, percentiles
from discresorb_training.metrics import calibration_curve, calibration_slope, concordance
from discresorb_training.performance import METRICS, OVERALL, Evaluation, metrics_at
from discresorb_training.subgroups import subgroups_of, unfit_for_subgroups
from discresorb_training.training import TrainResult
from discresorb_training.working import certain_bounds


@pytest.fixture(scope="module")
def evaluation(small_training: TrainResult, small_cohort: Cohort) -> Evaluation:
    return Evaluation(small_training.model.curve(), small_cohort.X, small_cohort.y)


def test_uncensored_without_truncation_it_is_scikit_learns() -> None:
    """Intervals of 1e-9 months, no delayed entry: every status is known."""
    X = simulated(500)[0].to_numpy()
    rng = np.random.default_rng(1)
    times = np.exp(1.6 - 0.1 * X[:, 0] + 0.6 * rng.logistic(size=500))
    y = interval_outcome(lower=times, upper=times + 1e-9)
    curve = ResorptionModel(cure=False, penalty=0.0).fit(X, y).curve()
    found = Evaluation(curve, X, y).at(6.0)
    p = curve.probability(np.column_stack([np.ones(500), X]), np.zeros(500), np.full(500, 6.0))
    status = (times + 1e-9 <= 6.0).astype(int)
    assert found["brier"] == pytest.approx(brier_score_loss(status, p), abs=1e-6)
    assert found["auc"] == pytest.approx(roc_auc_score(status, p), abs=1e-6)
    logit = np.log(p / (1.0 - p))[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(logit, status)
    assert found["slope"] == pytest.approx(fitted.coef_[0, 0], abs=1e-6)


def test_every_metric_is_given_at_every_horizon(evaluation: Evaluation) -> None:
    values = evaluation.values((3.0, 6.0))
    wanted = {(m.key, t) for m in METRICS for t in (3.0, 6.0)} | {(m.key, None) for m in OVERALL}
    assert set(values) == wanted
    assert all(math.isfinite(each) for each in values.values())


def test_integrated_metrics_lie_between_their_horizons(evaluation: Evaluation) -> None:
    values = evaluation.values((3.0, 6.0))
    for name in ("brier", "ipa", "auc"):
        ends = sorted([values[name, 3.0], values[name, 6.0]])
        assert ends[0] <= values[f"integrated_{name}", None] <= ends[1]
    alone = evaluation.values((6.0,))
    assert math.isnan(alone["integrated_brier", None])


def test_the_range_holds_the_best_working_models_value(evaluation: Evaluation) -> None:
    values, ranges = evaluation.values((6.0,)), evaluation.ranges((6.0,))
    assert len(evaluation.plausible) >= 2
    for metric in METRICS:
        low, high = ranges[metric.key, 6.0]
        assert low <= values[metric.key, 6.0] <= high
    assert ranges["brier", 6.0][0] < ranges["brier", 6.0][1]


def test_bounds_hold_the_metrics_of_every_working_model(evaluation: Evaluation) -> None:
    certain = evaluation.certain(6.0)
    for working in evaluation.working:
        found = evaluation.at(6.0, working)
        for name, (low, high) in certain.items():
            assert low <= found[name] <= high


def test_ipa_compares_with_a_model_without_covariates(evaluation: Evaluation) -> None:
    entry = evaluation.y["entry"]
    without = evaluation.null.probability(np.ones((len(entry), 1)), entry, entry + 6.0)
    w = evaluation.weights(6.0)
    brier = np.mean(w * (1.0 - without) ** 2 + (1.0 - w) * without**2)
    found = evaluation.at(6.0)
    assert found["ipa"] == pytest.approx(1.0 - found["brier"] / brier, rel=1e-12)
    assert found["ipa"] > 0.0


def test_the_log_score_is_the_estimators(
    evaluation: Evaluation, small_training: TrainResult, small_cohort: Cohort
) -> None:
    X = small_cohort.X
    names = [column.name for column in small_cohort.covariates]
    import pandas as pd

    score = small_training.model.score(pd.DataFrame(X, columns=names), small_cohort.y)
    assert evaluation.log_score() == pytest.approx(score, rel=1e-9)


def test_what_is_measured_at_groups_adds_up(evaluation: Evaluation) -> None:
    measure = Measure.of(evaluation, (3.0, 6.0), 6.0)
    values = measure(evaluation)
    sizes = np.array(measure.sizes(evaluation))
    assert sizes.sum() == len(evaluation.y)
    assert (sizes >= 30).all()
    w = np.array([values["group w", float(k)] for k in range(len(sizes))])
    assert (sizes * w).sum() == pytest.approx(evaluation.weights(6.0).sum())
    p = [values["group p", float(k)] for k in range(len(sizes))]
    assert p == sorted(p)


def test_percentiles_leave_out_what_is_not_known() -> None:
    """But say nothing where half of the samples gave nothing."""
    nan = np.nan
    values = np.array([[0.0, nan, nan], [1.0, nan, 1.0], [nan, nan, nan], [2.0, nan, 2.0]])
    low, high = percentiles(values)
    assert low[0] == pytest.approx(0.05)
    assert high[0] == pytest.approx(1.95)
    assert np.isnan([low[1:], high[1:]]).all()


def test_the_c_index_is_of_p_at_the_last_horizon(evaluation: Evaluation) -> None:
    found = evaluation.values((3.0, 6.0))["concordance", None]
    assert found == concordance(evaluation.probability(6.0), evaluation.y)
    assert found != concordance(evaluation.probability(3.0), evaluation.y)


def test_integrated_ipa_compares_integrated_scores(evaluation: Evaluation) -> None:
    values = evaluation.values((3.0, 6.0))
    null = [values["brier", t] / (1.0 - values["ipa", t]) for t in (3.0, 6.0)]
    whole = values["brier", 3.0] + values["brier", 6.0]
    assert values["integrated_ipa", None] == pytest.approx(1.0 - whole / sum(null), rel=1e-12)


def test_working_models_far_from_the_best_are_ruled_out(evaluation: Evaluation) -> None:
    kept = evaluation.plausible
    assert 2 <= len(kept) < len(evaluation.working)
    assert kept[-1].aic <= kept[0].aic + 10.0 < evaluation.working[len(kept)].aic


def test_predictors_know_which_covariates_enter_the_cure_part(small_cohort: Cohort) -> None:
    size = small_cohort.X[:, [1, 0]]
    model = ResorptionModel(cure_covariates=["x1"]).fit(size, small_cohort.y)
    predictors = Evaluation(model.curve(), size, small_cohort.y).predictors
    expected = model.cure_intercept_ + model.cure_coef_[0] * size[:, 1]
    np.testing.assert_allclose(predictors[:, 1], expected, rtol=1e-12)
    alone = ResorptionModel("lognormal", cure=False).fit(*simulated(300, settings=EVERYBODY))
    X, y = simulated(300, settings=EVERYBODY)
    assert Evaluation(alone.curve(), X.to_numpy(), y).predictors.shape == (300, 1)


def test_a_model_that_gave_next_to_nothing_has_a_score(small_cohort: Cohort) -> None:
    """In log space: probabilities of 1 e-50 and less do not turn into minus infinity."""
    sure = CureCurve(DISTRIBUTIONS["weibull"], np.array([0.5, 0.0, 0.0]), -2.0, None, np.eye(4))
    evaluation = Evaluation(sure, small_cohort.X, small_cohort.y)
    found = evaluation.values((6.0,))
    assert -1e9 < found["log_score", None] < -1_000.0
    assert (evaluation.probability(6.0) == 1.0).any()
    assert math.isfinite(found["location", 6.0])


def test_exact_times_have_a_density() -> None:
    rng = np.random.default_rng(1)
    times = np.exp(1.0 + 0.5 * rng.logistic(size=200))
    X, y = rng.normal(size=(200, 1)), interval_outcome(lower=times, upper=times)
    model = ResorptionModel(cure=False).fit(X, y)
    evaluation = Evaluation(model.curve(), X, y)
    assert evaluation.log_score() == pytest.approx(model.score(X, y), rel=1e-12)


def test_the_same_p_for_everybody_has_no_slope() -> None:
    p, w = np.full(50, 0.3), np.linspace(0.0, 1.0, 50)
    assert math.isnan(calibration_slope(p, w))
    curve = calibration_curve(p, w)
    np.testing.assert_allclose(curve.observed, 0.5)
    assert curve.ici == pytest.approx(0.2)


def test_an_mri_on_the_very_day_counts() -> None:
    """Entry + months is rounded: 0.1 + 0.2 is more than 0.3."""
    entry = np.array([0.1, 0.7])
    y = interval_outcome(lower=np.array([0.3, 0.7]), upper=np.array([np.inf, 0.9]), entry=entry)
    low, high = certain_bounds(y, entry + 0.2)
    np.testing.assert_array_equal(low, [0.0, 1.0])
    np.testing.assert_array_equal(high, [0.0, 1.0])
    assert entry[0] + 0.2 > 0.3


def test_decision_curve_and_groups_by_hand(evaluation: Evaluation) -> None:
    measure = Measure.of(evaluation, (3.0, 6.0), 6.0)
    values = measure(evaluation)
    p, w = evaluation.probability(6.0), evaluation.weights(6.0)
    k = THRESHOLDS.index(0.2)
    acted = p >= 0.2
    by_model = (acted * w).mean() - 0.25 * (acted * (1.0 - w)).mean()
    assert values["net benefit", float(k)] == pytest.approx(by_model, rel=1e-12)
    by_all = w.mean() - 0.25 * (1.0 - w).mean()
    assert values["net benefit of all", float(k)] == pytest.approx(by_all, rel=1e-12)


def outcome(resorbed: int, herniated: int, months: float = 6.0) -> Array:
    """Patients seen resorbed at so many months, and others still herniated then."""
    n = resorbed + herniated
    upper = np.where(np.arange(n) < resorbed, 1.0 + months, np.inf)
    lower = np.where(np.isfinite(upper), 1.0, 1.0 + months)
    return interval_outcome(lower=lower, upper=upper, entry=np.ones(n))


def test_a_horizon_named_twice_is_one() -> None:
    assert answerable_months(outcome(20, 20), (6.0, 6.0)).months == (6.0,)


def test_horizons_are_kept_where_enough_is_known() -> None:
    y = outcome(LEAST, LEAST)
    assert [int(each.sum()) for each in known_by(y, 6.0)] == [LEAST, LEAST]
    found = answerable_months(y, (12.0, 6.0, 3.0))
    assert found.months == (6.0,)
    assert found.reasons[0].startswith("3 months after the index MRI 0 patients are known to have")
    assert "12 months lies beyond follow-up: nobody was imaged later than 6.0" in found.reasons[1]


@pytest.mark.parametrize(
    ("resorbed", "herniated", "words"),
    [
        (0, 30, "seen resorbed: 0 of 30 patients"),
        (30, 0, "never seen resorbed: 0 of 30 patients"),
        (1, 0, "seen resorbed: 1 of 1 patient, "),
        (LEAST - 1, 50, "seen resorbed: 9 of 59 patients"),
    ],
)
def test_too_few_of_either_kind_are_refused(resorbed: int, herniated: int, words: str) -> None:
    with pytest.raises(TrainingError, match=re.escape(words)):
        answerable_months(outcome(resorbed, herniated))


def test_a_refusal_names_what_can_be_asked() -> None:
    with pytest.raises(TrainingError, match="these data can answer from 6 to 6 months"):
        answerable_months(outcome(20, 20), (24.0,))


@pytest.mark.parametrize("months", [(), (0.0,), (-1.0, 6.0), (math.nan,), (math.inf,)])
def test_impossible_horizons_are_refused(months: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="months entered as"):
        answerable_months(outcome(20, 20), months)


def test_small_subgroups_are_not_shown(small_cohort: Cohort) -> None:
    rare = ["abroad" if k < 12 else "" if k < 50 else "home" for k in range(400)]
    found = subgroups_of(small_cohort, 6.0, {"origin": rare})
    assert found.suppressed["origin"] == 1
    assert not any("abroad" in name for name in found.members)
    assert found.members["origin home"].sum() == 350
    assert "sequestrated no" in found.members
    resorbed, herniated = known_by(small_cohort.y, 6.0)
    for members in found.members.values():
        assert min((resorbed & members).sum(), (herniated & members).sum()) >= LEAST
    halves = [name for name in found.members if name.startswith("size_mm")]
    assert sum(int(found.members[name].sum()) for name in halves) == 400


@pytest.mark.parametrize(
    ("name", "texts", "words"),
    [
        ("patient_id", ["a"], "is a column of the training data itself"),
        ("size_mm", ["a"], "is a column of the training data itself"),
        ("clinic", [str(k) for k in range(31)], "has 31 different values, but at most 30"),
        ("clinic", ["a", "b", ""], ""),
        ("site_id", ["a", "b", ""], ""),
    ],
)
def test_what_can_make_subgroups(name: str, texts: list[str], words: str) -> None:
    found = unfit_for_subgroups(name, texts)
    assert words in found
    assert bool(words) == bool(found)


def test_every_large_centre_is_a_subgroup(small_cohort: Cohort) -> None:
    many = [f"A{k:02}" if k < 45 else f"Z{k % 2}" for k in range(400)]
    found = subgroups_of(small_cohort, 6.0, {"site_id": many})
    assert {"site_id Z0", "site_id Z1"} <= set(found.members)
    assert found.suppressed["site_id"] == 45


def test_a_subgroup_that_a_resample_lacks_is_not_determined() -> None:
    X, y = simulated(300, settings=EVERYBODY)
    model = ResorptionModel(cure=False).fit(X, y)
    evaluation = Evaluation(model.curve(), X.to_numpy(), y)
    measure = Measure.of(evaluation, (6.0,), 6.0)
    nobody = measure(evaluation, {"nobody": np.zeros(300, bool)})
    assert math.isnan(nobody["auc | nobody", None])


def test_without_exits_a_large_sample_agrees_with_the_truth() -> None:
    """The judged model is the law itself, so nothing is to be found wrong with it."""
    X, y = simulated(4_000, seed=3, settings=NO_EXITS)
    evaluation = Evaluation(ResorptionModel().fit(X, y).curve(), X.to_numpy(), y)
    found = evaluation.at(6.0)
    assert found["observed_expected"] == pytest.approx(1.0, abs=0.03)
    assert found["slope"] == pytest.approx(1.0, abs=0.06)
    assert found["ici"] < 0.02


def test_a_metric_that_is_not_determined_takes_no_other_with_it() -> None:
    """Separated by p: a location, but neither slope nor curve."""
    p, w = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]), np.repeat([0.0, 1.0], 3)
    found = metrics_at(p, w)
    assert found["location"] == pytest.approx(0.0, abs=1e-9)
    assert found["auc"] == found["observed_expected"] == 1.0
    assert np.isnan([found[name] for name in ("slope", "ici", "e50", "e90")]).all()
