"""Run the commands of docs/retraining.md and put what they print under each.

    python docs/run_page.py

Blocks marked ``console`` hold commands after ``$``; they are run one after the other in a folder
that holds copies of some files of ``data/synthetic``, as a user would type them. What goes to
standard error is shown with the rest, as on a terminal. Long lines are folded.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
WIDTH = 110
NEEDED = ("new_centre_visits.csv", "new_centre_visits.card.json", "waiting_list.csv")


def commands(block: str) -> list[str]:
    """Give a block's commands, each without its prompt and on one line."""
    joined = block.replace("\\\n", " ")
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def typed(block: str) -> list[str]:
    """Give a block's commands as they stand on the page."""
    return re.findall(r"^\$ (?:.*\\\n)*.*$", block, re.MULTILINE)


def printed(command: str, folder: Path) -> str:
    """Run a command and give what a terminal would show; its exit status if it is not 0."""
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    lines = [part for line in done.stdout.rstrip().splitlines() for part in folded(line)]
    status = [f"(exit status {done.returncode})"] if done.returncode else []
    return "\n".join([*lines, *status])


def folded(line: str) -> list[str]:
    """Fold a long line between words, under its own start."""
    start = len(line) - len(line.lstrip()) + 2
    return textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent=" " * start,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def install(folder: Path) -> None:
    """Put a command in a folder that runs the discresorb of this interpreter."""
    command = folder / "bin" / "discresorb"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m discresorb "$@"\n')
    command.chmod(0o755)


def filled(page: str) -> str:
    """Give a page with what its commands print now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(folder)
        for each in NEEDED:
            shutil.copy(ROOT / "data" / "synthetic" / each, folder)

        def run(found: re.Match[str]) -> str:
            parts = []
            for shown, command in zip(typed(found[1]), commands(found[1]), strict=True):
                parts.append("\n".join(filter(None, [shown, printed(command, folder)])))
            return "```console\n" + "\n".join(parts) + "\n```"

        return BLOCK.sub(run, page)


if __name__ == "__main__":
    target = DOCS / "retraining.md"
    target.write_text(filled(target.read_text(encoding="utf-8")), encoding="utf-8", newline="")
