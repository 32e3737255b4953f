"""The command that updates a model; `discresorb.cli` finds it by entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from discresorb.options import JsonOption, ModelOption, ShowValuesOption, tell
from discresorb_training.shared_options import DataOriginOption, EndpointOption

__all__ = ["app"]

app = typer.Typer()


@app.command()
def update(
    cohort: Annotated[str, typer.Argument(help="A training CSV of one centre, one row a patient.")],
    model: ModelOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where the new model goes, NAME.joblib; without it nothing is written.",
        ),
    ] = None,
    endpoint: EndpointOption = None,
    data_origin: DataOriginOption = None,
    level: Annotated[
        str,
        typer.Option(
            help="auto, 0 (keep), 1 (locations), 2 (recalibrate) or 3 (refit); auto: what the "
            "data ask for."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Of the cross-validation.")] = 0,
    as_json: JsonOption = False,
    show_values: ShowValuesOption = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that exist; never the model updated.")
    ] = False,
) -> None:
    """Make a model a centre's own, as far as its patients carry that.

    Example: discresorb update data/synthetic/new_centre.csv -o ours.joblib

    A closed test chooses how much is changed; cross-validation of all of it says what that gains.
    Without -o it only reports. Where the model is to be kept, it says why and writes nothing. Exit
    status: 3 the file does not fit the model, 5 no usable model, 6 these patients do not carry the
    level asked for.
    """
    from discresorb.artifact import check_model_target, model_path
    from discresorb.errors import InputError
    from discresorb.files import check_apart
    from discresorb.predictor import load
    from discresorb.reading import read_table
    from discresorb_training.cards import described
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.plan import plan_of
    from discresorb_training.report_commands import files_of_cohort, files_of_model
    from discresorb_training.updating import update_cohort

    levels: dict[str, int | Literal["auto"]] = {"auto": "auto", "0": 0, "1": 1, "2": 2, "3": 3}
    if level not in levels:
        raise InputError(f"--level entered as {level}, but must be auto, 0, 1, 2 or 3")
    model = model_path(model)
    if output is not None:
        check_apart(files_of_model(output), [*files_of_cohort(cohort), *files_of_model(model)])
        check_model_target(output, force=force)
    predictor = load(model)
    table = read_table(cohort)
    about = described(cohort, endpoint, data_origin, None)
    result = update_cohort(
        predictor,
        cohort_from_table(table, plan_of(predictor)),
        endpoint=about.endpoint,
        data_origin=about.data_origin,
        name=table.name,
        seed=seed,
        level=levels[level],
    )
    saved = output is not None and result.artifact is not None
    if output is not None and result.artifact is not None:
        result.save(output, force=force)
    if as_json:
        import json

        content = {"file": table.name, "saved": str(output) if saved else None, **result.facts}
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
    else:
        tell(*result.summary(), err=False)
    if saved:
        tell(f"Saved {output} with its .json and .sha256.")
    elif result.artifact is None:
        typer.echo(f"Nothing was written; keep {predictor.model_id}.", err=True)
    else:
        typer.echo("Nothing was written; name a file with -o to save the new model.", err=True)
