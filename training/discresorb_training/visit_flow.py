"""What became of visits on their way to a cohort: counts that add up, and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from discresorb.cells import show
from discresorb.columns import EXIT_REASONS
from discresorb.distributions import Array
from discresorb_training.cohort import Cohort
from discresorb_training.outcome import interval_outcome
from discresorb_training.visit_reader import VisitReader

__all__ = ["VisitFlow", "flow_of"]

_NAMED: Final = 5
_INDENT: Final = "  "
_ENDS: Final = (*EXIT_REASONS, "")


@dataclass(frozen=True)
class VisitFlow:
    """Counts over rows and patients.

    Parameters
    ----------
    rows : int
        All, one an MRI.
    rows_without_id : int
        Rows that belong to no known patient; they are left out.
    left_out : mapping
        By reason, the ids of patients with problems; each patient stands under one reason.
    rows_of_left_out : int
        MRIs of patients with problems.
    kept : mapping
        Patients without problems, by what is known of them; each counts once.
    exits : mapping
        The same patients by how follow-up ended; empty without columns that say so.
    mris_used : int
        MRIs of patients without problems, up to the first that shows it resorbed.
    mris_after_resorption : int
        Their later MRIs, which are left out.
    notes : sequence of str
        What was done that a person who reads the cohort must know.
    """

    rows: int
    rows_without_id: int
    left_out: Mapping[str, Sequence[str]]
    rows_of_left_out: int
    kept: Mapping[str, int]
    exits: Mapping[str, int]
    mris_used: int
    mris_after_resorption: int
    notes: Sequence[str]

    @property
    def patients_left_out(self) -> int:
        """Patients with problems."""
        return sum(map(len, self.left_out.values()))

    @property
    def patients_kept(self) -> int:
        """Patients without problems."""
        return sum(self.kept.values())

    @property
    def patients(self) -> int:
        """All of them."""
        return self.patients_left_out + self.patients_kept

    def lines(self, *, refused: bool = False, show_values: bool = False) -> list[str]:
        """Lay the counts out as a table, then the notes.

        Parameters
        ----------
        refused : bool, default False
            Whether nothing was written, because of the problems.
        show_values : bool, default False
            Whether patients with problems are named.

        Returns
        -------
        list of str
            What the command ``cohort`` prints.
        """
        out, kept = ("with problems", "without problems") if refused else ("left out", "kept")
        table: list[tuple[int, str, int | None, str]] = [(0, "rows, one an MRI", self.rows, "")]
        parts = {
            "without patient_id, of nobody who is known": self.rows_without_id,
            f"of patients {out}": self.rows_of_left_out,
            f"of patients {kept}, after the first that shows it resorbed": (
                self.mris_after_resorption
            ),
            f"of patients {kept}, used": self.mris_used,
        }
        table += [(1, words, count, "") for words, count in parts.items() if count]
        table += [(0, "patients", self.patients, ""), (1, out, self.patients_left_out, "")]
        table += [
            (2, reason, len(who), _named(who) if show_values else "")
            for reason, who in self.left_out.items()
        ]
        table.append((1, kept, self.patients_kept, ""))
        table += [(2, words, count, "") for words, count in self.kept.items()]
        if self.exits:
            table.append((0, f"how follow-up of patients {kept} ended", None, ""))
            table += [(1, words, count, "") for words, count in self.exits.items() if count]
        width = max(len(_INDENT * level + words) for level, words, *_ in table)
        digits = len(str(self.rows))
        lines = [
            f"{_INDENT * level + words:<{width}}"
            + ("" if count is None else f"  {count:>{digits}}")
            + (f"  {names}" if names else "")
            for level, words, count, names in table
        ]
        return [*(line.rstrip() for line in lines), *(f"Note: {note}." for note in self.notes)]

    def counts(self) -> dict[str, Any]:
        """Give the counts as plain data, naming nobody.

        Returns
        -------
        dict
            Patients, MRIs and rows, by what became of them.
        """
        return {
            "rows": self.rows,
            "rows_without_patient_id": self.rows_without_id,
            "rows_of_patients_left_out": self.rows_of_left_out,
            "mris_after_resorption": self.mris_after_resorption,
            "mris_used": self.mris_used,
            "patients": self.patients,
            "patients_left_out": self.patients_left_out,
            "left_out": {reason: len(who) for reason, who in self.left_out.items()},
            "patients_kept": self.patients_kept,
            "kept": dict(self.kept),
            "exits": dict(self.exits),
        }

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain data, with the ids of patients left out.

        Returns
        -------
        dict
            The counts, ids by reason, and the notes.
        """
        named = {reason: list(who) for reason, who in self.left_out.items()}
        return {**self.counts(), "left_out": named, "notes": list(self.notes)}


