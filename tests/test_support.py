"""Warnings outside the training data: one patient and many must agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from discresorb import Predictor
from discresorb.columns import SIZE_MM
from discresorb.support import Support


@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 40), st.sampled_from([0.0, 1.0]), st.floats(0, 20), st.floats(0, 40)
        ),
        min_size=1,
        max_size=20,
    )
)
def test_many_patients_are_flagged_as_each_alone(
    predictor: Predictor, patients: list[tuple[float, float, float, float]]
) -> None:
    support = predictor._support
    size, sequestrated, entry, wait = np.array(patients).T
    flagged = support.outside(np.column_stack([size, sequestrated]), entry, entry + wait)
    for row, (a, b, e, w) in enumerate(patients):
        assert flagged[row] == bool(support.warnings([a, b], e, e + w))


def test_without_a_flag_there_is_one_type() -> None:
    ranges = {0.0: {"size_mm": (2.0, 12.0), "months_since_onset": (0.1, 8.0)}}
    support = Support((SIZE_MM,), None, ranges, 0.98, 30.0)
    assert support.warnings([5.0], 1.0, 6.0) == []
    (words,) = support.warnings([15.0], 1.0, 6.0)
    assert words == (
        "size_mm of 15 mm lies outside the central 98 % of training patients (2 to 12)"
    )


def test_a_type_never_seen_in_training() -> None:
    ranges = {0.0: {"size_mm": (2.0, 12.0), "months_since_onset": (0.1, 8.0)}}
    flag = SIZE_MM.__class__("sequestrated", "flag", "", "", 0.0, 1.0)
    support = Support((SIZE_MM, flag), 1, ranges, 0.98, 30.0)
    assert support.warnings([5.0, 1.0], 1.0, 6.0) == ["no training patients with sequestrated yes"]
    assert support.outside(np.array([[5.0, 1.0]]), np.array([1.0]), np.array([6.0])).all()


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([0.5, 3.0, 8.25, 17.123456, 39.0]),
            st.sampled_from([0.0, 1.0]),
            st.sampled_from([0.0, 0.1, 2.0, 30.0, 200.0]),
            st.sampled_from([0.0, 5.0, 70.0, 400.0]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_many_patients_get_the_words_of_each(
    rows: list[tuple[float, ...]], predictor: Predictor
) -> None:
    of_one_type = replace(predictor._support, ranges={1.0: predictor._support.ranges[1.0]})
    size, flag, entry, wait = np.array(rows).T
    for support in (predictor._support, of_one_type):
        many = support.words(np.column_stack([size, flag]), entry, entry + wait)
        each = [support.warnings([a, b], c, c + d) for a, b, c, d in rows]
        assert many == ["; ".join(words) for words in each]
        outside = support.outside(np.column_stack([size, flag]), entry, entry + wait)
        assert outside.tolist() == [bool(words) for words in each]
