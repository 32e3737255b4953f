"""Scored rows as CSV, JSON lines or Parquet; every input cell passes through.

Each batch is rendered on its own, so that several can be at once, and written in order.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from discresorb.cells import FORMULA_STARTS, NUMBER_PATTERN, is_number, show
from discresorb.errors import InputFileError
from discresorb.scoring import Scored, output_schema
from discresorb.table import Rows

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "CsvWriter",
    "JsonWriter",
    "ParquetWriter",
    "Rendered",
    "Writer",
    "guard_formulas",
    "is_formula",
    "join_parquet",
    "quoted",
]

# rows of a row group, so that a file does not depend on the batches that it came in
_ROW_GROUP: Final = 122_880
# rows that become text at once: polars keeps them in memory several times over
_JSON_ROWS: Final = 4_096
_SYSTEM_ERROR: Final = re.compile(r"\(os error (\d+)\)")
# seconds after which a thread that waits for another looks whether that has ended
_PATIENCE: Final = 0.1
# so many texts are quicker quoted one by one
_FEW: Final = 64
_SEPARATING: Final = '[,"\\r\\n]'


@dataclass(frozen=True)
class Rendered:
    """A batch as it will be written.

    Parameters
    ----------
    content : list of bytes, or polars.DataFrame
        What is written.
    guarded : int
        Cells that got a leading ``'``.
    """

    content: Any
    guarded: int = 0


class Writer(Protocol):
    """Writes batches in some format."""

    def begin(self, schema: pl.Schema, name: str) -> Rendered:
        """Give what stands before the first row; raise InputFileError for what it cannot hold."""

    def render(self, rows: Rows, scored: Scored) -> Rendered:
        """Bring one batch into its form; called from several threads."""

    def write(self, contents: Iterable[Any], schema: pl.Schema) -> None:
        """Write batches in order."""


@dataclass(frozen=True)
class _TextWriter:
    stream: IO[bytes]

    def write(self, contents: Iterable[list[bytes]], schema: pl.Schema) -> None:
        """Write batches in order."""
        for content in contents:
            self.stream.writelines(content)


@dataclass(frozen=True)
class CsvWriter(_TextWriter):
    """Comma-separated, UTF-8, quoted where needed.

    Parameters
    ----------
    stream : binary file
        Where to.
    raw_text : bool
        Leave cells alone that a spreadsheet would take for formulas; by default they get a
        leading ``'``.
    header : bool
        Whether the column names come first.
    """

    raw_text: bool = False
    header: bool = True

    def begin(self, schema: pl.Schema, name: str) -> Rendered:
        """Give the header."""
        import polars as pl

        _refuse(schema, name, "a CSV", _no_csv)
        if not self.header:
            return Rendered([])
        names = list(schema)
        guarded = [] if self.raw_text else [each for each in names if is_formula(each)]
        shown = [f"'{each}" if each in guarded else each for each in names]
        empty = pl.DataFrame(schema=dict.fromkeys([*shown, *output_schema()], pl.String))
        return Rendered([empty.write_csv().encode()], len(guarded))

    def render(self, rows: Rows, scored: Scored) -> Rendered:
        """Give the rows as bytes."""
        passed, guarded = rows.frame, 0
        if not self.raw_text:
            passed, guarded = guard_formulas(passed, scored.plain)
        # where only our own words may need quotes, they get them once each
        both = passed.hstack(scored.frame(_quoted if rows.bare else None))
        content: Any = (
            _Pieces()
        )  # polars takes whatever has a write, though its types do not say so
        both.write_csv(
            content,
            include_header=False,
            quote_style="never" if rows.bare else "necessary",
        )
        return Rendered(content.pieces, guarded)


@dataclass(frozen=True)
class JsonWriter(_TextWriter):
    """One JSON object a row, null where there is no number.

    Parameters
    ----------
    stream : binary file
        Where to.
    """

    def begin(self, schema: pl.Schema, name: str) -> Rendered:
        """Give nothing: JSON lines have no header."""
        _refuse(schema, name, "JSON", _no_json)
        return Rendered([])

    def render(self, rows: Rows, scored: Scored) -> Rendered:
        """Give the rows as bytes."""
        content: Any = _Pieces()  # as above
        both = _without_empty_text(rows.frame.hstack(scored.frame()))
        for rows_together in both.iter_slices(_JSON_ROWS):
            rows_together.write_ndjson(content)
        return Rendered(content.pieces)


@dataclass(frozen=True)
class ParquetWriter:
    """Parquet, columns typed as they came; those of a CSV are text.

    Parameters
    ----------
    stream : binary file
        Where to.
    """

    stream: IO[bytes]

    def begin(self, schema: pl.Schema, name: str) -> Rendered:
        """Give no rows."""
        import polars as pl

        return Rendered(pl.DataFrame(schema={**schema, **output_schema()}))

    def render(self, rows: Rows, scored: Scored) -> Rendered:
        """Give the rows as a frame."""
        return Rendered(rows.frame.hstack(_without_empty_text(scored.frame())))

    def write(self, contents: Iterable[pl.DataFrame], schema: pl.Schema) -> None:
        """Write batches in order, cut into row groups of one size.

        The file is made in a thread of its own: this one takes the batches, and can be interrupted.
        """
        import polars as pl
        from polars.io.plugins import register_io_source

        given: Queue[pl.DataFrame | None] = Queue(1)
        over = Event()

        def taken(columns: Any, predicate: Any, rows: Any, size: Any) -> Iterator[pl.DataFrame]:
            while not over.is_set():
                try:
                    frame = given.get(timeout=_PATIENCE)
                except Empty:
                    continue
                if frame is None:
                    return
                yield frame

        source = register_io_source(taken, schema={**schema, **output_schema()})
        with ThreadPoolExecutor(1) as pool:
            try:  # from the very first: an interrupt must always end the other thread's wait
                made = pool.submit(
                    source.sink_parquet, self.stream, row_group_size=_ROW_GROUP, maintain_order=True
                )
                for frame in chain(contents, [None]):
                    while not made.done():
                        with suppress(Full):
                            given.put(frame, timeout=_PATIENCE)
                            break
                    if made.done():
                        break
                made.result()
            except pl.exceptions.ComputeError as error:
                raise _system_error(error) from None
            finally:
                over.set()


def join_parquet(places: Sequence[Path], stream: IO[bytes]) -> None:
    """Write the rows of several Parquet files of the same columns as one, in order."""
    import polars as pl

    rows = pl.scan_parquet(list(places), glob=False)
    rows.sink_parquet(stream, row_group_size=_ROW_GROUP, maintain_order=True)


class _Pieces:
    """Keeps what is written, without copying it together."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self.pieces.append(piece)
        return len(piece)

    def flush(self) -> None:
        pass


