"""The simulator: what it draws is what its settings say. Bounds are binomial or of a mean."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import NO_EXITS
from hypothesis import given
from hypothesis import strategies as st

from discresorb import InputError
from discresorb.clock import DAYS_PER_MONTH
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training import Settings, simulate_cohort, simulate_visits
from discresorb_training.case_mix import SIZE_MEAN, SIZE_SD, TYPES
from discresorb_training.cohort import cohort_from_frame
from discresorb_training.simulate import Simulation

N = 20_000
Z = 4.0  # standard errors; every bound here is of this width
A_DAY = 0.6 / DAYS_PER_MONTH  # months; times are whole days, printed to 0.01 months
NEVER = Settings(ever=(-30.0, 0.0, 0.0), lost_by_year=0.0)  # nothing ends follow-up but surgery

Simulated = tuple[pd.DataFrame, pd.DataFrame]


def within(share: float, expected: float, n: float) -> bool:
    return bool(abs(share - expected) < Z * np.sqrt(expected * (1 - expected) / n) + 1e-12)


def same_mean(values: Array, expected: float, sd: float) -> bool:
    return bool(abs(values.mean() - expected) < Z * sd / np.sqrt(len(values)))


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return simulate_cohort(N, seed=7)


def as_csv(frames: Sequence[pd.DataFrame]) -> str:
    stream = io.StringIO()
    for frame in frames:
        frame.to_csv(stream, index=False)
    return stream.getvalue()


def test_same_seed_same_bytes() -> None:
    assert as_csv(simulate_cohort(300, seed=3)) == as_csv(simulate_cohort(300, seed=3))
    assert as_csv(simulate_cohort(300, seed=3)) != as_csv(simulate_cohort(300, seed=4))


def test_the_draws_are_frozen() -> None:
    """These bytes must not change with a library's version."""
    cohort, truth = simulate_cohort(3, seed=1, settings=LAW)
    assert as_csv([cohort]) == FROZEN_COHORT
    assert as_csv([truth]) == FROZEN_TRUTH


def test_other_settings_keep_the_patients() -> None:
    """Visits and exits have draws of their own; more patients leave the first ones as they were."""
    cohort, truth = simulate_cohort(500, seed=3)
    others = Settings(visits="symptoms", surgery_by_year=0.1, surgery_severity=1.0, lost_by_year=0)
    again, same_truth = simulate_cohort(900, seed=3, settings=others)
    patients = ["patient_id", "size_mm", "sequestrated", "months_since_onset"]
    pd.testing.assert_frame_equal(cohort[patients], again.loc[:499, patients])
    pd.testing.assert_frame_equal(truth, same_truth.loc[:499])
    assert not cohort["exit_months"].equals(again.loc[:499, "exit_months"])


def test_case_mix_and_entry(simulated: Simulated) -> None:
    (cohort, truth), settings = simulated, Settings()
    for k, name in enumerate(TYPES):
        of_type = truth["type"] == name
        assert within(of_type.mean(), settings.type_shares[k], N)
        assert (cohort.loc[of_type, "sequestrated"] == (name == "sequestration")).all()
        size = cohort.loc[of_type, "size_mm"].to_numpy()
        assert same_mean(size, SIZE_MEAN[k], SIZE_SD[k])
        assert abs(size.std() / SIZE_SD[k] - 1.0) < Z / np.sqrt(2 * len(size)) + 0.01
    entry = cohort["months_since_onset"].to_numpy()
    assert same_mean(entry, 2.4, 2.4 / np.sqrt(2.0))
    assert within((entry > 2.4).mean(), 3.0 * np.exp(-2.0), N)  # gamma of shape 2: (1 + x) e^-x
    assert entry.min() >= 1 / DAYS_PER_MONTH - 0.005


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_truth_is_the_truth(distribution: str) -> None:
    """True probabilities, averaged over centres, against the times drawn in those centres."""
    settings = replace(NO_EXITS, distribution=distribution, sites=7, shift=-0.3)
    cohort, truth = simulate_cohort(N, seed=5, settings=settings)
    entry = cohort["months_since_onset"]
    after = truth["resorption_months"].fillna(np.inf) - entry
    assert (after >= -0.006).all()
    likely = truth["p_true_6"] >= truth["p_true_6"].median()
    late = entry >= entry.median()
    for months in (3, 6, 12):
        p = truth[f"p_true_{months}"]
        for group in (p >= 0, likely, ~likely, late, ~late):
            error = np.sqrt((p[group] * (1 - p[group])).mean() / group.sum())
            assert abs((after[group] <= months).mean() - p[group].mean()) < Z * error
    assert (truth["never"] == 1).eq(truth["resorption_months"].isna()).all()


