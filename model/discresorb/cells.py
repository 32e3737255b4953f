"""Reading one cell, or a column of cells, as the data dictionary says.

A cell becomes a number (dates become day numbers, flags 0 or 1, an empty cell nan) or, where it
cannot be read, a problem that says what is allowed and what was entered. Nothing is guessed.
"""

from __future__ import annotations

import datetime
import math
import numbers
import re
from collections.abc import Iterable
from typing import Any, Final, SupportsFloat, cast

import numpy as np

from discresorb.columns import FALSE_WORDS, TRUE_WORDS, Column
from discresorb.distributions import Array
from discresorb.errors import Problem

__all__ = [
    "FORMULA_STARTS",
    "NUMBER_PATTERN",
    "is_empty",
    "is_number",
    "level_of",
    "read_cell",
    "read_column",
    "show",
]

# no digit can be matched in two ways, which would take for ever on many of them
NUMBER_PATTERN: Final = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_NUMBER: Final = re.compile(NUMBER_PATTERN)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_WHOLE_NUMBER: Final = re.compile(r"-?\d+\.0+", re.ASCII)
# hyphens, dashes and the minus sign, which text processors write and which look like a hyphen
_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_ISO_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# a spreadsheet would run what begins so
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMERIC: Final = ("number", "flag")
_SHOWN_LENGTH: Final = 40
_FLAGS: Final = {word: 0.0 for word in FALSE_WORDS} | {word: 1.0 for word in TRUE_WORDS}


def is_empty(value: object) -> bool:
    """Tell whether a value is missing: nothing, blanks only, nan, NaT or NA."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, float):
        return value != value
    if isinstance(value, np.floating | np.datetime64):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")  # pandas' own, without importing it


def is_number(text: str) -> bool:
    """Tell whether text is a plain decimal number."""
    return _NUMBER.fullmatch(text) is not None


def show(value: object, length: int = _SHOWN_LENGTH) -> str:
    """Quote what was entered, on one line and not endlessly."""
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # an integer of thousands of digits
        return "an integer too long to show"
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def read_cell(column: Column, value: object) -> float | Problem:
    """Read one cell.

    Parameters
    ----------
    column : Column
        What it must hold.
    value : object
        Text as in a file, or a Python, numpy or pandas value.

    Returns
    -------
    float or Problem
        The number, nan for an empty cell; or why it cannot be read.
    """
    if is_empty(value):
        return math.nan
    try:
        if column.kind == "category":
            return float(column.levels.index(level_of(value)))
        number = _READERS[column.kind](value)
    except (ValueError, TypeError, ArithmeticError, NotImplementedError):
        return _refusal(column, value)
    return number if column.low <= number <= column.high else _refusal(column, value)


def read_column(column: Column, cells: Iterable[Any]) -> tuple[Array, dict[int, Problem]]:
    """Read a column of cells.

    Parameters
    ----------
    column : Column
        What it must hold.
    cells : iterable
        A float, integer or bool array, or any values that `read_cell` takes.

    Returns
    -------
    values : float array
        nan where a cell is empty or has a problem.
    problems : dict
        By position.
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub" and column.kind in _NUMERIC:
        return _read_numeric(column, cells)
    # cells repeat; texts alone are safe to look up by equality
    seen: dict[str, float | Problem] = {}
    values, problems = [], {}
    for position, cell in enumerate(cells):
        read: float | Problem
        if type(cell) is not str:
            read = read_cell(column, cell)
        elif cell in seen:
            read = seen[cell]
        else:
            read = seen[cell] = read_cell(column, cell)
        if isinstance(read, Problem):
            problems[position] = read
            read = math.nan
        values.append(read)
    return np.array(values, dtype=float), problems


def _read_numeric(column: Column, cells: Array) -> tuple[Array, dict[int, Problem]]:
    values = cells.astype(float)
    low, high = (0.0, 1.0) if column.kind == "flag" else (column.low, column.high)
    suspect = ~((values >= low) & (values <= high)) & ~np.isnan(values)
    if column.kind == "flag":
        suspect |= (values > 0.0) & (values < 1.0)
    elif cells.dtype.kind == "b":
        suspect = np.ones(len(cells), dtype=bool)
    problems = {}
    for position in np.flatnonzero(suspect).tolist():
        read = read_cell(column, cells[position].item())
        if isinstance(read, Problem):
            problems[position] = read
            values[position] = math.nan
    return values, problems


def _read_number(value: object) -> float:
    if isinstance(value, str):
        text = value.strip()
        if not is_number(text):
            raise ValueError
        return float(text)
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Number):
        raise ValueError
    return float(cast(SupportsFloat, value))  # that of a complex number raises TypeError


def _read_flag(value: object) -> float:
    if isinstance(value, str):
        word = value.strip().lower()
        if word not in _FLAGS:
            raise ValueError
        return _FLAGS[word]
    if isinstance(value, bool | np.bool_):
        return float(value)
    number = _read_number(value)
    if number not in (0.0, 1.0):
        raise ValueError
    return number


def _read_date(value: object) -> float:
    if isinstance(value, str):
        text = value.strip()
        if not _ISO_DATE.fullmatch(text):
            raise ValueError
        return float(datetime.date.fromisoformat(text).toordinal())
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[D]").item()
    if isinstance(value, datetime.date):
        return float(value.toordinal())
    raise ValueError


def _read_no_number(value: object) -> float:
    raise NotImplementedError("text is not read as a number, and counts are only written")


def level_of(value: object) -> str:
    """Give a category's cell as text; a whole number is written without a decimal point.

    Whoever exports numbers with gaps often writes 1.0 for 1; typed and as text both are one level.
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    return text.partition(".")[0] if _WHOLE_NUMBER.fullmatch(text) else text


_READERS: Final = {
    "number": _read_number,
    "flag": _read_flag,
    "date": _read_date,
    "text": _read_no_number,
    "count": _read_no_number,
}


def _refusal(column: Column, value: object) -> Problem:
    allowed = f"must be {column.allowed}{_hint(column, value)}"
    return Problem(
        f"{column.name} not allowed",
        f"{column.name} {allowed}",
        f"{column.name} entered as {show(value)}, but {allowed}",
    )


def _hint(column: Column, value: object) -> str:
    """Say what looks like a slip."""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if column.kind == "number" and _DECIMAL_COMMA.fullmatch(text):
        return ", with a decimal point"
    if column.kind == "date" and _ISO_DATE.fullmatch(text):
        return "; there is no such day"
    shape = {"number": _NUMBER, "date": _ISO_DATE}.get(column.kind)
    if shape and _DASHES.search(text) and shape.fullmatch(_DASHES.sub("-", text)):
        return ", with the hyphen of a keyboard"
    if not all(c.isprintable() or c.isspace() for c in text):  # copied along; the rest may look fit
        return "; it holds a character that cannot be seen, so type it anew"
    return ""
