"""Options that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from discresorb.errors import InputError, OutputError
from discresorb.wording import visible

__all__ = [
    "ForceOption",
    "JsonOption",
    "ModelOption",
    "OperationCostOption",
    "RawTextOption",
    "ScanCostOption",
    "SchedulerOption",
    "ShowValuesOption",
    "ThresholdOption",
    "chosen_threshold",
    "need_standard_output",
    "shows_values",
    "tell",
]

_SHOW_VALUES: Final = "discresorb.show_values"


def _remember(context: typer.Context, wanted: bool) -> bool:
    context.meta[_SHOW_VALUES] = wanted
    return wanted


def shows_values(context: typer.Context) -> bool:
    """Tell whether messages of the command that runs may show what was entered.

    A command without `ShowValuesOption` reads no rows of patients: its user typed the values.
    """
    return bool(context.meta.get(_SHOW_VALUES, True))


ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="FILE",
        readable=False,  # what cannot be read is told of like all else that is wrong with a model
        help="A model file (NAME.joblib), or shipped; default: DISCRESORB_MODEL, else shipped.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
RawTextOption = Annotated[
    bool, typer.Option("--raw-text", help="Do not quote cells that a spreadsheet would run.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
ThresholdOption = Annotated[
    float | None,
    typer.Option(help="Probability from which on imaging again is advised; default 0.20."),
]
ScanCostOption = Annotated[
    float | None,
    typer.Option(help="Cost of a scan; with --operation-cost it sets the threshold."),
]
OperationCostOption = Annotated[
    float | None, typer.Option(help="Cost of an operation avoided, in the same currency.")
]
ShowValuesOption = Annotated[
    bool,
    typer.Option(
        "--show-values",
        callback=_remember,
        help="Show in messages what was entered in rows with problems: patients' data.",
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Compute on the workers of a Dask cluster, such as tcp://10.0.0.5:8786.",
    ),
]


def tell(*lines: str, err: bool = True) -> None:
    """Print lines on standard error, or output; names of files may hold what a terminal obeys."""
    for line in lines:
        typer.echo(visible(line), err=err)


def need_standard_output() -> None:
    """Raise OutputError if standard output is closed."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")


def chosen_threshold(
    threshold: float | None, scan_cost: float | None, operation_cost: float | None
) -> tuple[float, str]:
    """Find the threshold from the options, and the note that one from costs needs."""
    from discresorb.advice import (
        DEFAULT_THRESHOLD,
        UPPER_BOUND_NOTE,
        check_threshold,
        threshold_from_costs,
    )

    if scan_cost is None and operation_cost is None:
        return check_threshold(DEFAULT_THRESHOLD if threshold is None else threshold), ""
    if threshold is not None or scan_cost is None or operation_cost is None:
        raise InputError("give either --threshold, or --scan-cost and --operation-cost together")
    return threshold_from_costs(scan_cost, operation_cost), UPPER_BOUND_NOTE
