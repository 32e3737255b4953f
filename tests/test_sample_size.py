"""Sample size by Riley et al. 2019: the published example, the criteria's meaning, and edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import simulated
from hypothesis import given
from hypothesis import strategies as st

from discresorb import InputError
from discresorb_training import interval_outcome, support_of
from discresorb_training.cohort_support import parameters_of
from discresorb_training.sample_size import (
    expected_shrinkage,
    highest_r2,
    needed_patients,
    parameters_supported,
    patients_for_risk,
    patients_for_shrinkage,
    sample_size,
    shrinkage_for_optimism,
)


def test_the_published_example() -> None:
    """The paper's model of recurrent venous thromboembolism."""
    need = sample_size(30, r2=0.051, rate=0.065, follow_up=2.07, time_point=2.0)
    assert need.patients == need.for_shrinkage == 5143
    assert need.events_per_parameter == pytest.approx(23.06, abs=0.01)
    assert need.highest_r2 == pytest.approx(0.555, abs=0.0005)


def test_frozen_without_r2() -> None:
    need = sample_size(4, rate=0.074, follow_up=3.84, time_point=6.0)
    share = 0.074 * 3.84
    assert need.highest_r2 == pytest.approx(1.0 - math.exp(2 * share * (math.log(share) - 1)))
    assert need.r2 == pytest.approx(0.15 * need.highest_r2)
    assert need.for_shrinkage == math.ceil(4 / (-0.1 * math.log(1.0 - need.r2 / 0.9)))
    assert needed_patients(4, share) == max(need.for_shrinkage, need.for_optimism)


def test_the_unit_of_time_does_not_matter() -> None:
    years = sample_size(10, rate=0.3, follow_up=1.5, time_point=1.0)
    months = sample_size(10, rate=0.3 / 12, follow_up=18.0, time_point=12.0)
    for name in ("r2", "for_shrinkage", "for_optimism", "for_risk", "patients"):
        assert getattr(years, name) == pytest.approx(getattr(months, name))


@given(rate=st.floats(0.001, 5.0), follow_up=st.floats(0.1, 50.0), time_point=st.floats(0.1, 50.0))
def test_the_overall_risk_is_as_near_as_asked(
    rate: float, follow_up: float, time_point: float
) -> None:
    """With so many patients it is within the margin, with 1 % fewer not, by either end."""
    risk = 1.0 - math.exp(-rate * time_point)

    def error(patients: float) -> float:
        spread = 1.96 * math.sqrt(rate / (patients * follow_up))
        ends = (1.0 - math.exp(-max(rate + s * spread, 0.0) * time_point) for s in (-1.0, 1.0))
        return max(abs(end - risk) for end in ends)

    need = patients_for_risk(rate, follow_up, time_point)
    if need:
        assert error(need) <= 0.05 + 1e-9
    if need > 200:
        assert error(0.99 * need) > 0.05


@given(
    share=st.floats(0.001, 1.0),
    part=st.floats(0.001, 1.0),
    parameters=st.integers(1, 200),
    patients=st.integers(1, 10**6),
)
def test_criteria_and_their_inversions_agree(
    share: float, part: float, parameters: int, patients: int
) -> None:
    highest = highest_r2(share)
    r2 = part * highest
    assert 0.0 < highest < 0.9
    n = needed_patients(parameters, share, r2)
    assert n is not None
    assert expected_shrinkage(n, parameters, r2) >= 0.9 - 1e-9
    assert parameters_supported(n, r2, highest) >= parameters
    supported = parameters_supported(patients, r2, highest)
    assert (needed_patients(supported, share, r2) or 0) <= patients + 1
    assert (needed_patients(supported + 1, share, r2) or 0) >= patients
    shrinkage = expected_shrinkage(patients, parameters, r2)
    assert r2 <= shrinkage <= 1.0
    if shrinkage > r2 * (1.0 + 1e-6) and shrinkage < 1.0 - 1e-9:
        assert patients_for_shrinkage(parameters, r2, shrinkage) == pytest.approx(patients, abs=1.1)


def test_optimism_is_what_it_says() -> None:
    """Apparent R² = R²/S; both over the largest differ by 0.05."""
    shrinkage = shrinkage_for_optimism(0.2, 0.7)
    assert (0.2 / shrinkage - 0.2) / 0.7 == pytest.approx(0.05)