def test_the_truth_is_averaged_over_centres() -> None:
    """Patients who are alike have the same p in whatever centre: the plain mean over centres."""
    alike = Settings(type_shares=(0.0, 1.0, 0.0, 0.0), size_sd=(0.0,) * 4, entry_shape=900.0,
                     sites=3, shift=0.4)  # fmt: skip
    simulation = Simulation(300, seed=3, settings=alike)
    cohort, truth = simulation.cohort(), simulation.truth()
    effects = simulation.centre_effects
    assert len(effects) == 3
    same_entry = cohort["months_since_onset"] == cohort["months_since_onset"].mode()[0]
    for months in (3, 6, 12):
        p = truth.loc[same_entry, f"p_true_{months}"]
        assert len(cohort.loc[same_entry, "site_id"].drop_duplicates()) == 3
        assert p.max() == p.min()
        entry = cohort.loc[same_entry, "months_since_onset"].to_numpy()[:1]
        by_centre = alike.process().probability(
            np.array([5.0]), np.zeros(1), entry, entry + months, effects
        )
        assert p.iloc[0] == pytest.approx(by_centre.mean(), abs=5e-4)  # months printed to 0.01
        assert np.ptp(by_centre) > 0.05


def test_centres_differ_as_much_as_set() -> None:
    settings = Settings(sites=500, site_sd=0.8, shift=-0.5)
    cohort, truth = simulate_cohort(N, seed=5, settings=settings)
    effects = truth.groupby(cohort["site_id"])["centre_effect"]
    assert len(effects) == 500
    assert effects.std().max() == pytest.approx(0.0, abs=1e-9)
    values = effects.first().to_numpy()
    assert same_mean(values, -0.5, 0.8)
    assert abs(values.std() / 0.8 - 1.0) < Z / np.sqrt(2 * 500)
    patients = effects.size().to_numpy()  # chi-squared of a share of 1 in 500 each
    assert ((patients - 40.0) ** 2 / 40.0).sum() < 499 + Z * np.sqrt(2 * 499)


def test_balanced_centres_add_up_to_nothing() -> None:
    settings = Settings(sites=20, sites_balanced=True, site_sd=0.8)
    cohort, truth = simulate_cohort(4_000, seed=5, settings=settings)
    effects = truth.groupby(cohort["site_id"])["centre_effect"].first()
    assert list(effects.index) == [f"C{k:02d}" for k in range(1, 21)]
    assert effects.mean() == pytest.approx(0.0, abs=1e-6)
    assert effects.std(ddof=0) == pytest.approx(0.8, abs=1e-6)
    alone, its_truth = simulate_cohort(9, settings=Settings(sites=1, sites_balanced=True))
    assert (its_truth["centre_effect"] == 0.0).all()
    assert (alone["site_id"] == "C01").all()
    assert "site_id" not in simulate_cohort(9)[0]


def test_visits_tell_only_what_was_there_to_see(simulated: Simulated) -> None:
    cohort, truth = simulated
    event = truth["resorption_months"].fillna(np.inf)
    # a day on which nothing is seen yet may print as up to 0.005 months later
    assert (cohort["last_herniated_months"] < event + 0.0051).all()
    seen = cohort["first_resorbed_months"].notna()
    assert (cohort.loc[seen, "first_resorbed_months"] >= event[seen] - 0.0051).all()
    assert (cohort["exit_reason"] == "resorbed").eq(seen).all()
    last = cohort["first_resorbed_months"].fillna(cohort["last_herniated_months"])
    assert (cohort["exit_months"] >= last - 1e-9).all()


