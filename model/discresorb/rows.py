"""One patient: from cells to numbers, or to every problem in words.

The single authority on whether a row can be scored and on what is said if it cannot; the
column-wise path in `scoring` asks it about every row that it finds suspect.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from discresorb.cells import read_cell
from discresorb.clock import Moment, resolve
from discresorb.columns import DATE_COLUMNS, MONTHS_COLUMNS, SYMPTOMS_CHANGED, Column
from discresorb.errors import Problem

__all__ = ["TIME_COLUMNS", "Patient", "read_patient"]

TIME_COLUMNS = (*DATE_COLUMNS, *MONTHS_COLUMNS)
_BEYOND_COVARIATES = (*TIME_COLUMNS, SYMPTOMS_CHANGED)


@dataclass(frozen=True, slots=True)
class Patient:
    """One row as numbers, nan where there is none.

    Parameters
    ----------
    covariates : list of float
        In the model's order; nan where one is missing that may be.
    entry, wait : float
        Months since onset at the index MRI; months from there to surgery.
    changed : float
        1, 0, or nan if not known.
    surgery_day : float
        Day number, nan if the row is scored by months.
    """

    covariates: list[float]
    entry: float
    wait: float
    changed: float
    surgery_day: float


def read_patient(
    covariates: Sequence[Column],
    cells: Mapping[str, object],
    optional: Collection[str] = (),
) -> tuple[Patient, list[Problem]]:
    """Read one row.

    Parameters
    ----------
    covariates : sequence of Column
        Those that the model needs.
    cells : mapping
        By column name; what is not there is empty.
    optional : collection of str
        Covariates that may be missing.

    Returns
    -------
    patient : Patient
        Not to be used if there are problems.
    problems : list of Problem
        All of them, in the order of the columns.
    """
    problems: list[Problem] = []
    numbers: list[float] = []
    unreadable: set[str] = set()

    def take(column: Column) -> float:
        cell = cells.get(column.name)
        if cell is None:
            return math.nan
        read = read_cell(column, cell)
        if isinstance(read, Problem):
            problems.append(read)
            unreadable.add(column.name)
            return math.nan
        return read

    for column in covariates:
        number = take(column)
        if number != number and column.name not in unreadable and column.name not in optional:
            rule = f"{column.name} is missing; it must be {column.allowed}"
            problems.append(Problem(f"{column.name} missing", rule))
        numbers.append(number)
    *times, changed = [take(column) for column in _BEYOND_COVARIATES]
    moment = Moment(*times)
    entry, wait, time_problems = resolve(moment, unreadable)
    surgery_day = moment.surgery if moment.has_dates() else math.nan
    return Patient(numbers, entry, wait, changed, surgery_day), problems + time_problems
