"""Would the tests notice if the mathematics were changed? Mutants of it, and which tests fail.

A seeded sample of the changes that cosmic-ray's operators can make (`+` for `-`, `<` for `<=`, 2
for 1, no decorator, …) to the files of the likelihood, the curve and the metrics. A mutant is
killed if a test of the project fails or takes several times as long as it should; first by the
tests that are quick, then, if it survives, by further ones. Left out are changes of annotations,
which under `from __future__ import annotations` are never evaluated, and what is no longer Python;
nothing is left out once it has run. Tests that simulate for many seconds are not asked. Who
survives is listed with the reason that mutants_survivors.toml gives.

Run: pip install ".[dev,mutation]", then
python benchmarks/mutants.py > benchmarks/results/mutants.txt (about 15 minutes of one core)
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from mutant_places import ROOT, Mutant, mutants
from mutant_trials import PASSED, TIME_OUT, Trial, load_libraries, outcomes

REASONS = Path(__file__).with_name("mutants_survivors.toml")
SLOW = (  # tests that simulate for seconds
    "tests/test_metrics.py::test_metrics_match_their_values_with_known_times",
    "tests/test_metrics.py::test_an_overfitted_model_scores_worse",
)
WITHOUT_SLOW = tuple(itertools.chain.from_iterable(("--deselect", each) for each in SLOW))
IN_A_BROWSER = "test_the_page_computes_the_ends_too"
METRICS = ("tests/test_metrics.py", *WITHOUT_SLOW)
LAWS = (
    "tests/test_distributions.py",
    "tests/test_distribution_identities.py",
    "tests/test_curve.py",
    "tests/test_likelihood.py",
)
FURTHER = (
    *("tests/test_extremes.py", "--deselect", f"tests/test_extremes.py::{IN_A_BROWSER}"),
    "tests/test_predictor.py",
    "tests/test_robust.py",
    "tests/test_oracles.py",
)
QUICK: dict[str, tuple[str, ...]] = {
    "model/discresorb/standard_variable.py": LAWS,
    "model/discresorb/lognormal.py": LAWS,
    "model/discresorb/distributions.py": LAWS,
    "model/discresorb/curve.py": ("tests/test_curve.py",),
    "training/discresorb_training/likelihood.py": ("tests/test_likelihood.py",),
    "training/discresorb_training/metrics.py": ("tests/test_metric_definitions.py", *METRICS),
    "training/discresorb_training/working.py": ("tests/test_working.py", *METRICS),
}
PATIENCE, LEAST = 6.0, 20.0  # a trial may take so many times the usual, and so many seconds
BROKEN = "raise AssertionError('changed')"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--count", type=int, default=600, help="mutants drawn")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--files", nargs="*", choices=QUICK, default=list(QUICK), metavar="FILE")
    asked = parser.parse_args()
    start = time.monotonic()
    load_libraries()
    all_mutants, annotations = [], 0
    for file in asked.files:
        found, skipped = mutants(file)
        all_mutants += found
        annotations += skipped
    drawn, no_program = draw(all_mutants, asked.seed, asked.count)
    print("Changes of the mathematics, and the tests that notice\n")
    print(
        f"cosmic-ray {version('cosmic-ray')}, seed {asked.seed}: {len(drawn)} drawn of "
        f"{len(all_mutants):,} mutants of {len(asked.files)} files.\n"
        f"Left out before the draw: {annotations:,} that change annotations, which are never "
        f"evaluated.\nDrawn and replaced by the next: {no_program} that are no longer Python."
    )
    results = judged(drawn, asked.workers)
    print_files(all_mutants, drawn, results)
    print_killers(results)
    print_survivors([m for m, result in zip(drawn, results, strict=True) if result == PASSED])
    print(
        f"{(time.monotonic() - start) / 60:.0f} minutes, {asked.workers} at a time", file=sys.stderr
    )


def draw(every: Sequence[Mutant], seed: int, count: int) -> tuple[list[Mutant], int]:
    """Give the first so many that compile in the order of the draw, and how many did not."""
    drawn: list[Mutant] = []
    no_program = 0
    for each in sorted(every, key=lambda mutant: mutant.rank(seed)):
        if len(drawn) == count:
            break
        if each.compiles():
            drawn.append(each)
        else:
            no_program += 1
    return drawn, no_program


def judged(drawn: Sequence[Mutant], workers: int) -> list[str]:
    """Give what killed each mutant, or `PASSED`."""
    results = [PASSED] * len(drawn)
    for tests in (QUICK, dict.fromkeys(QUICK, FURTHER)):
        left = [i for i, result in enumerate(results) if result == PASSED]
        limits = {file: limit(file, tests[file]) for file in {drawn[i].file for i in left}}
        trials = [
            Trial(each.file, each.source, tests[each.file], limits[each.file])
            for each in (drawn[i] for i in left)
        ]
        for done, (position, outcome, _) in enumerate(outcomes(trials, workers), 1):
            results[left[position]] = outcome
            if outcome == PASSED:
                note(f"alive: {drawn[left[position]]}")
            if done % 50 == 0 or done == len(trials):
                note(f"{done} of {len(trials)} by the {'quick' if tests is QUICK else 'further'}")
    return results


def limit(file: str, tests: tuple[str, ...]) -> float:
    """Give the seconds that a trial may take; unchanged sources must pass, broken ones must not."""
    [(_, broken, _)] = outcomes([Trial(file, BROKEN, tests, 600.0)], 1)
    outcome, usual = unchanged(tests)
    if outcome != PASSED or broken == PASSED:
        raise SystemExit(f"{file}: unchanged gave {outcome!r}, broken {broken!r}: {tests}")
    return max(LEAST, PATIENCE * usual)


@lru_cache
def unchanged(tests: tuple[str, ...]) -> tuple[str, float]:
    """Outcome and seconds of tests of the sources as they are."""
    file = next(iter(QUICK))
    intact = Trial(file, (ROOT / file).read_text(encoding="utf-8"), tests, 600.0)
    [(_, outcome, seconds)] = outcomes([intact], 1)
    return outcome, seconds


def note(words: str) -> None:
    """Say on the side how far it is."""
    print(words, file=sys.stderr, flush=True)


def print_files(every: Sequence[Mutant], drawn: Sequence[Mutant], results: Sequence[str]) -> None:
    possible = Counter(each.file for each in every)
    print(f"\n{'file':<44}{'mutants':>8}{'drawn':>7}{'failed':>8}{'time-out':>9}{'survived':>9}"
          f"{'killed':>8}")  # fmt: skip
    for file in (*possible, "all"):
        mine = [r for m, r in zip(drawn, results, strict=True) if file in (m.file, "all")]
        if not mine:
            continue
        late, alive = mine.count(TIME_OUT), mine.count(PASSED)
        print(
            f"{file:<44}{possible[file] if file != 'all' else len(every):>8,}{len(mine):>7}"
            f"{len(mine) - late - alive:>8}{late:>9}{alive:>9}"
            f"{1 - alive / len(mine):>8.1%}"
        )


def print_killers(results: Iterable[str]) -> None:
    print(f"\n{'failed first':<44}{'mutants':>8}")
    failed = Counter(result for result in results if result not in (PASSED, TIME_OUT))
    for name, count in failed.most_common():
        print(f"{name:<44}{count:>8}")


def print_survivors(survivors: Sequence[Mutant]) -> None:
    reasons = read_reasons()
    why = [reasons.get((m.file, m.where, m.line, m.becomes), "unexplained") for m in survivors]
    print(f"\n{'why they survive':<44}{'mutants':>8}")
    for reason, count in Counter(reason.split(":")[0] for reason in why).most_common():
        print(f"{reason:<44}{count:>8}")
    print("\nThe survivors")
    for reason in sorted(set(why)):
        print(f"\n{reason}")
        for mutant, mine in sorted(
            zip(survivors, why, strict=True), key=lambda pair: place(pair[0])
        ):
            if mine == reason:
                print(f"  {mutant}")


def place(mutant: Mutant) -> tuple[str, int, int, str]:
    return mutant.file, mutant.number, mutant.column, mutant.becomes


def read_reasons() -> dict[tuple[str, str, str, str], str]:
    """Reasons by file, function, line and what it becomes: they outlive changes elsewhere."""
    groups = tomllib.loads(REASONS.read_text(encoding="utf-8")).get("survivors", [])
    return {tuple(each): group["why"] for group in groups for each in group["mutants"]}


if __name__ == "__main__":
    main()
