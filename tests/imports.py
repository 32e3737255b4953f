"""Which module imports which, read from the sources; nothing is imported to find out."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conftest import ROOT

SOURCES = (ROOT / "model", ROOT / "training")


@dataclass(frozen=True)
class Import:
    """One import: of which module or library, and when it takes place."""

    name: str
    on_import: bool  # when the module itself is imported; otherwise inside a function
    typing_only: bool


@cache
def modules() -> dict[str, Path]:
    """Give both packages' modules by their dotted names."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for root in SOURCES
        for path in sorted(root.rglob("*.py"))
    }


@cache
def imports(module: str) -> frozenset[Import]:
    """Give a module's imports, of ours as modules and of others as libraries; none of Python's."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    return frozenset(
        Import(name, id(node) not in inside | typing_only, id(node) in typing_only)
        for node in ast.walk(tree)
        for name in _imported(node)
        if name != module and name not in sys.stdlib_module_names
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [each.name for each in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports name the whole module"
        names = [f"{node.module}.{each.name}" for each in node.names]
    else:
        return
    for name in names:
        ours = next((each for each in _itself_and_parents(name) if each in modules()), None)
        yield ours or name.partition(".")[0]


def _itself_and_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]
