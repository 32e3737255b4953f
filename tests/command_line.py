"""Running the command line as a user does: in this process, or in one of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path

import typer
from typer.testing import CliRunner

from discresorb import cli

ROOT = Path(__file__).parents[1]
Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
WIDE_AND_PLAIN = {"COLUMNS": "200", "NO_COLOR": "1"}


@cache
def _whole_app() -> typer.Typer:
    cli._add_further_commands()
    return cli.app


def run_here(*arguments: object, cwd: Path | None = None, input: str | None = None) -> Done:
    """Run it in this process, whose imports are done already."""
    texts = [*map(str, arguments)]
    with contextlib.chdir(cwd or Path.cwd()):
        done = CliRunner(env=WIDE_AND_PLAIN).invoke(
            _whole_app(), texts, input=input, prog_name="discresorb"
        )
    told = done.stderr
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        told += "".join(traceback.format_exception(done.exception))  # as Python would have
    return subprocess.CompletedProcess(texts, done.exit_code, done.stdout, told)


def run_apart(*arguments: object, cwd: Path | None = None, input: str | None = None) -> Done:
    """Run it in a process of its own, which costs two seconds."""
    texts = [*map(str, arguments)]
    return subprocess.run(
        [sys.executable, "-m", "discresorb", *texts],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={
            **os.environ,
            **WIDE_AND_PLAIN,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "model"), str(ROOT / "training")]),
        },
        cwd=cwd,
        input=input,
        timeout=120,
        check=False,
    )
