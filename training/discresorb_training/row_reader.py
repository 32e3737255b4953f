"""Reading a table's columns, with every problem gathered by row and told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discresorb.cells import is_empty, read_column, show
from discresorb.columns import Column
from discresorb.distributions import Array
from discresorb.errors import InputFileError, Problem

__all__ = ["RowReader", "frame_header", "problem_lines", "refusal_of", "text_of"]

_MOST_LISTED = 20


def text_of(cell: object) -> str:
    """Give a cell as text without blanks around it; empty text for an empty one."""
    if is_empty(cell):
        return ""
    try:
        return str(cell).strip()
    except ValueError:  # an integer of thousands of digits
        return show(cell)


class RowReader:
    """Reads columns and gathers problems by row.

    Parameters
    ----------
    cells : mapping
        By column name, its cells.
    count : int
        Rows.
    ragged : mapping, optional
        By row, what is wrong with the number of its fields.
    """

    def __init__(
        self,
        cells: Mapping[str, Sequence[Any]],
        count: int,
        ragged: Mapping[int, Problem] | None = None,
    ) -> None:
        self._cells = dict(cells)
        self._count = count
        self._problems: dict[int, list[Problem]] = {}
        self._read: dict[str, Array] = {}
        self._unreadable: dict[str, Array] = {}
        for row, problem in (ragged or {}).items():
            self.add(row, problem.rule, problem.kind, problem.with_values)

    @property
    def problems(self) -> Mapping[int, Sequence[Problem]]:
        """All that was found, by row."""
        return self._problems

    def add(self, row: int, rule: str, kind: str = "", with_values: str = "") -> None:
        """Note a problem of a row; see `Problem`.

        Parameters
        ----------
        row : int
            Its position.
        rule, kind, with_values : str
            What a `Problem` holds.
        """
        self._problems.setdefault(row, []).append(Problem(kind, rule, with_values))

    def add_where(self, bad: Array, rule: str, kind: str = "") -> None:
        """Note a problem of every row where `bad` is true."""
        for row in np.flatnonzero(bad).tolist():
            self.add(row, rule, kind)

    def optional(self, column: Column) -> Array:
        """Give a column's numbers, nan where empty, absent or unreadable; read it once."""
        if column.name not in self._read:
            values: Array = np.full(self._count, np.nan)
            problems: dict[int, Problem] = {}
            if column.name in self._cells:
                values, problems = read_column(column, self._cells[column.name])
            for row, problem in problems.items():
                kind = f"{column.name} cannot be read"
                self.add(row, problem.rule, kind, problem.with_values)
            unreadable = np.zeros(self._count, dtype=bool)
            unreadable[list(problems)] = True
            self._read[column.name], self._unreadable[column.name] = values, unreadable
        return self._read[column.name]

    def needed(self, column: Column, where: Array | None = None, when: str = "") -> Array:
        """Give a column's numbers; an empty cell is a problem (in the rows `where` says so)."""
        values = self.optional(column)
        missing = np.isnan(values) & ~self._unreadable[column.name]
        if where is not None:
            missing &= where
        kind = f"{column.name} is missing{when}"
        self.add_where(missing, f"{kind}; it must be {column.allowed}", kind)
        return values

    def refuse_if_any(self, name: str) -> None:
        """Raise InputFileError with the problems, if there are any."""
        if self._problems:
            raise refusal_of(self._problems, name)


def refusal_of(problems: Mapping[int, Sequence[Problem]], name: str) -> InputFileError:
    """Give the error that says what is wrong, with and without what was entered."""
    lines, full = (problem_lines(problems, name, show_values=each) for each in (False, True))
    return InputFileError(lines, full)


def problem_lines(
    problems: Mapping[int, Sequence[Problem]], name: str, more: str = "", *, show_values: bool
) -> list[str]:
    """Say what is wrong, a line a row; of many rows the first.

    Parameters
    ----------
    problems : mapping
        By row.
    name : str
        Of the file or frame.
    more : str
        Where the others can be found, in words.
    show_values : bool
        Whether they say what was entered.
    """
    said = {
        row: "; ".join(each.said(show_values=show_values) for each in problems[row])
        for row in sorted(problems)
    }
    lines = [f"{name}, row {row + 1}: {words}" for row, words in said.items()]
    left = len(lines) - _MOST_LISTED
    if left <= 0:
        return lines
    others = "1 more row" if left == 1 else f"{left} more rows"
    return [*lines[:_MOST_LISTED], f"… and {others} with problems{more}"]


def frame_header(frame: Any) -> list[str]:
    """Give a frame's column names; raise InputFileError if it is no frame."""
    import narwhals as nw

    is_pandas = nw.dependencies.is_pandas_dataframe(frame)
    if not (is_pandas or nw.dependencies.is_polars_dataframe(frame)):
        raise InputFileError(
            f"a cohort must be a pandas or polars DataFrame, not {type(frame).__name__}"
        )
    return [str(name) for name in frame.columns]
