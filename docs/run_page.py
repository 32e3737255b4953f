"""Run the commands of docs/retraining.md and put what they print under each.

    python docs/run_page.py

Blocks marked ``console`` hold commands after ``$``; they are run one after the other in an empty
folder that holds a copy of ``data/synthetic`` files under their names, each as a user would type
it. What goes to standard error is shown with the rest, as on a terminal. Lines longer than the page
is wide end in ``…``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
WIDTH = 130
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
    arguments = shlex.split(command)
    if arguments[0] == "discresorb":
        arguments = [sys.executable, "-m", "discresorb", *arguments[1:]]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603  # the page is our own
        arguments,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    lines = [each if len(each) <= WIDTH else each[: WIDTH - 1] + "…" for each in
             done.stdout.rstrip().splitlines()]  # fmt: skip
    status = [f"(exit status {done.returncode})"] if done.returncode else []
    return "\n".join([*lines, *status])


def filled(page: str) -> str:
    """Give a page with what its commands print now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
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
