"""Scoring many patients: one column-wise core for CSV files and for frames of either kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discresorb.advice import (
    CHANGED,
    DEFAULT_THRESHOLD,
    LIKELY,
    LONG_WAIT,
    check_threshold,
    reason_bits,
    reason_sentences,
)
from discresorb.cells import read_column
from discresorb.clock import Moment, resolve_many
from discresorb.columns import (
    DATE_COLUMNS,
    MONTHS_COLUMNS,
    OUTPUT_COLUMNS,
    SYMPTOMS_CHANGED,
)
from discresorb.distributions import Array
from discresorb.errors import InputFileError
from discresorb.reading import Table, check_columns
from discresorb.rows import TIME_COLUMNS, read_patient

if TYPE_CHECKING:
    from discresorb.predictor import Predictor

__all__ = ["Scored", "score_columns", "score_frame", "score_table"]

OUTPUT_NAMES = tuple(column.name for column in OUTPUT_COLUMNS)


@dataclass(frozen=True)
class Scored:
    """The output columns, one value a row, in the rows' order.

    Parameters
    ----------
    numbers : dict
        p_resorbed, p_low, p_high, months_at_imaging, months_at_surgery; nan where there are
        problems.
    usable : bool array
        Rows that were scored.
    bits : int array
        Reasons to image again, as `advice.reason_bits` codes them; 0 where there are problems.
    reasons, warnings, problems : list of str
        Joined by ``; ``.
    model_id : str
        The same in every row.
    """

    numbers: dict[str, Array]
    usable: Array
    bits: Array
    reasons: list[str]
    warnings: list[str]
    problems: list[str]
    model_id: str

    def __len__(self) -> int:
        return len(self.problems)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each row's outputs by name, None where there is none."""
        columns = [self.numbers[name].tolist() for name in OUTPUT_NAMES[:5]]
        for position, usable in enumerate(self.usable.tolist()):
            values = [column[position] if usable else None for column in columns]
            reimage = bool(self.bits[position]) if usable else None
            texts = (self.reasons[position], self.warnings[position], self.problems[position])
            row = (*values, reimage, *texts, self.model_id)
            yield dict(zip(OUTPUT_NAMES, row, strict=True))

    def flagged(self) -> tuple[int, list[int]]:
        """Count the rows that any reason flags, and those that each does, in the bits' order."""
        each = [int(np.sum(self.bits & bit > 0)) for bit in (LONG_WAIT, CHANGED, LIKELY)]
        return int(np.sum(self.bits > 0)), each


def score_columns(
    predictor: Predictor,
    cells: Mapping[str, Sequence[Any] | Array],
    count: int,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    unusable: Mapping[int, str] | None = None,
) -> Scored:
    """Score rows given as columns.

    Parameters
    ----------
    predictor : Predictor
        The model.
    cells : mapping
        Column name → one cell a row, text or typed; what is not there is empty.
    count : int
        Number of rows.
    threshold : float, default 0.20
        Probability from which on imaging again is advised.
    unusable : mapping, optional
        Rows that must not be scored whatever their cells hold, and why.
    """
    check_threshold(threshold)
    covariates, moment, changed, suspect = _read_cells(predictor, cells, count)
    entry, wait, suspect_times = resolve_many(moment)
    suspect |= suspect_times
    problems = [""] * count
    for position in np.flatnonzero(suspect).tolist():
        row = {name: column[position] for name, column in cells.items()}
        problems[position] = "; ".join(read_patient(predictor.columns, row)[1])
    for position, why in (unusable or {}).items():
        problems[position] = why
    usable = np.array([not problem for problem in problems], dtype=bool)

    entry, wait = entry[usable], wait[usable]
    horizon = entry + wait
    design = np.column_stack([np.ones(len(entry)), covariates[usable]])
    p, low, high = predictor._curve.interval(design, entry, horizon)
    bits = np.zeros(count, dtype=np.int64)
    bits[usable] = reason_bits(p, wait, changed[usable], threshold)
    sentences = ["; ".join(each) for each in reason_sentences(threshold)]
    outputs = zip(OUTPUT_NAMES[:5], (p, low, high, entry, horizon), strict=True)
    return Scored(
        numbers={name: _spread(values, usable) for name, values in outputs},
        usable=usable,
        bits=bits,
        reasons=[sentences[code] for code in bits.tolist()],
        warnings=_warnings(predictor, design[:, 1:], entry, horizon, usable),
        problems=problems,
        model_id=predictor.model_id,
    )


def score_table(predictor: Predictor, table: Table, *, threshold: float) -> Scored:
    """Score a CSV read as text; raise InputFileError if its header does not fit."""
    _check_header(predictor, table.header, table.name)
    cells = table.columns(_columns_read(predictor))
    return score_columns(
        predictor, cells, len(table.rows), threshold=threshold, unusable=table.ragged
    )


