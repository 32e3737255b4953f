"""From one row an MRI, as research databases export it, to one row a patient, as training reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from discresorb.cells import show
from discresorb.clock import months_between
from discresorb.columns import (
    MONTHS_SINCE_ONSET,
    PATIENT_ID,
    TRAINING_COLUMNS,
    VISIT_COLUMNS,
)
from discresorb.distributions import Array
from discresorb.errors import InputError, InputFileError, Problem
from discresorb.reading import check_columns, columns_found
from discresorb_training.cohort import COVARIATES, SITE_ID
from discresorb_training.row_reader import frame_header, refusal_of
from discresorb_training.visit_flow import VisitFlow, flow_of
from discresorb_training.visit_reader import EXIT_COLUMNS, VisitReader

__all__ = ["DEFAULT_COVARIATES", "FromVisits", "cohort_from_visits", "read_visits", "renamed"]

DEFAULT_COVARIATES: Final = tuple(column.name for column in COVARIATES)
_NEEDED: Final = (PATIENT_ID.name, "onset_date", "mri_date", "finding")
# 0.0001 month is 4 minutes, so that whole days stay what they were
_DIGITS: Final = 4
_PARTS: Final = re.compile(r"[0-9]+|[^0-9]+")
_OUTCOME: Final = ("last_herniated_months", "first_resorbed_months")
_EXIT: Final = ("exit_reason", "exit_months")
# what becomes outcome, exit or site; every other column passes through
_USED_UP: Final = {*_NEEDED, *EXIT_COLUMNS, SITE_ID}
_RESERVED: Final = tuple(column.name for column in TRAINING_COLUMNS if column.name not in _USED_UP)


@dataclass(frozen=True)
class FromVisits:
    """A cohort made of visits.

    Parameters
    ----------
    frame : DataFrame
        Training columns of the patients without problems, of the kind of frame that came in.
    flow : VisitFlow
        What became of every row and patient.
    problems : mapping
        By row of the visits, all that is wrong with it.
    ids : sequence of str
        By row of the visits, the patient.
    """

    frame: Any
    flow: VisitFlow
    problems: Mapping[int, Sequence[Problem]]
    ids: Sequence[str]


def cohort_from_visits(
    visits: Any,
    *,
    covariates: Sequence[str] = DEFAULT_COVARIATES,
    rename: Mapping[str, str] | None = None,
    leave_out_problems: bool = False,
) -> tuple[Any, VisitFlow]:
    """Make a cohort, one row a patient, of visits, one row an MRI.

    A patient's first MRI is the index MRI; MRIs after the first that shows the herniation resorbed
    are left out and counted. Covariates and all further columns have their value at the index MRI.
    Times are in months since onset.

    Parameters
    ----------
    visits : pandas.DataFrame or polars.DataFrame
        patient_id, onset_date, mri_date and finding (herniated or resorbed), in any order of rows;
        optional surgery_date, exit_date, exit_reason, site_id; any other columns.
    covariates : sequence of str, default ("size_mm", "sequestrated")
        Columns that must be filled at the index MRI.
    rename : mapping, optional
        From the names of the visits' columns to ours.
    leave_out_problems : bool, default False
        Leave patients with problems out, as whole patients.

    Returns
    -------
    cohort : pandas.DataFrame or polars.DataFrame
        As training reads it, patients in the order in which they first appear.
    flow : VisitFlow
        What became of every row and patient.

    Raises
    ------
    InputError
        If `rename` or `covariates` do not fit.
    InputFileError
        With all problems by row, counted from 1, unless they are to be left out; or if no patient
        is without.
    """
    header = renamed(frame_header(visits), rename or {}, "visits")
    done = read_visits(visits, header, covariates)
    if done.problems and not leave_out_problems:
        raise refusal_of(done.problems, "visits")
    if not done.flow.patients_kept:
        raise refusal_of(done.problems, "visits").and_also("no patient is left")
    return done.frame, done.flow


def renamed(header: Sequence[str], rename: Mapping[str, str], name: str) -> list[str]:
    """Give a header our names.

    Raises
    ------
    InputFileError
        If a column to be renamed is not there, or two would bear one name.
    """
    problems = [
        f"{name} has no column {show(theirs)} to rename; {columns_found(header)}"
        for theirs in rename
        if theirs not in header
    ]
    for ours in dict.fromkeys(rename.values()):
        theirs = [each for each in dict.fromkeys(header) if rename.get(each, each) == ours]
        if len(theirs) > 1:
            problems.append(
                f"{name}: {' and '.join(map(show, theirs))} would both be called {show(ours)}"
            )
    if problems:
        raise InputFileError(problems)
    return [rename.get(each, each) for each in header]


def read_visits(
    frame: Any,
    header: Sequence[str],
    covariates: Sequence[str] = DEFAULT_COVARIATES,
    name: str = "visits",
    ragged: Mapping[int, Problem] | None = None,
) -> FromVisits:
    """Make a cohort of the patients without problems, and tell of all problems.

    Parameters
    ----------
    frame : pandas.DataFrame or polars.DataFrame
        The visits.
    header : sequence of str
        Names of its columns, in their order.
    covariates : sequence of str
        Columns that must be filled at the index MRI.
    name : str
        Of the file, for messages.
    ragged : mapping, optional
        By row, what is wrong with the number of its fields.

    Raises
    ------
    InputFileError
        If the columns do not fit, or there are no rows.
    """
    import narwhals as nw

    _check_header(header, covariates, name)
    if not len(frame):
        raise InputFileError(f"{name}: there are no visits in it")
    columns = zip(header, nw.from_native(frame, eager_only=True).iter_columns(), strict=True)
    cells = {each: column.to_list() for each, column in columns}
    reader = VisitReader(cells, len(frame), ragged or {}, covariates)
    good = _without_problems(reader)
    # by id, so that the order of the rows changes nothing
    chosen = np.array(sorted(np.flatnonzero(good), key=lambda k: _natural(reader.ids[k])), int)
    passed = [*covariates, *(each for each in header if each not in {*_USED_UP, *covariates})]
    cohort = _assembled(
        frame,
        header,
        reader.rows[reader.index[chosen]].tolist(),
        passed,
        {each: values[chosen] for each, values in _made(reader, header).items()},
    )
    times = [_times(reader)[each][good] for each in (MONTHS_SINCE_ONSET.name, *_OUTCOME)]
    further = [each for each in passed if each not in DEFAULT_COVARIATES]
    flow = flow_of(reader, good, times, further, exits=bool(set(EXIT_COLUMNS) & set(header)))
    ids = np.empty(len(frame), dtype=object)
    ids[reader.rows] = np.where(reader.nameless, "", np.array(reader.ids, object)[reader.patient])
    return FromVisits(cohort, flow, reader.problems, ids.tolist())


def _natural(who: str) -> list[tuple[int, str]]:
    """Sort ids as people do: S9 before S10."""
    parts = [each.lstrip("0") if each.isdigit() else each for each in _PARTS.findall(who)]
    return [*((len(each) if each.isdigit() else 0, each) for each in parts), (0, who)]


def _check_header(header: Sequence[str], covariates: Sequence[str], name: str) -> None:
    doubled = sorted({each for each in covariates if covariates.count(each) > 1})
    used = [each for each in covariates if each in _USED_UP]
    problems = [f"covariate {show(each)} is named twice" for each in doubled]
    problems += [f"{show(each)} cannot be a covariate" for each in used]
    if problems:
        raise InputError(problems)
    if "mri_date" not in header and set(_OUTCOME) <= set(header):
        raise InputFileError(f"{name} has one row a patient already; train reads it as it is")
    try:
        check_columns(
            header,
            needed=[*_NEEDED, *covariates],
            optional=[column.name for column in VISIT_COLUMNS],
            reserved=_RESERVED,
            name=name,
        )
    except InputFileError as error:
        if set(header) >= {*_NEEDED, *covariates}:
            raise
        raise error.and_also(*_hints(header, covariates)) from None


def _hints(header: Sequence[str], covariates: Sequence[str]) -> list[str]:
    """Say what can be done about columns that are missing."""
    hints = ["columns of other names: --rename THEIRS=OURS (in Python: rename={'theirs': 'ours'})"]
    missing = [each for each in covariates if each not in header]
    if missing:
        hints.append(
            f"to train without {' and '.join(missing)}, name the covariates that there are: "
            "--covariates NAME,NAME"
        )
    return hints


def _without_problems(reader: VisitReader) -> Array:
    """Tell which patients have no problem in any row, (patients,)."""
    position = np.empty(len(reader.rows), dtype=int)
    position[reader.rows] = np.arange(len(reader.rows))
    good = np.ones(len(reader.ids), dtype=bool)
    good[reader.patient[position[list(reader.problems)]]] = False
    return good


def _times(reader: VisitReader) -> dict[str, Array]:
    """Give the index MRI and the interval of every patient in months since onset."""
    before = np.where(reader.mri < reader.resorbed[reader.patient], reader.mri, -np.inf)
    last_herniated = np.maximum.reduceat(before, reader.index)
    days = reader.mri[reader.index], last_herniated, reader.resorbed
    names = MONTHS_SINCE_ONSET.name, *_OUTCOME
    return {n: _months(reader.onset, each) for n, each in zip(names, days, strict=True)}


def _months(onset: Array, day: Array) -> Array:
    """Give months since onset; nan where the day is not known, or never came."""
    months = np.round(months_between(onset, day), _DIGITS)
    return np.where(np.isfinite(months), months, np.nan)


def _made(reader: VisitReader, header: Sequence[str]) -> dict[str, Array]:
    """Give the columns that are made, (patients,); text is empty where it is not known."""
    made = {PATIENT_ID.name: np.array(reader.ids, dtype=object)}
    if SITE_ID in header:
        made[SITE_ID] = reader.site
    made |= _times(reader)
    if set(EXIT_COLUMNS) & set(header):
        reason, day = reader.ends()
        made |= dict(zip(_EXIT, (reason, _months(reader.onset, day)), strict=True))
    return made


def _assembled(
    frame: Any,
    header: Sequence[str],
    rows: list[int],
    passed: Sequence[str],
    made: Mapping[str, Array],
) -> Any:
    """Put the cohort together, as the kind of frame that the visits are; who, what, then when."""
    import narwhals as nw

    who = [each for each in made if each in (PATIENT_ID.name, SITE_ID)]
    names = [*who, *passed, *(each for each in made if each not in who)]
    if nw.dependencies.is_pandas_dataframe(frame):
        import pandas as pd

        taken: Any = frame.iloc[rows]
        taken.columns = list(header)
        return pd.DataFrame({n: _or_none(made[n]) if n in made else taken[n].array for n in names})
    import polars as pl

    taken = frame[rows]
    taken.columns = list(header)
    own = {n: pl.Series(n, _or_none(values), nan_to_null=True) for n, values in made.items()}
    return pl.DataFrame([own[n] if n in own else taken[n] for n in names]).with_columns(
        pl.col(pl.Null).cast(pl.String)
    )


def _or_none(values: Array) -> Any:
    """Give numbers as they are, and text with None where it is empty."""
    return values if values.dtype.kind == "f" else [each or None for each in values.tolist()]
