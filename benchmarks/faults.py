"""Attacks the command line from outside, and prints what became of its files.

Each paragraph is one kind of attack: killed at random moments; a full disk; folders and files that
may not be used; files that change while they are read; a clock set back; too little memory;
interrupted; and output that nobody takes. Commands run in forks of this process, which has imported
everything, so that random moments are moments of their work. `python benchmarks/faults.py PART …`
prints only the parts named.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from faults_changing import changing_lines
from faults_commands import attacked, prepared
from faults_disk import barred_lines, full_lines
from faults_kill import Killed, kill_many, killed_lines
from faults_limits import clock_lines, memory_lines
from faults_signals import output_lines, signal_lines, worker_lines
from forked import side_by_side

SEED: Final = 1
KILLS: Final = {
    "train": 200,
    "score": 50,
    "score, several files": 50,
    "score into .csv.gz": 50,
    "score into .parquet": 50,
    "update": 200,
    "calculator": 200,
}


def killed(scratch: Path) -> Iterator[str]:
    """Kill every command many times."""

    def many(name: str) -> Killed:
        own = scratch / name
        own.mkdir()
        (command,) = [each for each in attacked() if each.name == name]
        pair = prepared(command, own)
        return kill_many(pair, KILLS[name], own / "trial", SEED)

    yield from killed_lines(side_by_side(many, list(KILLS)))


PARTS: Final[dict[str, Callable[[Path], Iterator[str]]]] = {
    "killed": killed,
    "full": full_lines,
    "barred": barred_lines,
    "changing": changing_lines,
    "clock": clock_lines,
    "memory": memory_lines,
    "signals": signal_lines,
    "workers": worker_lines,
    "output": output_lines,
}


def main() -> None:
    """Print the parts that are named, or all."""
    unknown = [each for each in sys.argv[1:] if each not in PARTS]
    if unknown:
        sys.exit(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if not sys.argv[1:]:
        print("Attacks on runs and on their files")
    for name in sys.argv[1:] or PARTS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
            lines = list(PARTS[name](Path(scratch)))
        print("\n".join(["", *lines]), flush=True)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
