"""Counts over batches and files; what is remembered stays small."""

from __future__ import annotations

import polars as pl
import pytest

from discresorb import Predictor, scoring
from discresorb.frames import score_columns
from discresorb.scoring import Scorer
from discresorb.screen import score_summary
from discresorb.tally import MOST_NAMED, Tally
from discresorb.wording import VALUES_HIDDEN


def tally_of(predictor: Predictor, sizes: list[str]) -> Tally:
    frame = pl.DataFrame({"size_mm": sizes}).with_columns(
        sequestrated=pl.lit("yes"), months_since_onset=pl.lit("1"), months_to_surgery=pl.lit("7")
    )
    return Tally.of(score_columns(Scorer(predictor), frame), guarded=1)


def test_batches_follow_each_other_and_files_begin_anew(predictor: Predictor) -> None:
    total = Tally()
    for name in ("a", "b"):
        of_file = Tally()
        for sizes in (["9", "x"], ["9"], ["", "y", "9"]):
            of_file.add(tally_of(predictor, sizes), name)
        total.add(of_file)
    assert (total.rows, total.scored, total.unscored, total.guarded) == (12, 6, 6, 6)
    assert (total.flagged, total.reasons[0]) == (6, 6)
    kind = total.kinds["size_mm not allowed"]
    assert (kind.count, kind.first) == (4, [("a", 2), ("a", 5), ("b", 2), ("b", 5)])
    assert kind.example.words.startswith("size_mm entered as x")
    assert total.kinds["size_mm missing"].first == [("a", 4), ("b", 4)]


def test_of_many_rows_the_first_are_named(predictor: Predictor) -> None:
    total = Tally()
    for _ in range(3):
        total.add(tally_of(predictor, ["x"] * 4), "a")
    kind = total.kinds["size_mm not allowed"]
    assert (kind.count, len(kind.first)) == (12, MOST_NAMED)
    lines = score_summary(total, 0.2)
    where = "  size_mm not allowed: 12 rows (rows 1, 2, 3, 4, 5, …); size_mm"
    assert lines[1].startswith(f"{where} must be a number")
    assert lines[2] == VALUES_HIDDEN
    shown = score_summary(total, 0.2, show_values=True)
    assert shown[1].startswith(f"{where} entered as x, but must be a number")
    assert VALUES_HIDDEN not in shown


def test_refusals_remembered_are_few_and_short(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_MOST_REMEMBERED", 10)
    scorer = Scorer(predictor)
    rows = {"sequestrated": ["yes"] * 40, "months_since_onset": ["1"] * 40}
    long = pl.DataFrame({**rows, "size_mm": [f"{n}" + "x" * 1_000 for n in range(40)]})
    score_columns(scorer, long)
    assert not scorer._refusals
    short = long.with_columns(pl.col("size_mm").str.head(5))
    first, again = (score_columns(scorer, short).problems for _ in range(2))
    assert first == again
    assert len(scorer._refusals) == 10
