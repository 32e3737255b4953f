"""Making waiting-list pages, and reading them as they are shown."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typer.testing import CliRunner

from discresorb.cli import app

if TYPE_CHECKING:
    from playwright.sync_api import Page

HEADER = "patient_id,size_mm,sequestrated,onset_date,imaging_date,surgery_date,symptoms_changed\n"


def made(source: Path, target: Path, *options: object) -> list[dict[str, str]]:
    """Make a page; give the rows as the CSV has them."""
    arguments = ["score", source, "--html", target, "--raw-text", *options]
    done = CliRunner().invoke(app, list(map(str, arguments)), prog_name="discresorb")
    assert done.exit_code in (0, 4), done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout, newline="")))


def long_list(n: int) -> str:
    """Make rows of which every 50th cannot be scored, and ids that are not in order."""
    rng = np.random.default_rng(3)
    onset = np.datetime64("2026-01-01") + rng.integers(0, 300, n)
    imaged = onset + rng.integers(0, 250, n)
    surgery = imaged + rng.integers(0, 900, n)
    flags = {True: "yes", False: "no"}
    lines = [
        f"W{(7 * i) % n},{size:.1f},{flags[i % 3 > 0]},{a},{b},{c},{flags[i % 9 == 0]}"
        for i, (size, a, b, c) in enumerate(
            zip(rng.uniform(3, 15, n), onset, imaged, surgery, strict=True)
        )
    ]
    for i in range(49, n, 50):
        lines[i] = lines[i].replace(",no,2", ",perhaps,2").replace(",yes,2", ",perhaps,2")
    return HEADER + "\n".join(lines) + "\n"


def column(page: Page, key: str) -> list[str]:
    """Read one column as it is shown."""
    found: list[str] = page.evaluate(
        f"""[...document.querySelectorAll('#list td.{key}')].map((cell) => cell.children.length
            ? [...cell.children].map((each) => each.textContent).join(' ') : cell.textContent)"""
    )
    return [" ".join(each.split()) for each in found]


def said(page: Page) -> str:
    return page.locator("#count").inner_text()


def head(page: Page, key: str) -> Any:
    return page.locator(f"th[data-key={key}] button")


def numbers(rows: list[dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) if row[name] else math.nan for row in rows]


def made_of_many(folder: Path) -> tuple[Path, list[dict[str, str]]]:
    """Make a page of 300 rows."""
    (folder / "in.csv").write_text(long_list(300))
    return folder / "list.html", made(folder / "in.csv", folder / "list.html")
