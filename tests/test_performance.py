"""A model on patients: metrics end to end, horizons that can be answered, subgroups."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from builders import EVERYBODY, NO_EXITS, simulated
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb_training import ResorptionModel, TrainingError, interval_outcome
from discresorb_training.answerable import LEAST, answerable_months, known_by
from discresorb_training.cohort import Cohort
from discresorb_training.measure import Measure, percentiles
from discresorb_training.performance import METRICS, OVERALL, Evaluation
from discresorb_training.subgroups import subgroups_of
from discresorb_training.training import TrainResult


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
    values = np.array([[0.0, np.nan], [1.0, np.nan], [np.nan, np.nan], [2.0, np.nan]])
    low, high = percentiles(values)
    assert low[0] == pytest.approx(0.05)
    assert high[0] == pytest.approx(1.95)
    assert np.isnan([low[1], high[1]]).all()


def outcome(resorbed: int, herniated: int, months: float = 6.0) -> Array:
    """Patients seen resorbed at so many months, and others still herniated then."""
    n = resorbed + herniated
    upper = np.where(np.arange(n) < resorbed, 1.0 + months, np.inf)
    lower = np.where(np.isfinite(upper), 1.0, 1.0 + months)
    return interval_outcome(lower=lower, upper=upper, entry=np.ones(n))


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
    assert "origin abroad" in found.suppressed
    assert found.members["origin home"].sum() == 350
    assert "sequestrated no" in found.members
    resorbed, herniated = known_by(small_cohort.y, 6.0)
    for members in found.members.values():
        assert min((resorbed & members).sum(), (herniated & members).sum()) >= LEAST
    halves = [name for name in found.members if name.startswith("size_mm")]
    assert sum(int(found.members[name].sum()) for name in halves) == 400


def test_a_separated_subgroup_is_not_determined() -> None:
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
