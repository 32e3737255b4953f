"""What `cohort` reads and writes: visits, the cohort with its card, and a listing of problems."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from discresorb.beside import PROBLEM_COLUMNS, problem_listing
from discresorb.errors import InputError
from discresorb.files import alone, check_apart, check_target, replacing, write_whole
from discresorb.sources import STANDARD_STREAM
from discresorb.writing import guard_formulas, is_formula
from discresorb_training.cards import (
    Description,
    card_content,
    card_path,
    described,
    hash_of,
)
from discresorb_training.from_visits import FromVisits
from discresorb_training.report_commands import files_of_cohort
from discresorb_training.visit_flow import VisitFlow

__all__ = ["VisitFiles", "csv_bytes", "description_of"]

_WHAT: Final = (
    "patients with a lumbar disc herniation, one row each, made of visits with one row an MRI"
)
_TIMES: Final = "months since onset_date, one month is 30.4375 days; dates are left out"


@dataclass(frozen=True)
class VisitFiles:
    """Files of one run.

    Parameters
    ----------
    visits : str
        A CSV, or ``-`` for standard input.
    cohort : Path or None
        Where the cohort goes, its card beside it; None for standard output.
    problems : Path or None
        Where all problems are listed.
    """

    visits: str
    cohort: Path | None
    problems: Path | None

    @classmethod
    def of(cls, visits: str, output: Path | None, problems: Path | None) -> VisitFiles:
        """Take what was typed; ``-`` as output stands for standard output."""
        target = None if output is None or str(output) == STANDARD_STREAM else output
        return cls(visits, target, problems)

    @property
    def card(self) -> Path | None:
        """Of the cohort."""
        return None if self.cohort is None else card_path(self.cohort)

    def check(self, *, force: bool) -> None:
        """Refuse names that cannot be written, or would overwrite one another or the visits."""
        if self.cohort is not None and self.cohort.suffix.lower() != ".csv":
            raise InputError(f"-o names {self.cohort}, but the cohort is a CSV; name a .csv")
        targets = [each for each in (self.cohort, self.card, self.problems) if each is not None]
        kept = [] if self.visits == STANDARD_STREAM else files_of_cohort(self.visits)
        check_apart(targets, kept)
        for path in targets:
            check_target(path, force=force)

    def list_problems(self, done: FromVisits, name: str, *, raw_text: bool) -> None:
        """List every row with problems as CSV, if that is wanted."""
        if self.problems is None:
            return
        rows = [
            (row, done.ids[row], "; ".join(each.words for each in done.problems[row]))
            for row in sorted(done.problems)
        ]
        listing = problem_listing(name, 0, rows, raw_text)
        write_whole(self.problems, (",".join(PROBLEM_COLUMNS) + "\n").encode() + listing)

    def write(
        self, content: bytes, about: Description | None, flow: VisitFlow, options: Sequence[str]
    ) -> None:
        """Write the cohort, and its card if it is known what the cohort is.

        A card of what stood there before goes first, so that none describes another table.

        Parameters
        ----------
        content : bytes
            The cohort.
        about : Description or None
            What it is.
        flow : VisitFlow
            How it came about.
        options : sequence of str
            Those that made it what it is, as they are typed.
        """
        if self.cohort is None or self.card is None:
            raise ValueError("a cohort for standard output is not written to a file")
        with alone(self.cohort), ExitStack() as parts:
            # a stack closes from its end: the card is renamed last
            if about is not None:
                described_as = {
                    "what": _WHAT,
                    "times": _TIMES,
                    **self._origin(self.cohort, options),
                    "flow": flow.counts(),
                    "endpoint": about.endpoint,
                    "data_origin": about.data_origin,
                    "between_study_sd": about.between_study_sd,
                }
                bytes_of_card = card_content(self.cohort, content, described_as)
                parts.enter_context(replacing(self.card)).write(bytes_of_card)
            parts.enter_context(replacing(self.cohort)).write(content)
            with contextlib.suppress(FileNotFoundError):
                self.card.resolve().unlink()

    def _origin(self, cohort: Path, options: Sequence[str]) -> dict[str, Any]:
        """Say of which visits the cohort was made, and how, seen from its folder."""
        path, visits = Path(self.visits), STANDARD_STREAM
        made_from = {"file": "standard input"}
        if self.visits != STANDARD_STREAM and not path.is_file():  # what came has gone by
            made_from = {"file": "a pipe"}
        elif self.visits != STANDARD_STREAM:
            made_from = {"file": path.name, "sha256": hash_of(path.read_bytes())}
            visits = os.path.relpath(path, cohort.parent)
        command = ["discresorb", "cohort", visits, "-o", cohort.name, *options]
        return {"made_by": shlex.join(command), "made_from": made_from}


def description_of(visits: str, endpoint: str | None, origin: str | None) -> Description | None:
    """Take what is given, and the rest from the visits' card; None if there is neither.

    Raises
    ------
    InputError
        If only a part is given, or it contradicts the card.
    """
    has_card = visits != STANDARD_STREAM and card_path(Path(visits)).exists()
    if not has_card and endpoint is None and origin is None:
        return None
    return described(visits, endpoint, origin, None)


def csv_bytes(frame: Any, *, raw_text: bool) -> tuple[bytes, int]:
    """Give a polars frame as CSV, and how many cells got a leading ' against spreadsheets."""
    guarded = 0
    if not raw_text:
        frame, guarded = guard_formulas(frame, frozenset())
        names = {each: f"'{each}" for each in frame.columns if is_formula(each)}
        frame, guarded = frame.rename(names), guarded + len(names)
    return frame.write_csv().encode(), guarded
