"""Selection: folds, scores by hand, and the cure fraction kept only if it earns its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import EVERYBODY, simulated

from discresorb_training import ResorptionModel, TrainingError
from discresorb_training.selection import Candidate, choose, compare, fold_of_rows


def test_folds_share_events_and_are_the_same_for_a_seed() -> None:
    X, y = simulated(203)
    fold = fold_of_rows(X.to_numpy(), y, 5, seed=1)
    seen = np.isfinite(y["upper"])
    assert np.ptp(np.bincount(fold)) <= 1
    assert np.ptp(np.bincount(fold[seen])) <= 1
    assert np.ptp(np.bincount(fold[seen & (X["sequestrated"] == 1)])) <= 1
    np.testing.assert_array_equal(fold, fold_of_rows(X.to_numpy(), y, 5, seed=1))
    assert (fold != fold_of_rows(X.to_numpy(), y, 5, seed=2)).any()


@pytest.mark.parametrize("cure", [False, True])
def test_the_score_is_of_patients_held_out(cure: bool) -> None:
    """With a cure fraction the penalty goes by the SD of those who are fitted, not of all."""
    frame, y = simulated(300)
    X = frame.to_numpy()
    found = compare(X, y, distributions=["weibull"], cures=[cure], penalty=5.0, seed=3)[0]
    fold = fold_of_rows(X, y, 5, seed=3)
    total = 0.0
    for held_out in range(5):
        test = fold == held_out
        model = ResorptionModel("weibull", cure=cure, penalty=5.0).fit(X[~test], y[~test])
        total += model.score(X[test], y[test]) * test.sum()
    assert found.log_score == pytest.approx(total / 300, rel=1e-8)  # it starts elsewhere


def test_the_penalty_is_part_of_what_is_compared() -> None:
    X, y = (np.asarray(part) for part in simulated(300))

    def score(penalty: float) -> float | None:
        return compare(X, y, distributions=["weibull"], cures=[True], penalty=penalty)[0].log_score

    assert score(0.5) != score(5.0)


def test_prefers_the_truth() -> None:
    cured = compare(*(np.asarray(part) for part in simulated(1500)))
    assert choose(cured).cure
    everybody = replace(EVERYBODY, distribution="weibull", surgery_by_year=0.1)
    found = choose(compare(*(np.asarray(part) for part in simulated(1500, settings=everybody))))
    assert (found.distribution, found.cure) == ("weibull", False)


def test_choose() -> None:
    a, b = Candidate("a", False, -1.0), Candidate("b", True, -1.0)
    failed = Candidate("c", True, None, "why")
    assert choose([a, b, failed]) is a
    with pytest.raises(TrainingError, match="no model can be fitted to these data: why"):
        choose([failed, failed])
