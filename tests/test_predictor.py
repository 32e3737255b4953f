"""One prediction: the seed case, its words, its limits, and the object itself."""

from __future__ import annotations

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from equations import solved
from hypothesis import given
from hypothesis import strategies as st

from discresorb import InputError, Predictor, load
from discresorb.columns import SCORING_COLUMNS
from discresorb.curve import expit
from discresorb.distributions import DISTRIBUTIONS
from discresorb.equation import equation
from discresorb.wording import SYNTHETIC_NOTICE, frequency_sentence, percent

CASE: dict[str, Any] = {
    "size_mm": 11,
    "sequestrated": True,
    "onset_date": "2019-03-01",
    "imaging_date": "2019-03-15",
    "surgery_date": "2019-09-20",
    "symptoms_changed": True,
}


def test_the_case_report_is_imaged_again_for_both_its_reasons(predictor: Predictor) -> None:
    r = predictor.predict(**CASE)
    assert r.reimage
    assert r.reasons[0].startswith(
        "six months or more (from 181 days) between index MRI and surgery"
    )
    assert r.reasons[1].startswith("symptoms changed since the index MRI")
    assert all("case report" in reason for reason in r.reasons[:2])
    assert "Consider imaging again" in r.advice
    assert "cancel" not in r.advice.lower()
    assert 0.5 < r.low < r.probability < r.high < 1.0


def test_what_a_person_reads(predictor: Predictor) -> None:
    text = str(predictor.predict(**CASE))
    assert "If surgery does not happen before 20 Sep 2019, about" in text
    assert "of 100 patients like this would show resorption on MRI" in text
    assert "95 % interval" in text
    assert SYNTHETIC_NOTICE in text
    assert predictor.endpoint in text


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("cure", [True, False])
def test_the_printed_equation_gives_the_prediction(
    predictor: Predictor, distribution: str, cure: bool
) -> None:
    """By hand, from nothing but the lines that show and the JSON twin print."""
    stored = dict(predictor.artifact) | {"distribution": distribution, "cure": cure}
    if not cure:
        stored |= {"cure_coefficients": None, "covariance": np.eye(4)}
    inputs = {"size_mm": 11.0, "sequestrated": 1.0, "entry": 0.5, "horizon": 6.7}
    by_hand = solved(equation(stored), inputs)
    found = Predictor(stored).predict(
        size_mm=11, sequestrated=True, months_since_onset=0.5, months_to_surgery=6.2
    )
    assert found.probability == pytest.approx(by_hand, rel=1e-12)


def test_zero_at_the_index_mri(predictor: Predictor) -> None:
    for entry in (0, 0.5, 240):
        r = predictor.predict(
            size_mm=11, sequestrated=1, months_since_onset=entry, months_to_surgery=0
        )
        assert (r.probability, r.low, r.high) == (0.0, 0.0, 0.0)


@given(
    size=st.floats(0.5, 40),
    sequestrated=st.booleans(),
    entry=st.floats(0, 240),
    wait=st.floats(0, 600),
    later=st.floats(0, 600),
)
def test_never_falls_as_surgery_moves_later(
    predictor: Predictor, size: float, sequestrated: bool, entry: float, wait: float, later: float
) -> None:
    def predict(months: float) -> float:
        r = predictor.predict(
            size_mm=size,
            sequestrated=sequestrated,
            months_since_onset=entry,
            months_to_surgery=months,
        )
        assert 0.0 <= r.low <= r.probability <= r.high <= 1.0
        return r.probability

    assert predict(max(wait, later)) >= predict(min(wait, later)) - 1e-12  # rounding


def test_tends_to_its_limit(predictor: Predictor) -> None:
    """The probability of ever resorbing, for one who is still herniated at entry."""
    stored, x, entry = predictor.artifact, np.array([1.0, 11.0, 0.0]), 2.0
    ever = expit(float(x @ stored["cure_coefficients"]))
    z = (math.log(entry) - float(x @ stored["location"])) / math.exp(stored["log_scale"])
    survival = 1.0 / (1.0 + math.exp(z))
    limit = ever * survival / (1.0 - ever + ever * survival)
    points = predictor.curve(
        size_mm=11, sequestrated=False, months_since_onset=entry, months=[10.0**k for k in range(9)]
    )
    assert np.all(np.diff(points.probability) >= 0.0)
    assert points.probability[-1] == pytest.approx(limit, rel=1e-9)


def test_curve_passes_through_the_prediction(predictor: Predictor) -> None:
    r = predictor.predict(**CASE)
    wait = 189 / 30.4375
    points = predictor.curve(
        size_mm=11,
        sequestrated=True,
        onset_date="2019-03-01",
        imaging_date="2019-03-15",
        months=[0.0, wait],
    )
    assert points.probability[0] == points.low[0] == points.high[0] == 0.0
    np.testing.assert_allclose(
        [points.probability[1], points.low[1], points.high[1]],
        [r.probability, r.low, r.high],
        rtol=1e-12,
    )
    with pytest.raises(InputError, match="months must be numbers of 0 or more"):
        predictor.curve(size_mm=11, sequestrated=True, months_since_onset=1, months=[-1])


def test_all_problems_at_once(predictor: Predictor) -> None:
    with pytest.raises(InputError) as caught:
        predictor.predict(
            size_mm=0, sequestrated="maybe", imaging_date="2019-02-31", symptom_changed=1
        )
    assert len(caught.value.problems) == 5
    assert "did you mean symptoms_changed?" in caught.value.problems[0]
    assert isinstance(caught.value, ValueError)


