"""Run what the pages show, and put what it prints under it.

    python docs/run_page.py                          # every page that has such blocks
    python docs/run_page.py docs/retraining.md       # one

A block marked ``console`` holds commands after ``$``, one marked ``pycon`` Python after ``>>>``;
one marked ``sh`` holds commands of which the page shows no output, and which must succeed. Those in
``sh long`` take minutes; `benchmarks/page_commands.py` runs them. ``<!-- before: ... -->`` is a
command that prepares what a page's reader has and we do not. A page's blocks are run one after the
other in one folder, where ``data`` and ``artifacts`` are this checkout's and each file of
``data/synthetic`` that the page names without its folder lies at hand. What goes to standard error
is shown with the rest, as on a terminal. Long lines are folded.
"""

from __future__ import annotations

import codeop
import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from discresorb import cli

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BLOCK = re.compile(
    r"```(?P<kind>console|pycon|sh|sh long)\n(?P<text>.*?)```|<!-- before: (?P<before>.+?) -->",
    re.DOTALL,
)
WIDTH = 110
TERMINAL = {"COLUMNS": "100", "NO_COLOR": "1"}
SHELL = re.compile(r"[|<>;&*]")  # what only a shell understands


def pages() -> list[Path]:
    """Give the pages that have blocks to run."""
    every = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
    return [page for page in every if BLOCK.search(page.read_text(encoding="utf-8"))]


def filled(page: str) -> str:
    """Give a page with what its commands print now; the long ones are left out."""
    with _laid_out(page) as folder:
        python = _python(folder)

        def run(found: re.Match[str]) -> str:
            kind, text = found["kind"], found["text"]
            for command in _silent(found, "sh"):
                _must_succeed(command, folder)
            if kind not in ("console", "pycon"):
                return found[0]
            lines = python(text) if kind == "pycon" else _run_commands(text, folder)
            return f"```{kind}\n" + "\n".join(lines) + "\n```"

        return BLOCK.sub(run, page)


def only_long(page: str, told: Callable[[str, str], None]) -> None:
    """Run a page's long commands, with what prepares them, and tell what each printed."""
    with _laid_out(page) as folder:
        for found in BLOCK.finditer(page):
            for command in _silent(found, "sh long"):
                said = _must_succeed(command, folder)
                if not found["before"]:
                    told(command, said)


def _silent(found: re.Match[str], kind: str) -> list[str]:
    """Give a block's commands, if it prepares something or is of a kind that shows no output."""
    if found["before"]:
        return [found["before"]]
    return one_by_one(found["text"]) if found["kind"] == kind else []


@contextlib.contextmanager
def _laid_out(page: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _install(folder)
        _lay_out(folder, page)
        yield folder


def one_by_one(text: str) -> list[str]:
    """Give the commands of an ``sh`` block, each on one line."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def _must_succeed(command: str, folder: Path) -> str:
    said, status = _run(command, folder)
    if status:
        raise RuntimeError(f"{command}: status {status}\n{said}")
    return said


def _lay_out(folder: Path, page: str) -> None:
    for name in ("data", "artifacts"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "docs").mkdir()
    for path in (ROOT / "data" / "synthetic").iterdir():
        if re.search(rf"(?<!/){re.escape(path.name)}\b", page):
            shutil.copy(path, folder)
            card = path.with_suffix(".card.json")
            if card.exists():
                shutil.copy(card, folder)


def _install(folder: Path) -> None:
    """Put commands in a folder that run this interpreter, and its discresorb."""
    (folder / "bin").mkdir()
    for name, module in (("discresorb", "-m discresorb"), ("python", "")):
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {module} "$@"\n')
        command.chmod(0o755)


def _run_commands(block: str, folder: Path) -> Iterator[str]:
    """Give a block's commands as they stand on the page, each with what it prints."""
    for typed in re.findall(r"^\$ (?:.*\\\n)*.*$", block, re.MULTILINE):
        yield typed
        said, status = _run(typed[2:].replace("\\\n", " "), folder)
        yield from _folded(said)
        if status:
            yield f"(exit status {status})"


def _run(command: str, folder: Path) -> tuple[str, int]:
    """Run a command as bash would; discresorb alone in this process, which has it loaded."""
    if command.startswith("discresorb ") and not SHELL.search(command):
        with contextlib.chdir(folder):
            done = CliRunner(env=TERMINAL).invoke(
                _whole_app(), shlex.split(command, comments=True)[1:], prog_name="discresorb"
            )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output, done.exit_code
    apart = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={
            **os.environ,
            **TERMINAL,
            "PATH": os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")]),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "model"), str(ROOT / "training")]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return apart.stdout, apart.returncode


def _whole_app() -> Any:
    if not any(each.name == "train" for each in cli.app.registered_groups):
        cli._add_further_commands()
    return cli.app


def _python(folder: Path) -> Callable[[str], Iterator[str]]:
    """Give an interpreter that keeps its names from block to block."""
    names: dict[str, Any] = {}
    compile_command = codeop.CommandCompiler()

    def run(block: str) -> Iterator[str]:
        for statement in re.findall(r"^>>> .*(?:\n\.\.\..*)*", block, re.MULTILINE):
            yield statement
            source = "\n".join(line[4:] for line in statement.splitlines())
            code = compile_command(source + "\n", "page", "single")
            if code is None:
                raise SyntaxError(f"unfinished: {statement}")
            said = io.StringIO()
            with contextlib.chdir(folder), contextlib.redirect_stdout(said):
                exec(code, names)  # noqa: S102  # the page is our own
            yield from _folded(said.getvalue())

    return run


def _folded(said: str) -> Iterator[str]:
    """Fold long lines between words, each under its own start; JSON's stay whole."""
    for line in said.rstrip().splitlines():
        if line.lstrip().startswith('"'):
            yield line
            continue
        start = len(line) - len(line.lstrip()) + 2
        yield from textwrap.wrap(
            line,
            WIDTH,
            subsequent_indent=" " * start,
            drop_whitespace=True,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]


if __name__ == "__main__":
    for each in [Path(name) for name in sys.argv[1:]] or pages():
        again = filled(each.read_text(encoding="utf-8"))
        each.write_text(again, encoding="utf-8", newline="")
