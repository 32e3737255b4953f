"""Write docs/api.md, the reference of the public names, from their docstrings.

    python docs/make_api.py

What the packages and `discresorb.plot` export is taken from their ``__all__``; what these give back
or raise is named here beside it.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from docstrings import Docstring, Entry

ROOT = Path(__file__).parents[1]
WIDTH = 88
INTRODUCTION = """\
# Python

Every public name of `discresorb` and `discresorb_training`, from its docstring. Made by
`python docs/make_api.py`; a test compares. What may change in which release is said in
[versioning.md](versioning.md), what a column holds in [columns.md](columns.md), what the
probability means in [model.md](model.md).
"""


@dataclass(frozen=True)
class Area:
    """A part of the page.

    Parameters
    ----------
    title : str
        Its heading.
    words : str
        What stands below the heading.
    module : str
        Where the names are exported; the import that a reader writes.
    beside : sequence of str
        ``module.name`` of what these names give back, take or raise.
    """

    title: str
    words: str
    module: str
    beside: tuple[str, ...] = ()

    def things(self) -> list[tuple[str, Any]]:
        """Give what is described, by name: what is called, what comes of it, what is raised."""
        home: ModuleType = import_module(self.module)
        found = [(name, getattr(home, name)) for name in home.__all__ if not name.startswith("_")]
        for each in self.beside:
            place, _, name = each.rpartition(".")
            found.append((name, getattr(import_module(place), name)))
        return sorted(found, key=lambda each: _rank(*each))


def _rank(name: str, thing: Any) -> tuple[int, bool]:
    """Put first what is called, then what is built by hand, then results, then errors."""
    error = inspect.isclass(thing) and issubclass(thing, Exception)
    result = _is_dataclass(thing) and name not in BUILT_BY_HAND
    return 2 * error + result, inspect.isclass(thing)


def _is_dataclass(thing: Any) -> bool:
    return inspect.isclass(thing) and dataclasses.is_dataclass(thing)


BUILT_BY_HAND = ("Settings",)
AREAS = (
    Area(
        "Predict",
        "`from discresorb import load`. Importing it loads numpy and the standard library only.",
        "discresorb",
        (
            "discresorb.prediction.CurvePoints",
            "discresorb.errors.InputFileError",
            "discresorb.errors.OutputError",
        ),
    ),
    Area("Draw", "`from discresorb.plot import plot_curve`. Loads matplotlib.", "discresorb.plot"),
    Area(
        "Train, validate, update, simulate",
        "`from discresorb_training import train`. Each name is loaded when it is first used.",
        "discresorb_training",
        (
            "discresorb_training.visit_flow.VisitFlow",
            "discresorb_training.cohort_support.CohortSupport",
            "discresorb_training.sample_size.SampleSize",
            "discresorb_training.selection.Candidate",
        ),
    ),
)
ENTRIES = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")


def described() -> dict[str, Any]:
    """Name every public class, function and method that has a place on the page."""
    found: dict[str, Any] = {}
    for area in AREAS:
        for name, thing in area.things():
            found[name] = thing
            if inspect.isclass(thing):
                found |= {f"{name}.{own}": each for own, each in members(thing)}
    return found


def members(thing: type) -> list[tuple[str, Any]]:
    """Give a class's own public methods and properties, in the order of its source."""
    fields = {each.name for each in dataclasses.fields(thing)} if _is_dataclass(thing) else set()
    return [
        (name, each)
        for name, each in vars(thing).items()
        if not name.startswith("_")
        and name not in fields
        and (isinstance(each, property | classmethod | staticmethod) or inspect.isfunction(each))
        and inspect.getdoc(each)
    ]


def signature(name: str, thing: Any) -> str:
    """Write how a function is called, on one line if there is room."""
    function = thing.__func__ if isinstance(thing, classmethod | staticmethod) else thing
    found = inspect.signature(function)
    shown: list[str] = []
    for each in found.parameters.values():
        if each.name in ("self", "cls") or each.name.startswith("_"):
            continue
        if each.kind is each.KEYWORD_ONLY and not any(s.startswith("*") for s in shown):
            shown.append("*")
        shown.append(_parameter(each))
    given = found.return_annotation
    arrow = "" if given is found.empty or inspect.isclass(thing) else f" -> {_type(given)}"
    line = f"{name}({', '.join(shown)}){arrow}"
    if len(line) > WIDTH:
        line = f"{name}(\n" + "".join(f"    {each},\n" for each in shown) + f"){arrow}"
    return f"```python\n{line}\n```\n"


