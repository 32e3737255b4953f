"""The simulator: what it draws is what its settings say."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
from builders import NO_EXITS

from discresorb import InputError
from discresorb.distributions import DISTRIBUTIONS
from discresorb_training import Settings, simulate_cohort
from discresorb_training.cohort import cohort_from_frame

N = 20_000
Z = 4.0  # standard errors; every bound here is of this width


def within(share: float, expected: float, n: float) -> bool:
    return bool(abs(share - expected) < Z * np.sqrt(expected * (1 - expected) / n) + 1e-12)


@pytest.fixture(scope="module")
def simulated() -> tuple[pd.DataFrame, pd.DataFrame]:
    return simulate_cohort(N, seed=7)


def test_same_seed_same_bytes() -> None:
    def written(seed: int) -> str:
        stream = io.StringIO()
        for frame in simulate_cohort(300, seed=seed):
            frame.to_csv(stream, index=False)
        return stream.getvalue()

    assert written(3) == written(3)
    assert written(3) != written(4)


def test_case_mix_and_entry(simulated: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    cohort, settings = simulated[0], Settings()
    assert within(cohort["sequestrated"].mean(), settings.type_shares[3], N)
    sequestrated = cohort.loc[cohort["sequestrated"] == 1, "size_mm"]
    assert abs(sequestrated.mean() - 9.0) < Z * 2.5 / np.sqrt(len(sequestrated)) + 0.01
    entry_sd = settings.entry_mean / np.sqrt(settings.entry_shape)
    assert abs(cohort["months_since_onset"].mean() - 2.4) < Z * entry_sd / np.sqrt(N) + 0.01


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_truth_is_the_truth(distribution: str) -> None:
    settings = dataclasses.replace(NO_EXITS, distribution=distribution)
    cohort, truth = simulate_cohort(N, seed=5, settings=settings)
    after = truth["resorption_months"].fillna(np.inf) - cohort["months_since_onset"]
    assert (after >= -1e-4).all()
    for months in (3, 6, 12):
        p = truth[f"p_true_{months}"]
        error = np.sqrt((p * (1 - p)).mean() / N)
        assert abs((after <= months).mean() - p.mean()) < Z * error
        # and in those likely and unlikely to resorb
        for half in (p < p.median(), p >= p.median()):
            error = np.sqrt((p[half] * (1 - p[half])).mean() / half.sum())
            assert abs((after[half] <= months).mean() - p[half].mean()) < Z * error
    assert (truth["never"] == 1).eq(truth["resorption_months"].isna()).all()


def test_visits_tell_only_what_was_there_to_see(
    simulated: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    cohort, truth = simulated
    event = truth["resorption_months"].fillna(np.inf)
    assert (cohort["last_herniated_months"] < event + 1e-4).all()
    seen = cohort["first_resorbed_months"].notna()
    assert (cohort.loc[seen, "first_resorbed_months"] >= event[seen] - 1e-4).all()
    assert (cohort["exit_reason"] == "resorbed").eq(seen).all()
    last = cohort["first_resorbed_months"].fillna(cohort["last_herniated_months"])
    assert (cohort["exit_months"] >= last - 1e-9).all()
    first_gap = (last - cohort["months_since_onset"])[last > cohort["months_since_onset"]]
    assert first_gap.min() >= 2.0 - 0.011


def test_exits_come_as_often_as_set() -> None:
    settings = Settings(ever=(-30.0, 0.0, 0.0), lost_by_year=0.0)  # nothing else ends follow-up
    cohort, _ = simulate_cohort(N, seed=2, settings=settings)
    waited = cohort["exit_months"] - cohort["months_since_onset"]
    operated = (cohort["exit_reason"] == "surgery") & (waited <= 12)
    assert within(operated.mean(), 0.39, N)


def test_misses_come_as_often_as_set() -> None:
    settings = dataclasses.replace(NO_EXITS, ever=(-30.0, 0.0, 0.0), visit_missed=0.25)
    cohort, _ = simulate_cohort(N, seed=2, settings=settings)
    gap = cohort["last_herniated_months"] - cohort["months_since_onset"]
    assert within((gap > 20).mean(), 0.75, N)
    assert within((gap == 0).mean(), 0.25**4, N)


def test_a_cohort_can_be_trained_on(simulated: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    cohort = cohort_from_frame(simulated[0])
    assert sum(list(cohort.flow().values())[1:]) == cohort.flow()["patients"] == N


BAD = {
    "n": ({"n": 0}, {}),
    "seed": ({"seed": -1}, {}),
    "type_shares": ({}, {"type_shares": (0.5, 0.5, 0.5, 0.5)}),
    "type_shares has 1": ({}, {"type_shares": (1.0,)}),
    "visit_missed": ({}, {"visit_missed": 1.5}),
    "surgery_by_year": ({}, {"surgery_by_year": -0.1}),
    "scale": ({}, {"scale": 0.0}),
    "scale is inf": ({}, {"scale": float("inf")}),
    "ever is": ({}, {"ever": (float("nan"), 0.0, 0.0)}),
    "latency has 2": ({}, {"latency": (1.0, 2.0)}),
    "size_sd": ({}, {"size_sd": (1.0, 1.0, 1.0, -1.0)}),
    "visit_jitter is": ({}, {"visit_jitter": -1.0}),
    "precede the index MRI": ({}, {"visit_months": (-3.0, 3.0)}),
    "visits change order": ({}, {"visit_months": (3.0, 4.0)}),
    "visit_months has 0": ({}, {"visit_months": ()}),
    "distribution must be": ({}, {"distribution": "gamma"}),
}


@pytest.mark.parametrize("words", BAD)
def test_silly_settings_are_refused_by_name(words: str) -> None:
    arguments, settings = BAD[words]
    with pytest.raises(InputError, match=words):
        simulate_cohort(**{"n": 10, **arguments, "settings": Settings(**settings)})  # type: ignore[arg-type]  # on purpose