def _named(who: Sequence[str]) -> str:
    names = ", ".join(show(each, 20) for each in who[:_NAMED])
    more = len(who) - _NAMED
    return f"({names}{f' and {more} more' if more > 0 else ''})"


def flow_of(
    reader: VisitReader,
    good: Array,
    times: Sequence[Array],
    further: Sequence[str],
    *,
    exits: bool,
) -> VisitFlow:
    """Count rows and patients, and say what was done.

    Parameters
    ----------
    reader : VisitReader
        The visits.
    good : bool array, (patients,)
        Patients without problems.
    times : sequence of float arrays
        Of those: months since onset at the index MRI, when last seen herniated, and when first seen
        resorbed, nan if never.
    further : sequence of str
        Columns that pass through.
    exits : bool
        Whether there are columns on exits.
    """
    entry, lower, upper = times
    y = interval_outcome(lower=lower, upper=np.where(np.isnan(upper), np.inf, upper), entry=entry)
    counts = Cohort((), np.empty((len(y), 0)), y, lower).flow()
    counts.pop("patients")
    kept = good[reader.patient]
    reasons = reader.ends()[0][good].tolist()
    return VisitFlow(
        rows=len(kept),
        rows_without_id=int(reader.nameless.sum()),
        left_out=_reasons(reader),
        rows_of_left_out=int((~kept & ~reader.nameless).sum()),
        kept=counts,
        exits={each or "not recorded": reasons.count(each) for each in _ENDS} if exits else {},
        mris_used=int((kept & reader.used).sum()),
        mris_after_resorption=int((kept & ~reader.used).sum()),
        notes=_notes(reader, good, further, exits=exits),
    )


def _reasons(reader: VisitReader) -> dict[str, list[str]]:
    """Name the patients with problems, each under one kind: that of the check that came first."""
    who = dict(zip(reader.rows.tolist(), reader.patient.tolist(), strict=True))
    reasons: dict[str, list[str]] = {}
    told = set(reader.patient[reader.nameless].tolist())
    for kind, row in reader.met:
        patient = who[row]
        if patient not in told:
            told.add(patient)
            reasons.setdefault(kind, []).append(reader.ids[patient])
    return reasons


def _notes(reader: VisitReader, good: Array, further: Sequence[str], *, exits: bool) -> list[str]:
    """Say what was done beyond reading."""
    notes = _after_resorption(reader, good)
    notes += (
        _other_exits(reader, good)
        if exits
        else ["there are no columns on exits, so the cohort has none"]
    )
    if further:
        notes.append(
            f"passed through with {'its value' if len(further) == 1 else 'their values'} at the "
            f"index MRI: {', '.join(map(show, further))}"
        )
    return notes


def _after_resorption(reader: VisitReader, good: Array) -> list[str]:
    later = good[reader.patient] & ~reader.used
    again = later & reader.herniated
    notes = []
    if later.any():
        notes.append(
            f"{_counted(later.sum(), 'MRI')} of {_patients(reader, later)} after the first that "
            f"shows it resorbed, not used ({_rows(reader, later)})"
        )
    if again.any():
        notes.append(
            f"{_patients(reader, again)} herniated again after resorption was seen "
            f"({_rows(reader, again)}): kept as resorbed, up to the first MRI that shows it"
        )
    return notes


def _other_exits(reader: VisitReader, good: Array) -> list[str]:
    """Say where follow-up ends otherwise than the exit columns have it."""
    reason, left, surgery = reader.reason, reader.exit, reader.surgery
    seen, operated = good & reader.seen, good & reader.operated
    otherwise = ~np.isin(reason, ["", "resorbed"])
    by_resorption = seen & (otherwise | (left > reader.resorbed) | ~np.isnan(surgery))
    by_surgery = operated & (~np.isin(reason, ["", "surgery"]) | (left > surgery))
    derived = operated & (reason == "")
    return [
        f"{_counted(which.sum(), 'patient')} {words}"
        for which, words in (
            (by_resorption, "left later, or otherwise, than by the MRI that first shows it "
             "resorbed; that MRI is the exit here"),
            (by_surgery, "left later, or otherwise, than by surgery; surgery_date is the exit "
             "here"),
            (derived, "with a surgery_date and no exit_reason: exit_reason is surgery here"),
        )
        if which.any()
    ]  # fmt: skip


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _patients(reader: VisitReader, rows: Array) -> str:
    return _counted(len(np.unique(reader.patient[rows])), "patient")


def _rows(reader: VisitReader, which: Array) -> str:
    """Name the first of some rows, given in the order."""
    numbers = np.sort(reader.rows[which]) + 1
    more = len(numbers) - _NAMED
    shown = ", ".join(map(str, numbers[:_NAMED].tolist()))
    return f"row{'' if len(numbers) == 1 else 's'} {shown}{f' and {more} more' if more > 0 else ''}"
