"""Photograph the pages for the documentation: python docs/make_screenshots.py.

Needs Chromium. Each page is opened at the width of a phone, of a small screen and of A4, light and
dark; on A4 the light one is what is printed.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from discresorb.cli import app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "screenshots"
PHONE, SCREEN, A4 = 360, 1024, 794  # CSS pixels
TALLEST = 1400
COLOURS = 64
COMMANDS = {
    "calculator": ["calculator", "-o"],
    "waiting_list": [
        "score",
        str(ROOT / "data/synthetic/waiting_list_problems.csv"),
        "-o",
        "{}.csv",
        "--html",
    ],
}


def main() -> None:
    """Make the pages and photograph them."""
    FOLDER.mkdir(exist_ok=True)
    place = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        for name, command in COMMANDS.items():
            made = Path(folder) / f"{name}.html"
            words = [word.format(made.with_suffix("")) for word in command]
            app([*words, str(made)], standalone_mode=False)
            for title, picture in _pictures(browser, made):
                path = FOLDER / f"{name}_{title}.png"
                path.write_bytes(_small(picture))
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
        browser.close()


def _pictures(browser: Browser, made: Path) -> Iterator[tuple[str, bytes]]:
    for width, name in ((PHONE, "phone"), (SCREEN, "screen"), (A4, "a4")):
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": TALLEST},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.goto(made.as_uri())
            _fill(page)
            printed = name == "a4" and scheme == "light"
            if printed:
                page.emulate_media(media="print")
            yield f"{name}_{'print' if printed else scheme}", _shot(page, width)
            context.close()


def _fill(page: Page) -> None:
    example = page.get_by_role("button", name="example")
    if example.count():
        example.click()
        page.wait_for_timeout(500)


def _shot(page: Page, width: int) -> bytes:
    tall = int(page.evaluate("document.documentElement.scrollHeight"))
    height = min(tall, 2 * TALLEST)
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})


def _small(picture: bytes) -> bytes:
    """Give a PNG of few colours, which such pages have."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    main()
