"""A CSV cut into batches holds the rows that the standard library reads from the whole text."""

from __future__ import annotations

import csv
import io
import itertools
import re
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from discresorb import records, table
from discresorb.errors import InputFileError
from discresorb.records import Records, rows_of
from discresorb.table import text_rows

Row = list[str]

# "x^" and "x\x01" begin compressed files of a kind that polars would unpack
PIECES = ('"', ",", "\r", "\n", "\r\n", "\ufeff", "é", "a", "1", " ", "x^", "x\x01")
TAME = ("a", ",", "\n", '"x"', ',"', '",', ",\n", "\n\n")
TEXTS = st.tuples(
    st.sampled_from(["", "\ufeff", "a,b\n", "a,b,c\r\n", "\n\na,b\n"]),
    st.lists(st.sampled_from([*PIECES, *TAME]), max_size=20),
).map(lambda each: each[0] + "".join(each[1]))
BATCHES = st.sampled_from([1, 2, 7, 30, 1 << 20])


def read(content: bytes, batch_bytes: int) -> tuple[list[Row], dict[int, str]]:
    """Give the header and all rows, and what is said of those with too few or too many fields."""
    found = Records(io.BytesIO(content), "f", batch_bytes)
    rows, ragged = [found.header], {}
    for batch in found:
        part = text_rows(batch, len(found.header), "f")
        ragged.update({len(rows) + at: problem.words for at, problem in part.ragged.items()})
        rows += [[cell or "" for cell in row] for row in part.frame.rows()]
    return rows, ragged


def read_or_words(content: bytes, batch_bytes: int) -> object:
    try:
        return read(content, batch_bytes)
    except InputFileError as error:
        return str(error)


def standard(text: str) -> list[Row]:
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    return [row for row in csv.reader(lines, strict=True) if row]


@given(text=TEXTS, batch_bytes=BATCHES)
@example(text="a,b\nx^c,1\nx\x01,1\n", batch_bytes=1)
@example(text="a,b\n\ufeff1,2\n\ufeff3,4\n", batch_bytes=1)
@example(text='a,b\n1\n,"a",', batch_bytes=99)  # a row too long at the very end, one too short
@example(text='a,b\n\n,"a",', batch_bytes=99)
@example(text='a,b\na,,"",\n1\n', batch_bytes=99)  # the first row of a batch too long
@example(text="\ufeff\ufeffa,b\n1,2\n", batch_bytes=1)
def test_rows_are_those_of_the_standard_library(text: str, batch_bytes: int) -> None:
    content = text.encode()
    try:
        expected = standard(text)
    except csv.Error:
        expected = []
    if not expected:
        with pytest.raises(InputFileError, match=r"from line \d+ on|is empty"):
            read(content, batch_bytes)
        return
    rows, ragged = read(content, batch_bytes)
    width = len(expected[0])
    assert rows == [row[:width] + [""] * (width - len(row)) for row in expected]
    assert set(ragged) == {at for at, row in enumerate(expected) if len(row) != width}


@given(
    pieces=st.lists(st.sampled_from([*PIECES, *TAME, "\0", b"\xff"]), max_size=20),
    batch_bytes=BATCHES,
)
@example(pieces=["1\r2\r3,", '"'], batch_bytes=99)
@example(pieces=["\r\r\n", "\0"], batch_bytes=1)
def test_what_is_read_or_refused_does_not_depend_on_batches(
    pieces: list[str | bytes], batch_bytes: int
) -> None:
    parts = [each if isinstance(each, bytes) else each.encode() for each in pieces]
    content = b"a,b\n" + b"".join(parts)
    assert read_or_words(content, batch_bytes) == read_or_words(content, 1 << 20)


@pytest.mark.parametrize("batch_bytes", [1, 50, 1 << 20])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff,2\n", "is not UTF-8 in line 1003;"),
        (b"1,\xc3\n1,2\n", "is not UTF-8 in line 1003;"),
        (b'"1\n2",\xff\n', "is not UTF-8 in line 1004;"),
        (b"1\0,2\n", "has a NUL byte in line 1003;"),
        (b'1,"2\n3,4\n', "cannot be read from line 1003 on"),
        (b'1,2\n1,"2', "cannot be read from line 1004 on"),
        (b'1,"2"x\n3,4\n', "cannot be read from line 1003 on"),
        (b'1,"2\n3,4\n5,"6"\n', "cannot be read from line 1003 on"),
    ],
)
def test_the_line_at_fault_is_named(content: bytes, words: str, batch_bytes: int) -> None:
    before = b"a,b\r\n" + b'1,2\n"3\r\n4",5\n6\r7,8\n' * 200 + b"\n"
    with pytest.raises(InputFileError, match=re.escape(words)):
        read(before + content, batch_bytes)


