"""Visit-level cohorts, one row an MRI: reading them, and splitting patients at their MRIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from discresorb.cells import show
from discresorb.clock import months_between
from discresorb.columns import (
    EXIT_REASONS,
    FINDINGS,
    MONTHS_SINCE_ONSET,
    ONSET_DATE,
    VISIT_COLUMNS,
)
from discresorb.distributions import Array
from discresorb.errors import InputFileError, Problem
from discresorb.reading import Table, check_columns
from discresorb_training.by_patient import PatientReader
from discresorb_training.cohort import COVARIATES, LATEST, SITE_ID, Cohort, is_by_visit
from discresorb_training.outcome import interval_outcome
from discresorb_training.plan import STANDARD
from discresorb_training.row_reader import frame_header

__all__ = ["SplitRows", "Visits", "visits_from_frame", "visits_from_table"]

_NAMES: Final = tuple(column.name for column in VISIT_COLUMNS)
_NEEDED: Final = tuple(name for name in _NAMES if name != SITE_ID)
_COLUMNS: Final = dict(zip(_NAMES, VISIT_COLUMNS, strict=True))
_MRI_DATE, _LEG_PAIN, _SURGERY_DATE, _EXIT_DATE = (
    _COLUMNS[name] for name in ("mri_date", "leg_pain", "surgery_date", "exit_date")
)
_ALIKE: Final = (ONSET_DATE, _SURGERY_DATE, _EXIT_DATE)  # in all rows of a patient


@dataclass(frozen=True)
class SplitRows:
    """Patients split at their MRIs into rows with delayed entry, (entry, end].

    Parameters
    ----------
    X : float array, (rows, k)
        Covariates as at the index MRI.
    y : structured array, (rows,)
        Entry is the MRI before; the end is lower of a row that stayed herniated, upper of one that
        resorbed.
    patient : int array, (rows,)
        Position of the patient.
    visit : int array, (rows,)
        Position of the MRI at which the row ends; a patient imaged once keeps a row that ends
        where it begins and says nothing.
    """

    X: Array
    y: Array
    patient: Array
    visit: Array

    @property
    def telling(self) -> Array:
        """Rows that say something, bool, (rows,)."""
        return np.isfinite(self.y["upper"]) | (self.y["lower"] > self.y["entry"])


@dataclass(frozen=True)
class Visits:
    """Patients and their MRIs, in order.

    Parameters
    ----------
    patients : Cohort
        The same patients, one row each; covariates as at the index MRI.
    patient : int array, (visits,)
        Position of the patient of every MRI.
    months : float array, (visits,)
        Since onset.
    herniated : bool array, (visits,)
        What the MRI showed; False only at a patient's last.
    leg_pain : float array, (visits,)
        0 to 10; nan may stand where the herniation had resorbed.
    exit_months : float array, (patients,)
        Since onset.
    operated : bool array, (patients,)
        Whether follow-up ended with surgery.
    """

    patients: Cohort
    patient: Array
    months: Array
    herniated: Array
    leg_pain: Array
    exit_months: Array
    operated: Array

    def split(self) -> SplitRows:
        """Split patients at their MRIs, which leaves the likelihood as it is.

        log[S(L) - S(R)] - log S(E) is the sum of the rows' terms, because each row's truncation
        takes away what the row before added.
        """
        index = np.diff(self.patient, prepend=-1) > 0
        alone = index & np.append(index[1:], True)
        visit = np.flatnonzero(~index | alone)
        before = np.where(alone[visit], visit, visit - 1)
        start, end, stays = self.months[before], self.months[visit], self.herniated[visit]
        y = interval_outcome(
            lower=np.where(stays, end, start), upper=np.where(stays, np.inf, end), entry=start
        )
        patient = self.patient[visit]
        return SplitRows(self.patients.X[patient], y, patient, visit)


def visits_from_table(table: Table) -> Visits:
    """Read a CSV with one row an MRI; raise InputFileError with all problems by row."""
    _check_header(table.header, table.name)
    return _read(table.columns(_NAMES), len(table), table.name, table.ragged)


def visits_from_frame(frame: Any) -> Visits:
    """Read a frame with one row an MRI; raise InputFileError with all problems by row."""
    import narwhals as nw

    header = frame_header(frame)
    _check_header(header, "visits")
    wrapped = nw.from_native(frame, eager_only=True)
    cells = {name: wrapped[name].to_list() for name in _NAMES if name in header}
    return _read(cells, len(frame), "visits", {})


def _check_header(header: Sequence[str], name: str) -> None:
    if not is_by_visit(header) and "last_herniated_months" in header:
        raise InputFileError(
            f"{name} has one row a patient; weights for surgery need one row an MRI (columns "
            f"{', '.join(_NEEDED)}), so leave --surgery-weights out or bring the visits"
        )
    check_columns(header, needed=_NEEDED, optional=[SITE_ID], name=name)


def _read(
    cells: Mapping[str, Sequence[Any]], count: int, name: str, ragged: Mapping[int, Problem]
) -> Visits:
    if not count:
        raise InputFileError(f"{name}: there are no patients in it")
    reader = _Reader(cells, count, ragged)
    reader.check_alike()
    reader.check_order()
    reader.check_findings()
    reader.check_exits()
    reader.refuse_if_any(name)
    return reader.visits()


class _Reader(PatientReader):
    """Reads visits whose rows are in order."""

    def __init__(
        self, cells: Mapping[str, Sequence[Any]], count: int, ragged: Mapping[int, Problem]
    ) -> None:
        super().__init__(cells, count, ragged)
        onset, mri, exit_ = (
            self.needed(column)[self._order] for column in (ONSET_DATE, _MRI_DATE, _EXIT_DATE)
        )
        surgery = self.optional(_SURGERY_DATE)[self._order]
        self._mri, self._surgery, self._exit = mri, surgery, exit_
        self._onset = onset
        self._months = months_between(onset, mri)
        self._finding = self.words("finding", FINDINGS)
        self._reason = self.words("exit_reason", EXIT_REASONS)
        self._sites = self.texts(SITE_ID) if SITE_ID in cells else None
        for column in COVARIATES:
            self.read_at_index_only(column)
        in_rows = np.empty((2, count), dtype=bool)
        in_rows[:, self._order] = self._index, self._finding == "herniated"
        values = [self.needed(column, in_rows[0], " at the index MRI") for column in COVARIATES]
        self._covariates = np.column_stack(values)[self._order]
        where = " at an MRI that shows the herniation"
        self._pain = self.needed(_LEG_PAIN, in_rows[1], where)[self._order]

    def check_alike(self) -> None:
        """Refuse dates and reasons that differ between rows of a patient."""
        for column in _ALIKE:
            values = self.optional(column)[self._order]
            first = values[self._first]
            unread = self._unreadable[column.name][self._order]
            missing = np.isnan(values), np.isnan(first)
            said = missing[0] & missing[1] if column is _SURGERY_DATE else missing[0] | missing[1]
            differs = (values != first) & ~said
            differs &= ~(unread | unread[self._first])
            self.add_in_order(
                differs, f"{column.name} differs from that in the first row of patient {{patient}}"
            )
        for name, words in (("exit_reason", self._reason), (SITE_ID, self._sites)):
            if words is not None:
                first = words[self._first]
                self.add_in_order(
                    (words != first) & (words != "") & (first != ""),
                    f"{name} differs from that in the first row of patient {{patient}}",
                )

    def check_order(self) -> None:
        """Refuse MRIs out of order, before onset or too late."""
        gap = self._mri - self._date_above()
        self.add_in_order(
            gap == 0.0, "a second MRI of patient {patient} on one day; keep one of them"
        )
        self.add_in_order(
            gap < 0.0,
            "mri_date is before that of a row above of patient {patient}; sort the rows by date",
        )
        self.add_in_order(self._months < 0.0, "mri_date is before onset_date")
        self.add_in_order(
            self._index & (self._months > MONTHS_SINCE_ONSET.high),
            f"index MRI more than {MONTHS_SINCE_ONSET.high:g} months after onset_date",
        )
        self.add_in_order(
            self._months > LATEST, f"mri_date more than {LATEST:g} months after onset_date"
        )

    def _date_above(self) -> Array:
        """Give the last date of a patient's MRIs above each row that could be read; nan if none."""
        above = np.full(len(self._mri), np.nan)
        for row in range(1, len(self._mri)):
            if not self._index[row]:
                known = not np.isnan(self._mri[row - 1])
                above[row] = self._mri[row - 1] if known else above[row - 1]
        return above

    def check_findings(self) -> None:
        """Refuse an index MRI that shows no herniation, and MRIs after resorption was seen."""
        resorbed = self._finding == "resorbed"
        self.add_in_order(
            self._index & resorbed,
            "the index MRI, the first row of patient {patient}, must show the herniation, but "
            "finding is resorbed",
        )
        before = np.cumsum(resorbed) - resorbed
        after = before > before[self._first]
        self.add_in_order(
            after & ~resorbed, "herniated again after it was seen resorbed (patient {patient})"
        )
        self.add_in_order(
            after & resorbed,
            "an MRI after the first that shows it resorbed (patient {patient}); leave it out",
        )

    def check_exits(self) -> None:
        """Refuse exits that do not go with the MRIs or with the date of surgery."""
        last = self._last
        operated = ~np.isnan(self._surgery)
        unread = self._unreadable[_SURGERY_DATE.name][self._order]
        self.add_in_order(
            self._mri > self._surgery, "mri_date is after surgery_date; MRIs end at surgery"
        )
        self.add_in_order(
            (self._mri > self._exit) & ~(self._mri > self._surgery), "mri_date is after exit_date"
        )
        known = self._reason != ""
        self.add_in_order(
            last & known & ~unread & ((self._reason == "surgery") != operated),
            "exit_reason surgery and surgery_date go together: both, or neither",
        )
        self.add_in_order(
            last & operated & (self._surgery != self._exit) & ~np.isnan(self._exit),
            "exit_date must be surgery_date where follow-up ends with surgery",
        )
        resorbed = self._finding == "resorbed"
        self.add_in_order(
            last & known & (self._finding != "") & ((self._reason == "resorbed") != resorbed),
            "exit_reason resorbed goes with a last MRI that shows it resorbed, and with no other",
        )
        self.add_in_order(
            last & (months_between(self._onset, self._exit) > LATEST),
            f"exit_date more than {LATEST:g} months after onset_date",
        )
        self.add_in_order(
            last & resorbed & (self._exit > self._mri),
            "exit_date must be the date of the MRI that shows it resorbed",
        )

    def visits(self) -> Visits:
        """Give what was read, once there is no problem."""
        herniated = self._finding == "herniated"
        last = np.flatnonzero(self._last)
        index = np.flatnonzero(self._index)
        before = np.where(herniated[last], last, last - 1)
        y = interval_outcome(
            lower=self._months[before],
            upper=np.where(herniated[last], np.inf, self._months[last]),
            entry=self._months[index],
        )
        sites = None
        if self._sites is not None:
            stated = self.stated_once(self._sites, self._sites != "", "").tolist()
            sites = [show(each) for each in stated]
        patients = Cohort(STANDARD, self._covariates[index], y, self._months[last], sites)
        return Visits(
            patients,
            self._patient,
            self._months,
            herniated,
            self._pain,
            months_between(self._onset, self._exit)[index],
            (self._reason == "surgery")[index],
        )