def _parameter(each: inspect.Parameter) -> str:
    star = "**" if each.kind is each.VAR_KEYWORD else "*" * (each.kind is each.VAR_POSITIONAL)
    kind = "" if each.annotation is each.empty else f": {_type(each.annotation)}"
    default = "" if each.default is each.empty else f" = {each.default!r}"
    return f"{star}{each.name}{kind}{default}"


def _type(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def marked(text: str, known: Sequence[str]) -> str:
    """Turn a docstring's marks into a page's: formulas, links to names that are described here."""
    text = re.sub(r"^\.\. math:: (.+)$", r"$$\1$$", text, flags=re.MULTILINE)
    text = re.sub(r":math:`([^`]+)`", r"$\1$", text)

    def link(found: re.Match[str]) -> str:
        return f"[`{found[1]}`](#{anchor(found[1])})" if found[1] in known else found[0]

    text = re.sub(r"(?<!`)`([\w.]+)`(?!`)", link, text)
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def anchor(name: str) -> str:
    """Name a heading as a repository's site does."""
    return name.lower().replace(".", "")


def entry(each: Entry, known: Sequence[str], title: str) -> str:
    """Write an entry of a section as an item of a list."""
    names = ", ".join(f"`{name}`" for name in each.names)
    if title in ("Returns", "Yields") and not each.kind:
        names = marked(", ".join(each.names), known)
    head = names + (f" : {marked(each.kind, known)}" if each.kind else "")
    text = marked(each.text, known)
    dash = ". " if each.kind else ": "
    return f"- {head}{dash if text else ''}" + textwrap.indent(text, "  ").lstrip()


def body(doc: str, known: Sequence[str], *, fields: bool = False) -> str:
    """Write a docstring: its text, then its sections."""
    parsed = Docstring.of(doc)
    parts = [examples(marked(parsed.text, known))]
    for title in parsed.sections:
        shown = "Fields" if fields and title == "Parameters" else title
        listed = (
            "\n".join(entry(each, known, title) for each in parsed.entries(title))
            if title in ENTRIES
            else examples(marked(parsed.sections[title], known))
        )
        parts.append(f"**{shown}**\n\n{listed}")
    return "\n\n".join(parts) + "\n"


def examples(text: str) -> str:
    """Fence what is typed at Python's prompt, with what it prints: as far as a blank line."""
    return re.sub(r"^>>> .*(?:\n.+)*", r"```python\n\g<0>\n```", text, flags=re.MULTILINE)


def source(thing: Callable[..., Any]) -> str:
    """Name the file that holds a name."""
    place = Path(inspect.getfile(thing)).resolve()
    folder = "model" if thing.__module__.split(".")[0] == "discresorb" else "training"
    within = f"{folder}/{'/'.join(thing.__module__.split('.'))}.py"
    return f"[{place.name}](../{within})"


def part(name: str, thing: Any, known: Sequence[str]) -> str:
    """Write one name: how it is called, what it does; of a class, its methods too."""
    lines = [f"### {name}\n", f"In {source(thing)}.\n"]
    error = inspect.isclass(thing) and issubclass(thing, Exception)
    if error and not issubclass(thing, Warning):
        lines.append(f"Exit status of the command line: {thing.exit_status}.\n")
    elif not error and not _is_dataclass(thing):
        lines.append(signature(name, thing))
    lines.append(body(inspect.getdoc(thing) or "", known, fields=_is_dataclass(thing)))
    for own, each in members(thing) if inspect.isclass(thing) else []:
        lines.append(f"#### {name}.{own}\n")
        if isinstance(each, property):
            given = inspect.signature(each.fget).return_annotation if each.fget else ""
            lines.append(f"Property, `{_type(given)}`.\n")
        else:
            lines.append(signature(own, each))
        lines.append(body(inspect.getdoc(each) or "", known))
    return "\n".join(lines)


def page() -> str:
    """Write the whole page."""
    known = list(described())
    parts = [INTRODUCTION]
    for area in AREAS:
        names = ", ".join(f"[`{name}`](#{anchor(name)})" for name, _ in area.things())
        heading = re.sub("[^a-z ]", "", area.title.lower()).replace(" ", "-")
        parts.append(f"- [{area.title}](#{heading}): {names}")
    parts.append("")
    for area in AREAS:
        parts += [f"## {area.title}\n", f"{area.words}\n"]
        parts += [part(name, thing, known) for name, thing in area.things()]
    return "\n".join(parts)


if __name__ == "__main__":
    (ROOT / "docs" / "api.md").write_text(page(), encoding="utf-8", newline="")
