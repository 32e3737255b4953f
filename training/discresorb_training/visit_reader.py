"""Reading longitudinal exports, one row an MRI in any order, and what is wrong with them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
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
    Column,
)
from discresorb.distributions import Array
from discresorb.errors import Problem
from discresorb_training.by_patient import PatientReader
from discresorb_training.cohort import COVARIATES, LATEST, SITE_ID
from discresorb_training.row_reader import text_of

__all__ = ["EXIT_COLUMNS", "VisitReader"]

_COLUMNS: Final = {column.name: column for column in VISIT_COLUMNS}
_MRI_DATE, _SURGERY_DATE, _EXIT_DATE = (
    _COLUMNS[name] for name in ("mri_date", "surgery_date", "exit_date")
)
_EXIT_REASON: Final = "exit_reason"
EXIT_COLUMNS: Final = (_EXIT_REASON, _EXIT_DATE.name, _SURGERY_DATE.name)
_HERNIATED, _RESORBED = FINDINGS
_TOO_LATE: Final = "too long after onset_date"


class VisitReader(PatientReader):
    """Reads visits in any order.

    What belongs to a patient (onset, surgery, exit, site) may stand in any of the patient's rows,
    but must not differ between them. MRIs up to the first that shows it resorbed are used.

    Parameters
    ----------
    cells : mapping
        By column name, all columns of the table.
    count : int
        Rows.
    ragged : mapping
        By row, what is wrong with the number of its fields.
    covariates : sequence of str
        Columns that must be filled at the index MRI.

    Attributes
    ----------
    ids : list of str
        Of the patients.
    patient, rows, mri : arrays, (rows,)
        In the order: position of the patient, position in the table, day of the MRI.
    herniated, used, nameless : bool arrays, (rows,)
        In the order: what the MRI shows, whether it is used, whether the row has no id.
    index : int array, (patients,)
        Positions of the first MRIs in the order.
    onset, resorbed, surgery, exit : float arrays, (patients,)
        Days; resorbed is inf if never seen, the others nan if not known.
    reason, site : arrays of text, (patients,)
        Empty if not known.
    met : list of (str, int)
        Kinds of problems and the rows that have them, in the order of the checks.
    """

    def __init__(
        self,
        cells: Mapping[str, Sequence[Any]],
        count: int,
        ragged: Mapping[int, Problem],
        covariates: Sequence[str],
    ) -> None:
        self.met: list[tuple[str, int]] = []
        super().__init__(cells, count, ragged, by=_MRI_DATE)
        self.ids, self.patient, self.rows = self._ids, self._patient, self._order
        self.nameless, self.index = self._nameless, np.flatnonzero(self._index)
        self.mri = self.needed(_MRI_DATE)[self._order]
        finding = self.words("finding", FINDINGS)
        self.herniated, self._shows_resorbed = finding == _HERNIATED, finding == _RESORBED
        self.onset, self.surgery, self.exit = (
            self._day_of_patient(column) for column in (ONSET_DATE, _SURGERY_DATE, _EXIT_DATE)
        )
        reasons = self.words(_EXIT_REASON, EXIT_REASONS, needed=False)
        self.reason = self._text_of_patient(_EXIT_REASON, reasons)
        self.site = self._text_of_patient(SITE_ID, self.texts(SITE_ID))
        self.resorbed = self.stated_once(self.mri, self._first_of(self._shows_resorbed), np.inf)
        # the day decides, so that rows of one day are used, or not, together
        self.used = self.mri <= self.resorbed[self._patient]
        self._check_onset()
        self._check_mris()
        self._check_same_day()
        self._check_exits(self.stating(reasons != ""))
        self._check_covariates(covariates)

    def add(self, row: int, rule: str, kind: str = "", with_values: str = "") -> None:
        """Note a problem of a row, and when it was met.

        Parameters
        ----------
        row : int
            Its position.
        rule, kind, with_values : str
            What a `Problem` holds.
        """
        self.met.append((kind, row))
        super().add(row, rule, kind, with_values)

    @property
    def seen(self) -> Array:
        """Whether resorption was seen, (patients,)."""
        return np.isfinite(self.resorbed)

    @property
    def operated(self) -> Array:
        """Whether surgery ended follow-up before resorption was seen, (patients,)."""
        return ~self.seen & ~np.isnan(self.surgery)

    def ends(self) -> tuple[Array, Array]:
        """Give how and on what day follow-up of each patient ended: resorption, else surgery."""
        reason = np.where(self.operated, "surgery", self.reason)
        day = np.where(self.operated, self.surgery, self.exit)
        return np.where(self.seen, "resorbed", reason), np.where(self.seen, self.resorbed, day)

    def _first_of(self, which: Array) -> Array:
        """Keep of some rows, in the order, the first of each patient whose date could be read."""
        which = which & ~np.isnan(self.mri)
        before = np.cumsum(which) - which
        first: Array = which & (before == before[self._first])
        return first

    def _day_of_patient(self, column: Column) -> Array:
        days = self.optional(column)[self._order]
        return self._of_patient(column.name, days, ~np.isnan(days), np.nan)

    def _text_of_patient(self, name: str, texts: Array) -> Array:
        return self._of_patient(name, texts, texts != "", "")

    def _of_patient(self, name: str, values: Array, known: Array, otherwise: Any) -> Array:
        """Give what belongs to the patient, (patients,); tell of rows that differ."""
        where = self.stating(known)[self._patient]
        for position in np.flatnonzero(known & (values != values[where])).tolist():
            here, there = (show(text_of(self._cells[name][self._order[at]]))
                           for at in (position, where[position]))  # fmt: skip
            row = f"in row {self._order[where[position]] + 1} of the same patient"
            self._tell(
                position,
                f"{name} is not that {row}",
                f"{name} differs between rows",
                f"{name} is {here}, but {there} {row}",
            )
        return self.stated_once(values, known, otherwise)

    def _tell(self, position: int, rule: str, kind: str, with_values: str) -> None:
        """Note a problem of one row, unless it belongs to nobody."""
        if not self._nameless[position]:
            self.add(int(self._order[position]), rule, kind, with_values)

    def _said_of(self, position: int) -> dict[str, str]:
        who = self._patient[position]
        days = {"mri": self.mri[position], "onset": self.onset[who],
                "surgery": self.surgery[who], "exit": self.exit[who]}  # fmt: skip
        return {**super()._said_of(position), **{name: _iso(day) for name, day in days.items()}}

    def _unread(self, column: Column) -> Array:
        """Tell which patients have a cell of a column that could not be read, (patients,)."""
        return self._any_of_patient(self._unreadable[column.name][self._order])

    def _any_of_patient(self, rows: Array) -> Array:
        """Tell which patients have some of the rows, given in the order, (patients,)."""
        return np.bincount(self._patient[rows], minlength=len(self.ids)) > 0

    def _check_onset(self) -> None:
        missing = np.isnan(self.onset) & ~self._unread(ONSET_DATE)
        self.add_in_order(
            missing[self._patient] & self._index,
            "onset_date is missing in all rows of patient {patient}; it must be "
            + ONSET_DATE.allowed,
            "onset_date is missing",
        )

    def _check_mris(self) -> None:
        """Refuse MRIs before onset, after surgery or exit, or too late, and a missing index MRI."""
        onset, surgery, left = (
            days[self._patient] for days in (self.onset, self.surgery, self.exit)
        )
        months = months_between(onset, self.mri)
        self.add_in_order(
            self.mri < onset,
            "mri_date {mri} is before onset_date {onset}",
            "an MRI before onset_date",
        )
        dated = ~self._any_of_patient(np.isnan(self.mri))[self._patient]
        self.add_in_order(
            self._index & self._shows_resorbed & dated,
            "the first MRI of patient {patient} shows it resorbed already; the index MRI, on which "
            "the herniation was seen, is missing",
            "index MRI missing, the first shows it resorbed",
        )
        self.add_in_order(
            self._index & (months > MONTHS_SINCE_ONSET.high),
            f"index MRI {{mri}} is more than {MONTHS_SINCE_ONSET.high:g} months after onset_date "
            "{onset}",
            f"index MRI {_TOO_LATE}",
        )
        self.add_in_order(
            self.used & (months > LATEST),
            f"mri_date {{mri}} is more than {LATEST:g} months after onset_date {{onset}}",
            f"an MRI {_TOO_LATE}",
        )
        after = self.used & (self.mri > surgery)
        self.add_in_order(
            after,
            "mri_date {mri} is after surgery_date {surgery}; an MRI after surgery says nothing of "
            "natural resorption, so leave it out",
            "an MRI after surgery_date",
        )
        self.add_in_order(
            self.used & (self.mri > left) & ~after,
            "mri_date {mri} is after exit_date {exit}",
            "an MRI after exit_date",
        )

    def _check_same_day(self) -> None:
        same = ~self._index & (np.diff(self.mri, prepend=np.nan) == 0.0) & self.used
        for position in np.flatnonzero(same).tolist():
            here, above = self._order[position], self._order[position - 1]
            differ = [name for name, cells in self._cells.items()
                      if text_of(cells[here]) != text_of(cells[above])]  # fmt: skip
            day = "a second row of patient {patient} on {mri}".format_map(self._said_of(position))
            if differ:
                words = f"; it and row {above + 1} differ in {', '.join(differ)}: keep one"
                kind = "two rows of one day that differ"
            else:
                words, kind = f", the same as row {above + 1}; keep one", "a row twice"
            rule = f"a second row of this patient on one day{words}"
            self._tell(position, rule, kind, f"{day}{words}")

    def _check_exits(self, stated: Array) -> None:
        """Refuse exits that contradict the MRIs or the surgery.

        Parameters
        ----------
        stated : int array, (patients,)
            Positions of the rows that state the reason; -1 if none does.
        """
        # an MRI that could not be read, which is told of, may have shown anything
        unread = self._any_of_patient(np.isnan(self.mri) | ~(self.herniated | self._shows_resorbed))
        unseen = ~self.seen & ~unread
        undated = np.isnan(self.surgery) & ~self._unread(_SURGERY_DATE) & unseen
        if _SURGERY_DATE.name not in self._cells:
            undated[:] = False
        self.add_in_order(
            self._at(stated, (self.reason == "resorbed") & unseen),
            "exit_reason is resorbed, but no MRI of patient {patient} shows it resorbed",
            "exit_reason resorbed, but no MRI shows it",
        )
        self.add_in_order(
            self._at(stated, (self.reason == "surgery") & undated),
            "exit_reason is surgery, but surgery_date of patient {patient} is missing",
            "exit_reason surgery, but no surgery_date",
        )
        self.add_in_order(
            self._at(self.index, self.operated & (self.exit < self.surgery)),
            "exit_date {exit} is before surgery_date {surgery}, though surgery ends follow-up",
            "exit_date before surgery_date",
        )
        self.add_in_order(
            self._at(
                self.index, ~self.seen & (months_between(self.onset, self.ends()[1]) > LATEST)
            ),
            f"follow-up ends more than {LATEST:g} months after onset_date {{onset}}",
            f"exit {_TOO_LATE}",
        )

    def _at(self, positions: Array, patients: Array) -> Array:
        """Mark one row of each of some patients, in the order."""
        rows = np.zeros(self._count, dtype=bool)
        rows[positions[patients]] = True
        return rows

    def _check_covariates(self, names: Sequence[str]) -> None:
        ours = {column.name: column for column in COVARIATES}
        index = np.empty(self._count, dtype=bool)
        index[self._order] = self._index & ~self._shows_resorbed
        for name in names:
            if name in ours:
                self.read_at_index_only(ours[name])
                self.needed(ours[name], index, " at the index MRI")
                continue
            empty = np.array([not text_of(cell) for cell in self._cells[name]])
            kind = f"{name} is missing at the index MRI"
            self.add_where(empty & index, kind, kind)


def _iso(day: float) -> str:
    return "" if math.isnan(day) else datetime.date.fromordinal(int(day)).isoformat()