def test_warns_outside_the_training_data_of_the_type(predictor: Predictor) -> None:
    inside = predictor.predict(**CASE).warnings
    assert inside == (SYNTHETIC_NOTICE,)
    outside = predictor.predict(
        size_mm=25, sequestrated=True, months_since_onset=30, months_to_surgery=60
    )
    words = "; ".join(outside.warnings)
    assert "size_mm of 25 mm lies outside the central 98 %" in words
    assert "months_since_onset of 30 months lies outside" in words
    assert "sequestrated yes" in words
    assert "beyond the longest follow-up" in words
    assert 0.0 < outside.probability < 1.0


def test_immutable_picklable_threadsafe(predictor: Predictor) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        predictor.columns = ()
    with pytest.raises(TypeError):
        predictor.artifact["endpoint"] = "x"  # type: ignore[index]  # that it cannot is the point
    expected = predictor.predict(**CASE)
    for again in (pickle.loads(pickle.dumps(predictor)), copy.deepcopy(predictor)):
        assert again.predict(**CASE) == expected
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: predictor.predict(**CASE), range(50))) == {expected}


def test_a_row_of_the_csv_is_a_call(predictor: Predictor) -> None:
    row: dict[str, Any] = {column.name: "" for column in SCORING_COLUMNS} | {
        "patient_id": "007",
        "size_mm": "11",
        "sequestrated": "yes",
        "months_since_onset": "0.5",
        "months_to_surgery": "6.2",
    }
    typed = predictor.predict(
        size_mm=11, sequestrated=True, months_since_onset=0.5, months_to_surgery=6.2
    )
    assert predictor.predict(**row) == typed


def test_the_sentence_names_no_date_that_the_number_is_not_for(predictor: Predictor) -> None:
    months: dict[str, Any] = {"months_since_onset": 1, "months_to_surgery": 3}
    r = predictor.predict(size_mm=8, sequestrated=0, surgery_date="2035-01-01", **months)
    assert "within 3.0 months of the index MRI" in r.sentence
    with pytest.raises(InputError, match="add up to another time than that between") as caught:
        predictor.predict(
            size_mm=8, sequestrated=0, onset_date="2020-01-01", surgery_date="2020-02-01", **months
        )
    told = "add up to 4, but onset_date and surgery_date are 1.02 months apart"
    assert told in caught.value.with_values[0]


def test_every_problem_of_a_date(predictor: Predictor) -> None:
    with pytest.raises(InputError) as caught:
        predictor.predict(
            size_mm=8,
            sequestrated=0,
            onset_date="1990-01-01",
            imaging_date="2026-01-01",
            surgery_date="2025-01-01",
        )
    assert len(caught.value.problems) == 2


def test_nothing_that_a_predictor_stands_on_can_be_changed(predictor: Predictor) -> None:
    with pytest.raises(ValueError, match="read-only"):
        predictor.artifact["location"][0] = 99.0
    with pytest.raises(AttributeError, match="immutable"):
        del predictor.columns


def test_a_curve_takes_what_a_prediction_takes(predictor: Predictor) -> None:
    rows: list[dict[str, Any]] = [
        {**CASE, "months_since_onset": 0.46, "months_to_surgery": 6.2},
        {**CASE, "surgery_date": ""},
        {"size_mm": 11, "sequestrated": 1, "months_since_onset": 0.46, "months_to_surgery": ""},
        {"size_mm": 11, "sequestrated": 1, "months_since_onset": 0.46, "onset_date": "2019-03-01",
         "imaging_date": "2019-03-15", "surgery_date": math.nan},
    ]  # fmt: skip
    found = [predictor.curve(months=[6.0], **row).probability[0] for row in rows]
    np.testing.assert_allclose(found, found[0], rtol=1e-2)
    with pytest.raises(InputError, match="onset_date and imaging_date, or months_since_onset, are"):
        predictor.curve(months=[6.0], size_mm=11, sequestrated=1)
    with pytest.raises(InputError, match="months must be numbers"):
        predictor.curve(months="abc", size_mm=11, sequestrated=1, months_since_onset=1)


@pytest.mark.parametrize("threshold", [None, "0.2", [0.2], 0, 1.01, math.nan])
def test_thresholds_that_are_none(predictor: Predictor, threshold: Any) -> None:
    with pytest.raises(InputError, match="threshold entered as"):
        predictor.predict(threshold=threshold, **CASE)


def test_where_the_default_model_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, default_path: Path, predictor: Predictor
) -> None:
    monkeypatch.setenv("DISCRESORB_MODEL", str(default_path))
    assert load().model_id == predictor.model_id
    monkeypatch.delenv("DISCRESORB_MODEL")
    assert load().model_id == predictor.model_id


def test_a_probability_is_never_worded_as_a_certainty() -> None:
    rare = frequency_sentence(0.001, 0.0002, 0.004, 1.0, None)
    assert "about fewer than 1 of 100" not in rare
    assert "fewer than 1 of 100" in rare
    assert percent(0.005) == "fewer than 1"
    assert percent(0.0) == "0"  # surgery on the day of the index MRI
    assert percent(0.995) == percent(1.0) == "more than 99"  # 1.0 is what rounding left of less
    sure = frequency_sentence(0.999, 0.99, 0.9999, 1.0, None)
    assert "more than 99 of 100" in sure
    assert "within 1.0 months of the index MRI" in sure
