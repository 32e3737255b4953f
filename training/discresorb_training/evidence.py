"""Published evidence, and apart from it what is assumed where a study prints nothing.

``data/published.csv`` holds what was printed, one row a number, each with where it was read.
``data/assumed.csv`` holds, for the rows that the simulator is fitted to, the working assumptions
that a proportion needs before it can be simulated: the months where none are printed, the share of
each herniation type, the smallest size, the mean time from onset to the baseline MRI. They were
fixed before fitting and are no findings.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from importlib.resources import files

from discresorb_training.case_mix import TYPES

__all__ = ["Assumed", "Published", "Target", "published", "read_data", "targets"]


@dataclass(frozen=True)
class Published:
    """A proportion as printed.

    Parameters
    ----------
    key, study, identifier : str
        Of the row, the study, and where it was read.
    design : str
        "single" study, or "pooled" over several.
    role : str
        "target", "context" or "waiting list".
    proportion : float
        Resorbed by the study's endpoint; NaN if not printed.
    n, resorbed : int or None
        Patients, and those who resorbed.
    low, high : float or None
        95 % confidence interval.
    months : float or None
        From the baseline MRI.
    note : str
        What must be known to read it rightly.
    """

    key: str
    study: str
    identifier: str
    design: str
    role: str
    proportion: float
    n: int | None
    resorbed: int | None
    low: float | None
    high: float | None
    months: float | None
    note: str


@dataclass(frozen=True)
class Assumed:
    """What a target needs beside what was printed.

    Parameters
    ----------
    months : float or None
        From the baseline MRI, where none are printed.
    type_shares : tuple of float
        Of bulges, protrusions, extrusions and sequestrations.
    min_size_mm : float or None
        Smaller herniations were not in the study.
    mean_entry_months : float
        From onset to the baseline MRI.
    """

    months: float | None
    type_shares: tuple[float, ...]
    min_size_mm: float | None
    mean_entry_months: float


@dataclass(frozen=True)
class Target:
    """A published proportion with the assumptions under which it is simulated."""

    published: Published
    assumed: Assumed

    @property
    def months(self) -> float:
        """Months after the baseline MRI: as printed, else as assumed."""
        printed = self.published.months
        months = self.assumed.months if printed is None else printed
        if months is None:
            raise ValueError(f"{self.published.key} has no months, neither printed nor assumed")
        return months


def read_data(name: str) -> str:
    """Read one of the package's data files."""
    return (files("discresorb_training") / "data" / name).read_text(encoding="utf-8")


def published() -> list[Published]:
    """Every published row."""
    return [
        Published(
            row["id"],
            row["study"],
            row["identifier"],
            row["design"],
            row["role"],
            float(row["proportion"] or math.nan),
            int(row["n"]) if row["n"] else None,
            int(row["resorbed"]) if row["resorbed"] else None,
            _number(row["ci_low"]),
            _number(row["ci_high"]),
            _number(row["months_after_baseline_mri"]),
            row["note"],
        )
        for row in csv.DictReader(read_data("published.csv").splitlines())
    ]


def targets() -> list[Target]:
    """Rows that the simulator is fitted to, with their assumptions."""
    assumed = {row["id"]: row for row in csv.DictReader(read_data("assumed.csv").splitlines())}
    return [Target(row, _assumed(assumed[row.key])) for row in published() if row.role == "target"]


def _assumed(row: dict[str, str]) -> Assumed:
    return Assumed(
        _number(row["months_after_baseline_mri"]),
        tuple(float(row[kind]) for kind in TYPES),
        _number(row["min_size_mm"]),
        float(row["mean_entry_months"]),
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
