"""Scoring many patients: one column-wise core for files and for frames of either kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Final

import numpy as np

from discresorb.advice import DEFAULT_THRESHOLD, check_threshold, reason_bits, reason_sentences
from discresorb.clock import Moment, resolve_many
from discresorb.columns import DATE_COLUMNS, MONTHS_COLUMNS, OUTPUT_COLUMNS, SYMPTOMS_CHANGED
from discresorb.conversion import Cells, Converter, cells_at, convert_texts
from discresorb.distributions import Array
from discresorb.errors import Problem
from discresorb.reading import check_columns
from discresorb.rows import TIME_COLUMNS, read_patient
from discresorb.wording import filled_in

if TYPE_CHECKING:
    import polars as pl

    from discresorb.predictor import Predictor

__all__ = [
    "COUNT_OUTPUT",
    "NUMBER_OUTPUTS",
    "OUTPUT_NAMES",
    "TEXT_OUTPUTS",
    "Given",
    "Scored",
    "Scorer",
    "Words",
    "output_schema",
]

OUTPUT_NAMES: Final = tuple(column.name for column in OUTPUT_COLUMNS)
NUMBER_OUTPUTS: Final = tuple(each.name for each in OUTPUT_COLUMNS if each.kind == "number")
(COUNT_OUTPUT,) = (each.name for each in OUTPUT_COLUMNS if each.kind == "count")
TEXT_OUTPUTS: Final = tuple(each.name for each in OUTPUT_COLUMNS if each.kind == "text")
# rows remembered are few and short enough for any file
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 50_000, 200


def output_schema() -> dict[str, pl.DataType]:
    """Give the output columns' types in a frame."""
    import polars as pl

    kinds = {
        "number": pl.Float64(),
        "count": pl.Int64(),
        "flag": pl.Boolean(),
        "text": pl.String(),
    }
    return {column.name: kinds[column.kind] for column in OUTPUT_COLUMNS}


@dataclass(frozen=True)
class Words:
    """A column of texts that repeat.

    Parameters
    ----------
    table : sequence of str or None
        The different texts.
    code : int array
        For each row, which of them.
    """

    table: Sequence[str | None]
    code: Array

    @classmethod
    def at(cls, positions: Sequence[int], texts: Sequence[str], count: int) -> Words:
        """Give some rows a text each, the others none."""
        code = np.zeros(count, dtype=np.int64)
        code[positions] = np.arange(1, len(texts) + 1)
        return cls([None, *texts], code)

    def series(self, form: Callable[[pl.Series], pl.Series] | None = None) -> pl.Series:
        """Give every row's text, changed by `form`, once each, if that is given."""
        import polars as pl

        texts = pl.Series(self.table, dtype=pl.String)
        return (texts if form is None else form(texts)).gather(self.code)


@dataclass(frozen=True)
class Given:
    """Rows as numbers, nan where there is none; those with problems hold what could be read.

    Parameters
    ----------
    covariates : float array, (n, k)
        In the model's order.
    moment : Moment
        What they say about time.
    entry, wait : float array
        Months since onset at the index MRI; months from there to surgery.
    changed : float array
        1 if symptoms have changed, 0 if not.
    """

    covariates: Array
    moment: Moment
    entry: Array
    wait: Array
    changed: Array

    @property
    def surgery_day(self) -> Array:
        """Day numbers; nan where a row is scored by months."""
        return np.where(
            np.isnan(self.moment.onset + self.moment.imaging), np.nan, self.moment.surgery
        )


@dataclass(frozen=True)
class Scored:
    """The output columns, one value a row, in the rows' order.

    Parameters
    ----------
    numbers : polars.DataFrame
        The output columns of numbers and ``reimage``, null where there is none.
    words : dict
        The output columns of text, by name.
    usable : bool array
        Rows that were scored.
    bits : int array
        Reasons to image again, as `advice.reason_bits` codes them; 0 where there are problems.
    problems : dict
        By row, all that is wrong with it.
    plain : set of str
        Columns read in which no cell could be taken for a formula by a spreadsheet.
    given : Given
        What was read.
    """

    numbers: pl.DataFrame
    words: Mapping[str, Words]
    usable: Array
    bits: Array
    problems: Mapping[int, Sequence[Problem]]
    plain: frozenset[str]
    given: Given

    def __len__(self) -> int:
        return len(self.usable)

    def frame(self, form: Callable[[pl.Series], pl.Series] | None = None) -> pl.DataFrame:
        """Give all output columns, null where there is nothing to say.

        Parameters
        ----------
        form : callable, optional
            Changes texts.
        """
        texts = (words.series(form).alias(name) for name, words in self.words.items())
        return self.numbers.with_columns(*texts)