def _system_error(error: Exception) -> Exception:
    """Give the operating system's error, such as a full disk, that polars tells of in its words."""
    found = _SYSTEM_ERROR.search(str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else error


def _without_empty_text(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return frame.with_columns(pl.col(pl.String).fill_null(""))


def _refuse(schema: pl.Schema, name: str, form: str, unfit: Callable[[Any], bool]) -> None:
    problems = [
        f"{name}: column {show(column)} holds {_named(kind)}, which {form} cannot; write Parquet, "
        "or leave it out"
        for column, kind in schema.items()
        if unfit(kind)
    ]
    if problems:
        raise InputFileError(problems)


def _named(kind: Any) -> str:
    """Name a type without the categories that it may list: they are what patients' cells say."""
    inner = getattr(kind, "inner", None)
    return f"{kind.base_type()}" + ("" if inner is None else f"({_named(inner)})")


def _no_csv(kind: pl.DataType) -> bool:
    import polars as pl

    return kind.is_nested() or kind in (pl.Binary, pl.Duration, pl.Object)


def _no_json(kind: pl.DataType) -> bool:
    return "Binary" in str(kind)  # also within lists


def guard_formulas(passed: pl.DataFrame, plain: frozenset[str]) -> tuple[pl.DataFrame, int]:
    """Give text that a spreadsheet would run a leading ', and count such cells."""
    import polars as pl

    texts = [n for n, kind in passed.schema.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    suspects = [name for name in texts if name not in plain]
    passed = passed.with_columns(pl.col(suspects).cast(pl.String))
    begins = "^[" + "".join("\\" + c if c == "-" else c for c in FORMULA_STARTS) + "]"
    found = passed.select(pl.col(suspects).str.contains(begins)) if suspects else passed.select()
    guarded = 0
    for name in [name for name in suspects if found[name].any()]:
        cells = passed[name]
        numbers = cells.str.strip_chars().str.contains(f"^{NUMBER_PATTERN}$")
        formulas = (found[name] & ~numbers).fill_null(False)
        guarded += int(formulas.sum())
        passed = passed.with_columns(
            pl.when(formulas).then("'" + cells).otherwise(cells).alias(name)
        )
    return passed, guarded


def quoted(text: str) -> str:
    """Quote a cell of a CSV that holds what separates cells or rows.

    A return is quoted as well; csv.writer leaves it bare where lines end otherwise.
    """
    if not any(separating in text for separating in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def _quoted(texts: pl.Series) -> pl.Series:
    """Quote texts that hold what separates cells or rows."""
    import polars as pl

    if len(texts) <= _FEW:
        return pl.Series(
            [None if text is None else quoted(text) for text in texts], dtype=pl.String
        )
    separating = texts.str.contains(_SEPARATING)
    in_quotes = '"' + texts.str.replace_all('"', '""', literal=True) + '"'
    return pl.select(pl.when(separating).then(in_quotes).otherwise(texts)).to_series()


def is_formula(cell: str) -> bool:
    """Tell whether a spreadsheet would run a cell."""
    return cell.startswith(FORMULA_STARTS) and not is_number(cell.strip())
