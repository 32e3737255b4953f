"""The command that draws a nomogram."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discresorb.options import ForceOption, ModelOption, tell

__all__ = ["nomogram"]


def nomogram(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write here; the name ends in .svg, .pdf or .png.",
        ),
    ],
    model: ModelOption = None,
    months: Annotated[
        str,
        typer.Option(
            metavar="M,M,…",
            help="Months after the index MRI, rising, at most five, from 1 to 600.",
        ),
    ] = "3,6,12,24",
    entry: Annotated[
        float | None,
        typer.Option(
            metavar="MONTHS",
            help="From the onset of symptoms to the index MRI, 0 to 240; default: the median of "
            "the training patients.",
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Draw a model as a nomogram: points for each input, from their total the probability.

    Example: discresorb nomogram -o nomogram.svg --months 3,6,12,24 --entry 1.5

    How far readings are from the model is measured and stands on the sheet.
    """
    from discresorb.artifact import files_of_model, model_path
    from discresorb.files import check_apart, check_target, write_whole
    from discresorb.nomogram import accuracy_sentence, make_nomogram, notes
    from discresorb.nomogram_figure import nomogram_file
    from discresorb.predictor import load

    form, chosen = _checked(output, months, entry)
    path = model_path(model)
    check_apart([output], files_of_model(path))
    check_target(output, force=force)
    predictor = load(path)
    made = make_nomogram(predictor, months=chosen, entry=entry)
    for note in (*predictor.notices, *notes(made)):
        tell(f"Note: {note}.")
    write_whole(output, nomogram_file(made, form))
    tell(f"{output}: {accuracy_sentence(made)}")


def _checked(output: Path, months: str, entry: float | None) -> tuple[str, list[float]]:
    """Give the form of the file and the months, or raise InputError with every problem."""
    from discresorb.cells import is_number
    from discresorb.errors import InputError
    from discresorb.nomogram import wrong_entry, wrong_months
    from discresorb.nomogram_figure import FORMS

    form = output.suffix.removeprefix(".").lower()
    problems = []
    if form not in FORMS:
        problems.append(
            f"output entered as {output}, but its name must end in .{', .'.join(FORMS[:-1])} or "
            f".{FORMS[-1]}"
        )
    parts = [part.strip() for part in months.split(",")]
    chosen = [float(part) for part in parts if is_number(part)]
    problems += wrong_months(chosen if len(chosen) == len(parts) else [], months)
    problems += [] if entry is None else wrong_entry(entry)
    if problems:
        raise InputError(problems)
    return form, chosen
