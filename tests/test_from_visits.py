"""Cohorts made of visits: what they hold, what is refused, and that nobody is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import SYNTHETIC
from hypothesis import given
from hypothesis import strategies as st

from discresorb import InputError
from discresorb.columns import EXIT_REASONS, FINDINGS
from discresorb.reading import read_table
from discresorb_training import Settings, cohort_from_visits, simulate_visits, train
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.from_visits import read_visits
from discresorb_training.simulate import Simulation
from discresorb_training.visits import visits_from_frame

COLUMNS = ["patient_id", "onset_date", "mri_date", "finding", "size_mm", "sequestrated", "age",
           "surgery_date", "exit_date", "exit_reason"]  # fmt: skip
A = ("A", "2023-01-01", "2023-02-01", "herniated", "8.0", "no", "44", "2023-08-01", "2023-08-01",
     "surgery")  # fmt: skip
A2 = ("A", "2023-01-01", "2023-05-01", "herniated", "7.5", "no", "45", "2023-08-01", "2023-08-01",
      "surgery")  # fmt: skip
B = ("B", "2023-01-10", "2023-02-10", "herniated", "9.0", "yes", "", "", "2023-06-01", "resorbed")
B2 = ("B", "2023-01-10", "2023-06-01", "resorbed", "", "yes", "50", "", "2023-06-01", "resorbed")
C = ("C", "2023-01-20", "2023-03-01", "herniated", "5.0", "no", "61", "", "2023-03-09", "lost")


def table(*rows: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows or (A, A2, B, B2, C), columns=COLUMNS).replace("", None)


def changed(row: int, **cells: object) -> pd.DataFrame:
    rows: list[dict[str, object]] = [
        dict(zip(COLUMNS, each, strict=True)) for each in (A, A2, B, B2, C)
    ]
    rows[row] |= cells
    return pd.DataFrame(rows).replace("", None)


@pytest.fixture(scope="module")
def new_centre() -> pd.DataFrame:
    return pd.read_csv(SYNTHETIC / "new_centre.csv", dtype={"patient_id": str})


@pytest.fixture(scope="module")
def new_centre_visits() -> pd.DataFrame:
    return pd.read_csv(SYNTHETIC / "new_centre_visits.csv")


def test_three_patients() -> None:
    cohort, flow = cohort_from_visits(table())
    month = 30.4375
    assert cohort["patient_id"].tolist() == ["A", "B", "C"]
    assert cohort.columns.tolist() == [
        "patient_id", "size_mm", "sequestrated", "age", "months_since_onset",
        "last_herniated_months", "first_resorbed_months", "exit_reason", "exit_months",
    ]  # fmt: skip
    assert cohort["size_mm"].tolist() == ["8.0", "9.0", "5.0"]
    assert cohort["age"].tolist() == ["44", None, "61"]
    np.testing.assert_allclose(
        cohort[["months_since_onset", "last_herniated_months", "first_resorbed_months",
                "exit_months"]].to_numpy(),
        np.array([[31, 120, np.nan, 212], [31, 31, 142, 142], [40, 40, np.nan, 48]]) / month,
        atol=5e-5,
    )  # fmt: skip
    assert cohort["exit_reason"].tolist() == ["surgery", "resorbed", "lost"]
    assert flow.rows == flow.mris_used == 5
    assert list(flow.kept.values()) == [0, 1, 1, 1]


def test_the_new_centre_is_the_same_from_its_visits(
    new_centre: pd.DataFrame, new_centre_visits: pd.DataFrame
) -> None:
    made, flow = cohort_from_visits(new_centre_visits)
    ours, theirs = cohort_from_frame(made), cohort_from_frame(new_centre)
    np.testing.assert_array_equal(ours.X, theirs.X)
    for name in ("entry", "lower", "upper"):  # the shipped months have two digits
        np.testing.assert_allclose(ours.y[name], theirs.y[name], atol=0.0051)
    assert ours.flow() == theirs.flow() == {"patients": flow.patients, **flow.kept}
    assert made["patient_id"].tolist() == new_centre["patient_id"].tolist()
    assert made["exit_reason"].tolist() == new_centre["exit_reason"].tolist()
    np.testing.assert_allclose(made["exit_months"], new_centre["exit_months"], atol=0.0051)
    by_weights = visits_from_frame(new_centre_visits).patients  # the strict reader of visits
    for name in ("entry", "lower", "upper"):
        np.testing.assert_allclose(ours.y[name], by_weights.y[name], atol=5.1e-5)


def test_the_order_of_the_rows_changes_nothing(new_centre_visits: pd.DataFrame) -> None:
    made, flow = cohort_from_visits(new_centre_visits)
    for seed in (1, 2):
        again, flow_again = cohort_from_visits(new_centre_visits.sample(frac=1, random_state=seed))
        pd.testing.assert_frame_equal(again, made)
        assert flow_again == flow


def test_the_model_is_the_same(new_centre: pd.DataFrame, new_centre_visits: pd.DataFrame) -> None:
    made, _ = cohort_from_visits(new_centre_visits.sample(frac=1, random_state=3))
    about: dict[str, Any] = {"endpoint": "gone", "data_origin": "synthetic"}
    one, other = (
        train(cohort, **about, second_opinion=False).predictor for cohort in (new_centre, made)
    )
    chosen = [(each.artifact["distribution"], each.artifact["cure"]) for each in (one, other)]
    assert chosen[0] == chosen[1]
    patients = new_centre[["size_mm", "sequestrated", "months_since_onset"]]
    ours, theirs = (
        each.score(patients.assign(months_to_surgery=6.0))[["p_resorbed", "p_low", "p_high"]]
        for each in (one, other)
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_polars_pandas_and_files_read_alike(new_centre_visits: pd.DataFrame, tmp_path: Any) -> None:
    file = SYNTHETIC / "new_centre_visits.csv"
    made, _ = cohort_from_visits(new_centre_visits)
    in_polars, _ = cohort_from_visits(pl.read_csv(file))
    assert isinstance(in_polars, pl.DataFrame)
    assert in_polars["size_mm"].dtype == pl.Float64
    assert in_polars["first_resorbed_months"].null_count() == 147
    read = read_table(file)
    as_text = read_visits(read.frame, read.header).frame
    assert as_text["size_mm"].dtype == pl.String
    for cohort in (in_polars, as_text):
        cohort.write_csv(tmp_path / "c.csv")
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "c.csv"), made)


def test_centres_and_ids_in_their_order() -> None:
    visits = simulate_visits(12, seed=3, settings=Settings(sites=3))
    visits["patient_id"] = visits["patient_id"].str.replace("S0+", "S", regex=True)
    visits.loc[visits["patient_id"].duplicated(), "site_id"] = None  # said once is enough
    long = "a centre whose name is far too long for a message about it"
    visits["site_id"] = visits["site_id"].replace("C01", long)
    made, _ = cohort_from_visits(visits.sample(frac=1, random_state=0))
    assert (made["site_id"] == long).any()
    made["site_id"] = made["site_id"].replace(long, "C01")
    cohort = Simulation(12, seed=3, settings=Settings(sites=3)).cohort()
    assert made["site_id"].tolist() == cohort["site_id"].tolist()
    assert made["patient_id"].tolist() == [f"S{k}" for k in range(1, 13)]


@pytest.mark.parametrize(
    ("row", "cells", "words", "reason"),
    [
        (1, {"mri_date": "2022-12-31"}, "row 2: mri_date 2022-12-31 is before onset_date 2023-01-0",
         "an MRI before onset_date"),
        (2, {"finding": "resorbed"}, "row 3: the first MRI of patient B shows it resorbed already",
         "index MRI missing, the first shows it resorbed"),
        (1, {"mri_date": "2023-08-02"}, "row 2: mri_date 2023-08-02 is after surgery_date 2023-08-",
         "an MRI after surgery_date"),
        (4, {"mri_date": "2023-03-10"}, "row 5: mri_date 2023-03-10 is after exit_date 2023-03-09",
         "an MRI after exit_date"),
        (1, {"mri_date": "2023-02-01"}, "row 2: a second row of patient A on 2023-02-01; it and row"
         " 1 differ in size_mm, age: keep one", "two rows of one day that differ"),
        (1, dict(zip(COLUMNS, A, strict=True)), "the same as row 1; keep one", "a row twice"),
        (4, {"mri_date": "1 March"}, "row 5: mri_date entered as 1 March, but must be a date writ",
         "mri_date cannot be read"),
        (4, {"mri_date": None}, "row 5: mri_date is missing; it must be", "mri_date is missing"),
        (3, {"finding": "gone"}, "row 4: finding entered as gone, but must be one of herniated, re",
         "finding cannot be read"),
        (4, {"finding": None}, "row 5: finding is missing; it must be one", "finding is missing"),
        (1, {"onset_date": "2023-01-02"}, "row 2: onset_date is 2023-01-02, but 2023-01-01 in row "
         "1 of the same patient", "onset_date differs between rows"),
        (4, {"onset_date": None}, "row 5: onset_date is missing in all rows of patient C",
         "onset_date is missing"),
        (4, {"onset_date": "2000-01-01"}, "row 5: index MRI 2023-03-01 is more than 240 months",
         "index MRI too long after onset_date"),
        (4, {"exit_date": "2083-01-01"}, "row 5: follow-up ends more than 600 months after onset_d",
         "exit too long after onset_date"),
        (0, {"size_mm": "8,0"}, "row 1: size_mm entered as 8,0", "size_mm cannot be read"),
        (4, {"size_mm": None}, "row 5: size_mm is missing at the index MRI; it must be a number",
         "size_mm is missing at the index MRI"),
        (4, {"exit_reason": "cured"}, "row 5: exit_reason entered as cured",
         "exit_reason cannot be read"),
        (4, {"exit_reason": "resorbed"}, "row 5: exit_reason is resorbed, but no MRI of patient C",
         "exit_reason resorbed, but no MRI shows it"),
        (4, {"exit_reason": "surgery"}, "row 5: exit_reason is surgery, but surgery_date of pati",
         "exit_reason surgery, but no surgery_date"),
        (4, {"surgery_date": "2023-04-01"}, "row 5: exit_date 2023-03-09 is before surgery_date 20",
         "exit_date before surgery_date"),
    ],
)  # fmt: skip
def test_refuses_by_row_or_leaves_the_patient_out(
    row: int, cells: dict[str, object], words: str, reason: str
) -> None:
    visits = changed(row, **cells)
    with pytest.raises(InputError) as caught:
        cohort_from_visits(visits)
    assert caught.value.exit_status == 3
    assert words in caught.value.with_values[0]
    assert len(caught.value.problems) == len(caught.value.with_values) == 1
    for cell in map(str, filter(None, cells.values())):
        assert cell in FINDINGS + EXIT_REASONS or cell not in str(caught.value)
    made, flow = cohort_from_visits(visits, leave_out_problems=True)
    who = visits["patient_id"][row]
    assert flow.left_out == {reason: [who]}
    assert made["patient_id"].tolist() == [each for each in "ABC" if each != who]


def test_what_follows_from_one_problem_is_not_told_as_another() -> None:
    unread = changed(2, mri_date="February")  # the MRI that shows it resorbed is not the index MRI
    unread.loc[2, "size_mm"] = None
    with pytest.raises(InputError) as caught:
        cohort_from_visits(unread)
    assert len(caught.value.problems) == 1
    assert "mri_date entered as February" in caught.value.with_values[0]


def test_a_row_without_an_id_belongs_to_nobody() -> None:
    visits = changed(1, patient_id=None)
    with pytest.raises(InputError, match="row 2: patient_id is missing"):
        cohort_from_visits(visits)
    made, flow = cohort_from_visits(visits, leave_out_problems=True)
    assert (flow.rows_without_id, flow.left_out, len(made)) == (1, {}, 3)


def test_herniated_again_is_kept_up_to_the_first_resorption() -> None:
    again = ("B", "2023-01-10", "2023-09-01", "herniated", "4", "yes", "50", "2024-01-01", "", "")
    made, flow = cohort_from_visits(table(again, A, A2, B, B2, C).drop(columns="exit_reason"))
    expected, _ = cohort_from_visits(table())
    pd.testing.assert_frame_equal(made.drop(columns="exit_reason"),
                                  expected.drop(columns="exit_reason"))  # fmt: skip
    assert made["exit_reason"].tolist() == ["surgery", "resorbed", None]
    assert (flow.mris_used, flow.mris_after_resorption) == (5, 1)
    said = "\n".join(flow.notes)
    assert "1 MRI of 1 patient after the first that shows it resorbed, not used (row 1)" in said
    assert "1 patient herniated again after resorption was seen (row 1)" in said
    assert "1 patient left later, or otherwise, than by the MRI that first shows it" in said
    assert "1 patient with a surgery_date and no exit_reason" in said


def test_what_comes_after_resorption_was_seen_changes_nothing() -> None:
    """Neither an operation all the same nor an MRI after it."""
    end = ("2023-07-01", "2023-07-01", "surgery")
    later = ("B", "2023-01-10", "2023-08-01", "herniated", "9.0", "yes", "50")
    cohort, flow = cohort_from_visits(table((*B[:7], *end), (*B2[:7], *end), (*later, *end)))
    (made,) = cohort.to_dict("records")
    assert (made["exit_reason"], made["exit_months"]) == ("resorbed", made["first_resorbed_months"])
    assert made["first_resorbed_months"] == pytest.approx(142 / 30.4375, abs=5e-5)
    assert (flow.mris_used, flow.mris_after_resorption) == (2, 1)
    # whatever exit_date says: the reason is another than the one that is kept
    for day in ("2023-06-01", "2023-07-01"):
        _, flow = cohort_from_visits(table((*B[:7], "", day, "lost"), (*B2[:7], "", day, "lost")))
        assert any("1 patient left later, or otherwise, than by the" in each for each in flow.notes)


def test_followed_beyond_surgery() -> None:
    visits = table().assign(exit_date=["2024-01-01"] * 2 + ["2023-06-01"] * 2 + ["2023-03-09"])
    visits.loc[:1, "exit_reason"] = "end"
    made, flow = cohort_from_visits(visits)
    pd.testing.assert_frame_equal(made, cohort_from_visits(table())[0])
    assert any("1 patient left later, or otherwise, than by surgery" in each for each in flow.notes)


def test_without_columns_on_exits_the_cohort_has_none() -> None:
    made, flow = cohort_from_visits(table().drop(columns=COLUMNS[-3:]))
    assert not {"exit_reason", "exit_months"} & set(made.columns)
    assert flow.exits == {}
    assert "there are no columns on exits, so the cohort has none" in flow.notes
    cohort_from_frame(made)


def test_what_belongs_to_a_patient_may_stand_in_any_row() -> None:
    visits = table()
    visits.loc[0, ["onset_date", "surgery_date", "exit_date", "exit_reason"]] = None
    visits.loc[3, ["onset_date", "exit_date", "exit_reason"]] = None
    pd.testing.assert_frame_equal(cohort_from_visits(visits)[0], cohort_from_visits(table())[0])


def test_columns_by_other_names_and_other_covariates() -> None:
    visits = table().rename(columns={"patient_id": "Code", "mri_date": "date=MRI"})
    with pytest.raises(InputError, match=r"missing columns: patient_id; mri_date.*--rename"):
        cohort_from_visits(visits)
    renames = {"Code": "patient_id", "date=MRI": "mri_date"}
    made, _ = cohort_from_visits(visits, rename=renames)
    pd.testing.assert_frame_equal(made, cohort_from_visits(table())[0])
    without = table().drop(columns="size_mm")
    with pytest.raises(InputError, match="to train without size_mm, name the covariates"):
        cohort_from_visits(without)
    assert len(cohort_from_visits(without, covariates=["sequestrated"])[0]) == 3
    with pytest.raises(InputError, match="row 3: age is missing at the index MRI"):
        cohort_from_visits(table(), covariates=["age"])
    with pytest.raises(InputError, match=r"covariate age is named twice.*onset_date cannot be a"):
        cohort_from_visits(table(), covariates=["age", "age", "onset_date"])


@pytest.mark.parametrize(
    ("rename", "words"),
    [
        ({"Code": "patient_id"}, "visits has no column Code to rename; found: patient_id"),
        ({"age": "size_mm"}, "size_mm and age would both be called size_mm"),
    ],
)
def test_renames_that_do_not_fit(rename: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        cohort_from_visits(table(), rename=rename)


def test_other_tables_are_refused(new_centre: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="has one row a patient already"):
        cohort_from_visits(new_centre)
    with pytest.raises(InputError, match="there are no visits in it"):
        cohort_from_visits(table().iloc[:0])
    with pytest.raises(InputError, match="output columns are already there: months_since_onset"):
        cohort_from_visits(table().assign(months_since_onset=1.0))
    with pytest.raises(InputError, match="no patient is left"):
        cohort_from_visits(table(A).assign(finding="gone"), leave_out_problems=True)


DAYS = ["2023-01-01", "2023-02-01", "2023-03-01", "2023-04-01", "", "soon"]
MESSY = st.lists(
    st.tuples(
        st.sampled_from(["P1", "P2", "P3", "P10", ""]),
        st.sampled_from(["2023-01-15", "2023-01-15", "2022-12-01", ""]),
        st.sampled_from(DAYS),
        st.sampled_from(["herniated", "Herniated", "resorbed", "", "?"]),
        st.sampled_from(["5", "6.5", "", "x"]),
        st.sampled_from(["0", "1"]),
        st.just("40"),
        st.sampled_from(["", "", "2023-03-15"]),
        st.sampled_from(["", "", "2023-03-20"]),
        st.sampled_from(["", "", "lost", "surgery", "resorbed"]),
    ),
    min_size=1,
    max_size=12,
)


@given(MESSY, st.randoms(use_true_random=False))
def test_nobody_is_lost_or_doubled(rows: list[tuple[str, ...]], random: Any) -> None:
    done = read_visits(table(*rows), COLUMNS)
    flow, kept = done.flow, done.frame["patient_id"].tolist()
    left = [who for each in flow.left_out.values() for who in each]
    assert sorted([*kept, *left]) == sorted({row[0] for row in rows} - {""})
    assert flow.patients_kept == len(kept) == sum(flow.exits.values())
    parts = flow.rows_of_left_out, flow.mris_used, flow.mris_after_resorption
    assert flow.rows == len(rows) == flow.rows_without_id + sum(parts)
    assert {rows[row][0] for row in done.problems} - {""} == set(left)
    if kept:
        assert cohort_from_frame(done.frame).flow() == {"patients": len(kept), **flow.kept}
    shuffled = random.sample(rows, len(rows))
    again = read_visits(table(*shuffled), COLUMNS)
    pd.testing.assert_frame_equal(again.frame, done.frame)
    assert (again.flow.kept, again.flow.exits) == (flow.kept, flow.exits)
    assert {w for each in again.flow.left_out.values() for w in each} == set(left)
