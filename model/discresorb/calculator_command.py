"""The command that writes a model as a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from discresorb.options import (
    ForceOption,
    ModelOption,
    OperationCostOption,
    ScanCostOption,
    ThresholdOption,
    chosen_threshold,
    need_standard_output,
    tell,
)

__all__ = ["calculator"]

_KILOBYTE = 1000


def calculator(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the page here."),
    ] = None,
    threshold: ThresholdOption = None,
    scan_cost: ScanCostOption = None,
    operation_cost: OperationCostOption = None,
    model: ModelOption = None,
    force: ForceOption = False,
) -> None:
    """Write a model as one page that computes in any browser, without a network.

    Example: discresorb calculator -o calculator.html

    What is entered there stays in the page: nothing is stored or sent. Without -o the page goes
    to standard output. Exit status: 0 done, 2 it cannot be written there, 5 the model cannot be
    used.
    """
    from discresorb.artifact import files_of_model, model_path
    from discresorb.files import check_apart, check_target, write_whole

    limit, note = chosen_threshold(threshold, scan_cost, operation_cost)
    path = model_path(model)
    if output is None:
        _need_pipe()
    else:
        check_apart([output], files_of_model(path))
        check_target(output, force=force)
    page, notices = _page(path, limit, note)
    if output is None:
        sys.stdout.buffer.write(page)
        sys.stdout.buffer.flush()
    else:
        write_whole(output, page)
        size = f"{len(page) / _KILOBYTE:.0f} kB"
        tell(f"Wrote {output} ({size}); it opens in any browser, without a network.")
    for words in [*notices, *([note.rstrip(".")] if note else [])]:
        tell(f"Note: {words}.")


def _page(path: Path, threshold: float, note: str) -> tuple[bytes, tuple[str, ...]]:
    """Make the page of a model file."""
    from discresorb.hashed_model import load_with_hash
    from discresorb.pages.calculator import calculator_page

    predictor, sha256 = load_with_hash(path)
    page = calculator_page(predictor, threshold=threshold, note=note, sha256=sha256)
    return page.encode(), predictor.notices


def _need_pipe() -> None:
    from discresorb.errors import InputError

    need_standard_output()
    if sys.stdout.isatty():
        raise InputError(
            "a page is not for a terminal; name a file, such as -o calculator.html, or send "
            "standard output to one"
        )
