"""Command lines made at random of every command's options, and of words that do not belong there.

What takes seconds once a command line has been accepted (fitting, validating, drawing, connecting)
is answered at once here: it has its own tests.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import typer
from fuzz_csv import DATA
from fuzz_models import SHIPPED
from fuzz_watch import ACCEPTED, REFUSED, FaultError, Try, seeded
from typer.main import get_command
from typer.testing import CliRunner

from discresorb import cli

__all__ = ["command_lines"]

_STATUSES: Final = frozenset({0, 2, 3, 4, 5, 6, 7})
_WORDS: Final = (
    "", " ", "-", "--", "-1", "0", "1", "2", "6", "0.2", "1e400", "-1e400", "nan", "inf", "1e-400",
    "9" * 30, "9" * 5000, "١٢", "1_000", "0x10", "1,2,3", "1,,2", ",", "3,nan", "1e9,1e9", "yes",
    "no", "auto", "perhaps", "in.csv", "cohort.csv", "visits.csv", "m.joblib", "missing.csv", ".",
    "..", "/", "folder/", "out.csv", "out.jsonl", "out.parquet", "out.html", "out.ndjson",
    "out.joblib", "out.svg", "out.json", "out.csv.gz", "*.csv", "[", "a" * 5000, "a/" * 500,
    "\udcff.csv", "new\nline", "\x1b[2J", "é", "\u202e", "=", "a=b", "=b", "size_mm=9",
    "size_mm=nan", "finding:0=herniated", "a:b=c", "size_mm", "size_mm:spline", "size_mm:spline(1)",
    "size_mm:spline(999999999)", "sequestrated", "site_id", "synthetic", "observed", "gone",
    "2019-03-01", "2019-09-20", "2019-02-30", "9999-12-31", "0001-01-01", "tcp://127.0.0.1:1",
    "--force", "--json", "--help", "-o", "-h", "--version", "shipped", "/dev/null", "weibull",
)  # fmt: skip
# the work behind a command line that fits, and where it is looked up
_WORK: Final = (
    "discresorb_training.training.train_cohort",
    "discresorb_training.validation.validate_cohort",
    "discresorb_training.comparison.compare_cohort",
    "discresorb_training.updating.update_cohort",
    "discresorb_training.calibration.calibrate",
    "discresorb.nomogram.make_nomogram",
    "discresorb.cluster.connected",
)


def command_lines(folder: Path) -> Try:
    """Run command lines in a folder of good files."""
    cli._add_further_commands()
    group: Any = get_command(cli.app)
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    _prepare(folder)

    def attempt(number: int) -> str:
        random = seeded("commands", number)
        words = _line(group.commands, random)
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.chdir(folder))
            for work in _WORK:
                stack.enter_context(patch(work, _done))
            # typer would make all commands anew for each line
            stack.enter_context(patch("typer.testing._get_command", lambda _: group))
            done = runner.invoke(cli.app, words, prog_name="discresorb")
        if number % 50 == 0 or not (folder / "m.joblib").exists():
            _prepare(folder)
        shown = f"discresorb {words!r}"[:600]
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise FaultError(shown) from done.exception
        if done.exit_code not in _STATUSES:
            raise FaultError(f"{shown} ended with {done.exit_code}: {done.stderr[-300:]}")
        if "Traceback" in done.stderr + done.stdout:
            raise FaultError(f"{shown} printed a traceback")
        partial = [
            each.name for each in folder.iterdir() if each.name.endswith((".partial", ".lock"))
        ]
        if partial:
            raise FaultError(f"{shown} left {partial}")
        return ACCEPTED if done.exit_code in (0, 4) else REFUSED

    return attempt


def _done(*_: object, **__: object) -> None:
    raise typer.Exit(0)


def _prepare(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    for name, target in (("waiting_list.csv", "in.csv"), ("new_centre.csv", "cohort.csv"),
                         ("new_centre.card.json", "cohort.card.json"),
                         ("new_centre_visits.csv", "visits.csv")):  # fmt: skip
        shutil.copy(DATA / name, folder / target)
    for suffix in (".joblib", ".json"):
        shutil.copy(SHIPPED.with_suffix(suffix), folder / f"m{suffix}")
    listed = SHIPPED.with_suffix(".sha256").read_text(encoding="utf-8")
    (folder / "m.sha256").write_text(listed.replace("default.", "m."), encoding="utf-8")


# what makes most commands go on, so that what follows is reached
_GOOD: Final[dict[str, Sequence[str]]] = {
    "predict": ("--size-mm", "9", "--sequestrated", "yes", "--months-since-onset", "1",
                "--months-to-surgery", "6"),
    "score": ("in.csv", "-o", "out.csv", "--force"),
    "show": ("m.joblib",),
    "calculator": ("-o", "out.html", "--force"),
    "nomogram": ("-o", "out.svg", "--force"),
    "cohort": ("visits.csv", "-o", "out.csv", "--force"),
    "sample-size": ("cohort.csv",),
    "simulate": ("-o", "out.csv", "-n", "20", "--force"),
    "calibrate": ("-o", "out.json", "--force"),
    "train": ("cohort.csv", "-o", "out.joblib", "--force"),
    "update": ("cohort.csv", "-o", "out.joblib", "--force"),
    "validate": ("cohort.csv",),
}  # fmt: skip


def _line(commands: dict[str, Any], random: Random) -> list[str]:
    name = random.choice(list(commands)) if random.random() < 0.98 else random.choice(_WORDS)
    words = list(_GOOD[name]) if name in _GOOD and random.random() < 0.7 else []
    parameters = commands[name].params if name in commands else []
    for _ in range(random.choice((0, 1, 1, 2, 3, 6))):
        where = random.randrange(len(words) + 1)
        words[where:where] = _option(parameters, random)
    if words and random.random() < 0.2:
        words.pop(random.randrange(len(words)))
    return [name, *words]


def _option(parameters: Sequence[Any], random: Random) -> list[str]:
    spelt = [each for each in parameters if hasattr(each, "is_flag")]
    if not spelt or random.random() < 0.15:
        return [random.choice(_WORDS)]
    option = random.choice(spelt)
    flag = random.choice(option.opts)
    if option.is_flag and random.random() < 0.9:
        return [flag]
    value = random.choice(_WORDS)
    return [f"{flag}={value}"] if random.random() < 0.2 else [flag, value]
