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
    # four-digit probabilities do differ
    assert calibration_slope(np.array([0.3, 0.3001]), np.array([0.5, 0.5])) == pytest.approx(0.0)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_location_is_found_however_far_away(sign: float) -> None:
    """Everybody was given nearly the same, and hardly anybody got it."""
    p, w = expit(sign * np.array([14.0, 13.0])), expit(-sign * np.array([5.0, 6.0]))
    found = calibration_location(p, w)
    assert expit(np.log(p / (1.0 - p)) + found).sum() == pytest.approx(w.sum(), rel=1e-6)


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
