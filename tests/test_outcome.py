"""The outcome array: what is accepted, and all that is wrong at once."""

from __future__ import annotations

import numpy as np
import pytest

from discresorb import InputError
from discresorb_training import interval_outcome


def test_fields_and_default_entry() -> None:
    y = interval_outcome(lower=[1, 2], upper=[3, np.inf])
    assert y.dtype.names == ("lower", "upper", "entry")
    assert y["entry"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("lower", "upper", "entry", "words"),
    [
        ([1, 2], [3], 0, "equally long"),
        ([1, 2], [3, 4], [0], "entry has shape"),
        ([np.nan], [3], 0, "lower must be a finite number"),
        ([1], [np.nan], 0, "upper must be a number"),
        ([-1], [3], 0, "lower must be a finite number of 0 or more"),
        ([1], [3], 2, "lower must not be before entry"),
        ([3], [1], 0, "upper must not be before lower"),
        ([2], [2], 2, "must be after entry"),
        ([0], [0], 0, "must be after entry"),
        ([1], [3], np.inf, "entry must be a finite number"),
    ],
)
def test_refused(lower: list[float], upper: list[float], entry: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        interval_outcome(lower=lower, upper=upper, entry=entry)


def test_every_kind_of_problem_with_its_rows() -> None:
    with pytest.raises(InputError) as caught:
        interval_outcome(lower=[5.0] * 8 + [np.nan], upper=[4.0] * 8 + [9.0], entry=0)
    assert len(caught.value.problems) == 2
    assert "positions 8" in caught.value.problems[0]
    assert "positions 0, 1, 2, 3, 4 and 3 more" in caught.value.problems[1]
