"""Fill docs/point_of_care.md with what its commands print: python docs/fill_point_of_care.py."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from contextlib import chdir
from pathlib import Path

from typer.testing import CliRunner

from discresorb.cli import app

PAGE = Path(__file__).with_name("point_of_care.md")
BLOCK = re.compile(r"<!-- discresorb (.+?) -->\n```\n(.*?)\n```", re.DOTALL)


def printed(command: str) -> str:
    """Run a command in an empty folder; what it prints, JSON laid out for reading."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        done = CliRunner().invoke(app, shlex.split(command), prog_name="discresorb")
    text = done.output.strip()
    if text.startswith("{"):
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text


def filled(page: str) -> str:
    """Give the page with every block as its command prints it now."""

    def block(found: re.Match[str]) -> str:
        return f"<!-- discresorb {found[1]} -->\n```\n{printed(found[1])}\n```"

    return BLOCK.sub(block, page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
