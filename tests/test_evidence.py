"""The evidence: every number has a source, assumptions stand apart, targets are complete."""

from __future__ import annotations

import math

import pytest

from discresorb_training.evidence import Published, published, read_data, targets


def test_every_row_says_where_it_was_read() -> None:
    rows = published()
    assert len(rows) == len({row.key for row in rows}) == 32
    for row in rows:
        assert row.study
        assert row.identifier
        assert row.design in ("single", "pooled")
        assert row.role in ("target", "context", "waiting list")
        assert math.isnan(row.proportion) or 0.0 <= row.proportion <= 1.0


def test_counts_and_proportions_agree() -> None:
    for row in published():
        if row.n and row.resorbed is not None and not math.isnan(row.proportion):
            # pooling weighs studies by their precision, not by their patients
            tolerance = 0.02 if row.design == "pooled" else 0.006
            assert row.resorbed / row.n == pytest.approx(row.proportion, abs=tolerance), row.key
        if row.low is not None and row.high is not None:
            assert row.low <= row.proportion <= row.high, row.key


def test_assumptions_stand_apart() -> None:
    header = read_data("published.csv").splitlines()[0]
    assert "assumed" not in header
    assert "mean_entry" not in header


def test_targets_can_be_simulated() -> None:
    rows = targets()
    assert len(rows) == 17
    for row in rows:
        assert row.months > 0.0
        assert sum(row.assumed.type_shares) == pytest.approx(1.0)
        # where months are printed nothing is assumed about them
        assert (row.published.months is None) == (row.assumed.months is not None)


def test_the_waiting_list_is_no_target() -> None:
    by_key: dict[str, Published] = {row.key: row for row in published()}
    assert by_key["hutton2023_radiologic"].role == "waiting list"
    assert by_key["hutton2023_radiologic"].proportion == 0.187
