"""A waiting list as long as asked for, written piece by piece; no row is a patient.

Run: python benchmarks/long_lists.py 2000000 list.csv [--problems 0.01]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from discresorb.clock import DAYS_PER_MONTH
from discresorb.columns import DATE_COLUMNS, MONTHS_COLUMNS, SCORING_COLUMNS

PIECE = 250_000
BY_MONTHS = 0.15
FIRST_DAY = np.datetime64("2023-01-01")
LEVELS = ("L3-4", "L4-5", "L4-5", "L5-S1", "L5-S1")
CHANGED = (None, None, None, "no", "no", "yes")
NAMES = [column.name for column in SCORING_COLUMNS] + ["level"]
DATES = [column.name for column in DATE_COLUMNS]
MONTHS = [column.name for column in MONTHS_COLUMNS]

# what goes wrong in real lists, one fault a row
FAULTS: tuple[tuple[str, str | None], ...] = (
    ("size_mm", None),
    ("size_mm", "82"),
    ("size_mm", "8,2"),
    ("sequestrated", "perhaps"),
    ("sequestrated", None),
    ("symptoms_changed", "a bit"),
)


def piece(first: int, problems: float) -> pl.DataFrame:
    """Draw some rows as text; the same rows whatever the length of the list."""
    count, rng = PIECE, np.random.default_rng([1, first])
    sequestrated = rng.random(count) < 0.25
    size = np.where(sequestrated, rng.normal(8.5, 2.7, count), rng.normal(7.0, 2.5, count))
    onset = FIRST_DAY + rng.integers(0, 900, count)
    gap = np.maximum(3, rng.gamma(2.0, 40.0, count)).astype(int)
    wait = (10 + rng.gamma(2.0, 65.0, count)).astype(int)
    frame = pl.DataFrame(
        {
            "patient_id": [f"P{number:09d}" for number in range(first, first + count)],
            "size_mm": np.clip(size, 0.5, 25.0).round(1),
            "sequestrated": _chosen(("no", "yes"), sequestrated.astype(int)),
            **{
                name: pl.Series(days).cast(pl.Date)
                for name, days in zip(DATES, (onset, onset + gap, onset + gap + wait), strict=True)
            },
            **{
                name: (days / DAYS_PER_MONTH).round(1)
                for name, days in zip(MONTHS, (gap, wait), strict=True)
            },
            "symptoms_changed": _chosen(CHANGED, rng.integers(0, len(CHANGED), count)),
            "level": _chosen(LEVELS, rng.integers(0, len(LEVELS), count)),
        }
    )
    by_months = pl.Series(rng.random(count) < BY_MONTHS)
    kept = [pl.when(~by_months).then(pl.col(name)).alias(name) for name in DATES]
    kept += [pl.when(by_months).then(pl.col(name)).alias(name) for name in MONTHS]
    text = frame.with_columns(*kept).with_columns(pl.all().cast(pl.String)).select(NAMES)
    return _spoilt(text, rng, problems) if problems else text


def _chosen(words: tuple[str | None, ...], which: Any) -> pl.Series:
    return pl.Series(words, dtype=pl.String).gather(which)


def _spoilt(text: pl.DataFrame, rng: np.random.Generator, share: float) -> pl.DataFrame:
    fault = rng.integers(0, len(FAULTS), len(text))
    fault[rng.random(len(text)) >= share] = -1
    code = pl.Series(fault)
    for number, (name, cell) in enumerate(FAULTS):
        spoilt = pl.when(code == number).then(pl.lit(cell)).otherwise(pl.col(name))
        text = text.with_columns(spoilt.cast(pl.String).alias(name))
    return text


def write_list(rows: int, path: Path, problems: float = 0.0) -> None:
    """Write a list as CSV."""
    with path.open("wb") as stream:
        for first in range(0, rows, PIECE):
            part = piece(first, problems).head(rows - first)
            part.write_csv(stream, include_header=first == 0)


def main() -> None:
    """Write the list that is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--problems", type=float, default=0.0)
    asked = parser.parse_args()
    write_list(asked.rows, asked.path, asked.problems)


if __name__ == "__main__":
    main()
