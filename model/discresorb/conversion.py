"""Columns of cells as numbers, thousands at a time; `cells.read_cell` has the last word.

Numbers in plain notation are parsed in one go; dates and flags repeat, so each different text is
read once. What is left is read cell by cell.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from discresorb.cells import FORMULA_STARTS, is_empty, read_cell, read_column
from discresorb.columns import Column
from discresorb.distributions import Array
from discresorb.errors import Problem

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Cells", "Converter", "Numbers", "cells_at", "convert_texts", "native_cells"]

# one column: an array of numbers, truth values or days, a polars Series of text, or any values
Cells = Any

_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
_FIRST_DAY, _LAST_DAY = datetime.date.min.toordinal(), datetime.date.max.toordinal()
# texts remembered are few and short enough for any file
_MOST_KNOWN, _LONGEST_KNOWN = 100_000, 40


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    Parameters
    ----------
    values : float array
        nan where a cell is empty or has a problem.
    problems : int array
        Positions of cells that have one.
    plain : bool
        Whether no cell could be taken for a formula by a spreadsheet.
    """

    values: Array
    problems: Array
    plain: bool = False


@dataclass(frozen=True)
class _Texts:
    """Texts that have been read, and what they mean; the last entry stands for no text."""

    words: Sequence[str]
    kind: pl.Enum
    numbers: Array
    refused: Array
    formulas: Array

    @classmethod
    def of(cls, words: Sequence[str], read: Callable[[str], float | Problem]) -> _Texts:
        import polars as pl

        found = [*map(read, words), np.nan]
        refused = np.array([isinstance(each, Problem) for each in found])
        numbers = np.array([np.nan if isinstance(each, Problem) else each for each in found])
        formulas = np.array([*(word.startswith(FORMULA_STARTS) for word in words), False])
        return cls(words, pl.Enum(words), numbers, refused, formulas)

    def codes(self, texts: pl.Expr) -> pl.Expr:
        """Give each text's position among the words, their number where it is not among them."""
        import polars as pl

        codes = texts.cast(self.kind, strict=False).to_physical().cast(pl.UInt32)
        return codes.fill_null(len(self.words))


class Converter:
    """Turns cells of one column into numbers, remembering the texts that it has read.

    Parameters
    ----------
    column : Column
        What the cells must hold.
    """

    def __init__(self, column: Column) -> None:
        self._column = column
        self._known: dict[str, float | Problem] = {}
        self._texts = _Texts.of([], self._read)

    def convert(self, cells: Cells) -> Numbers:
        """Read a column of cells."""
        if isinstance(cells, np.ndarray):
            if cells.dtype.kind == "M":
                return self._from_days(cells)
            values, problems = read_column(self._column, cells)
        elif isinstance(cells, Sequence):
            alike = _as_array(self._column, cells)
            if alike is not None:
                return self.convert(alike)
            values, problems = read_column(self._column, cells)
        else:
            name = self._column.name
            return convert_texts({name: self}, {name: cells})[name]
        return Numbers(values, np.array(list(problems), dtype=np.intp))

    def prepared(self) -> tuple[pl.Expr, _Texts]:
        """Say how polars reads the column as far as it can, and by which texts."""
        import polars as pl

        known = self._texts  # another thread may learn more meanwhile
        cells = pl.col(self._column.name)
        if self._column.kind == "number":
            return cells.cast(pl.Float64, strict=False), known
        return known.codes(cells), known

    def finished(self, texts: pl.Series, found: Array, known: _Texts) -> Numbers:
        """Read on where polars could not."""
        if self._column.kind == "number":
            return self._from_numbers(texts, found)
        return self._from_codes(texts, found, known)

    def _from_numbers(self, texts: pl.Series, values: Array) -> Numbers:
        inside = (values >= self._column.low) & (values <= self._column.high)
        if len(values) - np.count_nonzero(inside) == texts.null_count():
            return Numbers(values, np.empty(0, dtype=np.intp), True)
        # text that says nan, too, is read again
        left = np.flatnonzero(~inside & texts.is_not_null().to_numpy())
        problems: list[int] = []
        for position, text in zip(left.tolist(), texts.gather(left).to_list(), strict=True):
            read = self._read(text)
            if isinstance(read, Problem):
                problems.append(position)
            values[position] = np.nan if isinstance(read, Problem) else read
        return Numbers(values, np.array(problems, dtype=np.intp), not len(left))

    def _from_codes(self, texts: pl.Series, at: Array, known: _Texts) -> Numbers:
        import polars as pl

        unknown = at == len(known.words)
        if np.count_nonzero(unknown) > texts.null_count():
            new = texts.filter(unknown).unique().drop_nulls().to_list()
            if len(known.words) + len(new) > _MOST_KNOWN:
                new = texts.unique().drop_nulls().to_list()
                known = _Texts.of(new, self._read)
            else:
                known = _Texts.of([*known.words, *new], self._read)
            if max(map(len, new)) <= _LONGEST_KNOWN:
                self._texts = known
            at = texts.to_frame().select(known.codes(pl.first())).to_series().to_numpy()
        problems = np.flatnonzero(known.refused[at])
        return Numbers(known.numbers[at], problems, not known.formulas[at].any())

    def _from_days(self, cells: Array) -> Numbers:
        missing = np.isnat(cells)
        if self._column.kind != "date":
            return Numbers(np.full(len(cells), np.nan), np.flatnonzero(~missing))
        values = cells.astype("datetime64[D]").astype(np.int64).astype(float) + _EPOCH
        values[missing] = np.nan
        problems = np.flatnonzero((values < _FIRST_DAY) | (values > _LAST_DAY))
        values[problems] = np.nan
        return Numbers(values, problems)

    def _read(self, text: str) -> float | Problem:
        found = self._known.get(text)
        if found is None:
            found = read_cell(self._column, text)
            if len(text) <= _LONGEST_KNOWN:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()  # several threads may do so at any moment
                self._known[text] = found
        return found


