"""The command that validates; `discresorb.cli` finds it by entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer()

_MONTHS = "3,6,12"
_REPEATS = 200


@app.command()
def validate(
    cohort: Annotated[str, typer.Argument(help="A training CSV, one row a patient.")],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            metavar="FILE",
            readable=False,  # what cannot be read is told of like all else that is wrong
            help="A model file (NAME.joblib); default: shipped.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="What counted as resorbed; default: from the data card.")
    ] = None,
    data_origin: Annotated[
        str | None, typer.Option(help="synthetic or observed; default: from the data card.")
    ] = None,
    months: Annotated[
        str, typer.Option(metavar="X,X,…", help="Horizons, months after the index MRI.")
    ] = _MONTHS,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A further column to look at subgroups by; repeatable"),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Resamples of the patients.")] = _REPEATS,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 0,
    n_jobs: Annotated[int, typer.Option(help="Processes; -1: all that there are.")] = -1,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an HTML report here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a report that exists.")] = False,
) -> None:
    """Judge a model on patients that had no part in making it.

    Example: discresorb validate ours.csv --model m.joblib --endpoint "definite regression on MRI"
    --data-origin observed

    Resorption is only known to lie between two MRIs, and patients were watched from their index MRI
    on; both are taken account of. Exit status: 3 the file does not fit the model, 5 no usable
    model, 6 these data cannot say how good it is.
    """
    from discresorb.files import check_target
    from discresorb.predictor import load
    from discresorb.reading import read_table
    from discresorb_training.cards import described
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.progress import tracked
    from discresorb_training.validation import validate_cohort

    horizons = _numbers(months)
    if report is not None:
        check_target(report, force=force)
    predictor = load(model)
    table = read_table(cohort)
    about = described(cohort, endpoint, data_origin, None)
    recorded = _recorded(table, by or [])
    patients = cohort_from_table(table)
    facts = validate_cohort(
        predictor,
        patients,
        endpoint=about.endpoint,
        name=table.name,
        months=horizons,
        repeats=repeats,
        seed=seed,
        n_jobs=n_jobs,
        recorded=recorded,
        track=tracked,
    )
