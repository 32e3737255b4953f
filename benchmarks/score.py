"""Scoring files of millions of rows against reading and writing them, pandas and lifelines.

Run: python benchmarks/score.py > benchmarks/results/score.txt   (a quarter of an hour, and 15 GB of
disk where TMPDIR points). `python benchmarks/score.py 0.05` tries it out on lists so much shorter.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from children import Ended, python, spread, take_turns
from side_by_side import heading

USUAL, LARGE = 2_000_000, 10_000_000
FLOOR_BOUND, FLOOR_AIM = 2.0, 1.5
MEMORY_BOUND = 600
DISK_NEEDED = 15e9
REPEATS, FEWER = 7, 3
LIFELINES_ROWS = 10_000


class Bench:
    """Lists of one folder, and the command on them.

    Parameters
    ----------
    folder : Path
        Where they are.
    shrink : float
        By how much lists are shorter than they should be; 1 for the real thing.
    """

    def __init__(self, folder: Path, shrink: float) -> None:
        self.folder, self._shrink = folder, shrink
        self.written: dict[str, int] = {}

    def rows(self, count: int) -> int:
        """Give a number of rows, shrunk."""
        return max(LIFELINES_ROWS, int(count * self._shrink))

    def at(self, name: str) -> Path:
        """Give a file's place."""
        return self.folder / name

    def make(self, count: int, name: str, problems: float = 0.0) -> Path:
        """Make a list in a program of its own, so that this one stays small."""
        python("long_lists.py", self.rows(count), self.at(name), "--problems", problems)
        return self.at(name)

    def score(self, source: str, target: str, *options: str, keep: bool = False) -> Ended:
        """Run `discresorb score`; rows with problems are no failure."""
        arguments = ("-m", "discresorb", "score", self.at(source), "-o", self.at(target), *options)
        ended = python(*arguments, expected=(0, 4))
        self.written[target] = self.at(target).stat().st_size
        if not keep:
            self.at(target).unlink()
        return ended

    def rival(self, which: str, *arguments: object) -> Ended:
        """Run one of `score_rivals`; files are named as they lie in the folder."""
        return python("score_rivals.py", which, *arguments)


def verdict(holds: bool) -> str:
    """Say whether a bound holds."""
    return "holds" if holds else "DOES NOT HOLD"


def megabytes(size: int) -> str:
    """Word a file's size."""
    return f"{size / 1e6:.0f} MB"


def against_the_floor(bench: Bench) -> None:
    """Print the command against reading and writing the same columns."""
    source, kept, target = bench.at("list.csv"), bench.at("kept.parquet"), bench.at("floor.csv")
    bench.score("list.csv", "scored.csv", keep=True)
    bench.rival("keep", bench.at("scored.csv"), kept)
    pairs = take_turns(
        {
            "floor": partial(bench.rival, "floor", source, kept, target),
            "inside": partial(bench.rival, "inside", source, target),
            "score": partial(bench.score, "list.csv", "again.csv"),
        },
        REPEATS,
    )
    inside = [json.loads(each.said)["seconds"] for each in pairs["inside"]]
    floors = [json.loads(each.said) for each in pairs["floor"]]
    bare = [each["read"] + each["write"] for each in floors]
    whole = [a.seconds - b["load"] for a, b in zip(pairs["floor"], floors, strict=True)]
    ours = [each.seconds for each in pairs["score"]]

    def ratios(a: Sequence[float], b: Sequence[float]) -> str:
        return spread([one / other for one, other in zip(a, b, strict=True)])

    def judged(a: Sequence[float], b: Sequence[float]) -> str:
        typical = median(one / other for one, other in zip(a, b, strict=True))
        return (
            f"{ratios(a, b)}; bound {FLOOR_BOUND:g}: {verdict(typical <= FLOOR_BOUND)}; "
            f"aim {FLOOR_AIM:g}: {verdict(typical <= FLOOR_AIM)}"
        )

    cpu = [each["cpu"] for each in floors]
    lines = {
        "the floor: polars reads the list, dates parsed, s": spread([f["read"] for f in floors]),
        "  and writes it with the columns score adds, s": spread([f["write"] for f in floors]),
        "  both, s (those columns lie ready in memory)": spread(bare),
        "  with the start of Python and the wait for the disk, s": spread(whole),
        "discresorb score, the whole command, s": spread(ours),
        "  from the first byte read to the last written, s": spread(inside),
        "both programs, from start to disk: score / floor": judged(ours, whole),
        "both from the first byte to the last: score / floor": judged(inside, bare),
        "the whole command / reading and writing alone": judged(ours, bare),
        "CPU seconds, score / reading and writing": ratios([e.cpu for e in pairs["score"]], cpu),
    }
    sizes = f"{megabytes(source.stat().st_size)} in, {megabytes(bench.written['scored.csv'])} out"
    print(f"against the floor: {bench.rows(USUAL):,} rows, {sizes}; "
          f"{REPEATS} times in turn; median (range)")  # fmt: skip
    for what, found in lines.items():
        print(f"  {what:56}{found}")
    print(flush=True)
    target.unlink()


