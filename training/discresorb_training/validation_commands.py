"""The command that validates; `discresorb.cli` finds it by entry point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from discresorb.options import SchedulerOption

__all__ = ["app"]

app = typer.Typer()

RepeatsOption = Annotated[int, typer.Option(help="Bootstrap samples.")]
NJobsOption = Annotated[int, typer.Option(help="Processes; -1: one a core.")]


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
    ] = "3,6,12",
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Look at subgroups by this column, too; repeatable."),
    ] = None,
    repeats: RepeatsOption = 200,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 0,
    n_jobs: NJobsOption = -1,
    scheduler: SchedulerOption = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an HTML report here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a report that exists.")] = False,
) -> None:
    """Judge a model on patients that had no part in making it.

    Example: discresorb validate ours.csv --model m.joblib --endpoint "definite regression on MRI"
    --data-origin observed --report validation.html

    Resorption is only known to lie between two MRIs, and patients are watched from their index MRI
    on; the figures take account of both. With --scheduler the resamples run on a cluster; the
    numbers are the same. Exit status: 3 the file does not fit the model, 5 no usable model, 6 these
    data cannot say how good it is, 7 the cluster cannot be used.
    """
    from discresorb.artifact import find_default
    from discresorb.predictor import load
    from discresorb.reading import read_table
    from discresorb_training.cards import described
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.computing import computing_on_scheduler
    from discresorb_training.options import numbers_of
    from discresorb_training.plan import plan_of
    from discresorb_training.progress import tracked
    from discresorb_training.report_commands import (
        Documents,
        files_of_cohort,
        files_of_model,
        write_report_of,
    )
    from discresorb_training.validation import validate_cohort

    horizons = numbers_of("months", months)
    model = model or find_default()
    kept = [*files_of_cohort(cohort), *files_of_model(model)]
    Documents(report, None, None).check(kept=kept, force=force)
    predictor = load(model)
    table = read_table(cohort)
    about = described(cohort, endpoint, data_origin, None)
    recorded = _recorded(table, by or [])
    patients = cohort_from_table(table, plan_of(predictor))
    with computing_on_scheduler(scheduler):
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
    if report is not None:
        write_report_of(report, predictor, patients, facts, table.name, about.data_origin)
    content = {
        "model_id": predictor.model_id,
        "notices": list(predictor.notices),
        "file": table.name,
        "data_origin": about.data_origin,
        **facts,
    }
    if as_json:
        import json

        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    from discresorb_training.performance_text import performance_lines

    typer.echo("\n".join([*_heading(content), "", *performance_lines(facts)]))


def _heading(content: dict[str, Any]) -> list[str]:
    from discresorb.wording import SYNTHETIC

    lines = [f"Note: {notice}." for notice in content["notices"]]
    if content["data_origin"] == SYNTHETIC:
        lines.append("Note: these patients are simulated; nothing here speaks of people.")
    return [*lines, f"Model {content['model_id']} on {content['file']}"]


def _recorded(table: Any, names: Sequence[str]) -> dict[str, list[str]]:
    """Read the columns by which subgroups are wanted; all problems at once."""
    from discresorb.cells import show
    from discresorb.errors import InputFileError
    from discresorb_training.subgroups import unfit_for_subgroups

    missing = [name for name in names if name not in table.header]
    if missing:
        raise InputFileError(
            f"{table.name} has no column {', '.join(missing)} to look at subgroups by; it has "
            + ", ".join(table.header)
        )
    recorded = {name: [show(cell) for cell in table.column(name)] for name in names}
    problems = [problem for name, texts in recorded.items()
                if (problem := unfit_for_subgroups(name, texts))]  # fmt: skip
    if problems:
        raise InputFileError(problems)
    return recorded
