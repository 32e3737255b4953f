"""Reasons to image again: when each applies, and how they are worded."""

from __future__ import annotations

import math

import numpy as np
import pytest

from discresorb import InputError
from discresorb.advice import (
    CHANGED,
    LIKELY,
    LONG_WAIT,
    advice_sentence,
    check_threshold,
    reason_bits,
    reason_sentences,
    short_reasons,
    threshold_from_costs,
)
from discresorb.clock import SIX_MONTHS


@pytest.mark.parametrize(
    ("p", "wait", "changed", "expected"),
    [
        (0.19, 5.9, 0.0, 0),
        (0.19, 5.9, math.nan, 0),
        (0.20, 5.9, 0.0, LIKELY),
        (0.19, SIX_MONTHS, 0.0, LONG_WAIT),
        (0.19, 0.0, 1.0, CHANGED),
        (0.9, 12.0, 1.0, LONG_WAIT + CHANGED + LIKELY),
    ],
)
def test_when_each_reason_applies(p: float, wait: float, changed: float, expected: int) -> None:
    assert reason_bits(p, wait, changed, 0.20) == expected
    many = reason_bits(np.array([p]), np.array([wait]), np.array([changed]), 0.20)
    assert many.tolist() == [expected]


def test_every_number_has_its_words() -> None:
    sentences, names = reason_sentences(0.3), short_reasons(0.3)
    assert len(sentences) == len(names) == 8
    for number in range(8):
        assert len(sentences[number]) == len(names[number]) == number.bit_count()
    assert "the case report's rule, not a guideline" in sentences[LONG_WAIT][0]
    assert "the case report's rule, not a guideline" in sentences[CHANGED][0]
    assert "0.3" in sentences[LIKELY][0]


def test_advice_is_never_an_order() -> None:
    for reasons in reason_sentences(0.2):
        words = advice_sentence(reasons).lower()
        assert "cancel" not in words
        assert "must" not in words
        assert "consider" in words or "clinical judgement comes first" in words


def test_threshold_from_costs() -> None:
    assert threshold_from_costs(300, 6000) == 0.05
    for scan, operation in ((0, 1), (2, 1), (1, math.inf), (-1, 1), (math.nan, 1)):
        with pytest.raises(InputError, match="both must be above 0"):
            threshold_from_costs(scan, operation)


def test_thresholds() -> None:
    assert check_threshold(1) == 1
    for bad in (0, -0.1, 1.1, math.nan):
        with pytest.raises(InputError, match="must be a number above 0 and at most 1"):
            check_threshold(bad)
