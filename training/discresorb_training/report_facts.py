"""All that report, model card and TRIPOD+AI table are filled from, as one mapping of plain data."""

from __future__ import annotations

import csv
import platform
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discresorb.predictor import Predictor
from discresorb_training.cohort import Cohort
from discresorb_training.cohort_facts import cohort_facts, typical_curves
from discresorb_training.content import library_versions
from discresorb_training.evidence import read_data
from discresorb_training.model_facts import model_facts

__all__ = ["command_line", "report_facts"]

_EVIDENCE = (
    "study",
    "identifier",
    "endpoint",
    "population",
    "herniation_type",
    "n",
    "proportion",
    "ci_low",
    "ci_high",
    "months_after_baseline_mri",
    "role",
)


def report_facts(
    predictor: Predictor,
    cohort: Cohort,
    performance: Mapping[str, Any],
    *,
    file: str,
    data_origin: str,
    command: str,
) -> dict[str, Any]:
    """Gather the facts of one training or one external validation.

    Parameters
    ----------
    predictor : Predictor
        The model.
    cohort : Cohort
        The patients that the performance is of.
    performance : mapping
        From `validate_internally` or `validate`.
    file : str
        The cohort's file; its folder is nobody's business.
    data_origin : str
        Whether these patients are "synthetic" or "observed".
    command : str
        That made the report.
    """
    return {
        "kind": "training" if performance["kind"] == "internal" else "validation",
        "file": Path(file).name,
        "data_origin": data_origin,
        "model": model_facts(predictor),
        "cohort": cohort_facts(cohort),
        "curves": typical_curves(predictor, cohort),
        "performance": performance,
        "evidence": _evidence(),
        "command": command,
        "versions": {"python": platform.python_version(), **library_versions()},
    }


def command_line() -> str:
    """Give the command that is running, as it would be typed."""
    return shlex.join(["discresorb", *sys.argv[1:]])


def _evidence() -> list[dict[str, str]]:
    """Give published proportions of resorption as printed, a row each."""
    rows = csv.DictReader(read_data("published.csv").splitlines())
    return [{key: row[key] for key in _EVIDENCE} for row in rows]