def test_planned_visits_come_as_planned() -> None:
    settings = Settings(visit_months=(3.0, 6.0, 12.0), visit_missed=0.2, surgery_by_year=0.0,
                        lost_by_year=0.0, ever=(-30.0, 0.0, 0.0))  # fmt: skip
    visits = simulate_visits(N, seed=2, settings=settings)
    index = visits.groupby("patient_id")["mri_date"].transform("first")
    gap = months_between(index, visits["mri_date"])[gap_is_positive(index, visits)]
    for planned in settings.visit_months:
        around = gap[np.abs(gap - planned) < 1.5]
        assert within(len(around) / N, 0.8, N)
        assert same_mean(around, planned, np.sqrt(1.0 / 6.0))  # triangular on ±1
        assert np.abs(around - planned).max() <= 1.0 + A_DAY
        assert within((np.abs(around - planned) < 0.5).mean(), 0.75, len(around))


def test_visits_by_symptoms_come_as_often_as_set() -> None:
    settings = Settings(visits="symptoms", visit_gap=5.0, visit_severity=0.7, surgery_by_year=0.0,
                        lost_by_year=0.0, ever=(-30.0, 0.0, 0.0), follow_up=60.0)  # fmt: skip
    _, truth = simulate_cohort(4_000, seed=2, settings=settings)
    visits = simulate_visits(4_000, seed=2, settings=settings)
    count = visits.groupby("patient_id").size().to_numpy() - 1
    # a gap is exponential, rounded to days, at least a week
    mean = settings.visit_gap * DAYS_PER_MONTH * np.exp(-0.7 * truth["severity"].to_numpy())
    expected = 60.0 * DAYS_PER_MONTH / (7.0 + mean * np.exp(-7.0 / mean))
    assert abs((count - expected).mean()) < Z * np.sqrt(expected.mean() / 4_000)
    severe = truth["severity"].to_numpy() > 0.0
    for half in (severe, ~severe):
        error = Z * np.sqrt(expected[half].mean() / half.sum())
        assert abs((count - expected)[half].mean()) < error
    assert count[severe].mean() > 1.5 * count[~severe].mean()
    since_onset = months_between(visits["onset_date"], visits["mri_date"])
    gaps = pd.Series(since_onset).groupby(visits["patient_id"]).diff()
    assert gaps.min() >= 7.0 / DAYS_PER_MONTH - 1e-9


def test_resorption_brings_patients_back_as_often_as_set() -> None:
    settings = Settings(visits="symptoms", visit_gap=240.0, visit_severity=0.0,
                        visit_triggered=0.4, surgery_by_year=0.0, lost_by_year=0.0)  # fmt: skip
    cohort, truth = simulate_cohort(N, seed=2, settings=settings)
    event, entry = truth["resorption_months"], cohort["months_since_onset"]
    early = event - entry < 12.0
    delay = (cohort["first_resorbed_months"] - event)[early]
    # within five months nearly every triggered MRI has come, and few of the others
    others = (1.0 - np.exp(-5.0 / 240.0)) * 0.6
    assert within((delay < 5.0).mean(), 0.4 + others, early.sum())
    # after half a month on average, exponential, seen on the next whole day
    triggered = delay[delay < 5.0].to_numpy()
    assert same_mean(triggered, 0.5 + 0.5 / DAYS_PER_MONTH + 2.5 * others / 0.4, 0.6)
    assert within((triggered > 1.0).mean(), np.exp(-2.0) + 0.04, len(triggered))


@pytest.mark.parametrize("log_ratio", [0.0, 1.0])
def test_exits_come_as_often_as_set(log_ratio: float) -> None:
    settings = replace(NEVER, surgery_severity=log_ratio)
    cohort, truth = simulate_cohort(N, seed=2, settings=settings)
    waited = cohort["exit_months"] - cohort["months_since_onset"]
    operated = (cohort["exit_reason"] == "surgery") & (waited <= 12.02)
    assert within(operated.mean(), 0.39, N)
    # Peul 2007: a mean of 18.7 weeks among those operated on within a year
    weeks = waited[operated] * DAYS_PER_MONTH / 7.0
    if not log_ratio:
        assert same_mean(weeks.to_numpy(), 18.7, weeks.std())
        assert within(operated[truth["severity"] > 1].mean(), 0.39, (truth["severity"] > 1).sum())
    else:
        assert operated[truth["severity"] > 1].mean() > 0.6
    lost, _ = simulate_cohort(
        N, seed=2, settings=replace(NEVER, surgery_by_year=0.0, lost_by_year=0.2)
    )
    gone = (lost["exit_reason"] == "lost") & (
        lost["exit_months"] - lost["months_since_onset"] <= 12.02
    )
    assert within(gone.mean(), 0.2, N)


