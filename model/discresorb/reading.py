"""Reading a CSV whole and as text, and refusing a header that would be misread.

Excel's semicolons, UTF-16, NUL bytes and doubled headers refuse the file; a row with too few or too
many fields keeps its place and is told of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from discresorb.cells import NUMBER_PATTERN, show
from discresorb.errors import InputFileError, Problem
from discresorb.records import BATCH_BYTES, Records
from discresorb.sources import Source, opened
from discresorb.table import text_rows

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Table", "check_columns", "columns_found", "read_table", "records_of"]

# no column is called so: a number, also with a decimal comma, or a date in any order
_VALUE: Final = re.compile(rf"{NUMBER_PATTERN}|[+-]?[0-9]+,[0-9]+|[0-9]+([-/.][0-9]+){{2}}")
_OTHER_SEPARATOR: Final = (
    "is it separated by something else than commas? Save it again as CSV UTF-8"
)


@dataclass(frozen=True)
class Table:
    """A CSV as text.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    header : list of str
        Column names.
    frame : polars.DataFrame
        The cells, null where empty; columns bear their positions as names.
    ragged : dict
        By row position, what is wrong with the number of its fields.
    """

    name: str
    header: list[str]
    frame: pl.DataFrame
    ragged: dict[int, Problem]

    def __len__(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> list[str]:
        """Give the cells of one column."""
        return self.frame[:, self.header.index(name)].fill_null("").to_list()

    def columns(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Give the cells of those of the named columns that are there."""
        return {name: self.column(name) for name in names if name in self.header}


def read_table(source: str | Path) -> Table:
    """Read a CSV file, or standard input for ``-``; plain or compressed.

    Raises
    ------
    InputFileError
        If the file cannot be read or would be misread, with what to do.
    """
    import polars as pl

    with opened(source) as file:
        if file.kind != "csv":
            raise InputFileError(f"{file.name} is Parquet; save it as CSV")
        records = records_of(file)
        parts = [text_rows(batch, len(records.header), file.name) for batch in records]
    ragged, count = {}, 0
    for part in parts:
        ragged.update({count + row: problem for row, problem in part.ragged.items()})
        count += len(part.frame)
    names = [str(position) for position in range(len(records.header))]
    frame = (
        pl.concat([part.frame for part in parts])
        if parts
        else pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    )
    return Table(file.name, records.header, frame, ragged)


def records_of(file: Source, batch_bytes: int = BATCH_BYTES) -> Records:
    """Read a CSV's header, and be ready for its records.

    Raises
    ------
    InputFileError
        If it is not separated by commas.
    """
    records = Records(file.stream, file.name, batch_bytes)
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(records.header) == 1 and separator in records.header[0]:
            raise InputFileError(
                f"{file.name} is separated by {called}; save it again as comma-separated CSV "
                "(UTF-8)"
            )
    return records


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
    if problems and _is_data(found):
        problems = ["two columns have one name"]
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
        problems += ["missing columns: " + "; ".join(missing), columns_found(found)]
        if any(separator in column for column in found for separator in ";\t|"):
            problems.append(_OTHER_SEPARATOR)
    if problems:
        raise InputFileError([f"{name}: {problem}" for problem in problems])


def columns_found(header: Sequence[str]) -> str:
    """Name the columns that there are; but a first line of data is no header, it is a patient."""
    if _is_data(header):
        return "the first line looks like data; it must hold the column names"
    return "found: " + ", ".join(map(show, header))


def _doubled(found: Sequence[str]) -> list[tuple[str, int]]:
    return [(column, n) for column, n in Counter(found).items() if n > 1]


def _named(column: str) -> str:
    return f"column {show(column)}" if column.strip() else "a column without a name"


def _is_data(header: Sequence[str]) -> bool:
    return any(_VALUE.fullmatch(column.strip()) for column in header)