class Scorer:
    """Scores rows given as columns; remembers what it has read, so use one for a whole file.

    Parameters
    ----------
    predictor : Predictor
        The model.
    threshold : float, default 0.20
        Probability from which on imaging again is advised.

    Raises
    ------
    InputError
        If the threshold is none.
    """

    def __init__(self, predictor: Predictor, threshold: float = DEFAULT_THRESHOLD) -> None:
        self.predictor, self.threshold = predictor, check_threshold(threshold)
        columns = (*predictor.columns, *TIME_COLUMNS, SYMPTOMS_CHANGED)
        self._converters = {column.name: Converter(column) for column in columns}
        self._sentences = ["; ".join(each) or None for each in reason_sentences(threshold)]
        self._refusals: dict[tuple[object, ...], Sequence[Problem]] = {}

    def __reduce__(self) -> tuple[type[Scorer], tuple[Predictor, float]]:
        """Pickle without what it remembers."""
        return type(self), (self.predictor, self.threshold)

    @property
    def columns_read(self) -> frozenset[str]:
        """Names of all columns that are read where they are there."""
        return frozenset(self._converters)

    def check_header(self, found: Sequence[str], name: str) -> None:
        """Raise InputFileError, with all that is wrong, if a header does not fit."""
        check_columns(
            found,
            needed=[column.name for column in self.predictor.columns],
            optional=[SYMPTOMS_CHANGED.name],
            either=[[c.name for c in DATE_COLUMNS], [c.name for c in MONTHS_COLUMNS]],
            reserved=OUTPUT_NAMES,
            name=name,
        )

    def score(
        self,
        cells: Mapping[str, Cells],
        count: int,
        unusable: Mapping[int, Problem] | None = None,
    ) -> Scored:
        """Score rows.

        Parameters
        ----------
        cells : mapping
            Column name → its cells, as `conversion` takes them; what is not there is empty.
        count : int
            Number of rows.
        unusable : mapping, optional
            Rows that must not be scored whatever their cells hold, and why.
        """
        import polars as pl

        own = {name: column for name, column in cells.items() if name in self._converters}
        texts = {name: column for name, column in own.items() if isinstance(column, pl.Series)}
        read = convert_texts(self._converters, texts) if texts else {}
        for name in own.keys() - texts.keys():
            read[name] = self._converters[name].convert(own[name])
        suspect = np.zeros(count, dtype=bool)
        for numbers in read.values():
            suspect[numbers.problems] = True

        def values(name: str) -> Array:
            return read[name].values if name in read else np.full(count, np.nan)

        own_columns = self.predictor.columns
        covariates = np.empty((len(own_columns), count))  # one after the other in memory
        for row, column in zip(covariates, own_columns, strict=True):
            row[:] = values(column.name)
            if column.name not in self.predictor.design.optional:
                suspect |= np.isnan(row)
        moment = Moment(*(values(column.name) for column in TIME_COLUMNS))
        entry, wait, suspect_times = resolve_many(moment)
        suspect |= suspect_times
        problems = self._problems(cells, np.flatnonzero(suspect), unusable or {})
        changed = values(SYMPTOMS_CHANGED.name)
        plain = frozenset(name for name, numbers in read.items() if numbers.plain)
        given = Given(covariates.T, moment, entry, wait, changed)
        return self._scored(given, problems, plain)

    def _problems(
        self, cells: Mapping[str, Cells], suspects: Array, unusable: Mapping[int, Problem]
    ) -> dict[int, Sequence[Problem]]:
        found: dict[int, Sequence[Problem]] = {
            position: (problem,) for position, problem in unusable.items()
        }
        if not len(suspects):
            return found
        names = [name for name in cells if name in self._converters]
        columns = [cells_at(cells[name], suspects) for name in names]
        for position, *row in zip(suspects.tolist(), *columns, strict=True):
            why = self._refusal(names, tuple(row))
            if why and position not in unusable:
                found[position] = why
        return found

    def _refusal(self, names: Sequence[str], row: tuple[object, ...]) -> Sequence[Problem]:
        """Give the problems of one row, all as text or not; rows at fault are often alike."""
        alike = all(type(cell) is str or cell is None for cell in row)
        if alike and row in self._refusals:
            return self._refusals[row]
        cells = dict(zip(names, row, strict=True))
        found = read_patient(self.predictor.columns, cells, self.predictor.design.optional)[1]
        short = sum(len(cell) for cell in row if isinstance(cell, str)) <= _LONGEST_REMEMBERED
        if alike and short and len(self._refusals) < _MOST_REMEMBERED:
            self._refusals[row] = found
        return found

    def _scored(
        self, given: Given, problems: Mapping[int, Sequence[Problem]], plain: frozenset[str]
    ) -> Scored:
        import polars as pl

        covariates, entry, wait, changed = given.covariates, given.entry, given.wait, given.changed
        count = len(entry)
        usable = np.ones(count, dtype=bool)
        usable[list(problems)] = False
        if problems:
            covariates, entry, wait, changed = (
                each[usable] for each in (covariates, entry, wait, changed)
            )
        horizon = entry + wait
        design = self.predictor.design
        missing = design.missing(covariates.T)
        p, low, high = self.predictor._curve.interval(
            design.matrix(covariates, entry), entry, horizon, wait=wait
        )
        lost = np.flatnonzero(np.isnan(low + high))
        if len(lost):
            places = np.flatnonzero(usable)[lost].tolist()
            told = [
                (self.predictor.too_far(*each),)
                for each in zip(covariates[lost].tolist(), entry[lost], horizon[lost], strict=True)
            ]
            return self._scored(given, {**problems, **dict(zip(places, told, strict=True))}, plain)
        bits = _spread(reason_bits(p, wait, changed, self.threshold), usable, 0)
        outputs = zip(NUMBER_OUTPUTS, (p, low, high, entry, horizon), strict=True)
        numbers = [
            pl.Series(name, _spread(values, usable, np.nan), nan_to_null=True)
            for name, values in outputs
        ]
        imputed = sum(missing.values(), start=np.zeros(len(entry), dtype=np.int64))
        unusable = ~pl.Series(usable)
        numbers.append(pl.Series(COUNT_OUTPUT, _spread(imputed, usable, 0)).set(unusable, None))
        numbers.append(pl.Series("reimage", bits > 0).set(unusable, None))
        joined = ["; ".join(each.words for each in why) for why in problems.values()]
        words = (
            Words(self._sentences, bits),
            self._warnings(covariates, missing, entry, horizon, usable),
            Words.at(list(problems), joined, count),
            Words([self.predictor.model_id], np.zeros(count, dtype=np.int64)),
        )
        texts = dict(zip(TEXT_OUTPUTS, words, strict=True))
        return Scored(pl.DataFrame(numbers), texts, usable, bits, problems, plain, given)

    def _warnings(
        self,
        covariates: Array,
        missing: Mapping[str, Array],
        entry: Array,
        horizon: Array,
        usable: Array,
    ) -> Words:
        """Give notices to all; further words to those outside the training data, or filled in."""
        support, notices = self.predictor._support, self.predictor.notices
        table = [None, "; ".join(notices) or None]
        code = np.ones(len(entry), dtype=np.int64)
        worded = support.outside(covariates, entry, horizon)
        for where in missing.values():
            worded = worded | where
        own = np.flatnonzero(worded)
        code[own] = np.arange(2, 2 + len(own))
        outside = support.words(covariates[own], entry[own], horizon[own])
        filled = _filled_in({name: where[own] for name, where in missing.items()}, len(own))
        for first, second in zip(filled, outside, strict=True):
            table.append("; ".join([*notices, *filter(None, (first, second))]))
        return Words(table, _spread(code, usable, 0))


def _filled_in(missing: Mapping[str, Array], count: int) -> list[str]:
    """Say of each row which covariates were filled in; the same few words for most."""
    if not missing:
        return [""] * count
    said: dict[tuple[bool, ...], str] = {}
    rows = zip(*(where.tolist() for where in missing.values()), strict=True)
    return [
        said.get(row) or said.setdefault(row, filled_in(compress(missing, row)) if any(row) else "")
        for row in rows
    ]


def _spread(values: Array, usable: Array, elsewhere: float) -> Array:
    """Give values of the usable rows their places among all."""
    if len(values) == len(usable):
        return values
    spread = np.full(len(usable), elsewhere, dtype=values.dtype)
    spread[usable] = values
    return spread
