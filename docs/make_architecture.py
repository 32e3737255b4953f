"""Draw the map of rooms and modules in docs/architecture.md: python docs/make_architecture.py.

Rooms and their order come from docs/layers.toml, each module's line from its own docstring.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
SOURCES = {"discresorb": "model", "discresorb_training": "training"}
BLOCK = re.compile(r"<!-- map: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
WIDTH = 38


def layers() -> dict[str, Any]:
    """Read rooms and heavy libraries; each room gets its modules' dotted ``names``."""
    found = tomllib.loads((DOCS / "layers.toml").read_text(encoding="utf-8"))
    for room in found["room"]:
        room["names"] = [f"{room['package']}.{each}".rstrip(".") for each in room["modules"]]
    return found


def filled(page: str) -> str:
    """Give a page with its maps as the sources are now."""
    rooms = layers()["room"]

    def block(found: re.Match[str]) -> str:
        kind = found[1]
        drawn = drawing(rooms) if kind == "drawing" else table(rooms, kind)
        return f"<!-- map: {kind} -->\n{drawn}\n<!-- end -->"

    return BLOCK.sub(block, page)


def drawing(rooms: list[dict[str, Any]]) -> str:
    """Draw both packages as stacks of rooms, the highest on top, with the one arrow there is."""
    left, right = (stack(rooms, package) for package in reversed(SOURCES))
    height = max(len(left), len(right))
    left, right = ([""] * (height - len(each)) + each for each in (left, right))
    lines = []
    for number, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        arrow = "──▶" if number == height // 2 else "   "
        lines.append(f"{ours:<{WIDTH + 2}} {arrow} {theirs}".rstrip())
    return "\n".join(["```", *lines, "```"])


def stack(rooms: list[dict[str, Any]], package: str) -> list[str]:
    """Draw one package's rooms as boxes, the highest on top."""
    own = [room for room in rooms if room["package"] == package]
    lines = [f"┌{'─' * WIDTH}┐", f"│{package:^{WIDTH}}│"]
    for room in reversed(own):
        said = f"{room['name']} ({len(room['modules'])})"
        lines += [f"├{'─' * WIDTH}┤", f"│ {said:<{WIDTH - 1}}│"]
    return [*lines, f"└{'─' * WIDTH}┘"]


def table(rooms: list[dict[str, Any]], package: str) -> str:
    """List a package's modules by room, lowest first, each with the line that it says of itself."""
    parts = []
    for room in rooms:
        if room["package"] == package:
            said = f"**{room['name'][0].upper()}{room['name'][1:]}**: {room['about']}."
            lines = [
                f"| `{each or package}` | {first_line(package, each)} |" for each in room["modules"]
            ]
            parts.append("\n".join([said, "", "| module | |", "|---|---|", *lines]))
    return "\n\n".join(parts)


def first_line(package: str, module: str) -> str:
    """Give the first line of a module's docstring."""
    path = DOCS.parent / SOURCES[package] / package / Path(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    said = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    target = DOCS / "architecture.md"
    target.write_text(filled(target.read_text(encoding="utf-8")), encoding="utf-8", newline="")
