"""Cutting a CSV's bytes into batches of whole records, in bounded memory.

A quote is well placed where a cell begins or ends; then a line break is a record's end exactly
where an even number of quotes stands before it, which is found for millions of bytes at once. From
the first quote on that is not, the standard library's reader decides record by record.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputFileError
from discresorb.sources import Readable

__all__ = ["BATCH_BYTES", "Batch", "Records", "decoded", "rows_of"]

BATCH_BYTES: Final = 4 << 20
# a cell may be large, but a quote never closed must not swallow a file into memory
LONGEST_RECORD: Final = 64 << 20

_AT_ONCE: Final = 1 << 20

_limit_lock = threading.Lock()
_limits: list[int] = []  # one for each reading now under way, the first being the usual one

_BOM: Final = b"\xef\xbb\xbf"
_COMMA, _LINE_FEED, _RETURN, _QUOTE = b',\n\r"'
_EDGE: Final = np.zeros(256, dtype=bool)  # what may stand before or after a cell
_EDGE[[_COMMA, _LINE_FEED, _RETURN, _QUOTE]] = True


@dataclass(frozen=True)
class Batch:
    """Whole records, one after the other.

    Parameters
    ----------
    content : bytes
        As they stand in the file; empty if `rows` holds them.
    first_line : int
        Line of the file on which they begin.
    fields : tuple of int, or None
        How many records and how many separators there are, where every line is one record; None
        where that is not known.
    rows : list of list of str, or None
        The records read one by one.
    """

    content: bytes
    first_line: int
    fields: tuple[int, int] | None = None
    rows: list[list[str]] | None = None


class Records:
    """The header of a CSV, then its records in batches.

    Parameters
    ----------
    stream : binary file
        Decompressed.
    name : str
        For messages.
    batch_bytes : int
        About how many bytes make a batch.

    Raises
    ------
    InputFileError
        If it has no header, is no CSV in UTF-8, or a quote is left open; also while batches are
        read.
    """

    def __init__(self, stream: Readable, name: str, batch_bytes: int = BATCH_BYTES) -> None:
        self._stream, self._name, self._batch_bytes = stream, name, batch_bytes
        self._line = 1
        self._left, self._ended = self._read_start(), False
        self.header = self._read_header()

    def __iter__(self) -> Iterator[Batch]:
        while self._fill():
            cut, batch = self._cut()
            if batch is None:
                yield from self._one_by_one()
                return
            if cut:
                self._left = self._left[cut:]
                self._line += _line_ends(batch.content)
                yield batch

    def _fill(self) -> bool:
        """Read on; tell whether there is anything left."""
        if not self._ended:
            # a record of many batches is looked through a few times, not once a batch
            more = self._stream.read(max(self._batch_bytes, len(self._left)))
            self._ended = not more
            self._left += more
        if len(self._left) > LONGEST_RECORD + self._batch_bytes:
            raise InputFileError(
                f"{self._name} has a record from line {self._line} on of more than "
                f"{LONGEST_RECORD >> 20} MiB; is a quote left open there?"
            )
        return bool(self._left)

    def _cut(self) -> tuple[int, Batch | None]:
        """Find the end of the last whole record; no batch if that takes a reader."""
        text = self._left
        if text.find(b'"') < 0:
            cut = len(text) if self._ended else text.rfind(b"\n") + 1
            content = text[:cut]
            code = np.frombuffer(content, np.uint8)
            fields = _fields(content, np.count_nonzero(code == _COMMA), _line_feeds(code))
            return cut, Batch(content, self._line, fields)
        code = np.frombuffer(text, np.uint8)
        inside, well_placed = _quoted(code)
        if not well_placed:
            return 0, None
        ends = (code == _LINE_FEED) & ~inside
        if self._ended:
            cut = len(text)
        else:
            found = np.flatnonzero(ends)
            cut = int(found[-1]) + 1 if len(found) else 0
        content = text[:cut]
        separators = np.count_nonzero((code[:cut] == _COMMA) & ~inside[:cut])
        fields = _fields(content, separators, np.count_nonzero(ends[:cut]))
        if cut and inside[cut - 1]:  # the file ends within a cell: the reader has the words for it
            fields = None
        return cut, Batch(content, self._line, fields)

    def _one_by_one(self) -> Iterator[Batch]:
        lines = _Lines(self._left, self._stream, self._name, self._line)
        rows: list[list[str]] = []
        first, size = self._line, 0
        for row in rows_of(lines, self._name, self._line):
            rows.append(row)
            size += sum(map(len, row)) + len(row)
            if size >= self._batch_bytes:
                yield Batch(b"", first, rows=rows)
                rows, first, size = [], lines.line, 0
        if rows:
            yield Batch(b"", first, rows=rows)

    def _read_start(self) -> bytes:
        start = self._stream.read(len(_BOM))
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputFileError(f"{self._name} is UTF-16; save it again as CSV UTF-8")
        return start.removeprefix(_BOM)

    def _read_header(self) -> list[str]:
        while self._fill():
            found = self._first_row()
            if found:
                return found
        raise InputFileError(f"{self._name} is empty; it needs a header line with column names")

    def _first_row(self) -> list[str]:
        """Take the first row that is not blank; nothing if it has not been read whole yet."""
        lines = _Lines(self._left, io.BytesIO(), self._name, self._line)
        try:
            row = next(rows_of(lines, self._name, self._line), [])
        except InputFileError:
            if self._ended:
                raise
            return []
        if not self._ended and lines.consumed >= len(self._left):
            return []  # the line may go on
        if row:
            self._left, self._line = self._left[lines.consumed :], lines.line
        elif self._ended:
            self._left = b""
        return row


def rows_of(lines: Iterator[str], name: str, first_line: int) -> Iterator[list[str]]:
    """Read rows with the standard library; a blank line is no row.

    Raises
    ------
    InputFileError
        With the line on which the row begins that cannot be read.
    """
    reader = csv.reader(lines, strict=True)
    start = first_line
    try:
        with _large_cells():
            for row in reader:
                if row:
                    yield row
                start = first_line + reader.line_num
    except csv.Error as error:
        raise InputFileError(
            f"{name} cannot be read from line {start} on: {error}; is a quote left open there?"
        ) from None


@contextmanager
def _large_cells() -> Iterator[None]:
    """Let the standard library read large cells; its limit is one for all threads."""
    with _limit_lock:
        _limits.append(csv.field_size_limit(LONGEST_RECORD))
    try:
        yield
    finally:
        with _limit_lock:
            if len(_limits) == 1:
                csv.field_size_limit(_limits[0])
            _limits.pop()


class _Lines:
    """Text lines from bytes that are there already and a stream that goes on."""

    def __init__(self, left: bytes, stream: Readable, name: str, line: int) -> None:
        self._pieces: Iterator[str] = iter(())
        self._stream, self._name = stream, name
        self._waiting, self._position = left, 0
        self.line, self.consumed = line, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        for piece in self._pieces:
            self.consumed += len(piece.encode())
            self.line += 1
            return piece
        raw = self._raw_line()
        if not raw:
            raise StopIteration
        # a lone CR ends a line, too
        self._pieces = iter(io.StringIO(decoded(raw, self._name, self.line), newline=""))
        return next(self)

    def _raw_line(self) -> bytes:
        while True:
            end = self._waiting.find(b"\n", self._position) + 1
            if end:
                line = self._waiting[self._position : end]
                self._position = end
                return line
            more = self._stream.read(BATCH_BYTES)
            self._waiting = self._waiting[self._position :] + more
            self._position = 0
            if not more:
                line, self._waiting = self._waiting, b""
                return line
            if len(self._waiting) > LONGEST_RECORD:
                raise InputFileError(
                    f"{self._name}, line {self.line}, is longer than {LONGEST_RECORD >> 20} MiB"
                )


def _fields(content: bytes, separators: Array, line_feeds: Array) -> tuple[int, int] | None:
    """Count records and separators, unless something else than a line feed ends a record."""
    if content.find(b"\0") >= 0:
        return None
    if _lone_returns(content):
        return None
    return int(line_feeds) + (not content.endswith(b"\n")), int(separators)


def _line_feeds(code: Array) -> int:
    return int(np.count_nonzero(code == _LINE_FEED))


def _lone_returns(content: bytes) -> int:
    if content.find(b"\r") < 0:
        return 0
    return content.count(b"\r") - content.count(b"\r\n")


def _line_ends(content: bytes) -> int:
    """Count line ends as the standard library does: LF, CR LF or a lone CR."""
    return _line_feeds(np.frombuffer(content, np.uint8)) + _lone_returns(content)


def _quoted(code: Array) -> tuple[Array, bool]:
    """Tell which bytes lie within quotes, and whether each quote begins or ends a cell."""
    quote = code == _QUOTE
    inside = np.bitwise_xor.accumulate(quote.view(np.uint8)).view(bool)
    # positions take eight bytes each, so those of a long cell of quotes are not held at once
    starts = range(0, len(code), _AT_ONCE)
    return inside, all(_well_placed(code, inside, start) for start in starts)


def _well_placed(code: Array, inside: Array, start: int) -> bool:
    """Tell whether each quote of a stretch begins or ends a cell."""
    at = start + np.flatnonzero(code[start : start + _AT_ONCE] == _QUOTE)
    first = 0 if len(at) and inside[at[0]] else 1  # a stretch may start within quotes
    opening, closing = at[first::2], at[1 - first :: 2]
    begins = _EDGE[code[opening - 1]] | (opening == 0)
    ends = _EDGE[code[np.minimum(closing + 1, len(code) - 1)]] | (closing == len(code) - 1)
    return bool(begins.all() and ends.all())


def decoded(content: bytes, name: str, first_line: int) -> str:
    """Give bytes as text.

    Raises
    ------
    InputFileError
        With the line of the first byte that is none.
    """
    if content.find(b"\0") >= 0:
        line = first_line + _line_ends(content[: content.index(b"\0")])
        raise InputFileError(
            f"{name} has a NUL byte in line {line}; it is damaged, or UTF-16; "
            "save it again as CSV UTF-8"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + _line_ends(content[: error.start])
        raise InputFileError(
            f"{name} is not UTF-8 in line {line}; save it again as CSV UTF-8"
        ) from None