class Endless:
    """A file whose end is never reached."""

    def __init__(self, start: bytes, line: bytes) -> None:
        self.given, self._start, self._line = 0, start, line

    def read(self, size: int = -1, /) -> bytes:
        content = self._start + self._line * (size // len(self._line) + 1)
        self._start = content[size:]
        self.given += size
        return content[:size]


@pytest.mark.parametrize(
    ("start", "line"),
    [
        (b'a,b\n1,2\n3,"4\n', b"5,6\n"),
        (b'a,b\n1,2\n3,"4\n', b'5,"6\n'),
        (b'a,b\n1,2\n3,"4\n', b"5,''\r"),
        (b"a,b\n1,2\n", b"3"),
        (b"a,b\n1,2\n", b"3,4\r"),
        (b'a,b\n1,2"\n', b"3"),
        (b'"a,b\n1,2\n', b"3,4\n"),
        (b"", b"a,"),
    ],
)
def test_a_record_without_end_is_refused_in_bounded_memory(
    start: bytes, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LONGEST_RECORD", 1 << 18)
    monkeypatch.setattr(records, "BATCH_BYTES", 1 << 14)
    stream = Endless(start, line)

    def read_all() -> None:
        for batch in Records(stream, "f", 1 << 14):
            text_rows(batch, 2, "f")

    tracemalloc.start()
    try:
        with pytest.raises(InputFileError, match=r"line [13]\b"):
            read_all()
        assert tracemalloc.get_traced_memory()[1] < 25 << 20
    finally:
        tracemalloc.stop()
    assert stream.given < 2 << 20


def test_a_long_cell_is_not_looked_through_once_a_batch() -> None:
    asked: list[int] = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    cell = '"' + "x\n" * 500_000 + '"'
    found = Records(Counting(f"a,b\n1,{cell}\n2,3\n".encode()), "f", 1_000)
    assert [len(text_rows(batch, 2, "f").frame) for batch in found] in ([2], [1, 1])
    assert len(asked) < 30


@pytest.mark.parametrize("quote", ["", '"'])
def test_ten_mebibytes_in_a_cell(quote: str) -> None:
    cell = "x" * (10 << 20)
    content = f"a,b\n1,2\n{quote}{cell}{quote},3\n4,5\n".encode()
    rows, ragged = read(content, 1 << 16)
    assert rows == [["a", "b"], ["1", "2"], [cell, "3"], ["4", "5"]]
    assert not ragged


def test_a_cell_of_quotes_takes_no_more_memory_than_one_of_letters() -> None:
    def peak(pair: bytes) -> int:
        content = b'a,b\n1,"' + pair * (4 << 20) + b'"\n'
        tracemalloc.start()
        try:
            batches = list(Records(io.BytesIO(content), "f", 1 << 20))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert len(batches) == 1

    assert peak(b'""') < 1.6 * peak(b"xx")


def test_a_quote_within_a_cell_stays_and_so_does_what_follows() -> None:
    content = b"a,b\n" + b'1,"2"\n' * 50 + b'5" disc,"x, y"\n' + b'"3\n4",\n' * 50 + b"5\n"
    rows, ragged = read(content, 64)
    assert rows[51:53] == [['5" disc', "x, y"], ["3\n4", ""]]
    assert len(rows) == 103
    assert ragged == {
        102: "row has 1 fields, but the header has 2; a separator or a quote is missing"
    }


@pytest.mark.parametrize("batch_bytes", [1, 1 << 20])
@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4",
        "a,b\n1,2\n3,4\n\n\n\r\n",
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\r1,2\r3,4\r",
        "\r\ra,b\r1,2\n3,4\r\n\r",
        '\ufeff"a","b"\n"1","2"\n"3","4"',
        "\n\n\na,b\n\n1,2\n\n3,4\n",
    ],
)
def test_line_ends_and_blank_lines(text: str, batch_bytes: int) -> None:
    assert read(text.encode(), batch_bytes) == ([["a", "b"], ["1", "2"], ["3", "4"]], {})


def test_one_column_and_blank_cells() -> None:
    assert read(b'a\n1\n\n""\n " "\n', 1)[0] == [["a"], ["1"], [""], [' " "']]


def test_batches_follow_the_bytes_asked_for() -> None:
    content = b"a,b\n" + b"12345,67890\n" * 1_000
    sizes = [len(batch.content) for batch in Records(io.BytesIO(content), "f", 1_200)]
    assert max(sizes) <= 2_400  # the header came with the first
    assert sum(sizes) == 12_000


def test_the_usual_rows_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(lines: Iterator[str], name: str, first_line: int) -> Iterator[list[str]]:
        raise AssertionError("read row by row")

    content = b'a,b\r\n1,2\r\n"x, ""y"" \n",\r\n,3\r\n'
    expected = read(content, 1 << 20)
    monkeypatch.setattr(table, "rows_of", fail)
    assert read(content, 1 << 20) == expected
    with pytest.raises(AssertionError, match="read row by row"):
        read(b"a,b\n1,2,3\n", 1 << 20)


def test_the_limit_of_the_standard_library_stays_as_it_was() -> None:
    usual = csv.field_size_limit()
    long = "x" * (usual + 1)

    def lengths(rows: int) -> int:
        lines = itertools.repeat(f"1,{long}\n", rows)
        return sum(len(row[1]) for row in rows_of(iter(lines), "f", 1))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lengths, range(20))) == 190 * len(long)
    assert csv.field_size_limit() == usual
    begun = rows_of(iter(["1,2\n", "3,4\n"]), "f", 1)
    next(begun)
    del begun
    assert csv.field_size_limit() == usual
    with pytest.raises(InputFileError):
        list(rows_of(iter(['"1']), "f", 1))
    assert csv.field_size_limit() == usual
