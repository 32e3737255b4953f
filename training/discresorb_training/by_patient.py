"""Reading tables with several rows a patient: which rows belong together, and in what order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discresorb.cells import show
from discresorb.columns import PATIENT_ID, Column
from discresorb.distributions import Array
from discresorb.errors import Problem
from discresorb_training.row_reader import RowReader, text_of

__all__ = ["PatientReader"]


class PatientReader(RowReader):
    """Reads visits; `_order` lists the rows patient by patient.

    Arrays "in the order" follow it. A row without an id is compared with no other.

    Parameters
    ----------
    cells : mapping
        By column name, its cells.
    count : int
        Rows.
    ragged : mapping
        By row, what is wrong with the number of its fields.
    by : Column, optional
        Sorts the rows of a patient; else they stay as they stand in the table. Rows whose cell
        cannot be read come last.
    """

    def __init__(
        self,
        cells: Mapping[str, Sequence[Any]],
        count: int,
        ragged: Mapping[int, Problem],
        by: Column | None = None,
    ) -> None:
        super().__init__(cells, count, ragged)
        ids = [text_of(each) for each in cells[PATIENT_ID.name]]
        nameless = np.array([not each for each in ids])
        self.add_where(nameless, "patient_id is missing", "patient_id is missing")
        numbers: dict[str, int] = {}
        unsorted = np.array(
            [numbers.setdefault(each or f"\0{row}", len(numbers)) for row, each in enumerate(ids)]
        )
        self._ids = list(numbers)
        within = np.zeros(count) if by is None else self.needed(by)
        self._order = np.lexsort((within, unsorted))
        self._patient = unsorted[self._order]
        self._nameless = nameless[self._order]
        self._index = np.diff(self._patient, prepend=-1) > 0
        self._last = np.append(self._index[1:], True)
        # position, in the order, of the index MRI of each row's patient
        self._first = np.flatnonzero(self._index)[self._patient]

    def texts(self, name: str) -> Array:
        """Give a column of text, in the order; empty where it is absent."""
        cells = self._cells.get(name)
        if cells is None:
            return np.full(self._count, "")
        return np.array([text_of(each) for each in cells])[self._order]

    def words(self, name: str, allowed: Sequence[str], *, needed: bool = True) -> Array:
        """Give a column of fixed words, in the order; "" where there is none of them."""
        found = []
        for row, each in enumerate(self._cells.get(name, [""] * self._count)):
            word = text_of(each).lower()
            if word not in allowed:
                if needed or word:
                    must = f"must be one of {', '.join(allowed)}"
                    if word:
                        full = f"{name} entered as {show(each)}, but {must}"
                        self.add(row, f"{name} {must}", f"{name} cannot be read", full)
                    else:
                        self.add(row, f"{name} is missing; it {must}", f"{name} is missing")
                word = ""
            found.append(word)
        return np.array(found)[self._order]

    def read_at_index_only(self, column: Column) -> None:
        """Blank a column beyond the index MRI, so that what later MRIs show of it is not read."""
        index = np.empty(self._count, dtype=bool)
        index[self._order] = self._index
        own = zip(self._cells[column.name], index.tolist(), strict=True)
        self._cells[column.name] = [cell if here else "" for cell, here in own]

    def add_in_order(self, bad: Array, words: str, kind: str = "") -> None:
        """Note a problem of rows, given in the order; words may hold what `_said_of` names."""
        rule = _without_values(words)
        for position in np.flatnonzero(bad & ~self._nameless).tolist():
            said = words.format_map(self._said_of(position))
            self.add(int(self._order[position]), rule, kind, said)

    def _said_of(self, position: int) -> dict[str, str]:
        """Give what words about a row, given by its position in the order, may name."""
        return {"patient": show(self._ids[self._patient[position]])}

    def stating(self, known: Array) -> Array:
        """Find the row, first in the table, in which something is known of each patient.

        Parameters
        ----------
        known : bool array
            In the order.

        Returns
        -------
        int array, (patients,)
            Positions in the order; -1 where it is known in no row.
        """
        found: Array = np.full(len(self._ids), -1)
        positions = np.flatnonzero(known)
        positions = positions[np.argsort(self._order[positions])]
        who, first = np.unique(self._patient[positions], return_index=True)
        found[who] = positions[first]
        return found

    def stated_once(self, values: Array, known: Array, otherwise: Any) -> Array:
        """Give what is stated of each patient, (patients,), from the first row that states it."""
        where = self.stating(known)
        return np.where(where >= 0, values[where], otherwise)


def _without_values(words: str) -> str:
    """Take out of words what `_said_of` would put in."""
    return re.sub(r" \{\w+\}", "", words.replace("patient {patient}", "this patient"))
