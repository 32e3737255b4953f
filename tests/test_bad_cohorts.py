"""Cohorts that carry no model, or less than one might think: one clear sentence, with rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import Run, run_here

from discresorb_training import simulate_cohort
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.information import rows_of, warnings_of

Spoiled = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def train_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run train on c.csv of an empty folder."""
    monkeypatch.chdir(tmp_path)
    given = ["train", "c.csv", "-o", "m.joblib", "--endpoint", "gone", "--data-origin", "synthetic"]
    return partial(run_here, *given)


def no_events(table: pd.DataFrame) -> pd.DataFrame:
    still = table.assign(first_resorbed_months=np.nan, exit_reason="end")
    still["exit_months"] = still["last_herniated_months"]
    return still


def all_at_the_first_visit(table: pd.DataFrame) -> pd.DataFrame:
    seen = table["first_resorbed_months"].notna()
    return table.assign(
        last_herniated_months=table["last_herniated_months"].where(
            ~seen, table["months_since_onset"]
        )
    )


def constant(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(size_mm=7.5)


def separated(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(sequestrated=table["first_resorbed_months"].notna().astype(int))


def doubled(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[7, "patient_id"] = table.loc[2, "patient_id"]
    return table


def lower_before_entry(table: pd.DataFrame) -> pd.DataFrame:
    entry, lower = table["months_since_onset"], table["last_herniated_months"]
    return table.assign(last_herniated_months=lower.where(table.index != 4, entry - 0.5))


def upper_before_lower(table: pd.DataFrame) -> pd.DataFrame:
    lower, upper = table["last_herniated_months"], table["first_resorbed_months"]
    first = table.index == upper.first_valid_index()
    return table.assign(first_resorbed_months=upper.where(~first, lower - 0.1))


def negative_weight(table: pd.DataFrame) -> pd.DataFrame:
    weights = np.ones(len(table))
    weights[[1, 11]] = -0.5
    return table.assign(counts=weights)


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (no_events, 6, "seen resorbed: 0 of 80 patients, but at least 10"),
        (constant, 6, "size_mm is the same in every patient (rows 1 to 80)"),
        (doubled, 3, "row 3: patient_id S0003 appears 2 times"),
        (lower_before_entry, 3, "row 5: last seen herniated at"),
        (upper_before_lower, 3, "first seen resorbed at"),
        (negative_weight, 3, "row 2: counts entered as -0.5, but must be a number of at least 0"),
    ],
)
def test_a_bad_cohort_is_refused_once(
    spoil: Spoiled, status: int, words: str, train_here: Run
) -> None:
    spoil(simulate_cohort(80, seed=3)[0]).to_csv("c.csv", index=False)
    weights = ["--weights", "counts"] if spoil is negative_weight else []
    done = train_here("--show-values", *weights)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("m.joblib").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (all_at_the_first_visit, r"all \d+ resorptions were seen at the first MRI .* \(rows \d+, "),
        (separated, r"nobody with sequestrated no was seen resorbed \(rows \d+, "),
    ],
)
def test_what_the_data_leave_to_assumptions_is_warned_of(spoil: Spoiled, words: str) -> None:
    import re

    found = warnings_of(cohort_from_frame(spoil(simulate_cohort(80, seed=3)[0])))
    assert [each for each in found if re.search(words, each)], found


@pytest.mark.parametrize("spoil", [all_at_the_first_visit, separated])
def test_such_a_cohort_is_trained_with_the_warning_or_refused_with_it(
    spoil: Spoiled, train_here: Run
) -> None:
    table = spoil(simulate_cohort(300, seed=3)[0])
    table.to_csv("c.csv", index=False)
    done = train_here()
    assert done.returncode in (0, 6), done.stderr
    warning = warnings_of(cohort_from_frame(table))[0]
    assert warning in (done.stdout if done.returncode == 0 else done.stderr)
    assert "Traceback" not in done.stderr


def test_separation_by_a_number_is_seen() -> None:
    table = simulate_cohort(80, seed=3)[0]
    seen = table["first_resorbed_months"].notna()
    spoiled = table.assign(size_mm=np.where(seen, 12.0, 5.0) + np.linspace(0, 1, 80))
    found = " ".join(warnings_of(cohort_from_frame(spoiled)))
    assert "size_mm of everybody seen resorbed (rows" in found
    assert "lies above that of everybody else" in found
    assert not warnings_of(cohort_from_frame(table))


def test_all_problems_come_at_once(train_here: Run) -> None:
    table = lower_before_entry(doubled(simulate_cohort(80, seed=3)[0]))
    table.to_csv("c.csv", index=False)
    done = train_here()
    for words in ("row 3: patient_id", "row 5: last seen", "row 8: patient_id"):
        assert words in done.stderr


def test_rows_are_named() -> None:
    where = np.zeros(30, dtype=bool)
    where[3] = True
    assert rows_of(where) == "row 4"
    where[5:20] = True
    assert rows_of(where) == "rows 4, 6, 7, 8, 9, 10, 11, 12 and 8 more"
    assert rows_of(np.ones(3, dtype=bool)) == "rows 1 to 3"


def test_weights_count_patients_in_training() -> None:
    """A patient of weight 2 counts like two; one of weight 0 like none."""
    from discresorb_training import train

    about: dict[str, Any] = {
        "endpoint": "gone",
        "data_origin": "synthetic",
        "distribution": "loglogistic",
    }
    table = simulate_cohort(300, seed=6)[0]
    times = np.random.default_rng(0).integers(0, 3, 300)
    weighted = train(table.assign(w=times), weights="w", cure=True, **about)
    copies = table.loc[np.repeat(table.index, times)].drop(columns="patient_id")
    repeated = train(copies, cure=True, **about)
    one, two = weighted.artifact["location"], repeated.artifact["location"]
    np.testing.assert_allclose(one, two, rtol=1e-5)
    # but copies are no further patients: the robust interval is the wider one
    assert weighted.artifact["covariance"][0, 0] > repeated.artifact["covariance"][0, 0]
