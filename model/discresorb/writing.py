"""Scored rows as CSV or JSON lines, for programs; every input cell passes through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from discresorb.cells import is_number
from discresorb.reading import Table
from discresorb.scoring import OUTPUT_NAMES, Scored

__all__ = ["write_csv", "write_json_lines"]

# a spreadsheet would run what begins so
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(stream: TextIO, table: Table, scored: Scored, *, raw_text: bool = False) -> int:
    """Write a scored table as CSV.

    Parameters
    ----------
    stream : text file
        Opened with ``newline=""``.
    table, scored : Table, Scored
        Input rows and their outputs.
    raw_text : bool
        Leave cells alone that a spreadsheet would take for formulas; by default they get a
        leading ``'``.

    Returns
    -------
    int
        Number of cells that got one.
    """
    guarded = 0
    outputs: Iterable[list[str]] = ([_text(v) for v in row.values()] for row in scored.rows())
    body = zip(table.rows, outputs, strict=True)
    for cells, output in _with_header(table.header, body):
        passed = cells
        if not raw_text:
            passed = [f"'{cell}" if _is_formula(cell) else cell for cell in cells]
            guarded += sum(a is not b for a, b in zip(passed, cells, strict=True))
        stream.write(",".join(map(_quoted, (*passed, *output))) + "\n")
    return guarded


def write_json_lines(stream: TextIO, table: Table, scored: Scored) -> None:
    """Write one JSON object a row: input cells as text, outputs typed, null where there is none."""
    for cells, outputs in zip(table.rows, scored.rows(), strict=True):
        row = {**dict(zip(table.header, cells, strict=True)), **outputs}
        stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def _with_header(
    header: list[str], body: Iterable[tuple[list[str], list[str]]]
) -> Iterator[tuple[list[str], list[str]]]:
    yield header, list(OUTPUT_NAMES)
    yield from body


def _quoted(cell: str) -> str:
    """Quote a cell that holds what separates cells or rows; csv leaves a lone CR bare."""
    if any(c in cell for c in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _is_formula(cell: str) -> bool:
    return cell.startswith(_FORMULA_STARTS) and not is_number(cell.strip())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
