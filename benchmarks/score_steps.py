"""Where scoring's time goes, step by step in one thread, and how fast its core alone is.

benchmarks/score.py runs this: python benchmarks/score_steps.py steps list.csv
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from side_by_side import seconds

from discresorb import load
from discresorb.advice import DEFAULT_THRESHOLD, reason_bits
from discresorb.columns import DATE_COLUMNS
from discresorb.distributions import Array
from discresorb.frames import score_columns
from discresorb.inputs import input_of
from discresorb.scoring import Scored, Scorer, Words
from discresorb.sources import opened
from discresorb.writing import CsvWriter

REPEATS = 7
CORE_BOUND = 5
FRAME_ROWS = 500_000
CORE_ROWS, CORE_BATCH = 2_000_000, 65_536
READING, CONVERTING, SCORING = "reading", "validating and converting", "scoring"
WORDING, WRITING = "wording", "writing"
STEPS = (READING, CONVERTING, SCORING, WORDING, WRITING)


class Stopwatch:
    """CPU seconds by step; a step within another counts for itself alone."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STEPS, 0.0)
        self._within: list[str] = []
        self._since = time.process_time()

    def enter(self, step: str) -> None:
        """Begin a step."""
        self._count()
        self._within.append(step)

    def leave(self) -> None:
        """End it."""
        self._count()
        self._within.pop()

    def _count(self) -> None:
        now = time.process_time()
        if self._within:
            self.spent[self._within[-1]] += now - self._since
        self._since = now

    def around(self, owner: Any, name: str, step: str) -> None:
        """Count all calls of a function for a step."""
        function = getattr(owner, name)

        @wraps(function)
        def counted(*arguments: Any, **options: Any) -> Any:
            self.enter(step)
            try:
                return function(*arguments, **options)
            finally:
                self.leave()

        setattr(owner, name, counted)


def scored_in_steps(watch: Stopwatch, source: str, target: str) -> int:
    """Score a file as the command does, batch by batch, one step after the other."""
    scorer, count = Scorer(load()), 0
    with opened(source) as file, Path(target).open("wb") as stream:
        data, writer = input_of(file), CsvWriter(stream)
        parts = iter(data.parts())
        while True:
            watch.enter(READING)
            part = next(parts, None)
            rows = None if part is None else data.load(part)
            watch.leave()
            if rows is None:
                return count
            scored = score_columns(scorer, rows.frame, rows.ragged)
            content = writer.render(rows, scored).content
            watch.enter(WRITING)
            stream.writelines(content)
            watch.leave()
            count += len(scored)


def steps(source: str, target: str) -> None:
    """Print CPU nanoseconds a row for each step."""
    watch = Stopwatch()
    watch.around(Scorer, "score", CONVERTING)
    watch.around(Scorer, "_scored", SCORING)
    watch.around(Scorer, "_warnings", WORDING)
    watch.around(Words, "at", WORDING)
    watch.around(Scored, "frame", WORDING)
    watch.around(CsvWriter, "render", WRITING)
    scored_in_steps(watch, source, target)  # the first time imports
    found: dict[str, list[float]] = {step: [] for step in STEPS}
    for _ in range(REPEATS):
        watch.spent = dict.fromkeys(STEPS, 0.0)
        count = scored_in_steps(watch, source, target)
        for step in STEPS:
            found[step].append(1e9 * watch.spent[step] / count)
    each = {step: median(values) for step, values in found.items()}
    total = sum(each.values())
    print(f"where the time goes, {count:,} rows in one thread, CPU ns a row, medians of {REPEATS}")
    for step, value in each.items():
        print(f"  {step:26}{value:7.0f}{100 * value / total:6.0f} %")
    print(f"  {'together':26}{total:7.0f}")


def core() -> None:
    """Print how many rows a second the formula, its interval and the two checks take on arrays."""
    predictor, rng = load(), np.random.default_rng(1)
    design = np.empty((3, CORE_ROWS))
    design[0] = 1.0
    design[1] = rng.normal(7.5, 2.5, CORE_ROWS).clip(0.5, 25.0).round(1)
    design[2] = rng.random(CORE_ROWS) < 0.25
    entry = rng.gamma(2.0, 1.3, CORE_ROWS) + 0.1
    wait = rng.gamma(2.0, 2.1, CORE_ROWS) + 0.3
    changed = np.where(rng.random(CORE_ROWS) < 1 / 6, 1.0, np.nan)

    def batch(start: int) -> Array:
        part = slice(start, start + CORE_BATCH)
        own, since, further = design[:, part].T, entry[part], wait[part]
        horizon = since + further
        p, _, _ = predictor._curve.interval(own, since, horizon)
        bits = reason_bits(p, further, changed[part], DEFAULT_THRESHOLD)
        return bits + 8 * predictor._support.outside(own[:, 1:], since, horizon)

    starts = range(0, CORE_ROWS, CORE_BATCH)

    def with_threads(threads: int) -> Sequence[Array]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(batch, starts))

    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(REPEATS):
        for threads, rates in found.items():
            rates.append(CORE_ROWS / seconds(partial(with_threads, threads)) / 1e6)
    print("the core alone: probability, interval, reasons, range check; typed arrays in memory")
    for threads, rates in found.items():
        print(f"  {threads} thread{'s' if threads > 1 else ''}: {median(rates):.1f} million rows a "
              f"second ({min(rates):.1f} to {max(rates):.1f})")  # fmt: skip
    holds = max(map(median, found.values())) >= CORE_BOUND
    print(f"  bound {CORE_BOUND}, the better of both: {'holds' if holds else 'DOES NOT HOLD'}")


def frames(source: str) -> None:
    """Print what `Predictor.score` costs on frames of either kind."""
    import pandas as pd
    import polars as pl

    predictor = load()
    typed = pl.read_csv(source, try_parse_dates=True, n_rows=FRAME_ROWS)
    dates = [column.name for column in DATE_COLUMNS]
    days = {name: typed[name].to_list() for name in dates}
    # not to_pandas, which takes another library
    in_pandas = pd.DataFrame({name: typed[name].to_list() for name in typed.columns})
    in_pandas = in_pandas.assign(**{name: pd.Series(days[name], dtype=object) for name in dates})
    stamps = in_pandas.assign(**{name: pd.to_datetime(in_pandas[name]) for name in dates})
    kinds: dict[str, Any] = {
        "polars, typed": typed,
        "polars, text": pl.read_csv(source, infer_schema=False, n_rows=FRAME_ROWS),
        "pandas, dates as datetime64": stamps,
        "pandas, dates as Python's own": in_pandas,
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(REPEATS):
        for name, frame in kinds.items():
            found[name].append(seconds(partial(predictor.score, frame)))
    print(f"Predictor.score on frames of {len(typed):,} rows, ns a row, medians of {REPEATS}")
    for name, each in found.items():
        print(f"  {name:32}{1e9 * median(each) / len(typed):6.0f}")


if __name__ == "__main__":
    parts: dict[str, Callable[..., None]] = {"steps": steps, "core": core, "frames": frames}
    parts[sys.argv[1]](*sys.argv[2:])
