"""What discresorb does with bytes and words that are no good: tried, refused, accepted, faults.

Each input has a number from which it is made again: `--kind score --number 17` tries that one
alone and shows its traceback. A fault is any end but acceptance or refusal in words with a
documented exit status, rows that are not those of Python's own reader, files left behind, more than
20 CPU seconds, or memory that grows by more than half a gibibyte.

Run: python benchmarks/fuzz.py > benchmarks/results/fuzz.txt
In a tenth of the time: python benchmarks/fuzz.py --share 0.1
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from fuzz_watch import ACCEPTED, REFUSED, Found, Try, try_all, watched

from discresorb import __version__

CRASHES: Final = Path(__file__).parents[1] / "tests" / "data" / "crashes"


class Kind(NamedTuple):
    """Inputs of one kind.

    Parameters
    ----------
    what : str
        In words.
    module, function : str
        What tries them.
    inputs : int
        Inputs of a whole run.
    """

    what: str
    module: str
    function: str
    inputs: int


KINDS: Final = {
    "score": Kind("CSV to score", "fuzz_csv", "score_texts", 60_000),
    "train": Kind("CSV to train on", "fuzz_csv", "train_texts", 40_000),
    "parquet": Kind("Parquet", "fuzz_csv", "score_parquet", 5_000),
    "models": Kind("model, hash right", "fuzz_models", "broken_models", 35_000),
    "pickles": Kind("pickle, hash right", "fuzz_models", "pickles", 15_000),
    "hashes": Kind("hash file", "fuzz_models", "hash_files", 20_000),
    "cards": Kind("data card", "fuzz_models", "data_cards", 10_000),
    "twins": Kind("readable twin", "fuzz_models", "twins", 1_000),
    "commands": Kind("command line", "fuzz_commands", "command_lines", 20_000),
}
_SHOWN: Final = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz discresorb.")
    parser.add_argument("--share", type=float, default=1.0, help="of the inputs of a whole run")
    parser.add_argument("--at-once", type=int, default=1, help="kinds that are tried side by side")
    parser.add_argument("--kind", choices=KINDS, help="only this kind")
    parser.add_argument("--number", type=int, help="with --kind: only this input, in this process")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        kind, start, stop = asked.child
        _in_child(kind, range(int(start), int(stop)))
    elif asked.kind and asked.number is not None:
        with _tries(asked.kind) as attempt:
            print(attempt(asked.number))
    else:
        _report([asked.kind] if asked.kind else list(KINDS), asked.share, asked.at_once)


@contextmanager
def _tries(kind: str) -> Iterator[Try]:
    """Give the function that tries inputs of a kind, in a folder that goes when it is done."""
    make = getattr(importlib.import_module(KINDS[kind].module), KINDS[kind].function)
    with tempfile.TemporaryDirectory() as folder:
        yield make(Path(folder) / "tried")


def _in_child(kind: str, numbers: range) -> None:
    said = sys.stdout

    def tell(what: dict[str, object]) -> None:
        said.write(json.dumps(what) + "\n")
        said.flush()

    with _tries(kind) as attempt:
        try_all(attempt, numbers, tell)


def _report(kinds: list[str], share: float, at_once: int) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        counts = [range(round(share * KINDS[kind].inputs)) for kind in kinds]
        tried = pool.map(lambda kind, numbers: watched(__file__, kind, numbers), kinds, counts)
        found = dict(zip(kinds, tried, strict=True))
    print("Inputs that are no good")
    print(f"Python {platform.python_version()}, discresorb {__version__}\n")
    print("\n".join(_table(found)))
    print("\nKept: inputs that once were faults, in tests/data/crashes, tried again by every test")
    print("run.")
    for kind, each in found.items():
        for number, fault in each.faults.items():
            print(f"\n{kind} {number}: {fault[-_SHOWN:]}")


def _table(found: dict[str, Found]) -> Iterator[str]:
    heads = ("tried", "refused", "accepted", "faults", "kept", "seconds")
    yield f"{'kind of input':20}" + "".join(f"{head:>10}" for head in heads)
    rows = [(KINDS[kind].what, _counts(kind, each)) for kind, each in found.items()]
    rows.append(("all", [sum(column) for column in zip(*(row for _, row in rows), strict=True)]))
    for what, counts in rows:
        yield f"{what:20}" + "".join(f"{count:>10,}" for count in counts)


def _counts(kind: str, found: Found) -> list[int]:
    refused, accepted = found.outcomes[REFUSED], found.outcomes[ACCEPTED]
    faults, kept = len(found.faults), len(list(CRASHES.glob(f"{kind}-*")))
    return [refused + accepted + faults, refused, accepted, faults, kept, round(found.seconds)]


if __name__ == "__main__":
    main()