def test_share_seen_resorbed_by_visit_is_what_the_truth_says() -> None:
    """With every patient seen, the share resorbed at a planned MRI is the mean true p then."""
    settings = replace(NO_EXITS, visit_months=(3.0, 6.0, 12.0), visit_jitter=0.0)
    cohort, truth = simulate_cohort(N, seed=6, settings=settings)
    after = cohort["first_resorbed_months"].fillna(np.inf) - cohort["months_since_onset"]
    for months in (3, 6, 12):
        assert within((after < months + 0.03).mean(), truth[f"p_true_{months}"].mean(), N)


def test_severity_goes_with_late_resorption_as_set() -> None:
    """In patients who are alike the rank correlation is that of a bivariate normal."""
    alike = Settings(type_shares=(0.0, 1.0, 0.0, 0.0), size_sd=(0.0,) * 4, entry_shape=900.0,
                     ever=(30.0, 0.0, 0.0))  # fmt: skip
    for link in (0.0, 0.6, -0.3):
        _, truth = simulate_cohort(N, seed=5, settings=replace(alike, severity_resorption=link))
        assert same_mean(truth["severity"].to_numpy(), 0.0, 1.0)
        assert abs(truth["severity"].std() - 1.0) < Z / np.sqrt(2 * N)
        found = truth["severity"].corr(truth["resorption_months"], method="spearman")
        assert abs(found - 6.0 / np.pi * np.arcsin(link / 2.0)) < Z / np.sqrt(N) + 0.01


def test_visits_and_cohort_are_the_same_patients() -> None:
    settings = Settings(sites=3, visits="symptoms")
    cohort, _ = simulate_cohort(400, seed=5, settings=settings)
    visits = simulate_visits(400, seed=5, settings=settings)
    assert visits["patient_id"].drop_duplicates().tolist() == cohort["patient_id"].tolist()
    months = months_between(visits["onset_date"], visits["mri_date"])
    by_patient = visits.assign(months=months).groupby("patient_id", sort=False)
    herniated = visits["finding"] == "herniated"
    last = visits.assign(months=months)[herniated].groupby("patient_id", sort=False)["months"].max()
    first = visits.assign(months=months)[~herniated].groupby("patient_id")["months"].min()
    indexed = cohort.set_index("patient_id")
    assert np.allclose(by_patient["months"].first(), indexed["months_since_onset"], atol=0.0051)
    assert np.allclose(last, indexed["last_herniated_months"], atol=0.0051)
    resorbed = indexed["first_resorbed_months"].dropna()
    assert np.allclose(first, resorbed.loc[first.index], atol=0.0051)
    assert len(first) == len(resorbed)
    assert (by_patient["exit_reason"].first() == indexed["exit_reason"]).all()
    assert (by_patient["site_id"].first() == indexed["site_id"]).all()
    surgery = visits["surgery_date"] != ""
    assert surgery.eq(visits["exit_reason"] == "surgery").all()
    assert (visits["mri_date"] <= visits["exit_date"]).all()
    assert visits.loc[~herniated, "size_mm"].isna().all()
    assert visits["leg_pain"].between(0, 10).all()


@given(
    seed=st.integers(0, 2**63),
    n=st.integers(1, 60),
    sites=st.integers(0, 5),
    plan=st.sampled_from(["protocol", "symptoms"]),
    link=st.floats(-0.95, 0.95),
    shift=st.floats(-5, 5),
    surgery=st.floats(0, 0.99),
)
def test_every_cohort_can_be_read(
    seed: int, n: int, sites: int, plan: str, link: float, shift: float, surgery: float
) -> None:
    settings = Settings(
        sites=sites, visits=plan, severity_resorption=link, shift=shift, surgery_by_year=surgery,
        surgery_severity=link * 3,
    )  # fmt: skip
    table, truth = simulate_cohort(n, seed=seed, settings=settings)
    cohort = cohort_from_frame(table)
    assert sum(list(cohort.flow().values())[1:]) == cohort.flow()["patients"] == n
    p = truth[["p_true_3", "p_true_6", "p_true_12"]].to_numpy()
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p, axis=1) >= 0).all()


