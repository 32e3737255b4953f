"""Visit-level cohorts: what is read, what is refused, and the splitting identity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from discresorb import InputError
from discresorb.distributions import DISTRIBUTIONS
from discresorb.reading import read_table
from discresorb_training import ResorptionModel, Settings, interval_outcome, simulate_visits
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.robust import one_share_each
from discresorb_training.simulate import Simulation
from discresorb_training.visits import Visits, visits_from_frame, visits_from_table

SETTINGS = Settings(sites=4, surgery_severity=0.7, severity_resorption=0.5)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return Simulation(800, seed=2, settings=SETTINGS)


@pytest.fixture(scope="module")
def visits(simulation: Simulation) -> Visits:
    return visits_from_frame(simulation.visits())


def test_patients_are_those_of_the_cohort(simulation: Simulation, visits: Visits) -> None:
    cohort = cohort_from_frame(simulation.cohort())
    np.testing.assert_array_equal(visits.patients.X, cohort.X)
    for name in ("lower", "upper", "entry"):  # the cohort's months are rounded to two digits
        np.testing.assert_allclose(visits.patients.y[name], cohort.y[name], atol=0.0051)
    np.testing.assert_allclose(visits.patients.last_seen, cohort.last_seen, atol=0.0051)
    assert visits.patients.flow() == cohort.flow()
    assert visits.patients.sites == cohort.sites
    assert visits.operated.sum() == (simulation.cohort()["exit_reason"] == "surgery").sum()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("cure", [True, False])
def test_splitting_changes_nothing(distribution: str, cure: bool, visits: Visits) -> None:
    """Neither the likelihood, nor the penalised fit if patients count once in its scale."""
    rows, whole = visits.split(), visits.patients
    assert len(rows.y) > 1.4 * len(whole.y)
    one = ResorptionModel(distribution, cure=cure).fit(whole.X, whole.y)
    share = one_share_each(rows.patient)
    split = ResorptionModel(distribution, cure=cure).fit(rows.X, rows.y, scale_weight=share)
    assert one.score(rows.X, rows.y) * len(rows.y) == pytest.approx(one.log_likelihood_, rel=1e-10)
    np.testing.assert_allclose(split._theta, one._theta, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(split.covariance_, one.covariance_, rtol=1e-5, atol=1e-9)


def test_rows_end_where_the_next_begins(visits: Visits) -> None:
    rows = visits.split()
    seen = np.isfinite(rows.y["upper"])
    end = np.where(seen, rows.y["upper"], rows.y["lower"])
    same = np.diff(rows.patient) == 0
    np.testing.assert_array_equal(end[:-1][same], rows.y["entry"][1:][same])
    assert (rows.y["lower"] == rows.y["entry"])[seen].all()
    np.testing.assert_array_equal(end, visits.months[rows.visit])
    np.testing.assert_array_equal(np.unique(rows.patient), np.arange(800))


def test_frames_files_and_rows_in_another_order_read_alike(
    visits: Visits, simulation: Simulation, tmp_path: Any
) -> None:
    frame = simulation.visits()
    frame.to_csv(tmp_path / "v.csv", index=False)
    for other in (
        visits_from_table(read_table(tmp_path / "v.csv")),
        visits_from_frame(pl.from_pandas(frame)),
        visits_from_frame(frame.sort_values("mri_date", kind="stable").reset_index(drop=True)),
    ):
        assert other.operated.sum() == visits.operated.sum()
        ours, theirs = (
            np.sort(each.split().y, order=["entry", "lower"]) for each in (visits, other)
        )
        np.testing.assert_array_equal(theirs, ours)
    same = visits_from_table(read_table(tmp_path / "v.csv"))
    np.testing.assert_array_equal(same.months, visits.months)
    np.testing.assert_array_equal(same.leg_pain, visits.leg_pain)


def three_patients() -> pd.DataFrame:
    """A: operated on; B: seen resorbed; C: imaged once and lost."""
    columns = ["patient_id", "onset_date", "mri_date", "finding", "size_mm", "sequestrated",
               "leg_pain", "surgery_date", "exit_date", "exit_reason"]  # fmt: skip
    cut, seen, lost = ("2023-08-01", "surgery"), ("2023-06-01", "resorbed"), ("2023-03-09", "lost")
    rows = [
        ("A", "2023-01-01", "2023-02-01", "herniated", 8.0, 0, 6, cut[0], *cut),
        ("A", "2023-01-01", "2023-05-01", "herniated", 7.5, 0, 7, cut[0], *cut),
        ("B", "2023-01-10", "2023-02-10", "herniated", 9.0, 1, 5, "", *seen),
        ("B", "2023-01-10", "2023-06-01", "resorbed", None, 1, None, "", *seen),
        ("C", "2023-01-20", "2023-03-01", "herniated", 5.0, 0, 3, "", *lost),
    ]
    return pd.DataFrame(rows, columns=columns).astype({"leg_pain": object})


def test_reads_three_patients() -> None:
    visits = visits_from_frame(three_patients())
    np.testing.assert_array_equal(visits.patients.X, [[8.0, 0], [9.0, 1], [5.0, 0]])
    days = 30.4375 * visits.patients.y["upper"]
    np.testing.assert_allclose(days, [np.inf, 142.0, np.inf])
    rows = visits.split()
    np.testing.assert_array_equal(rows.patient, [0, 1, 2])
    expected = interval_outcome(
        lower=np.array([120.0, 31.0, 40.0]) / 30.4375,
        upper=np.array([np.inf, 142.0, np.inf]) / 30.4375,
        entry=np.array([31.0, 31.0, 40.0]) / 30.4375,
    )
    assert all(np.allclose(rows.y[name], expected[name]) for name in ("lower", "upper", "entry"))


@pytest.mark.parametrize(
    ("row", "changes", "words"),
    [
        (0, {"patient_id": " "}, "row 1: patient_id is missing"),
        (1, {"mri_date": "2023-02-01"}, "row 2: a second MRI of patient A on one day"),
        (1, {"mri_date": "2023-01-15"}, "row 2: mri_date is before that of a row above of pati"),
        (0, {"mri_date": "2022-12-01"}, "row 1: mri_date is before onset_date"),
        (1, {"mri_date": "2023-09-01"}, "row 2: mri_date is after surgery_date"),
        (4, {"mri_date": "2023-04-01"}, "row 5: mri_date is after exit_date"),
        (4, {"mri_date": "1 March"}, "row 5: mri_date entered as 1 March, but must be a date"),
        (4, {"onset_date": "2000-01-20"}, "row 5: index MRI more than 240 months after onset_date"),
        (2, {"finding": "resorbed"}, "row 3: the index MRI, the first row of patient B, must show"),
        (1, {"finding": "gone"}, "row 2: finding entered as gone, but must be one of herniated"),
        (0, {"size_mm": None}, "row 1: size_mm is missing at the index MRI; it must be"),
        (4, {"size_mm": 70}, "row 5: size_mm entered as 70, but must be a number from 0.5 to 40"),
        (0, {"sequestrated": None}, "row 1: sequestrated is missing at the index MRI"),
        (1, {"leg_pain": None}, "row 2: leg_pain is missing at an MRI that shows the herniation"),
        (1, {"leg_pain": 11}, "row 2: leg_pain entered as 11, but must be a number from 0 to 10"),
        (1, {"onset_date": "2023-01-02"}, "row 2: onset_date differs from that in the first row"),
        (1, {"surgery_date": ""}, "row 2: surgery_date differs from that in the first row"),
        (3, {"exit_date": "2023-06-02"}, "row 4: exit_date differs from that in the first row"),
        (3, {"exit_reason": "end"}, "row 4: exit_reason differs from that in the first row"),
        (4, {"exit_reason": "cured"}, "row 5: exit_reason entered as cured, but must be one of"),
        (4, {"exit_reason": "surgery"}, "row 5: exit_reason surgery and surgery_date go together"),
        (4, {"surgery_date": "2023-03-09"}, "row 5: exit_reason surgery and surgery_date go toge"),
        (4, {"exit_reason": "resorbed"}, "row 5: exit_reason resorbed goes with a last MRI"),
        (3, {"finding": "herniated", "leg_pain": 3}, "row 4: exit_reason resorbed goes with a la"),
        (4, {"exit_date": None}, "row 5: exit_date is missing"),
    ],
)  # fmt: skip
def test_refuses_and_says_where(row: int, changes: dict[str, object], words: str) -> None:
    table = three_patients().astype(object)
    for name, value in changes.items():
        cells = [value if k == row else each for k, each in enumerate(table[name])]
        table[name] = pd.Series(cells, dtype=object)
    with pytest.raises(InputError) as caught:
        visits_from_frame(table)
    assert caught.value.exit_status == 3
    assert f"visits, {words}" in "; ".join(caught.value.with_values)


def test_herniated_again_and_imaged_again() -> None:
    table = three_patients()
    again = table.iloc[[3]].assign(mri_date="2023-07-01", exit_date="2023-06-01")
    with pytest.raises(InputError, match=r"row 6: .*an MRI after the first that shows it resorbed"):
        visits_from_frame(pd.concat([table, again], ignore_index=True))
    again = again.assign(finding="herniated", leg_pain=2)
    with pytest.raises(InputError, match=r"row 6: .*herniated again after it was seen resorbed"):
        visits_from_frame(pd.concat([table, again], ignore_index=True))


def test_a_patient_has_one_centre() -> None:
    table = three_patients().assign(site_id=["X", "Y", "X", "X", "Y"])
    with pytest.raises(InputError, match="row 2: site_id differs from that in the first row of"):
        visits_from_frame(table)


def test_all_problems_at_once() -> None:
    table = three_patients().astype(object)
    table.loc[0, "size_mm"], table.loc[1, "leg_pain"] = "8,0", "bad"
    table.loc[4, "exit_reason"] = "gone"
    with pytest.raises(InputError) as caught:
        visits_from_frame(table)
    assert len(caught.value.problems) == 3
    assert "with a decimal point" in caught.value.problems[0]


def test_other_tables_are_refused() -> None:
    cohort = Simulation(20, seed=1).cohort()
    with pytest.raises(InputError, match="has one row a patient; weights for surgery need one row"):
        visits_from_frame(cohort)
    with pytest.raises(InputError, match="missing columns: leg_pain"):
        visits_from_frame(simulate_visits(20).drop(columns="leg_pain"))
    with pytest.raises(InputError, match="there are no patients in it"):
        visits_from_frame(simulate_visits(20).iloc[:0])
    with pytest.raises(InputError, match="must be a pandas or polars DataFrame, not dict"):
        visits_from_frame({})


@pytest.mark.parametrize(
    ("rows", "changes", "words"),
    [
        ([0, 1], {"exit_date": "2023-08-02"}, "row 2: exit_date must be surgery_date"),
        ([2, 3], {"exit_date": "2023-07-01"}, "row 4: exit_date must be the date of the MRI that"),
        ([2, 3], {"exit_date": "2204-08-12"}, "row 4: exit_date more than 600 months after"),
        ([3], {"mri_date": "2083-06-01"}, "row 4: .*mri_date more than 600"),
    ],
)
def test_exits(rows: list[int], changes: dict[str, str], words: str) -> None:
    table = three_patients().astype(object)
    for name, value in changes.items():
        table.loc[rows, name] = value
    with pytest.raises(InputError, match=words):
        visits_from_frame(table)


def test_a_later_mri_may_be_after_240_months_and_words_in_any_case() -> None:
    table = three_patients().astype(object)
    table.loc[3, "mri_date"] = "2053-06-01"
    table.loc[[2, 3], "exit_date"] = "2053-06-01"
    table["finding"] = table["finding"].str.title()
    table["exit_reason"] = table["exit_reason"].str.upper()
    visits = visits_from_frame(table)
    assert visits.patients.y["upper"][1] > 240.0
    assert visits.operated.tolist() == [True, False, False]


def test_an_empty_centre_is_no_other_centre_and_unreadable_is_told_once() -> None:
    found = visits_from_frame(three_patients().assign(site_id=["", "X", "X", "X", "Y"]))
    assert found.patients.sites == ["X", "X", "Y"]
    table = three_patients().astype(object)
    table.loc[1, "exit_date"] = "soon"
    with pytest.raises(InputError) as caught:
        visits_from_frame(table)
    assert "differs" not in str(caught.value)


def test_rows_without_an_id_are_compared_with_no_other() -> None:
    table = three_patients().astype(object)
    table.loc[[1, 4], "patient_id"] = ""
    with pytest.raises(InputError) as caught:
        visits_from_frame(table)
    told = [each for each in caught.value.problems if "patient_id is missing" in each]
    assert len(told) == 2
    assert all(each.endswith("patient_id is missing") for each in told)


def rows_of_one(dates: list[str], findings: list[str]) -> pd.DataFrame:
    """A patient with an MRI at each of the dates."""
    table = pd.concat([three_patients().iloc[[2]]] * len(dates), ignore_index=True)
    return table.assign(mri_date=dates, finding=findings)


def test_a_date_that_cannot_be_read_hides_no_disorder() -> None:
    dates = ["2023-03-01", "2023-06-01", "soon", "2023-04-01"]
    with pytest.raises(InputError, match=r"row 4: .*mri_date is before that of a row above"):
        visits_from_frame(rows_of_one(dates, ["herniated"] * 4))


def test_all_mris_after_resorption_are_told_of() -> None:
    dates = ["2023-03-01", "2023-06-01", "2023-07-01", "2023-08-01"]
    findings = ["herniated", "resorbed", "herniated", "herniated"]
    with pytest.raises(InputError) as caught:
        visits_from_frame(rows_of_one(dates, findings))
    assert sum("herniated again after" in each for each in caught.value.problems) == 2


def test_size_at_later_mris_is_not_read() -> None:
    table = three_patients().astype(object)
    table.loc[table["patient_id"].duplicated(), "size_mm"] = 0.0
    assert len(visits_from_frame(table).operated) == 3


def test_integers_of_thousands_of_digits_are_text_like_any_other() -> None:
    table = three_patients().astype(object)
    table.loc[4, "patient_id"] = 10**5000
    assert len(visits_from_frame(table).operated) == 3
    table.loc[4, "finding"] = 10**5000
    with pytest.raises(InputError, match="row 5: finding must be one of") as caught:
        visits_from_frame(table)
    assert "finding entered as an integer too long to show" in caught.value.with_values[0]
