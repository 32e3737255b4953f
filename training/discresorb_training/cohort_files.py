"""A simulated cohort on disk: its tables and cards, written as one set."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discresorb.errors import InputError
from discresorb.files import alone, check_target, replacing
from discresorb.sources import STANDARD_STREAM
from discresorb_training.cards import card_content, card_path, hash_of

if TYPE_CHECKING:
    import pandas as pd

    from discresorb_training.simulate import Simulation

__all__ = ["CohortFiles"]

_ONE_A_PATIENT = "a simulated cohort of patients with a lumbar disc herniation, one row each"


@dataclass(frozen=True)
class CohortFiles:
    """Where a cohort, its truth, its visits and their cards stand.

    Parameters
    ----------
    cohort : Path
        One row a patient; truth and card stand beside it.
    visits : Path or None
        One row an MRI.
    """

    cohort: Path
    visits: Path | None = None

    @property
    def truth(self) -> Path:
        """NAME.truth.csv."""
        return self.cohort.with_name(f"{self.cohort.stem}.truth.csv")

    @property
    def _described(self) -> list[Path]:
        return [self.cohort, *([self.visits] if self.visits else [])]

    def targets(self) -> list[Path]:
        """Every file that is written."""
        tables = [self.cohort, self.truth, *self._described[1:]]
        return [*tables, *map(card_path, self._described)]

    def check(self, *, force: bool, inputs: Sequence[Path] = ()) -> None:
        """Refuse names that cannot be written, or would overwrite one another or an input."""
        if any(str(path) == STANDARD_STREAM for path in self._described):
            raise InputError("simulate writes several files; name one with -o FILE")
        if any(path.name in ("", "..") for path in self._described):
            raise InputError("-o and --visits-file must name a file")
        targets = self.targets()
        for path in targets:
            check_target(path, force=force)
        seen: dict[Path, Path] = {path.resolve(): path for path in inputs}
        for path in targets:
            if path.resolve() in seen:
                raise InputError(f"{path} and {seen[path.resolve()]} of this run are the same file")
            seen[path.resolve()] = path

    def write(self, simulation: Simulation, about: Mapping[str, Any]) -> None:
        """Write all parts, then rename them into place, tables first.

        Old cards go before any table changes, so that a run that is killed leaves no card that
        describes another table.
        """
        from discresorb_training.simulate import TRUTH_COLUMNS, VISIT_COLUMNS

        tables = {self.cohort: _csv(simulation.cohort()), self.truth: _csv(simulation.truth())}
        whats: dict[Path, dict[str, object]] = {
            self.cohort: {"what": _ONE_A_PATIENT, "columns_of_the_truth": TRUTH_COLUMNS}
        }
        if self.visits:
            tables[self.visits] = _csv(simulation.visits())
            what = (
                f"the same simulated patients as {self.cohort.name}, one row an MRI, as a database "
                "exports"
            )
            whats[self.visits] = {"what": what, "columns": VISIT_COLUMNS}
        hashes = {path.name: hash_of(content) for path, content in tables.items()}
        cards = {
            card_path(path): card_content(
                path, tables[path], {**what, **about, "files_of_this_run": hashes}
            )
            for path, what in whats.items()
        }
        with alone(self.cohort), ExitStack() as parts:
            # a stack closes from its end: cards are renamed last
            for path, content in {**cards, **tables}.items():
                parts.enter_context(replacing(path)).write(content)
            for card in cards:
                with contextlib.suppress(FileNotFoundError):
                    card.resolve().unlink()


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()
