"""What databases call columns and findings otherwise than we do, as options say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from discresorb.cells import show
from discresorb.errors import InputError, InputFileError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["recoded", "recodes_of", "renames_of"]

_SHOWN: Final = 10


def renames_of(options: Sequence[str]) -> dict[str, str]:
    """Read options of the form THEIRS=OURS; ours holds no equals sign."""
    renames: dict[str, str] = {}
    problems = []
    for option in options:
        theirs, equals, ours = option.rpartition("=")
        if not equals or not theirs.strip() or not ours.strip():
            problems.append(f"--rename entered as {option}, but must be THEIRS=OURS")
        elif theirs in renames:
            problems.append(f"--rename gives {theirs} two names")
        renames[theirs] = ours.strip()
    if problems:
        raise InputError(problems)
    return renames


def recodes_of(options: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read options of the form COLUMN:THEIRS=OURS, by column; ours may be empty."""
    recodes: dict[str, dict[str, str]] = {}
    problems = []
    for option in options:
        column, _, words = option.partition(":")
        theirs, equals, ours = (each.strip() for each in words.rpartition("="))
        if not column.strip() or not equals or not theirs:
            problems.append(f"--recode entered as {option}, but must be COLUMN:THEIRS=OURS")
        elif theirs in recodes.get(column.strip(), {}):
            problems.append(f"--recode gives {theirs} in {column.strip()} two meanings")
        recodes.setdefault(column.strip(), {})[theirs] = ours
    if problems:
        raise InputError(problems)
    return recodes


def recoded(
    frame: pl.DataFrame, header: Sequence[str], recodes: Mapping[str, Mapping[str, str]], name: str
) -> pl.DataFrame:
    """Put our words into the columns, where theirs stand.

    Parameters
    ----------
    frame : polars.DataFrame
        Cells as text.
    header : sequence of str
        Of its columns.
    recodes : mapping
        By column, from their words to ours.
    name : str
        Of the file, for messages.

    Raises
    ------
    InputFileError
        If a column, or one of their words, is not there.
    """
    import polars as pl

    problems, full = [], []
    for column, words in recodes.items():
        if column not in header:
            problems.append(f"{name} has no column {show(column)} to recode")
            full.append(problems[-1])
            continue
        at = header.index(column)
        cells = frame.to_series(at).str.strip_chars()
        found = cells.unique().drop_nulls().sort().to_list()
        missing = [show(each) for each in words if each not in found]
        if missing:
            shown = ", ".join(show(each) for each in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            nowhere = f"{name}: {column} is nowhere {' or '.join(missing)}; it holds"
            problems.append(f"{nowhere} {len(found)} other words")
            full.append(f"{nowhere} {shown}{more}")
        changed = cells.replace({theirs: ours or None for theirs, ours in words.items()})
        told = cells.is_in(list(words))
        frame = frame.with_columns(
            pl.when(told).then(changed).otherwise(frame.to_series(at)).alias(frame.columns[at])
        )
    if problems:
        raise InputFileError(problems, full)
    return frame