def convert_texts(
    converters: Mapping[str, Converter], texts: Mapping[str, pl.Series]
) -> dict[str, Numbers]:
    """Read columns of text, all of them at once as far as polars can."""
    import polars as pl

    prepared = {name: converters[name].prepared() for name in texts}
    frame = pl.DataFrame([cells.alias(name) for name, cells in texts.items()])
    found = frame.select(expression.alias(name) for name, (expression, _) in prepared.items())
    return {
        name: converters[name].finished(cells, found[name].to_numpy(writable=True), known)
        for (name, cells), (_, known) in zip(texts.items(), prepared.values(), strict=True)
    }


def _as_array(column: Column, cells: Sequence[Any]) -> Array | None:
    """Give Python's dates or truth values as an array, if a column holds nothing else but None.

    So database drivers and clusters hand them over.
    """
    import polars as pl

    kinds = set(map(type, cells)) - {type(None)}
    if column.kind == "date" and kinds == {datetime.date}:
        return pl.Series(cells, dtype=pl.Date).to_numpy()
    if column.kind == "flag" and kinds == {bool}:
        return pl.Series(cells, dtype=pl.Boolean).cast(pl.Float64).to_numpy()
    return None


def cells_at(cells: Cells, positions: Array) -> list[Any]:
    """Give some cells as they were entered."""
    if isinstance(cells, np.ndarray):
        chosen = cells[positions]
        # days stay what they are, because a year beyond 9999 is no Python date
        return list(chosen) if chosen.dtype.kind == "M" else chosen.tolist()
    if isinstance(cells, Sequence):
        return [cells[position] for position in positions.tolist()]
    return list(cells.gather(positions).to_list())


def native_cells(series: Any) -> Cells:
    """Give a column of a pandas or polars frame in the form that is quickest to read."""
    import polars as pl

    if isinstance(series, pl.Series) and series.dtype == pl.String:
        return series
    import narwhals as nw

    series = nw.from_native(series, series_only=True)
    dtype = series.dtype
    if dtype in (nw.Categorical, nw.Enum):
        if not series.implementation.is_polars():  # older narwhals makes missing ones the text nan
            return _as_texts(series.to_list())
        series, dtype = series.cast(nw.String), nw.String
    whole = dtype == nw.Boolean or (dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128))
    if dtype in (nw.Float32, nw.Float64) or (whole and not series.null_count()):
        array = series.to_numpy()
        if array.dtype.kind in "fiub":
            return array
    if dtype in (nw.Date, nw.Datetime):
        if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
            series = series.dt.replace_time_zone(None)  # the day is that of its own zone
        days = series.dt.date() if series.implementation.is_polars() else series
        array = days.to_numpy()
        if array.dtype.kind == "M":
            return array.astype("datetime64[D]")
    if series.implementation.is_polars() and dtype == nw.String:
        return series.to_native()
    values: list[Any] = series.to_list()
    return _as_texts(values) if dtype in (nw.String, nw.Object) else values


def _as_texts(values: list[Any]) -> Cells:
    """Give cells as a column of text, if each holds text or nothing."""
    import polars as pl

    if all(_is_text_or_none(value) for value in values):
        return pl.Series([_text_or_none(value) for value in values], dtype=pl.String)
    return values


def _is_text_or_none(value: object) -> bool:
    return type(value) is str or is_empty(value)


def _text_or_none(value: Any) -> str | None:
    return value if type(value) is str else None