BAD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "n is 0": ({"n": 0}, {}),
    "n is 2.5": ({"n": 2.5}, {}),
    "n is True": ({"n": True}, {}),
    "seed is True": ({"seed": True}, {}),
    "scale is '0.4', but must hold numbers": ({}, {"scale": "0.4"}),
    "scale is True, but must hold numbers": ({}, {"scale": True}),
    "scale is None, but must hold numbers": ({}, {"scale": None}),
    "latency is .*, but must hold numbers": ({}, {"latency": ("1", "0", "0")}),
    "latency is .*not of the right shape": ({}, {"latency": ((1.0,), (1.0, 2.0), 0.0)}),
    "sites is True, but must be a whole number": ({}, {"sites": True}),
    "shift is 11, but must be at least -10 and at most 10": ({}, {"shift": 11}),
    "first_imaging_date is '20220103', but": ({}, {"first_imaging_date": "20220103"}),
    "first_imaging_date is '9999-12-31', but": ({}, {"first_imaging_date": "9999-12-31"}),
    "still there at the index MRI, as in a patient of": (
        {},
        {
            "latency": (-50.0, 0.0, 0.0),
            "ever": (50.0, 50.0, 0.0),
            "distribution": "weibull",
            "size_mean": (40.0,) * 4,
        },
    ),
    "seed is -1": ({"seed": -1}, {}),
    "type_shares are": ({}, {"type_shares": (0.5, 0.5, 0.5, 0.5)}),
    "type_shares is .* but must each be": ({}, {"type_shares": (1.5, -0.5, 0.0, 0.0)}),
    "type_shares has 1": ({}, {"type_shares": (1.0,)}),
    "size_mean is .* at least 0.5 and at most 40": ({}, {"size_mean": (3.0, 5.0, 8.0, 90.0)}),
    "size_sd": ({}, {"size_sd": (1.0, 1.0, 1.0, -1.0)}),
    "entry_mean is -1": ({}, {"entry_mean": -1.0}),
    "distribution is 'gamma', but must be one of": ({}, {"distribution": "gamma"}),
    "scale is 0": ({}, {"scale": 0.0}),
    "scale is inf": ({}, {"scale": float("inf")}),
    "ever is": ({}, {"ever": (float("nan"), 0.0, 0.0)}),
    "latency has 2": ({}, {"latency": (1.0, 2.0)}),
    "latency is 'fast', but must hold numbers": ({}, {"latency": "fast"}),
    "latency is 2, which is not of the right shape": ({}, {"latency": 2}),
    "sites is -1, but must be at least 0": ({}, {"sites": -1}),
    "sites is 2.5, but must be a whole number": ({}, {"sites": 2.5}),
    "site_sd is -0.1, but must be at least 0": ({}, {"site_sd": -0.1}),
    "sites_balanced is 1, but must be": ({}, {"sites_balanced": 1}),
    "severity_resorption is 1.0, but must be above -1 and below 1": (
        {},
        {"severity_resorption": 1.0},
    ),
    "visits is 'often', but must be one of protocol": ({}, {"visits": "often"}),
    "precede the index MRI": ({}, {"visit_months": (-3.0, 3.0)}),
    "visits change order": ({}, {"visit_months": (3.0, 4.0)}),
    "visit_months has 0": ({}, {"visit_months": ()}),
    "visit_jitter is -1": ({}, {"visit_jitter": -1.0}),
    "visit_missed is 1.5, but must be at least 0 and at most 0.999": ({}, {"visit_missed": 1.5}),
    "visit_gap is 0": ({}, {"visit_gap": 0.0}),
    "visit_triggered is 1.1": ({}, {"visit_triggered": 1.1}),
    "visit_months .* change order, fall on one day": ({}, {"visit_months": (3.0, 5.0)}),
    "follow_up is 24.5, but the last of visit_months may come at 25": ({}, {"follow_up": 24.5}),
    "type_shares are .*, but must add up to 1": ({}, {"type_shares": (0.05, 0.27, 0.42, 0.23)}),
    "entry_mean is 241": ({}, {"entry_mean": 241.0}),
    "distribution is .*, but must be text": ({}, {"distribution": np.array(["weibull"])}),
    "sites_balanced is 'yes', but must be a bool": ({}, {"sites_balanced": "yes"}),
    "follow_up is 12, but the last of visit_months": ({}, {"follow_up": 12}),
    "surgery_by_year is -0.1": ({}, {"surgery_by_year": -0.1}),
    "surgery_by_year is 1.0": ({}, {"surgery_by_year": 1.0}),
    "lost_by_year is 2": ({}, {"lost_by_year": 2}),
    "first_imaging_date is '2022', but must be a date": ({}, {"first_imaging_date": "2022"}),
    "recruitment_months is -1": ({}, {"recruitment_months": -1}),
}