def score_frame(predictor: Predictor, frame: Any, *, threshold: float) -> Any:
    """Score a pandas or polars frame and return it with the output columns added."""
    import narwhals as nw

    is_pandas = nw.dependencies.is_pandas_dataframe(frame)
    if not (is_pandas or nw.dependencies.is_polars_dataframe(frame)):
        raise InputFileError(
            f"score needs a pandas or polars DataFrame, but was given {type(frame).__name__}; "
            "collect a lazy frame first"
        )
    names = [str(name) for name in frame.columns]
    _check_header(predictor, names, "frame")
    wrapped = nw.from_native(frame, eager_only=True)
    cells = {name: _native_cells(wrapped[name]) for name in _columns_read(predictor) & set(names)}
    scored = score_columns(predictor, cells, len(frame), threshold=threshold)
    add = _add_to_pandas if is_pandas else _add_to_polars
    return add(frame, scored)


def _columns_read(predictor: Predictor) -> set[str]:
    return {c.name for c in (*predictor.columns, *TIME_COLUMNS, SYMPTOMS_CHANGED)}


def _check_header(predictor: Predictor, found: Sequence[str], name: str) -> None:
    check_columns(
        found,
        needed=[column.name for column in predictor.columns],
        optional=[SYMPTOMS_CHANGED.name],
        either=[[c.name for c in DATE_COLUMNS], [c.name for c in MONTHS_COLUMNS]],
        reserved=OUTPUT_NAMES,
        name=name,
    )


def _read_cells(
    predictor: Predictor, cells: Mapping[str, Sequence[Any] | Array], count: int
) -> tuple[Array, Moment, Array, Array]:
    suspect = np.zeros(count, dtype=bool)

    def take(column: Any) -> Array:
        if column.name not in cells:
            return np.full(count, np.nan)
        values, problems = read_column(column, cells[column.name])
        suspect[list(problems)] = True
        return values

    covariates = np.column_stack([take(column) for column in predictor.columns])
    suspect |= np.isnan(covariates).any(axis=1)
    moment = Moment(*(take(column) for column in TIME_COLUMNS))
    return covariates, moment, take(SYMPTOMS_CHANGED), suspect


def _warnings(
    predictor: Predictor, covariates: Array, entry: Array, horizon: Array, usable: Array
) -> list[str]:
    support, notices = predictor._support, list(predictor.notices)
    words = np.full(len(usable), "", dtype=object)
    usual = np.full(len(entry), "; ".join(notices), dtype=object)
    for position in np.flatnonzero(support.outside(covariates, entry, horizon)).tolist():
        own = support.warnings(
            covariates[position].tolist(), float(entry[position]), float(horizon[position])
        )
        usual[position] = "; ".join(notices + own)
    words[usable] = usual
    return list(words)


def _spread(values: Array, usable: Array) -> Array:
    spread = np.full(len(usable), np.nan)
    spread[usable] = values
    return spread


def _native_cells(series: Any) -> Sequence[Any] | Array:
    """Give numbers as an array, whatever else as values one by one."""
    import narwhals as nw

    whole = series.dtype == nw.Boolean or (
        series.dtype.is_integer() and series.dtype not in (nw.Int128, nw.UInt128)
    )
    if series.dtype in (nw.Float32, nw.Float64) or (whole and not series.null_count()):
        array = series.to_numpy()
        if array.dtype.kind in "fiub":
            return array
    if series.dtype in (nw.Date, nw.Datetime) and series.implementation.is_polars():
        # as text, because a year beyond 9999 has no Python date
        return list(series.dt.date().cast(nw.String).to_list())
    return list(series.to_list())


def _add_to_pandas(frame: Any, scored: Scored) -> Any:
    import pandas as pd

    reimage = pd.array((scored.bits > 0).tolist(), dtype="boolean")
    reimage[~scored.usable] = pd.NA
    return frame.assign(**scored.numbers, reimage=reimage, **_texts(scored))


def _add_to_polars(frame: Any, scored: Scored) -> Any:
    import polars as pl

    reimage = [
        bool(bits) if usable else None
        for bits, usable in zip(scored.bits, scored.usable, strict=True)
    ]
    return frame.with_columns(
        *(
            pl.Series(name, values, dtype=pl.Float64).fill_nan(None)
            for name, values in scored.numbers.items()
        ),
        pl.Series("reimage", reimage, dtype=pl.Boolean),
        *(pl.Series(name, values, dtype=pl.String) for name, values in _texts(scored).items()),
    )


def _texts(scored: Scored) -> dict[str, list[str]]:
    return {
        "reimage_reason": scored.reasons,
        "warnings": scored.warnings,
        "problems": scored.problems,
        "model_id": [scored.model_id] * len(scored),
    }