def test_limits() -> None:
    assert highest_r2(0.0) == 0.0
    assert highest_r2(1.0) == pytest.approx(1.0 - math.exp(-2.0))
    assert needed_patients(4, 0.0) is None
    assert needed_patients(0, 0.3) == 0
    assert expected_shrinkage(100, 0, 0.1) == 1.0
    assert expected_shrinkage(0, 4, 0.1) == expected_shrinkage(1, 10**6, 0.1) == 0.1
    none = sample_size(0, rate=0.1, follow_up=2.0, time_point=1.0)
    assert none.events_per_parameter is None
    # by then everybody has, at every rate above 0, which 1.96 standard errors must not reach
    assert patients_for_risk(0.5, 2.0, 1e9) == math.ceil(1.96**2)
    assert patients_for_risk(0.5, 2.0, 1e-9) == 0
    with pytest.raises(InputError, match=r"these figures ask for 1e\+12 patients or more"):
        sample_size(3, rate=1e-320, follow_up=1.0, time_point=1.0)
    assert none.patients == none.for_risk
    assert "0 parameters needs" in none.lines()[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate": 0.6}, "1.2 events per patient, but nobody resorbs twice"),
        ({"rate": 0.0}, "rate is 0.0, but must be above 0"),
        ({"follow_up": math.nan}, "follow_up is nan, but must be above 0"),
        ({"time_point": -1.0}, "time_point is -1.0, but must be above 0"),
        ({"r2": 0.0}, "r2 is 0.0, but must be above 0"),
        ({"r2": 0.7}, "at most 0.6"),
        ({"r2_share": 0.0}, "r2_share is 0.0, but must be above 0 and at most 1"),
        ({"parameters": -1}, "parameters is -1, but must be a whole number"),
    ],
)
def test_figures_that_make_no_sense(changes: dict[str, float], words: str) -> None:
    figures: dict[str, float] = {"rate": 0.1, "follow_up": 2.0, "time_point": 1.0, **changes}
    parameters = figures.pop("parameters", 3)
    with pytest.raises(InputError, match=words):
        sample_size(parameters, **figures)  # type: ignore[arg-type]  # wrong on purpose


def test_a_cohort_by_hand() -> None:
    """Three of four imaged again: 2 months to 3, 4 to 8, and 6 without; 1 + 2.5 … at risk."""
    y = interval_outcome(
        lower=[2.0, 4.0, 7.0, 1.0], upper=[3.0, 8.0, np.inf, np.inf], entry=[1.0, 4.0, 1.0, 1.0]
    )
    found = support_of(y, 4, time_point=3.0)
    assert (found.patients, found.informative, found.events) == (4, 3, 2)
    assert found.person_months == pytest.approx(1.5 + 2.0 + 6.0)
    assert found.need is not None
    assert found.need.rate == pytest.approx(2 / 9.5)
    assert found.need.follow_up == pytest.approx(9.5 / 3)
    assert found.supported == 0
    assert not found.suffices
    assert found.needed_in_all == math.ceil(found.needed * 4 / 3)  # type: ignore[operator]
    assert parameters_of(2) == 4
    assert parameters_of(2, cure=False) == 2


def test_more_patients_support_more() -> None:
    y = simulated(1200, seed=4)[1]
    found = support_of(y, 4)
    assert found.suffices
    assert found.shrinkage is not None
    assert found.shrinkage > 0.9
    assert found.supported > 4
    assert "These patients are enough for it." in found.lines()
    few = support_of(y[:150], 4)
    assert not few.suffices
    assert few.needed == pytest.approx(found.needed, rel=0.5)
    assert any("update an existing model" in each for each in few.lines())
    assert few.to_dict()["patients_needed"] == few.needed


def test_words_at_the_edges() -> None:
    nobody = interval_outcome(lower=[3.0, 1.0], upper=[np.inf, np.inf], entry=[1.0, 1.0])
    found = support_of(nobody, 4)
    assert (found.needed, found.needed_in_all, found.shrinkage, found.supported) == (
        None, None, None, 0,
    )  # fmt: skip
    assert "nobody was seen to resorb" in " ".join(found.lines())
    never = support_of(nobody[1:], 4)
    assert (never.informative, never.suffices) == (0, False)
    assert "0 imaged after the index MRI" in never.lines()[0]
    everyone = interval_outcome(lower=[1.0] * 50, upper=[3.0] * 50, entry=[1.0] * 50)
    all_seen = support_of(everyone, 4)
    assert all_seen.need is not None
    assert all_seen.need.highest_r2 == pytest.approx(1.0 - math.exp(-2.0))
    assert all_seen.lines()
    with pytest.raises(InputError, match="parameters is -2"):
        support_of(nobody, -2)
    with pytest.raises(InputError, match=r"r2 is 0\.9"):
        support_of(everyone, 4, r2=0.9)


def test_the_slopes_may_be_supported_and_the_risk_not() -> None:
    y = simulated(150, seed=4)[1]
    said = " ".join(support_of(y, 0).lines())
    assert "The slopes are supported, the overall risk is not." in said
    assert "fewer parameters" not in said
