"""Waiting lists of any length, for tests of scoring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

__all__ = ["BAD", "GOOD", "HEADER", "small_lists", "waiting_list"]

HEADER = "patient_id,size_mm,sequestrated,months_since_onset,months_to_surgery"
GOOD = f"{HEADER}\nA,9,yes,1,3\nB,8,no,2,7\n"
BAD = f"{HEADER}\nC,9,yes,1,3\n=D,99,no,x,7\nE,7\n"


def small_lists(folder: Path) -> Path:
    """Put lists into a folder: one to be scored, one with problems, one that is none."""
    (folder / "good.csv").write_text(GOOD)
    (folder / "bad.csv").write_text(BAD)
    (folder / "unfit.csv").write_text("a;b\n1;2\n")
    return folder


def waiting_list(n: int, *, bad: int = 0) -> pl.DataFrame:
    """Make a list as text; the last row of each `bad` rows has two problems."""
    rng = np.random.default_rng(7)
    start = np.datetime64("2024-01-01") + rng.integers(0, 600, n)
    imaged = start + rng.integers(0, 250, n)
    surgery = imaged + rng.integers(0, 400, n)
    size = np.round(rng.uniform(0.5, 20.0, n), 1).astype(str).astype(object)
    flag = np.array(["yes", "no", "1", "0.0"], dtype=object)[rng.integers(0, 4, n)]
    if bad:
        size[bad - 1 :: bad] = "8,2"
        flag[bad - 1 :: bad] = None
    return pl.DataFrame(
        {
            "patient_id": [f"{i:07d}" for i in range(n)],
            "size_mm": size,
            "sequestrated": flag,
            "onset_date": start.astype(str),
            "imaging_date": imaged.astype(str),
            "surgery_date": surgery.astype(str),
            "note": np.array(["", "a, b", 'says "x"', "=1+1"], dtype=object)[np.arange(n) % 4],
        },
        schema_overrides={"size_mm": pl.String, "sequestrated": pl.String},
    ).with_columns(pl.col("note").replace("", None))
