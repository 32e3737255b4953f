"""A waiting list of 5,000 rows in a browser: some rows at a time against all in the table at once.

Run: python benchmarks/pages.py > benchmarks/results/pages.txt
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from side_by_side import heading, side_by_side

from discresorb import load
from discresorb.jobs import Form, Job
from discresorb.pages.waiting_list import PageWriter
from discresorb.score_files import run_jobs
from discresorb.scoring import Scorer
from discresorb_training import simulate_cohort

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROWS, REPEATS, FRAMES = 5_000, 9, 60
AT_ONCE = ('<option value="250" selected>', '<option value="0">all')
# until what was asked for has been laid out and painted
PAINTED = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))"
SORT = "document.querySelector('th[data-key=p] button').click()"
FILTER = """(() => {
    const text = document.getElementById('text');
    text.value = text.value ? '' : 'symptoms';
    text.dispatchEvent(new Event('input'));
})()"""
SCROLL = f"""async () => {{
    const frames = [];
    let before = await new Promise(requestAnimationFrame);
    for (let i = 0; i < {FRAMES}; i += 1) {{
        scrollBy(0, 300);
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - before);
        before = now;
    }}
    scrollTo(0, 0);
    return frames;
}}"""


def waiting_list(folder: Path) -> Path:
    """Simulate patients, give them waits, and leave one in fifty unreadable."""
    cohort, _ = simulate_cohort(ROWS, seed=4)
    numbers = pl.int_range(ROWS, eager=True)
    frame = pl.DataFrame(
        {
            "patient_id": [f"W{n:05d}" for n in range(ROWS)],
            "size_mm": cohort["size_mm"].tolist(),
            "sequestrated": cohort["sequestrated"].astype(str).tolist(),
            "months_since_onset": cohort["months_since_onset"].tolist(),
            "months_to_surgery": (numbers % 97) / 4,
            "symptoms_changed": [("yes", "no", "", "", "")[n % 5] for n in range(ROWS)],
        }
    ).with_columns(size_mm=pl.when(numbers % 50 == 0).then(None).otherwise(pl.col("size_mm")))
    path = folder / "in.csv"
    frame.write_csv(path)
    return path


def pages(folder: Path) -> tuple[Path, Path]:
    """Make the page, and the same page with all rows in the table from the start."""
    source, page = waiting_list(folder), folder / "page.html"
    scorer = Scorer(load())

    def scored(with_page: bool) -> None:
        further = {page: lambda stream: PageWriter(stream, scorer)} if with_page else {}
        run_jobs(scorer, [Job(str(source), folder / "out.csv")], Form(), further=further)

    without, with_it, ratio = side_by_side(lambda: scored(False), lambda: scored(True), REPEATS)
    print(f"scoring {ROWS:,} rows into a CSV: {1e3 * without:.0f} ms; with the page beside it: "
          f"{1e3 * with_it:.0f} ms; ratio {ratio:.1f}")  # fmt: skip
    html = page.read_text(encoding="utf-8")
    print(f"size of the page: {len(html.encode()) / 1e6:.2f} MB\n")
    at_once = folder / "at_once.html"
    chosen, every = AT_ONCE
    changed = html.replace(chosen, chosen.replace(" selected", "")).replace(
        every, every.replace(">", " selected>")
    )
    assert changed.count("selected>all") == 1
    at_once.write_text(changed, encoding="utf-8")
    return page, at_once


def opened(browser: Browser, path: Path) -> tuple[Page, float]:
    """Open a page; give the milliseconds until its rows were painted."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(path.as_uri())
    return page, float(page.evaluate(f"{PAINTED}.then(() => performance.now())"))


def took(page: Page, action: str) -> float:
    """Give the milliseconds until what an action changes was painted."""
    script = f"async () => {{ const start = performance.now(); {action}; await {PAINTED}; "
    return float(page.evaluate(script + "return performance.now() - start; }"))


def measured(browser: Browser, path: Path) -> dict[str, float]:
    """Open a page and use it, in milliseconds."""
    page, load_time = opened(browser, path)
    found = {"load": load_time, "first sort": took(page, SORT), "sort again": took(page, SORT)}
    found["filter"] = statistics.median(took(page, FILTER) for _ in range(4))
    frames: list[float] = page.evaluate(SCROLL)
    found |= {"scroll, median frame": statistics.median(frames), "scroll, worst frame": max(frames)}
    page.close()
    return found


def in_turn(browser: Browser, paths: tuple[Path, Path]) -> None:
    """Print medians, and medians of the ratio within a pair."""
    pairs: list[tuple[dict[str, float], ...]] = [
        tuple(measured(browser, path) for path in paths) for _ in range(REPEATS)
    ]
    print(f"{'':24}{'250 at a time':>15}{'all at once':>15}{'ratio':>8}")
    for name in pairs[0][0]:
        columns: list[Any] = [statistics.median(pair[i][name] for pair in pairs) for i in (0, 1)]
        ratio = statistics.median(pair[1][name] / pair[0][name] for pair in pairs)
        print(f"{name:24}{columns[0]:12.0f} ms{columns[1]:12.0f} ms{ratio:8.1f}")


if __name__ == "__main__":
    from browsers import started

    heading("A waiting-list page in Chromium", "playwright")
    with tempfile.TemporaryDirectory() as name, started() as chromium:
        made = pages(Path(name))
        print(f"Chromium {chromium.version}, a page of 1280 × 800, medians of {REPEATS}")
        in_turn(chromium, made)
