"""Every public name says what it does; those of the reference say all that a caller must know."""

from __future__ import annotations

import ast
import doctest
import functools
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT, SYNTHETIC
from docstrings import Docstring
from make_api import described, examples, page

from discresorb import errors, load

PARAMETERS_TO_NAME = 4
WITH_EXAMPLES = ("discresorb", "discresorb.plot", "discresorb.predictor", "discresorb_training")
REFERENCE = described()
Definition = ast.FunctionDef | ast.ClassDef


def test_the_reference_is_what_the_docstrings_say() -> None:
    """If not: python docs/make_api.py."""
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == page()


def callable_of(name: str) -> Any:
    """Give what is called by a name of the reference; None for a property or a plain class."""
    thing = REFERENCE[name]
    if isinstance(thing, classmethod | staticmethod):
        return thing.__func__
    if isinstance(thing, property):
        return None
    return thing


def taken(thing: Any) -> list[str]:
    """Name the parameters that a caller may give."""
    if inspect.isclass(thing) and issubclass(thing, Exception) and "__init__" not in vars(thing):
        return []
    return [each for each in inspect.signature(thing).parameters if each not in ("self", "cls")]


@pytest.mark.parametrize("name", REFERENCE)
def test_a_name_of_the_reference_says_what_it_takes_and_gives(name: str) -> None:
    doc = Docstring.of(inspect.getdoc(REFERENCE[name]) or "")
    assert doc.summary.endswith(".")
    thing = callable_of(name)
    if thing is None:
        return
    assert doc.names("Parameters") == taken(thing)
    assert all(each.kind or each.names[0].startswith("**") for each in doc.entries("Parameters"))
    assert all(each.text for each in doc.entries("Parameters"))
    if inspect.isclass(thing):
        return
    gives = inspect.signature(thing).return_annotation not in ("None", None)
    assert bool(doc.entries("Returns")) == gives
    assert all(each.text or len(each.names[0]) > 20 for each in doc.entries("Returns"))


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_the_reference_run(module: str) -> None:
    from matplotlib import pyplot as plt

    found = import_module(module)
    names = {"load": load, "frame": pd.read_csv(SYNTHETIC / "waiting_list.csv")}
    ran = doctest.testmod(found, extraglobs=names)
    plt.close("all")
    assert ran.attempted > 0
    assert ran.failed == 0


def test_every_example_of_the_reference_is_among_those() -> None:
    homes = {
        thing.__module__
        for name in REFERENCE
        if (thing := callable_of(name)) is not None and ">>>" in (inspect.getdoc(thing) or "")
    }
    assert homes <= set(WITH_EXAMPLES)


def test_what_an_example_prints_stands_in_its_block() -> None:
    typed = ">>> 1 < 2\nTrue\n>>> sum(\n...     [1, 1]\n... )\n2"
    shown = examples(f"Before.\n\n{typed}\n\nAfter.")
    assert shown == f"Before.\n\n```python\n{typed}\n```\n\nAfter."


def test_what_a_caller_may_have_to_catch_or_silence_is_in_the_reference() -> None:
    exits = [each for each in vars(errors).values() if inspect.isclass(each)]
    public_errors = {each.__name__ for each in exits if issubclass(each, Exception)}
    assert public_errors - set(REFERENCE) == {"ClusterError"}  # of the command line alone


def modules() -> Iterator[Path]:
    for folder in ("model", "training"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def exported(tree: ast.Module) -> set[str]:
    """Give the names in a module's ``__all__``."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def public(body: list[ast.stmt], names: set[str], of: str = "") -> Iterator[tuple[Definition, str]]:
    """Give the definitions of these names, and what is public in classes, with what these say."""
    for node in body:
        if isinstance(node, Definition) and node.name in names:
            yield node, of
            if isinstance(node, ast.ClassDef):
                own = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
                shown = {name for name in own if not name.startswith("_")}
                yield from public(node.body, shown, ast.get_docstring(node) or "")


def is_command(node: ast.FunctionDef) -> bool:
    """Whether typer makes a command of it: its options carry their own help."""
    return "typer." in ast.unparse(node.args)


def parameters(node: ast.FunctionDef) -> list[str]:
    found = node.args
    each = [*found.posonlyargs, *found.args, found.vararg, *found.kwonlyargs, found.kwarg]
    return [arg.arg for arg in each if arg and arg.arg not in ("self", "cls")]


def wrong_with(node: Definition, of: str) -> Iterator[str]:
    """Say what a docstring lacks; a class may describe what many of its methods take."""
    text = ast.get_docstring(node)
    if not text:
        yield "no docstring"
        return
    doc = Docstring.of(text)
    if not doc.summary.endswith((".", ":")):
        yield "its summary is not a sentence"
    if isinstance(node, ast.ClassDef) or is_command(node):
        return
    there, named = parameters(node), doc.names("Parameters")
    if named:
        unknown = [name for name in named if name not in there]
        yield from (f"describes {name}, which it does not take" for name in unknown)
        yield from (f"does not describe {name}" for name in there if name not in named)
    elif len(there) >= PARAMETERS_TO_NAME and any(f"``{name}``" not in of for name in there):
        yield f"takes {', '.join(there)} and describes none of them"


@functools.cache
def everything_public() -> list[tuple[str, Definition, str]]:
    found = []
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = path.relative_to(ROOT)
        found += [
            (f"{where}: {node.name}", node, of) for node, of in public(tree.body, exported(tree))
        ]
    return found


def test_every_public_name_of_every_module_has_a_docstring_that_fits_it() -> None:
    """One sentence at least; from four parameters on, and where any is named, all of them."""
    assert len(everything_public()) > 500
    wrong = [
        f"{where} {lack}"
        for where, node, of in everything_public()
        for lack in wrong_with(node, of)
    ]
    assert not wrong, "\n".join(wrong)
