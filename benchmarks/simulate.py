"""What simulating costs: CPU seconds against writing the tables out, and memory for a million.

Run: python benchmarks/simulate.py > benchmarks/results/simulate.txt
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pandas as pd
from side_by_side import heading

from discresorb_training import Settings
from discresorb_training.simulate import Simulation

SETTINGS = {
    "by protocol, no centres": Settings(),
    "by protocol, 20 centres": Settings(sites=20),
    "by symptoms, 20 centres": Settings(sites=20, visits="symptoms"),
}
REPEATS = 5
P = ParamSpec("P")
T = TypeVar("T")


def timed(action: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> tuple[T, float]:
    """Give what a call gives, and its CPU seconds on all threads."""
    start = time.process_time()
    found = action(*arguments, **options)
    return found, time.process_time() - start


def tables(n: int, settings: Settings) -> list[pd.DataFrame]:
    """Simulate a cohort and its truth."""
    simulation = Simulation(n, seed=1, settings=settings)
    return [simulation.cohort(), simulation.truth()]


def write(frames: list[pd.DataFrame], folder: Path) -> None:
    """Write the tables as CSV, as the command does."""
    for k, frame in enumerate(frames):
        frame.to_csv(folder / f"{k}.csv", index=False, lineterminator="\n")


def compare(n: int) -> None:
    """Print simulating and writing in turn, for each kind of cohort."""
    print(f"{n:,} patients, cohort and truth; medians of {REPEATS}, CPU seconds")
    tables(1_000, Settings())  # the first call imports
    with tempfile.TemporaryDirectory() as name:
        for kind, settings in SETTINGS.items():
            pairs = []
            for _ in range(REPEATS):
                frames, simulating = timed(tables, n, settings)
                _, writing = timed(write, frames, Path(name))
                pairs.append((simulating, writing))
            ratio = statistics.median(written / simulated for simulated, written in pairs)
            print(
                f"  {kind}: simulating {statistics.median(a for a, _ in pairs):.2f}, writing out "
                f"{statistics.median(b for _, b in pairs):.2f}, writing / simulating {ratio:.1f}"
            )


def million(kind: str) -> None:
    """Simulate a million in a process of its own and print its cost."""
    tables(1_000, Settings())  # the first call imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, spent = timed(tables, 1_000_000, SETTINGS[kind])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"1,000,000 patients {kind}: {spent:.2f} CPU seconds, peak memory {peak / 1024:.0f} MiB, "
        f"of which {before / 1024:.0f} MiB before it began"
    )


def main() -> None:
    """Print everything."""
    heading("Simulating cohorts")
    sys.stdout.flush()
    for kind in list(SETTINGS)[1:]:
        # first, while this process is small: its peak would count as the other's
        subprocess.run([sys.executable, __file__, kind], check=True)
    compare(100_000)


if __name__ == "__main__":
    million(sys.argv[1]) if sys.argv[1:] else main()
