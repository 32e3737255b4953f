"""From a training table, one row a patient, to covariates and outcome; all problems at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from discresorb.cells import is_empty, is_number, level_of, show
from discresorb.clock import AGREEMENT_MONTHS, months_between
from discresorb.columns import (
    EXIT_REASONS,
    MONTHS_SINCE_ONSET,
    PATIENT_ID,
    TRAINING_COLUMNS,
    Column,
)
from discresorb.distributions import Array
from discresorb.errors import InputError, InputFileError, Problem
from discresorb.reading import Table, check_columns
from discresorb_training.outcome import interval_outcome
from discresorb_training.plan import STANDARD, Planned
from discresorb_training.row_reader import RowReader, frame_header, text_of

__all__ = ["COVARIATES", "Cohort", "cohort_from_frame", "cohort_from_table", "is_by_visit"]

COVARIATES = tuple(each.column for each in STANDARD)
_COLUMNS: Mapping[str, Column] = {column.name: column for column in TRAINING_COLUMNS}
_MONTHS = ("months_since_onset", "last_herniated_months", "first_resorbed_months")
_DATES = ("imaging_date", "last_herniated_date", "first_resorbed_date")
SITE_ID = "site_id"
_MOST_LEVELS = 20
LATEST = _COLUMNS["last_herniated_months"].high


@dataclass(frozen=True)
class Cohort:
    """Data ready to train on.

    Parameters
    ----------
    plan : sequence of Planned
        Covariates, in the order of X; categories with their levels.
    X : float array, (n, k)
        Their values; nan where one is missing that may be.
    y : structured array, (n,)
        Outcome.
    last_seen : float array, (n,)
        Months since onset at the last MRI of each patient.
    sites : sequence of str, optional
        Centre of each patient, empty text where it is not recorded.
    weights : float array, (n,), optional
        How much each patient counts.
    """

    plan: Sequence[Planned]
    X: Array
    y: Array
    last_seen: Array
    sites: Sequence[str] | None = None
    weights: Array | None = None

    @property
    def covariates(self) -> list[Column]:
        """Names, units and ranges, in the order of X."""
        return [each.column for each in self.plan]

    def flow(self) -> dict[str, int]:
        """Count patients by what is known of them."""
        lower, upper, entry = self.y["lower"], self.y["upper"], self.y["entry"]
        seen = np.isfinite(upper)
        return {
            "patients": len(self.y),
            "resorbed between two MRIs after the index MRI": int((seen & (lower > entry)).sum()),
            "resorbed by the first MRI after the index MRI": int((seen & (lower == entry)).sum()),
            "still herniated at the last MRI": int((~seen & (lower > entry)).sum()),
            "never imaged after the index MRI (adds no information)": int(
                (~seen & (lower == entry)).sum()
            ),
        }


def cohort_from_table(
    table: Table, plan: Sequence[Planned] = STANDARD, weights: str | None = None
) -> Cohort:
    """Read a training CSV; raise InputFileError with all problems by row.

    Parameters
    ----------
    table : Table
        The file.
    plan : sequence of Planned
        Covariates that are wanted.
    weights : str, optional
        Column that says how much each patient counts.
    """
    cells = table.columns(_wanted(plan, weights))
    return _read(table.header, cells, len(table), table.name, table.ragged, plan, weights)


def cohort_from_frame(
    frame: Any, plan: Sequence[Planned] = STANDARD, weights: str | None = None
) -> Cohort:
    """Read a pandas or polars training frame; raise InputFileError with all problems by row."""
    import narwhals as nw

    header = frame_header(frame)
    _check_header(header, "cohort", plan, weights)
    wrapped = nw.from_native(frame, eager_only=True)
    names = _wanted(plan, weights)
    cells = {name: wrapped[name].to_list() for name in names if name in header}
    return _read(header, cells, len(frame), "cohort", {}, plan, weights)


def is_by_visit(header: Sequence[str]) -> bool:
    """Tell a table with one row an MRI from one with one row a patient."""
    return {"mri_date", "finding"} <= set(header)


def _wanted(plan: Sequence[Planned], weights: str | None) -> list[str]:
    own = [*(each.column.name for each in plan), *([] if weights is None else [weights])]
    return [*own, *_COLUMNS]


def _read(
    header: Sequence[str],
    cells: Mapping[str, Sequence[Any]],
    count: int,
    name: str,
    ragged: Mapping[int, Problem],
    plan: Sequence[Planned],
    weights: str | None,
) -> Cohort:
    _check_header(header, name, plan, weights)
    if not count:
        raise InputFileError(f"{name}: there are no patients in it")
    plan = [_with_levels(each, cells[each.column.name], name) for each in plan]
    reader = _Reader(cells, count, ragged)
    values = [
        reader.optional(each.column) if each.optional else reader.needed(each.column)
        for each in plan
    ]
    X = np.column_stack(values) if values else np.empty((count, 0))
    counting = None if weights is None else reader.needed(_weight_column(weights))
    entry, lower, upper = reader.times()
    reader.check_order(entry, lower, upper)
    reader.check_ids()
    reader.check_exits(lower, upper)
    reader.refuse_if_any(name)
    last_seen = np.where(np.isnan(upper), lower, upper)
    y = interval_outcome(lower=lower, upper=np.where(np.isnan(upper), np.inf, upper), entry=entry)
    sites = [show(text_of(cell)) for cell in cells[SITE_ID]] if SITE_ID in cells else None
    return Cohort(plan, X, y, last_seen, sites, counting)


def _check_header(
    header: Sequence[str], name: str, plan: Sequence[Planned], weights: str | None
) -> None:
    if weights is not None and not weights.strip():
        raise InputError("the column of weights has no name; name it, or leave weights out")
    if weights in {*(each.column.name for each in plan), *_COLUMNS}:
        raise InputError(f"{weights} cannot be the column of weights: it has a meaning of its own")
    if is_by_visit(header) and not {*_MONTHS, *_DATES} & set(header):
        raise InputFileError(
            f"{name} has one row an MRI; make a cohort of it, one row a patient, with discresorb "
            "cohort (in Python cohort_from_visits)"
        )
    check_columns(
        header,
        needed=[name for name in _wanted(plan, weights) if name not in _COLUMNS],
        optional=list(_COLUMNS),
        either=[_MONTHS, ("onset_date", *_DATES)],
        name=name,
    )


def _weight_column(name: str) -> Column:
    return Column(name, "number", "how much the patient counts", "", 0.0)


def _with_levels(each: Planned, cells: Sequence[Any], name: str) -> Planned:
    """Give a category the levels that the patients show, unless it has levels already."""
    column = each.column
    if column.kind != "category" or column.levels:
        return each
    found = {level_of(cell) for cell in cells if not is_empty(cell)}
    if not 2 <= len(found) <= _MOST_LEVELS:
        raise InputFileError(
            f"{name}: {column.name} has {len(found)} different values, but a category must have 2 "
            f"to {_MOST_LEVELS}; group them, or name it as a number"
        )
    odd = sorted(level for level in found if not level.isprintable())
    if odd:
        has = f"{name}: {column.name} has values that cannot be printed as they are"
        do = "write them with plain letters and blanks"
        raise InputFileError(f"{has}; {do}", [f"{has}, such as {odd[0]!r}; {do}"])
    levels = tuple(sorted(found, key=_as_sorted))
    high = float(len(levels) - 1)
    return replace(each, column=replace(column, low=0.0, high=high, levels=levels))


def _as_sorted(level: str) -> tuple[bool, float, str]:
    """Numbers by size, before other texts by letter."""
    return (False, float(level), level) if is_number(level) else (True, 0.0, level)


class _Reader(RowReader):
    """Reads the training columns, and what must hold between them."""

    def times(self) -> tuple[Array, Array, Array]:
        """Give entry, lower and upper (nan if never seen), in months since onset.

        In a row, dates are used where they are complete, else months; where both are complete they
        must agree, also in whether resorption was seen.
        """
        onset = self.optional(_COLUMNS["onset_date"])
        dated = [months_between(onset, self.optional(_COLUMNS[name])) for name in _DATES]
        months = [self.optional(_COLUMNS[name]) for name in _MONTHS]
        unreadable = np.any(
            [self._unreadable[n] for n in ("onset_date", *_DATES, *_MONTHS)], axis=0
        )
        by_dates = ~np.isnan(dated[0] + dated[1])
        by_months = ~np.isnan(months[0] + months[1])
        for months_name, date_name, a, b in zip(_MONTHS, _DATES, months, dated, strict=True):
            self.add_where(
                (np.abs(a - b) > AGREEMENT_MONTHS) & ~unreadable,
                f"{months_name} and onset_date to {date_name} do not agree within "
                f"{AGREEMENT_MONTHS:g} months",
            )
        seen_months, seen_date = ~np.isnan(months[2]), ~np.isnan(self.optional(_COLUMNS[_DATES[2]]))
        for in_use, seen, other, name, other_name in (
            (by_dates, seen_date, seen_months, _DATES[2], _MONTHS[2]),
            (by_months & ~by_dates, seen_months, seen_date, _MONTHS[2], _DATES[2]),
        ):
            self.add_where(
                in_use & ~seen & other & ~unreadable,
                f"{other_name} is entered, but {name}, which goes with the other times of this "
                "row, is empty",
            )
        self.add_where(
            ~(by_dates | by_months) & ~unreadable,
            "times are incomplete; needed are months_since_onset and last_herniated_months, or "
            "onset_date, imaging_date and last_herniated_date",
        )
        entry, lower, upper = (
            np.where(by_dates, b, np.where(by_months, a, np.nan))
            for a, b in zip(months, dated, strict=True)
        )
        self._resorption_unknown = unreadable
        return entry, lower, upper

    def check_order(self, entry: Array, lower: Array, upper: Array) -> None:
        for row in np.flatnonzero((entry < 0) | (entry > MONTHS_SINCE_ONSET.high)).tolist():
            must = f"must be {MONTHS_SINCE_ONSET.low:g} to {MONTHS_SINCE_ONSET.high:g}"
            self.add(
                row,
                f"index MRI {must} months after onset",
                with_values=f"index MRI {entry[row]:.2f} months after onset, but {must}",
            )
        for row in np.flatnonzero((lower > LATEST) | (upper > LATEST)).tolist():
            self.add(row, f"a time later than {LATEST:g} months after onset")
        for row in np.flatnonzero(lower < entry).tolist():
            self.add(
                row,
                "last seen herniated before the index MRI",
                with_values=f"last seen herniated at {lower[row]:.2f} months, before the index "
                f"MRI at {entry[row]:.2f}",
            )
        for row in np.flatnonzero(upper <= lower).tolist():
            self.add(
                row,
                "first seen resorbed not after last seen herniated",
                with_values=f"first seen resorbed at {upper[row]:.2f} months, not after last seen "
                f"herniated at {lower[row]:.2f}",
            )

    def check_ids(self) -> None:
        ids = [text_of(cell) for cell in self._cells.get(PATIENT_ID.name, ())]
        times, first = Counter(ids), dict(zip(reversed(ids), range(len(ids), 0, -1), strict=True))
        for row, each in enumerate(ids):
            if each and times[each] > 1:
                self.add(
                    row,
                    f"patient_id is one of {times[each]} that are the same, first in row "
                    f"{first[each]}",
                    with_values=f"patient_id {show(each)} appears {times[each]} times",
                )

    def check_exits(self, lower: Array, upper: Array) -> None:
        exits = self.optional(_COLUMNS["exit_months"])
        last: Array = np.where(np.isnan(upper), lower, upper)
        self.add_where(
            exits < last - AGREEMENT_MONTHS, "exit_months is before the last MRI of this patient"
        )
        for row, each in enumerate(self._cells.get("exit_reason", ())):
            if is_empty(each):
                continue
            reason = text_of(each).lower()
            if reason not in EXIT_REASONS:
                must = f"must be one of {', '.join(EXIT_REASONS)}"
                self.add(
                    row,
                    f"exit_reason {must}",
                    with_values=f"exit_reason entered as {show(each)}, but {must}",
                )
            elif (reason == "resorbed") == math.isnan(upper[row]) and not self._resorption_unknown[
                row
            ]:
                self.add(
                    row,
                    "exit_reason does not go with first_resorbed_months",
                    with_values=f"exit_reason {reason} does not go with first_resorbed_months",
                )
