"""What is scored, batch by batch: a CSV's rows as text, a Parquet file's as they are typed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from discresorb.errors import InputFileError
from discresorb.reading import records_of
from discresorb.records import BATCH_BYTES, Batch
from discresorb.sources import Source
from discresorb.table import Rows, text_rows

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Input", "Span", "count_rows", "input_of"]

Span = tuple[int, int]

# a guess of a typed cell's size, to cut Parquet into batches
_CELL_BYTES: Final = 8


class Input(Protocol):
    """Rows in batches."""

    name: str
    names: Sequence[str]
    schema: pl.Schema

    def parts(self) -> Iterable[Any]:
        """Give what becomes a batch each, one after the other."""

    def load(self, part: Any) -> Rows:
        """Give a batch's rows; called from several threads."""

    def done(self) -> float | None:
        """Tell which share of the file has been read, if that can be told."""


def input_of(file: Source, batch_bytes: int = BATCH_BYTES, span: Span | None = None) -> Input:
    """Read what there is to know before the first row.

    Parameters
    ----------
    file : Source
        Opened.
    batch_bytes : int
        About how much is read at a time.
    span : (int, int), optional
        Position of the first row and number of rows, if only those are wanted; of Parquet only.

    Raises
    ------
    InputFileError
        If it does not fit.
    """
    if file.kind == "parquet":
        return _Parquet(file, batch_bytes, span)
    if span is not None:
        raise ValueError("rows of a CSV can only be found by reading it")
    return _Csv(file, batch_bytes)


class _Csv:
    def __init__(self, file: Source, batch_bytes: int) -> None:
        import polars as pl

        self._file, self.name = file, file.name
        self._records = records_of(file, batch_bytes)
        self.names: Sequence[str] = self._records.header
        self.schema = pl.Schema(dict.fromkeys(self.names, pl.String))

    def parts(self) -> Iterable[Batch]:
        return self._records

    def load(self, part: Batch) -> Rows:
        rows = text_rows(part, len(self.names), self.name)
        rows.frame.columns = self.names
        return rows

    def done(self) -> float | None:
        return self._file.raw.tell() / self._file.size if self._file.size else None


class _Parquet:
    def __init__(self, file: Source, batch_bytes: int, span: Span | None) -> None:
        self.name = file.name
        self._batch_bytes, self._read = batch_bytes, 0
        with _damage_told(self.name):
            self._rows = _scanned(file.name)
            self.schema = self._rows.collect_schema()
            self._count = count_rows(file.name) if span is None else span[1]
            if span is not None:
                self._rows = self._rows.slice(*span)
        self.names: Sequence[str] = list(self.schema)

    def parts(self) -> Iterator[pl.DataFrame]:
        rows = max(1, self._batch_bytes // (_CELL_BYTES * max(1, len(self.schema))))
        with _damage_told(self.name):
            for frame in self._rows.collect_batches(
                chunk_size=rows, maintain_order=True, lazy=True
            ):
                self._read += len(frame)
                yield frame

    def load(self, part: pl.DataFrame) -> Rows:
        return Rows(part, {})

    def done(self) -> float | None:
        return self._read / max(1, self._count)


def count_rows(path: str) -> int:
    """Count the rows of a Parquet file; raise InputFileError if it is damaged."""
    import polars as pl

    with _damage_told(path):
        return int(_scanned(path).select(pl.len()).collect().item())


def _scanned(path: str) -> pl.LazyFrame:
    """Scan the file that this name opens here: polars takes ``~`` and ``file://`` for others."""
    import polars as pl

    return pl.scan_parquet(os.path.join(os.curdir, Path(path)), glob=False)  # noqa: PTH118  # a Path drops the leading ./


@contextmanager
def _damage_told(name: str) -> Iterator[None]:
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        words = str(error).splitlines()[0]
        raise InputFileError(f"{name} is damaged, it cannot be read as Parquet: {words}") from None
    except OSError as error:  # or whoever writes meanwhile would be blamed for it
        raise InputFileError(f"{name} cannot be read: {error.strerror or error}") from None
