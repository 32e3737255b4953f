"""What `train` and `validate` write beside their result: report, model card, TRIPOD+AI table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discresorb.artifact import files_of_model
from discresorb.errors import InputError
from discresorb.files import check_apart, check_target
from discresorb.options import tell
from discresorb.predictor import Predictor
from discresorb_training.cards import card_path
from discresorb_training.cohort import Cohort
from discresorb_training.model_card import write_model_card
from discresorb_training.report import write_report
from discresorb_training.report_facts import command_line, report_facts
from discresorb_training.tripod import write_tripod

__all__ = ["Documents", "files_of_cohort", "files_of_model", "write_report_of"]


@dataclass(frozen=True)
class Documents:
    """Which documents of a training are wanted, and where.

    Parameters
    ----------
    report, model_card, tripod : Path or None
        Files; card and table refer to the report.
    """

    report: Path | None
    model_card: Path | None
    tripod: Path | None

    @property
    def wanted(self) -> list[Path]:
        """Files to write."""
        return [each for each in (self.report, self.model_card, self.tripod) if each is not None]

    def check(self, *, kept: Sequence[Path], others: Sequence[Path] = (), force: bool) -> None:
        """Refuse what cannot be written, before anything long begins.

        Parameters
        ----------
        kept : sequence of Path
            Files that are read.
        others : sequence of Path
            Files that the command writes besides.
        force : bool
            Overwrite files that exist.
        """
        if self.wanted and self.report is None:
            raise InputError(
                "a model card and a TRIPOD+AI table refer to the report; give --report as well"
            )
        check_apart([*self.wanted, *others], kept)
        for path in self.wanted:
            check_target(path, force=force)

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write them all from the same facts."""
        if self.report is None:
            return
        write_report(self.report, facts)
        if self.model_card is not None:
            write_model_card(self.model_card, facts, _link(self.report, self.model_card))
        if self.tripod is not None:
            write_tripod(self.tripod, facts, _link(self.report, self.tripod))
        tell(f"Wrote {', '.join(map(str, self.wanted))}.")


def write_report_of(
    path: Path,
    predictor: Predictor,
    cohort: Cohort,
    performance: Mapping[str, Any],
    file: str,
    data_origin: str,
) -> None:
    """Write the report of a validation.

    Parameters
    ----------
    path : Path
        Of the page.
    predictor : Predictor
        The model.
    cohort : Cohort
        The patients whom it was judged on.
    performance : mapping
        Facts of the validation.
    file : str
        The patients' file, by its name.
    data_origin : str
        Whether these patients are simulated.
    """
    facts = report_facts(
        predictor,
        cohort,
        performance,
        file=file,
        data_origin=data_origin,
        command=command_line(),
    )
    Documents(path, None, None).write(facts)


def files_of_cohort(cohort: str) -> list[Path]:
    """Name the files that a cohort is read from."""
    return [Path(cohort), card_path(Path(cohort))]


def _link(report: Path, from_file: Path) -> str:
    """Give the report's place as a link in another file."""
    return Path(os.path.relpath(report.absolute(), from_file.absolute().parent)).as_posix()
