"""The whole chain against known truth; `benchmarks/recovery.py` is the long study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from builders import simulated
from conftest import SYNTHETIC

from discresorb import Predictor
from discresorb.distributions import Array
from discresorb_training import ResorptionModel, Settings

HORIZONS = (3.0, 6.0, 12.0)


def logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def test_the_shipped_model_is_near_the_truth(
    predictor: Predictor, shipped_cohort: pd.DataFrame
) -> None:
    """Mean absolute error over patients and horizons; truth averaged over the cohort's centres."""
    truth = pd.read_csv(SYNTHETIC / "cohort.truth.csv")
    assert truth["patient_id"].equals(shipped_cohort["patient_id"])
    assert shipped_cohort["site_id"].nunique() == 20
    cells = shipped_cohort[["size_mm", "sequestrated", "months_since_onset"]]
    errors = [
        predictor.score(cells.assign(months_to_surgery=months))["p_resorbed"]
        - truth[f"p_true_{months:g}"]
        for months in HORIZONS
    ]
    assert np.abs(errors).mean() <= 0.03
    assert np.abs(np.mean(errors, axis=1)).max() <= 0.01


def test_the_shipped_interval_has_the_spread_between_studies(predictor: Predictor) -> None:
    assert predictor.artifact["between_study_sd"] == Settings().site_sd
    assert "spread between studies" in predictor.interval_label
    found = predictor.predict(
        size_mm=8, sequestrated=False, months_since_onset=2, months_to_surgery=6
    )
    width = logit(np.array(found.high)) - logit(np.array(found.low))
    assert width > 2 * 1.96 * Settings().site_sd


def test_intervals_cover_the_truth() -> None:
    """200 cohorts of 1,000, five supported profiles, default penalty; binomial bounds, 99.9 %."""
    truth = Settings()
    profiles = pd.DataFrame(
        {"size_mm": [4.5, 6.5, 9.0, 7.5, 10.5], "sequestrated": [0.0, 0.0, 0.0, 1.0, 1.0]}
    )
    entry = np.array([1.0, 2.0, 4.0, 1.0, 3.0])
    size, sequestrated = profiles.to_numpy().T
    law, replicates = truth.process(), 200
    covered, errors = np.zeros((3, 5)), np.zeros((3, 5))
    logits, half_widths = np.zeros((replicates, 3, 5)), np.zeros((replicates, 3, 5))
    for seed in range(replicates):
        model = ResorptionModel().fit(*simulated(1_000, seed=seed, settings=truth))
        for k, months in enumerate(HORIZONS):
            p, low, high = model.predict_resorption(
                profiles, entry=entry, horizon=entry + months, interval=0.95
            ).T
            expected = law.probability(size, sequestrated, entry, entry + months)
            covered[k] += (low <= expected) & (expected <= high)
            errors[k] += p - expected
            logits[seed, k], ends = logit(p), logit(np.array([low, high]))
            half_widths[seed, k] = (ends[1] - ends[0]) / 2.0
    margin = 3.29 * np.sqrt(0.95 * 0.05 / replicates)
    assert (np.abs(covered / replicates - 0.95) < margin).all()
    assert np.abs(errors / replicates).max() < 0.01
    # no wider than estimates really spread: half-widths are 1.96 of their standard deviations
    assert (half_widths.mean(axis=0) / logits.std(axis=0)).mean() == pytest.approx(1.96, rel=0.08)


@pytest.mark.parametrize("months", HORIZONS)
def test_a_centre_that_resorbs_less_is_overestimated(predictor: Predictor, months: float) -> None:
    """Why a centre trains or updates a model of its own: the shipped one does not know it."""
    cohort = pd.read_csv(SYNTHETIC / "new_centre.csv")
    truth = pd.read_csv(SYNTHETIC / "new_centre.truth.csv")
    cells = cohort[["size_mm", "sequestrated", "months_since_onset"]]
    p = predictor.score(cells.assign(months_to_surgery=months))["p_resorbed"]
    assert (p - truth[f"p_true_{months:g}"]).mean() > 0.08
