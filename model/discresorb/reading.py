"""Reading a CSV whole and as text, refusing what would be misread.

Excel's semicolons, UTF-16, NUL bytes and doubled headers refuse the file; a row with too few or too
many fields keeps its place and is told of.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from discresorb.cells import is_number, show
from discresorb.errors import InputFileError

__all__ = ["STANDARD_STREAM", "Table", "check_columns", "read_table"]

STANDARD_STREAM = "-"


@dataclass(frozen=True)
class Table:
    """A CSV as text.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    header : list of str
        Column names.
    rows : list of list of str
        Each as long as the header.
    ragged : dict
        By row position, what is wrong with the number of its fields.
    """

    name: str
    header: list[str]
    rows: list[list[str]]
    ragged: dict[int, str]

    def column(self, name: str) -> list[str]:
        """Give the cells of one column."""
        position = self.header.index(name)
        return [row[position] for row in self.rows]

    def columns(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Give the cells of those of the named columns that are there."""
        return {name: self.column(name) for name in names if name in self.header}


def read_table(source: str | Path) -> Table:
    """Read a CSV file, or standard input for ``-``.

    Raises
    ------
    InputFileError
        If the file cannot be read or would be misread, with what to do.
    """
    name = "standard input" if str(source) == STANDARD_STREAM else str(source)
    text = _decode(name, _read_bytes(source, name))
    header_line = text.split("\n", 1)[0]
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if separator in header_line and "," not in header_line:
            raise InputFileError(
                f"{name} is separated by {called}; save it again as comma-separated CSV (UTF-8)"
            )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    start = 1
    usual_limit = csv.field_size_limit(max(len(text), 1))
    try:
        for row in reader:
            if row:  # a blank line is no row
                rows.append(row)
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputFileError(
            f"{name} cannot be read from line {start} on: {error}; is a quote left open there?"
        ) from None
    finally:
        csv.field_size_limit(usual_limit)
    if not rows:
        raise InputFileError(f"{name} is empty; it needs a header line with column names")
    header, *rows = rows
    return Table(name, header, *_square(rows, len(header)))


def check_columns(
    found: Sequence[str],
    *,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    either: Sequence[Sequence[str]] = (),
    reserved: Sequence[str] = (),
    name: str,
) -> None:
    """Refuse a header that does not fit, with all that is wrong with it.

    Parameters
    ----------
    found : sequence of str
        The header.
    needed : sequence of str
        Columns that must be there.
    optional : sequence of str
        Columns that are read if they are there.
    either : sequence of sequences
        Sets of columns of which at least one must be there whole.
    reserved : sequence of str
        Columns that must not be there, because they will be added.
    name : str
        Of the file or frame.
    """
    problems = [f"{_named(column)} appears {n} times" for column, n in _doubled(found)]
    present = [column for column in reserved if column in found]
    if present:
        problems.append(
            f"output columns are already there: {', '.join(present)}; remove or rename them first"
        )
    known = {*needed, *optional, *(column for each in either for column in each)}
    problems += [
        f"column {column!r} must be written {column.strip().lower()}; rename it"
        for column in found
        if column not in known
        and column.strip().lower() in known
        and column.strip().lower() not in found
    ]
    missing = [column for column in needed if column not in found]
    if either and not any(set(columns) <= set(found) for columns in either):
        missing.append("either " + " or ".join(", ".join(columns) for columns in either))
    if missing:
        problems.append("missing columns: " + "; ".join(missing))
        problems.append("found: " + ", ".join(show(column) for column in found))
        problems += _header_hints(found)
    if problems:
        raise InputFileError([f"{name}: {problem}" for problem in problems])


def _doubled(found: Sequence[str]) -> list[tuple[str, int]]:
    return [(column, n) for column, n in Counter(found).items() if n > 1]


def _named(column: str) -> str:
    return f"column {show(column)}" if column.strip() else "a column without a name"


def _header_hints(found: Sequence[str]) -> list[str]:
    hints = []
    if any(is_number(column.strip()) for column in found):
        hints.append("the first line looks like data; it must hold the column names")
    if any(separator in column for column in found for separator in ";\t|"):
        hints.append("is it separated by something else than commas? Save it again as CSV UTF-8")
    return hints


def _read_bytes(source: str | Path, name: str) -> bytes:
    if str(source) == STANDARD_STREAM:
        if sys.stdin is None:
            raise InputFileError("standard input is closed")
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except FileNotFoundError:
        raise InputFileError(f"there is no file {name}") from None
    except IsADirectoryError:
        raise InputFileError(f"{name} is a folder; name a CSV file") from None
    except PermissionError:
        raise InputFileError(f"{name} may not be read: permission denied") from None
    except OSError as error:
        raise InputFileError(f"{name} cannot be read: {error.strerror}") from None


def _decode(name: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputFileError(f"{name} is UTF-16; save it again as CSV UTF-8")
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise InputFileError(
            f"{name} has a NUL byte in line {line}; it is damaged, or UTF-16; "
            "save it again as CSV UTF-8"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputFileError(
            f"{name} is not UTF-8 in line {line}; save it again as CSV UTF-8"
        ) from None


def _square(rows: list[list[str]], width: int) -> tuple[list[list[str]], dict[int, str]]:
    ragged = {}
    for position, row in enumerate(rows):
        if len(row) == width:
            continue
        words = f"row has {len(row)} fields, but the header has {width}"
        if len(row) < width:
            ragged[position] = f"{words}; a separator or a quote is missing"
            rows[position] = row + [""] * (width - len(row))
        else:
            surplus = ", ".join(map(repr, row[width:]))
            ragged[position] = f"{words}; beyond it: {surplus}"
            rows[position] = row[:width]
    return rows, ragged