@pytest.mark.parametrize("words", BAD)
def test_silly_settings_are_refused_by_name(words: str) -> None:
    arguments, settings = BAD[words]
    with pytest.raises(InputError, match=words):
        simulate_cohort(**{"n": 10, **arguments, "settings": Settings(**settings)})


def test_only_settings_are_settings() -> None:
    others: list[Any] = [{}, {"sites": 3}, 0]
    for wrong in others:
        with pytest.raises(InputError, match="but must be a Settings"):
            simulate_cohort(10, settings=wrong)


def test_all_silly_settings_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Settings(scale=-1.0, site_sd=-1.0, visit_missed=2.0)
    assert [each.split()[0] for each in caught.value.problems] == [
        "scale", "site_sd", "visit_missed",
    ]  # fmt: skip


def test_settings_are_plain_values() -> None:
    entered: dict[str, Any] = {"visit_months": [3, np.float64(6)], "sites": np.int64(2)}
    given = Settings(**entered | {"scale": np.float32(0.5)})
    assert given == Settings(visit_months=(3, 6.0), sites=2, scale=0.5)
    assert hash(given)
    assert type(given.sites) is int
    assert type(given.scale) is float
    assert pickle.loads(pickle.dumps(given)) == given


def test_the_class_of_settings_documents_every_setting() -> None:
    for name, value in Settings().to_dict().items():
        assert f"    {name} : " in (Settings.__doc__ or ""), (name, value)
    assert "planned MRI does not happen; at least 0 and at most 0.999. Default: 0.1." in (
        Settings.__doc__ or ""
    )
    sections = [line.strip() for line in (Settings.__doc__ or "").splitlines()]
    assert sections.index("Parameters") < sections.index("Raises")


def months_between(start: pd.Series, end: pd.Series) -> Array:
    days = (pd.to_datetime(end) - pd.to_datetime(start)).dt.days
    return days.to_numpy() / DAYS_PER_MONTH


def gap_is_positive(index: pd.Series, visits: pd.DataFrame) -> Array:
    return (visits["mri_date"] > index).to_numpy()


LAW = Settings(latency=(1.6, -0.01, -0.3), scale=0.45, ever=(-3.1, 0.54, 2.4), sites=2, site_sd=0.5)
FROZEN_COHORT = """\
patient_id,site_id,size_mm,sequestrated,months_since_onset,last_herniated_months,first_resorbed_months,exit_reason,exit_months
S0001,C02,9.4,1,1.08,1.08,3.48,resorbed,3.48
S0002,C01,5.3,0,0.62,12.55,,end,25.63
S0003,C01,6.4,1,4.83,4.83,8.64,resorbed,8.64
"""
FROZEN_TRUTH = """\
patient_id,type,severity,centre_effect,resorption_months,never,p_true_3,p_true_6,p_true_12
S0001,sequestration,0.4612,0.623723,1.4931,0,0.644565,0.858216,0.95278
S0002,protrusion,1.1496,0.088252,,1,0.209793,0.377971,0.480823
S0003,sequestration,1.7116,0.088252,6.0965,0,0.499841,0.669111,0.778716
"""