def against_others(bench: Bench) -> None:
    """Print the command against a notebook's way and against lifelines."""
    source, target, count = bench.at("list.csv"), bench.at("pandas.csv"), bench.rows(USUAL)
    turns = take_turns(
        {
            "pandas": partial(bench.rival, "formula", source, target),
            "score": partial(bench.score, "list.csv", "again.csv"),
        },
        FEWER,
    )
    theirs = [json.loads(each.said)["seconds"] for each in turns["pandas"]]
    ours = [each.seconds for each in turns["score"]]
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    print(f"against pandas: read_csv, the formula in numpy, to_csv; {count:,} rows, {FEWER} times "
          "in turn")  # fmt: skip
    print(f"  pandas, the probability alone and nothing checked {spread(theirs)} s, "
          f"{max(each.mebibytes for each in turns['pandas']):.0f} MiB")  # fmt: skip
    print(f"  discresorb score                                  {spread(ours)} s, "
          f"{max(each.mebibytes for each in turns['score']):.0f} MiB")  # fmt: skip
    print(f"  pandas / score                                    {spread(ratios)}\n", flush=True)
    target.unlink()
    a_row = 1e6 * median(ours) / count
    print("against lifelines: its conditional survival function, which gives every row at every "
          "row's date;\nno interval, nothing read or written")  # fmt: skip
    for rows in (LIFELINES_ROWS // 4, LIFELINES_ROWS // 2, LIFELINES_ROWS):
        ended = bench.rival("lifelines", bench.at("scored.csv"), rows)
        theirs_a_row = 1e6 * json.loads(ended.said)["seconds"] / rows
        times = f"{theirs_a_row / a_row:.0f} times the whole command's {a_row:.2f} us a row"
        print(f"  {rows:,} rows: {theirs_a_row:.0f} us a row, {ended.mebibytes:.0f} MiB; {times}")
    print(flush=True)


def forms(bench: Bench) -> None:
    """Print what other forms of files, and rows with problems, cost."""
    python("score_rivals.py", "convert", bench.at("list.csv"), bench.folder)
    bench.make(USUAL, "some.csv", 0.01)
    bench.make(USUAL, "all.csv", 1.0)
    usual = "CSV → CSV"
    pairs: dict[str, Sequence[str]] = {
        usual: ("list.csv", "o.csv"),
        "CSV → CSV, one thread": ("list.csv", "o.csv", "--n-jobs", "1"),
        "CSV → JSON lines": ("list.csv", "o.jsonl"),
        "CSV → Parquet": ("list.csv", "o.parquet"),
        "Parquet → Parquet": ("list.parquet", "o.parquet"),
        "Parquet → CSV": ("list.parquet", "o.csv"),
        "one row group → Parquet": ("one.parquet", "o.parquet"),
        "CSV.zst → CSV.zst": ("list.csv.zst", "o.csv.zst"),
        "CSV.gz → CSV": ("list.csv.gz", "o.csv"),
        "CSV.gz → CSV.gz": ("list.csv.gz", "o.csv.gz"),
        "1 % have problems": ("some.csv", "s.csv"),
        "1 %, and listed": ("some.csv", "s.csv", "--problems", str(bench.at("p.csv")), "--force"),
        "all have problems": ("all.csv", "a.csv"),
    }
    turns = take_turns({name: partial(bench.score, *pair) for name, pair in pairs.items()}, FEWER)
    print(f"other forms, {bench.rows(USUAL):,} rows, medians of {FEWER}, in turn; ratios of pairs")
    print(f"  {'':26}{'seconds':>8}{'CPU s':>8}{'/ CSV → CSV':>13}{'MB in':>8}{'peak MiB':>10}")
    for name, ended in turns.items():
        ratios = [a.seconds / b.seconds for a, b in zip(ended, turns[usual], strict=True)]
        size = bench.at(pairs[name][0]).stat().st_size / 1e6
        print(f"  {name:26}{median(e.seconds for e in ended):8.2f}"
              f"{median(e.cpu for e in ended):8.2f}{median(ratios):13.2f}{size:8.0f}"
              f"{max(e.mebibytes for e in ended):10.0f}")  # fmt: skip
    sizes = [f"{name.removeprefix('o.')} {megabytes(size)}" for name, size in
             sorted(bench.written.items()) if name.startswith("o.")]  # fmt: skip
    print(f"  written: {', '.join(sizes)}")
    peak = max(each.mebibytes for name in turns for each in turns[name] if "group" not in name)
    print(f"  largest memory but for one row group: {peak:.0f} MiB; bound {MEMORY_BOUND}: "
          f"{verdict(peak <= MEMORY_BOUND)}\n", flush=True)  # fmt: skip
    for name in ("some.csv", "all.csv", "list.csv.gz", "list.csv.zst", "p.csv"):
        bench.at(name).unlink()


def growth(bench: Bench) -> None:
    """Print seconds a million rows and memory, as lists grow, and reckon up a billion."""
    kinds = {"CSV → CSV": ("list.csv", "o.csv"), "Parquet → Parquet": ("list.parquet", "o.parquet"),
             "CSV → JSON lines": ("list.csv", "o.jsonl")}  # fmt: skip
    print(f"growth: seconds a million rows and peak memory; medians of {FEWER}, the longest once")
    print(f"  {'rows':>12}" + "".join(f"{kind:>21}" for kind in kinds))
    peak, rates = 0.0, dict.fromkeys(kinds, 0.0)
    for count in (200_000, 1_000_000, USUAL, LARGE):
        bench.make(count, "list.csv")
        python("score_rivals.py", "convert", bench.at("list.csv"), bench.folder, "parquet")
        actions = {kind: partial(bench.score, *pair) for kind, pair in kinds.items()}
        turns = take_turns(actions, 1 if count == LARGE else FEWER)
        print(f"  {bench.rows(count):12,}", end="")
        for kind, ended in turns.items():
            rates[kind] = median(e.seconds for e in ended) / bench.rows(count) * 1e6
            most = max(e.mebibytes for e in ended)
            peak = max(peak, most)
            print(f"{rates[kind]:9.2f} s {most:5.0f} MiB", end="")
        print(flush=True)
    print(
        f"  largest memory: {peak:.0f} MiB; bound {MEMORY_BOUND}: {verdict(peak <= MEMORY_BOUND)}"
    )
    one = bench.score("one.parquet", "one.out.parquet")
    print(
        f"  {bench.rows(LARGE):,} rows of Parquet in a single row group: {one.mebibytes:.0f} MiB\n"
    )
    billion(bench, kinds, rates)


def billion(bench: Bench, kinds: Mapping[str, tuple[str, str]], rates: Mapping[str, float]) -> None:
    """Reckon a billion rows up from the longest list."""
    print(f"a billion rows, reckoned from the rate of {bench.rows(LARGE):,}: an estimate, "
          f"machines of {os.cpu_count()} cores")  # fmt: skip
    for kind, (source, target) in kinds.items():
        hours = rates[kind] * 1_000 / 3_600
        each = 1e9 / bench.rows(LARGE) / 1e9
        sizes = bench.at(source).stat().st_size * each, bench.written[target] * each
        print(f"  {kind:18}{rates[kind]:5.2f} s × 1,000 = {hours:.1f} h on one machine, "
              f"{6 * hours:.0f} min on 10, {36 * hours:.0f} s on 100; {sizes[0]:.0f} GB in, "
              f"{sizes[1]:.0f} GB out")  # fmt: skip


def within(bench: Bench) -> None:
    """Print the steps' shares and the core's speed."""
    one_thread = {"POLARS_MAX_THREADS": "1"}
    source, target = bench.at("list.csv"), bench.at("o.csv")
    print(python("score_steps.py", "steps", source, target, setting=one_thread).said)
    target.unlink()
    print(python("score_steps.py", "core").said)
    print(python("score_steps.py", "frames", source).said, flush=True)


def main() -> None:
    """Print everything."""
    shrink = float(sys.argv[1]) if sys.argv[1:] else 1.0
    start = time.perf_counter()
    heading("Scoring files", "polars")
    with tempfile.TemporaryDirectory() as name:
        free = shutil.disk_usage(name).free
        if free < DISK_NEEDED * shrink:
            raise SystemExit(
                f"{name} has {free / 1e9:.0f} GB free, but {DISK_NEEDED / 1e9:.0f} are needed"
            )
        bench = Bench(Path(name), shrink)
        bench.make(USUAL, "list.csv")
        against_the_floor(bench)
        against_others(bench)
        within(bench)
        forms(bench)
        growth(bench)
    print(f"\n({os.cpu_count()} cores; all this took {time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
