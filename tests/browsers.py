"""A real browser for the pages: the Chromium of this machine, without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# where a skip for want of a browser would hide that nothing was tested
REQUIRED = "DISCRESORB_REQUIRE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def found_browser() -> str:
    """Find Chromium; where there is none skip, or fail if a browser is required."""
    for name in NAMES:
        place = shutil.which(name)
        if place:
            return place
    words = f"no browser: none of {', '.join(NAMES)} is installed"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{words}, but {REQUIRED}=1 requires one")
    # a developer without Chromium still gets all other tests; CI requires it by the variable above
    pytest.skip(words)


@contextmanager
def started() -> Iterator[Browser]:
    """Start it; without its sandbox, which root cannot have."""
    place = found_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Opens pages, and remembers what they asked for and complained of.

    `quiet` then holds that opening and using them made no request and no error.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[Any] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def open(
        self, path: Path, *, width: int = 1024, height: int = 768, dark: bool = False, **more: Any
    ) -> Page:
        """Open a file; further keywords go to the browser's context."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            **more,
        )
        self._contexts.append(context)
        page = context.new_page()
        own = path.resolve().as_uri()
        page.on("request", lambda r: self.requests.append(r.url) if r.url != own else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.goto(own)
        return page

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()

    def quiet(self) -> None:
        """Hold that nothing was asked for and nothing went wrong."""
        wanted = [url for url in self.requests if not url.startswith("data:")]
        assert wanted == []
        assert self.complaints == []


def serious(page: Page) -> list[str]:
    """Give what axe-core finds that is serious or critical, in words."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
