"""What is written beside the scored rows: one output for all files of a run.

Batches are rendered in the threads that score, and taken in the rows' order. What a file gave is
taken back if the file turns out not to fit, so that an output holds whole files only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Protocol

from discresorb.columns import PATIENT_ID
from discresorb.errors import InputFileError
from discresorb.scoring import Scored
from discresorb.table import Rows
from discresorb.tally import Tally
from discresorb.writing import is_formula, quoted

__all__ = [
    "PROBLEM_COLUMNS",
    "Beside",
    "Opening",
    "ProblemListing",
    "StreamBeside",
    "problem_listing",
    "whole_files",
]

PROBLEM_COLUMNS = ("file", "row", PATIENT_ID.name, "problems")


class Beside(Protocol):
    """Takes batches of scored rows, beside what writes them."""

    def begin(self, name: str) -> None:
        """Hear of a file, which may hold no rows."""

    def render(self, rows: Rows, scored: Scored) -> Any:
        """Bring one batch into its form; called from several threads."""

    def take(self, content: Any, name: str, before: int) -> None:
        """Take a batch's form, in order; so many rows of its file came before."""

    def mark(self) -> Any:
        """Say how far it has come."""

    def back_to(self, mark: Any) -> None:
        """Take back all that came after a mark."""

    def finish(self, tally: Tally, refused: Sequence[str]) -> None:
        """Write what is left, knowing the counts over all files, and why some were refused."""


# opens an output on a file of its own
Opening = Callable[[IO[bytes]], Beside]


@contextmanager
def whole_files(besides: Sequence[Beside]) -> Iterator[None]:
    """Take back what a file gave if it turns out not to fit."""
    marks = [each.mark() for each in besides]
    try:
        yield
    except InputFileError:
        for each, mark in zip(besides, marks, strict=True):
            each.back_to(mark)
        raise


class StreamBeside:
    """Writes to a stream, from which what a file gave can be cut off again.

    Parameters
    ----------
    stream : binary file
        A file of its own.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def begin(self, name: str) -> None:
        """Write nothing: a file without rows leaves no trace."""

    def mark(self) -> int:
        """Say how much is written."""
        return self.stream.tell()

    def back_to(self, mark: int) -> None:
        """Cut off what was written after a mark."""
        self.stream.seek(mark)
        self.stream.truncate()

    def finish(self, tally: Tally, refused: Sequence[str]) -> None:
        """Write nothing: all is written."""


class ProblemListing(StreamBeside):
    """Lists rows that could not be scored, as lines of a CSV with `PROBLEM_COLUMNS`.

    Parameters
    ----------
    stream : binary file
        Where to.
    raw_text : bool
        Leave cells alone that a spreadsheet would take for formulas.
    header : bool
        Whether the column names come first.
    """

    def __init__(self, stream: IO[bytes], raw_text: bool = False, *, header: bool = True) -> None:
        super().__init__(stream)
        self._raw_text = raw_text
        if header:
            stream.write((",".join(PROBLEM_COLUMNS) + "\n").encode())

    def render(self, rows: Rows, scored: Scored) -> list[tuple[int, str, str]]:
        """Give row in the batch, patient and words of each row with problems."""
        if not scored.problems:
            return []
        words = scored.words["problems"].series()
        has_id = PATIENT_ID.name in rows.frame.columns
        listed = []
        for row in sorted(scored.problems):
            who = rows.frame[PATIENT_ID.name][row] if has_id else None
            listed.append((row, "" if who is None else str(who), words[row]))
        return listed

    def take(self, content: list[tuple[int, str, str]], name: str, before: int) -> None:
        """Write a batch's lines."""
        self.stream.write(problem_listing(name, before, content, self._raw_text))


def problem_listing(
    name: str, before: int, problems: list[tuple[int, str, str]], raw_text: bool
) -> bytes:
    """Give rows with problems as lines of a CSV with `PROBLEM_COLUMNS`.

    Parameters
    ----------
    name : str
        Of the file.
    before : int
        Rows of the file before these.
    problems : list of (int, str, str)
        Row, patient and words.
    raw_text : bool
        Leave cells alone that a spreadsheet would take for formulas.
    """

    def safe(cell: str) -> str:
        return f"'{cell}" if is_formula(cell) and not raw_text else cell

    lines = [
        ",".join(map(quoted, (safe(name), str(before + row + 1), safe(who), safe(words)))) + "\n"
        for row, who, words in problems
    ]
    return "".join(lines).encode(errors="surrogateescape")
