"""Batches of a CSV as frames of text; a row with too few or too many fields is told of."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from discresorb.errors import Problem
from discresorb.records import Batch, decoded, rows_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Rows", "text_rows"]

_RAGGED: Final = "number of fields"


@dataclass(frozen=True)
class Rows:
    """Rows of a file.

    Parameters
    ----------
    frame : polars.DataFrame
        Of a CSV text, null where a cell is empty; of Parquet as it is typed.
    ragged : dict
        By row, what is wrong with the number of its fields.
    bare : bool
        Whether no cell needs quotes in a CSV.
    """

    frame: pl.DataFrame
    ragged: Mapping[int, Problem]
    bare: bool = False


def text_rows(batch: Batch, width: int, name: str) -> Rows:
    """Read a batch of a CSV; the frame's columns bear their positions as names.

    Parameters
    ----------
    batch : Batch
        As `Records` cuts them.
    width : int
        Columns that the header has.
    name : str
        Of the file, for messages.

    Raises
    ------
    InputFileError
        If it cannot be read.
    """
    rows = batch.rows
    if rows is None:
        if batch.fields is not None and width > 1:
            records, separators = batch.fields
            # rows of another length could only make up for each other if one were too long, and
            # that polars refuses
            if separators == records * (width - 1):
                frame = _read_at_once(batch.content, width)
                if frame is not None and len(frame) == records:
                    return Rows(frame, {}, bare=b'"' not in batch.content)
        text = decoded(batch.content, name, batch.first_line)
        rows = list(rows_of(io.StringIO(text, newline=""), name, batch.first_line))
    return _squared(rows, width)


def _read_at_once(content: bytes, width: int) -> pl.DataFrame | None:
    import polars as pl

    names = [str(position) for position in range(width)]
    # names before it, lest its first cell be taken for a BOM or a compressed file's first bytes;
    # a line end after it, lest a surplus separator at the very end go unnoticed
    framed = ",".join(names).encode() + b"\n" + content + b"\n"[content.endswith(b"\n") :]
    try:
        frame = pl.read_csv(framed, schema=dict.fromkeys(names, pl.String))
    except pl.exceptions.PolarsError:
        return None
    if b'""' in content:  # an empty cell is empty, quoted or not
        frame = frame.with_columns(pl.all().replace("", None))
    return frame


def _squared(rows: list[list[str]], width: int) -> Rows:
    import polars as pl

    ragged = {}
    for position, row in enumerate(rows):
        if len(row) == width:
            continue
        rule = f"row has {len(row)} fields, but the header has {width}"
        if len(row) < width:
            ragged[position] = Problem(_RAGGED, f"{rule}; a separator or a quote is missing")
            rows[position] = row + [""] * (width - len(row))
        else:
            surplus = ", ".join(map(repr, row[width:]))
            ragged[position] = Problem(_RAGGED, rule, f"{rule}; beyond it: {surplus}")
            rows[position] = row[:width]
    columns = zip(*rows, strict=True) if rows else [()] * width
    frame = pl.DataFrame(
        [
            pl.Series(str(position), [cell or None for cell in cells], dtype=pl.String)
            for position, cells in enumerate(columns)
        ]
    )
    return Rows(frame, ragged)
