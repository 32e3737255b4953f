"""The commands that are attacked, each with small inputs, old outputs, and none."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from faults_state import Outputs, contents_of, restore
from forked import preload, run

__all__ = [
    "ROOT",
    "Attacked",
    "attacked",
    "inputs_of",
    "long_list",
    "measured",
    "over_old",
    "prepared",
]

ROOT = Path(__file__).resolve().parents[1]
_HEADER = "patient_id,size_mm,sequestrated,months_since_onset,months_to_surgery,note\n"
_WHOLE = ("--distribution", "weibull", "--cure", "yes")


@dataclass(frozen=True)
class Attacked:
    """A command, its inputs, and what it does undisturbed.

    Parameters
    ----------
    name : str
        Of the command.
    arguments : tuple of str
        As typed, in a folder that holds the inputs.
    older : tuple of str
        Which options make the old outputs.
    outputs : Outputs
        Once prepared.
    status : int
        That it ends with, undisturbed.
    seconds : float
        That it takes, undisturbed.
    """

    name: str
    arguments: tuple[str, ...]
    older: tuple[str, ...]
    outputs: Outputs = field(default_factory=lambda: Outputs({}, {}), repr=False)
    status: int = 0
    seconds: float = 0.0


def long_list(rows: int, seed: int) -> str:
    """Give a waiting list, one row in forty with a problem."""
    draw = random.Random(seed)  # noqa: S311  # patients, not secrets
    lines = [
        f"P{number:06d},{draw.uniform(0.5, 20):.1f},{draw.choice(('yes', 'no'))},"
        f"{draw.uniform(0, 40):.1f},{'' if draw.random() < 0.025 else draw.randint(0, 30)},"
        f"{'x' * draw.randint(0, 60)}\n"
        for number in range(rows)
    ]
    return _HEADER + "".join(lines)


def attacked() -> list[Attacked]:
    """List the commands that are killed and interrupted."""
    score = ("score", "list.csv", "--batch-size", "0.02")
    higher = ("--threshold", "0.4")
    return [
        Attacked("train", ("train", "small.csv", "-o", "m.joblib", *_WHOLE), ("--penalty", "0.5")),
        Attacked(
            "score",
            (*score, "-o", "o.csv", "--problems", "p.csv", "--html", "o.html", "--fhir",
             "o.ndjson"),
            higher,
        ),
        Attacked(
            "score, several files",
            ("score", "list.csv", "list2.csv", "-o", "out/", "--problems", "p.csv"),
            higher,
        ),
        Attacked("score into .csv.gz", (*score, "-o", "o.csv.gz"), higher),
        Attacked("score into .parquet", (*score, "-o", "o.parquet", "--problems", "p.csv"), higher),
        Attacked(
            "update",
            ("update", "new_centre.csv", "-o", "u.joblib", "--level", "1"),
            ("--level", "2"),
        ),
        Attacked("calculator", ("calculator", "-o", "c.html"), higher),
    ]  # fmt: skip


def inputs_of(scratch: Path) -> dict[str, bytes]:
    """Make what the commands read, and give it by name."""
    inputs = scratch / "inputs"
    inputs.mkdir()
    (inputs / "list.csv").write_text(long_list(1500, 1))
    (inputs / "list2.csv").write_text(long_list(800, 2))
    for name in ("new_centre", "new_centre_visits"):
        for suffix in (".csv", ".card.json"):
            shutil.copy(ROOT / "data" / "synthetic" / f"{name}{suffix}", inputs)
    small = ("simulate", "-n", "200", "--seed", "3", "-o", "small.csv")
    preload([(small, inputs)])
    (inputs / "small.truth.csv").unlink()
    return contents_of(inputs)


def prepared(command: Attacked, scratch: Path) -> tuple[Attacked, Attacked]:
    """Run a command undisturbed; give it without old outputs, and over old ones."""
    read = inputs_of(scratch)
    trial = scratch / "trial"
    trial.mkdir()
    return measured(command, trial, read), over_old(command, trial, read)


def measured(command: Attacked, trial: Path, before: dict[str, bytes]) -> Attacked:
    """Run a command undisturbed, twice; raise RuntimeError if it does not do the same twice."""
    restore(trial, before)
    preload([(command.arguments, trial)])
    first = contents_of(trial)
    restore(trial, before)
    done = run(command.arguments, trial)
    if contents_of(trial) != first or first == before:
        raise RuntimeError(f"{command.name} does not write the same twice")
    return replace(
        command, outputs=Outputs(before, first), seconds=done.seconds, status=done.status
    )


def over_old(command: Attacked, trial: Path, read: dict[str, bytes]) -> Attacked:
    """Run a command undisturbed over outputs that other options made."""
    restore(trial, read)
    done = run((*command.arguments, *command.older), trial)
    if done.status not in (0, 4):
        raise RuntimeError(f"{command.name} does not work: {done.words}")
    over = replace(command, arguments=(*command.arguments, "--force"))
    return measured(over, trial, contents_of(trial))
