"""Where cosmic-ray's operators can change a source file, and which of these places are drawn."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
Position = tuple[int, int]  # line from 1, character from 0


@dataclass(frozen=True)
class Mutant:
    """One change of one file, named by what stands there and not by line numbers."""

    file: str
    where: str  # the function or class around it
    line: str
    column: int
    operator: str
    nth: int  # of those that agree in all of the above
    number: int  # the line's, for the reader only
    occurrence: int  # of the operator in the file

    def rank(self, seed: int) -> str:
        """Give its place in the draw, which changes elsewhere in the sources leave alone."""
        words = (seed, self.file, self.where, self.line, self.column, self.operator, self.nth)
        return hashlib.sha256(repr(words).encode()).hexdigest()

    @cached_property
    def source(self) -> str:
        """The whole file, changed."""
        original = (ROOT / self.file).read_text(encoding="utf-8")
        changed: str = mutate_code(original, get_operator(self.operator)(), self.occurrence)
        return changed

    @property
    def becomes(self) -> str:
        """What the line reads afterwards; nothing if it is gone."""
        original = (ROOT / self.file).read_text(encoding="utf-8").splitlines()
        changed = self.source.splitlines()
        gone = len(original) > len(changed)
        return "" if gone else changed[self.number - 1].strip()

    def __str__(self) -> str:
        head = f"{self.file}:{self.number} {self.where}, {self.operator.split('/')[1]}"
        return f"{head}\n    - {self.line}\n    + {self.becomes or '(the line is gone)'}"

    def compiles(self) -> bool:
        """Whether it is a program at all."""
        try:
            compile(self.source, self.file, "exec")
        except SyntaxError:
            return False
        return True


def mutants(file: str) -> tuple[list[Mutant], int]:
    """Give all mutants of a file, and how many more would only change annotations."""
    text = (ROOT / file).read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    if "from __future__ import annotations" not in lines:
        raise SystemExit(f"{file} evaluates its annotations: they may not be left out")
    annotations = [(_start(each, lines), _end(each, lines)) for each in _annotations(tree)]
    definitions = list(_definitions(tree, ""))
    seen: Counter[tuple[str, str, int, str]] = Counter()
    found, skipped = [], 0
    for operator, occurrence, start in _places(text):
        if any(first <= start < last for first, last in annotations):
            skipped += 1
            continue
        number, column = start
        line = lines[number - 1]
        # the last that holds the line is the innermost
        names = [name for name, first, last in definitions if first <= number <= last]
        where = names[-1] if names else "the module"
        words = (where, line.strip(), column - (len(line) - len(line.lstrip())), operator)
        found.append(Mutant(file, *words, seen[words], number, occurrence))
        seen[words] += 1
    return found, skipped


def _places(text: str) -> Iterator[tuple[str, int, Position]]:
    """Operator, occurrence and start of every mutation that cosmic-ray knows without arguments."""
    nodes = list(ast_nodes(get_ast(text)))
    for name in operator_names():
        operator_class = get_operator(name)
        if operator_class.arguments():
            continue
        operator = operator_class()
        starts = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, start in enumerate(starts):
            yield name, occurrence, start


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns:
            yield node.returns


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, int, int]]:
    """Qualified name, first and last line of classes and functions, outer ones first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            first = min(each.lineno for each in (child, *child.decorator_list))
            yield name, first, child.end_lineno or first
            yield from _definitions(child, f"{name}.")


def _start(node: ast.expr, lines: list[str]) -> Position:
    return node.lineno, _characters(lines[node.lineno - 1], node.col_offset)


def _end(node: ast.expr, lines: list[str]) -> Position:
    number, offset = node.end_lineno or node.lineno, node.end_col_offset or 0
    return number, _characters(lines[number - 1], offset)


def _characters(line: str, offset: int) -> int:
    """Count characters where `ast` counts bytes."""
    return len(line.encode()[:offset].decode())
