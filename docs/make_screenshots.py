"""Photograph the pages for the documentation: python docs/make_screenshots.py.

Needs Chromium. Each page is opened at the width of a phone, of a small screen and of A4, light and
dark, and as it is printed on A4.
"""

from __future__ import annotations

import contextlib
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
WIDTHS = {"phone": 360, "screen": 1024, "a4": 794}  # CSS pixels
MARGIN = 53  # of printed pages: 14 mm
SHEETS = {"calculator": (794, 1123), "waiting_list": (1123, 794)}  # A4, upright or not
TALLEST = 2400
COLOURS = 64
COMMANDS = {
    "calculator": ["calculator", "-o"],
    "waiting_list": ["score", "data/synthetic/waiting_list.csv", "-o", "{}.csv", "--html"],
}


def main() -> None:
    """Make the pages and photograph them."""
    FOLDER.mkdir(exist_ok=True)
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    place = next(filter(None, map(shutil.which, names)))
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(ROOT),  # a page names its list as the command did
        sync_playwright() as playwright,
    ):
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


def _pictures(browser: Browser, made: Path) -> Iterator[tuple[str, Image.Image]]:
    for name, width in WIDTHS.items():
        for dark in (False, True):
            with _opened(browser, made, width, dark=dark) as page:
                yield f"{name}_{'dark' if dark else 'light'}", _shot(page, width)
    yield "a4_print", _printed(browser, made)


def _printed(browser: Browser, made: Path) -> Image.Image:
    sheet = Image.new("RGB", SHEETS[made.stem], "white")
    wide, tall = (side - 2 * MARGIN for side in sheet.size)
    with _opened(browser, made, wide, dark=False) as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        shot = _shot(page, wide)
    sheet.paste(shot.crop((0, 0, wide, min(tall, shot.height))), (MARGIN, MARGIN))
    return sheet


@contextlib.contextmanager
def _opened(browser: Browser, made: Path, width: int, *, dark: bool) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    page.goto(made.as_uri())
    example = page.get_by_role("button", name="example")
    if example.count():
        example.click()
        page.wait_for_timeout(1000)
    yield page
    context.close()


def _shot(page: Page, width: int) -> Image.Image:
    tall = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": tall})  # what sticks, sticks to the foot
    clip = page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": min(tall, TALLEST)})
    return Image.open(io.BytesIO(clip)).convert("RGB")


def _small(image: Image.Image) -> bytes:
    """Give a PNG of few colours, which such pages have."""
    stream = io.BytesIO()
    image.quantize(COLOURS).save(stream, format="PNG", optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    main()
