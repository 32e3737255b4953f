"""Metrics held to their definitions: constructed curves, every pair, every status, the edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from discresorb import InputError
from discresorb.curve import expit
from discresorb.distributions import Array
from discresorb_training import interval_outcome
from discresorb_training.metrics import (
    CalibrationCurve,
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
    observed_expected_bounds,
    risk_groups,
)

RNG = np.random.default_rng(8)
P = RNG.uniform(0.03, 0.9, 101)
X = np.log(P / (1.0 - P))


def test_location_and_slope_of_a_logistic_recalibration_are_recovered() -> None:
    assert calibration_location(P, expit(0.7 + X)) == pytest.approx(0.7, abs=1e-9)
    assert calibration_slope(P, expit(0.3 + 1.7 * X)) == pytest.approx(1.7, abs=1e-9)
    assert calibration_slope(P, expit(-0.5 - 0.4 * X)) == pytest.approx(-0.4, abs=1e-9)
    assert np.isnan(calibration_slope(np.full(5, 0.3), P[:5]))
    assert np.isnan(calibration_slope(0.3 + 1e-11 * np.arange(5), P[:5]))
    sure = expit(np.array([-40.0, -35.0, -1.0, 1.0, 5.0]))
    assert calibration_slope(sure, sure) == pytest.approx(1.0, abs=1e-9)
    # four-digit probabilities do differ
    assert calibration_slope(np.array([0.3, 0.3001]), np.full(2, 0.5)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("observed", [-6.0, 5.0, 12.0])
def test_location_is_found_however_far_away(sign: float, observed: float) -> None:
    """Nearly everybody was given it, and others got it."""
    p, w = expit(sign * np.array([14.0, 13.0])), expit(sign * (observed + np.array([0.0, 1.0])))
    found = calibration_location(p, w)
    lacking = expit(sign * (np.log(p / (1.0 - p)) + found)), expit(sign * np.log(w / (1.0 - w)))
    assert (1.0 - lacking[0]).sum() == pytest.approx((1.0 - lacking[1]).sum(), rel=1e-6)


def test_steps_that_would_go_to_and_fro_come_to_rest() -> None:
    """From 2.5 a step of 5 leads to -2.5, which is as likely, and from there back."""
    for start in (2.5, -2.5, 2.4, 2.6, 3.0):
        found = calibration_location(expit(np.full(3, start)), np.full(3, 0.5))
        assert found == pytest.approx(-start, abs=1e-9)


SEPARATED = {
    "apart": ([0.1, 0.2, 0.3, 0.7, 0.8], [0.0, 0.0, 0.0, 1.0, 1.0]),
    "apart the other way": ([0.1, 0.2, 0.3, 0.7, 0.8], [1.0, 1.0, 1.0, 0.0, 0.0]),
    "but for a tie": ([0.2, 0.2, 0.2, 0.8, 0.9], [0.0, 1.0, 0.0, 1.0, 1.0]),
    "all": ([0.1, 0.2, 0.3, 0.7, 0.8], [1.0] * 5),
}


@pytest.mark.parametrize("data", SEPARATED)
def test_what_is_separated_has_no_slope(data: str) -> None:
    p, w = map(np.array, SEPARATED[data])
    for metric in (calibration_slope, calibration_curve):
        with pytest.raises(InputError, match="separated"):
            metric(p, w)
    if data == "all":
        with pytest.raises(InputError, match="separated"):
            calibration_location(p, w)


def test_auc_needs_a_pair() -> None:
    assert np.isnan(auc(np.array([0.4]), np.array([0.5])))
    assert np.isnan(auc(P[:3], np.ones(3)))
    assert np.isnan(auc(P[:3], np.zeros(3)))
    # unordered p, and one that is tied with itself only
    assert auc(np.array([0.9, 0.1, 0.5]), np.array([1.0, 0.0, 0.5])) == 1.0


def test_index_of_prediction_accuracy_by_its_definition() -> None:
    p, status, null = np.array([0.1, 0.6]), np.array([0.0, 1.0]), np.array([0.3, 0.4])
    assert ipa(p, status, null) == pytest.approx(1.0 - (0.01 + 0.16) / (0.09 + 0.36))


def test_bounds_are_the_least_and_the_most_of_every_status_allowed() -> None:
    p = np.array([0.1, 0.45, 0.7, 0.95])
    low, high = np.array([0.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0])
    allowed = [
        np.array(each, float)
        for each in itertools.product(*({a, b} for a, b in zip(low, high, strict=True)))
    ]
    scores = [brier(p, each) for each in allowed]
    assert brier_bounds(p, low, high) == pytest.approx((min(scores), max(scores)))
    ratios = [each.sum() / p.sum() for each in allowed]
    assert observed_expected_bounds(p, low, high) == pytest.approx((min(ratios), max(ratios)))


def test_what_was_held_impossible_and_seen_scores_minus_infinity() -> None:
    sure, half = np.array([1.0, 0.5]), np.array([0.5, 0.5])
    assert interval_log_score(sure, half) == -np.inf
    assert interval_log_score(half, 1.0 - sure) == -np.inf
    assert interval_log_score(np.zeros(2), np.ones(2)) == 0.0


def test_concordance_counts_an_exact_time_once_and_refuses_scores_that_are_none() -> None:
    y = interval_outcome(lower=[2.0, 2.0], upper=[2.0, np.inf], entry=[1.0, 0.5])
    # one pair: resorbed a month after the index MRI, and herniated six weeks after it
    assert concordance(np.array([2.0, 1.0]), y) == 1.0
    assert concordance(np.array([1.0, 1.0]), y) == 0.5
    for score in ([1.0, np.inf], [1.0, np.nan], [1.0]):
        with pytest.raises(InputError, match="one number a row"):
            concordance(np.array(score), y)


def spline(x: Array, knots: Array) -> Array:
    """A natural cubic spline in the truncated power basis, straight beyond the outer knots."""
    first, second, before, last = knots

    def bend(knot: float) -> Array:
        return np.asarray((np.clip(x - knot, 0, None) ** 3 - np.clip(x - last, 0, None) ** 3)
                          / (last - knot))  # fmt: skip

    return 0.4 + 0.8 * x + 0.3 * (bend(first) - bend(before)) - 0.5 * (bend(second) - bend(before))


def test_a_calibration_curve_is_a_natural_spline_with_harrells_four_knots() -> None:
    knots = np.quantile(X, [0.05, 0.35, 0.65, 0.95])
    w = expit(spline(X, knots))
    np.testing.assert_allclose(calibration_curve(P, w).observed, w, atol=1e-7)
    at = np.array([0.01, 0.2, 0.5, 0.98])
    found = calibration_curve(P, w, at)
    np.testing.assert_array_equal(found.predicted, at)
    expected = expit(spline(np.log(at / (1.0 - at)), knots))
    np.testing.assert_allclose(found.observed, expected, atol=1e-6)


def test_with_few_values_of_p_a_calibration_curve_is_straight() -> None:
    p = np.repeat([0.2, 0.5, 0.8], 20)
    x = np.log(p / (1.0 - p))
    assert len(np.unique(np.quantile(x, [0.05, 0.35, 0.65, 0.95]))) < 4
    found = calibration_curve(p, np.repeat([0.1, 0.7, 0.6], 20)).observed[::20]
    line = np.log(found / (1.0 - found))
    assert line[1] - line[0] == pytest.approx(line[2] - line[1])
    assert found.sum() == pytest.approx(1.4)


def test_without_spread_of_p_a_calibration_curve_is_the_mean() -> None:
    w = np.array([0.1, 0.4, 0.4])
    found = calibration_curve(np.full(3, 0.2), w)
    assert found.observed == pytest.approx([0.3] * 3)
    assert calibration_curve(np.full(3, 0.2), w, np.array([0.5])).observed == pytest.approx([0.3])


def test_summaries_of_a_calibration_curve() -> None:
    away = np.array([0.0, 0.01, -0.02, 0.03, -0.04, 0.05, 0.06, -0.07, 0.08, 0.5, -0.1])
    curve = CalibrationCurve(np.full(11, 0.5), 0.5 + away)
    assert curve.ici == pytest.approx(np.abs(away).mean())
    assert curve.e50 == pytest.approx(0.05)
    assert curve.e90 == pytest.approx(0.1)


def test_ten_groups_of_rising_risk() -> None:
    p = np.linspace(0.005, 0.995, 100)
    shuffled = np.random.default_rng(1).permutation(100)
    found = risk_groups(p[shuffled], (p**2)[shuffled])
    assert found[:, 0].tolist() == [10] * 10
    np.testing.assert_allclose(found[:, 1], p.reshape(10, 10).mean(axis=1))
    np.testing.assert_allclose(found[:, 2], (p**2).reshape(10, 10).mean(axis=1))
    edge = risk_groups(np.array([0.1, 0.2, 0.3]), np.array([0.0, 1.0, 1.0]), 2)
    assert edge[:, 0].tolist() == [2, 1]  # who lies on an edge belongs below it


def test_net_benefit_acts_from_the_threshold_on() -> None:
    p, w = np.array([0.2, 0.5, 0.9]), np.array([0.1, 0.6, 0.8])
    by_hand = [0.5 - 0.25 * 0.5, (1.4 - 0.6) / 3.0, 0.8 / 3.0 - 9.0 * 0.2 / 3.0]
    found = net_benefit(p, w, [0.2, 0.5, 0.9])
    np.testing.assert_allclose(found[:, 0], by_hand)
    np.testing.assert_allclose(found[:, 1], [0.5 - odds * 0.5 for odds in (0.25, 1.0, 9.0)])
    for threshold in (0.0, 1.0, -0.1, 1.1, np.nan):
        with pytest.raises(InputError, match="between 0 and 1"):
            net_benefit(p, w, [0.5, threshold])


def test_an_average_over_horizons_weights_their_gaps() -> None:
    assert integrated([2.0, 4.0, 10.0], [3.0, 5.0, 6.0]) == pytest.approx((6.0 + 7.0) / 3.0)
    for values, months in (
        ([1.0], [3.0]),
        ([1.0, 2.0], [3.0]),
        ([1.0, 2.0, 3.0], [3.0, 4.0]),
        ([1.0, 2.0], [3.0, 4.0, 5.0]),
        ([1.0, 2.0], [4.0, 3.0]),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 2.0]),
        ([[1.0, 2.0]], [[1.0, 2.0]]),
    ):
        with pytest.raises(InputError, match="months must rise, two or more"):
            integrated(values, months)


def test_refusals_name_the_first_five_positions() -> None:
    half = np.full(9, 0.5)
    wrong = half.copy()
    wrong[2:8] = [-0.1, 1.1, np.nan, np.inf, 2.0, -1e-9]
    for p, w, name in ((wrong, half, "p"), (half, wrong, "w")):
        with pytest.raises(InputError) as caught:
            brier(p, w)
        assert str(caught.value) == f"{name} must be from 0 to 1: positions [2, 3, 4, 5, 6]"
    ends = np.array([0.5, 0.0, 1.0, 0.5, 1.0, 0.0, 1.0, 0.0, 0.5])
    assert brier(ends, half) >= 0.25
    with pytest.raises(InputError, match=r"no logit: positions \[1, 2, 4, 5, 6\]; leave out"):
        calibration_location(ends, half)
    unfit = [(half, half[:8]), (half[:8], half), (half[:0], half[:0]), (half[None], half[None])]
    for p, w in unfit:
        with pytest.raises(InputError, match="must go together"):
            brier(p, w)
