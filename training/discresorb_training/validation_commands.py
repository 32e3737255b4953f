"""The command that validates; `discresorb.cli` finds it by entry point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discresorb.options import ForceOption, JsonOption, SchedulerOption, ShowValuesOption, tell
from discresorb_training.shared_options import DataOriginOption, EndpointOption

if TYPE_CHECKING:
    from discresorb.predictor import Predictor
    from discresorb.reading import Table

__all__ = ["app"]

app = typer.Typer()

RepeatsOption = Annotated[int, typer.Option(help="Bootstrap samples.")]
NJobsOption = Annotated[int, typer.Option(help="Processes; -1: one a core.")]


@app.command()
def validate(
    cohort: Annotated[str, typer.Argument(help="A training CSV, one row a patient.")],
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="FILE",
            readable=False,  # what cannot be read is told of like all else that is wrong
            help="A model file (NAME.joblib), or shipped, the default; repeatable, compares.",
        ),
    ] = None,
    endpoint: EndpointOption = None,
    data_origin: DataOriginOption = None,
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
    as_json: JsonOption = False,
    show_values: ShowValuesOption = False,
    force: ForceOption = False,
) -> None:
    """Judge a model on patients that had no part in making it, or compare several.

    Example: discresorb validate ours.csv --model m.joblib --endpoint "definite regression on MRI"
    --data-origin observed --report validation.html

    Resorption is only known to lie between two MRIs, and patients are watched from their index MRI
    on; the figures take account of both. With --model given again, models are set side by side,
    with their differences from the first on the same resamples. With --scheduler the resamples run
    on a cluster; the numbers are the same. Exit status: 3 the file does not fit the model, 5 no
    usable model, 6 these data cannot say how good it is, 7 the cluster cannot be used.
    """
    from discresorb.artifact import model_path
    from discresorb.predictor import load
    from discresorb.reading import read_table
    from discresorb_training.cards import described
    from discresorb_training.computing import computing_on_scheduler
    from discresorb_training.options import numbers_of
    from discresorb_training.progress import tracked
    from discresorb_training.report_commands import Documents, files_of_cohort, files_of_model

    horizons = numbers_of("months", months)
    models = list(map(model_path, model)) if model else [model_path()]
    _refuse_of_several(models, report=report, by=by)
    kept = [*files_of_cohort(cohort), *(each for path in models for each in files_of_model(path))]
    Documents(report, None, None).check(kept=kept, force=force)
    predictors = [load(each) for each in models]
    table = read_table(cohort)
    about = described(cohort, endpoint, data_origin, None)
    settings: dict[str, Any] = {
        "endpoint": about.endpoint,
        "name": table.name,
        "months": horizons,
        "repeats": repeats,
        "seed": seed,
        "n_jobs": n_jobs,
        "track": tracked,
    }
    with computing_on_scheduler(scheduler):
        if len(models) > 1:
            content, lines = _compared(model or [], predictors, table, about.data_origin, settings)
        else:
            content, lines = _judged(
                predictors[0], table, about.data_origin, settings, by=by or [], report=report
            )
    if as_json:
        import json

        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    tell(*lines, err=False)


def _judged(
    predictor: Predictor,
    table: Table,
    data_origin: str,
    settings: dict[str, Any],
    *,
    by: Sequence[str],
    report: Path | None,
) -> tuple[dict[str, Any], list[str]]:
    """Validate one model; give what is printed as JSON, and as lines."""
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.performance_text import performance_lines
    from discresorb_training.plan import plan_of
    from discresorb_training.report_commands import write_report_of
    from discresorb_training.validation import validate_cohort

    recorded = _recorded(table, by)
    patients = cohort_from_table(table, plan_of(predictor))
    facts = validate_cohort(predictor, patients, recorded=recorded, **settings)
    if report is not None:
        write_report_of(report, predictor, patients, facts, table.name, data_origin)
    content = {
        "model_id": predictor.model_id,
        "notices": list(predictor.notices),
        "file": table.name,
        "data_origin": data_origin,
        **facts,
    }
    title = f"Model {predictor.model_id} on {table.name}"
    notices = _notices([predictor], data_origin)
    return content, [*notices, title, "", *performance_lines(facts)]


def _compared(
    models: Sequence[Path],
    predictors: Sequence[Predictor],
    table: Table,
    data_origin: str,
    settings: dict[str, Any],
) -> tuple[dict[str, Any], list[str]]:
    """Compare models; give what is printed as JSON, and as lines."""
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.comparison import compare_cohort, distinct_names
    from discresorb_training.comparison_text import comparison_lines
    from discresorb_training.paired import Judged
    from discresorb_training.plan import plan_of

    names = distinct_names([each.stem for each in models])
    judged = [
        Judged(name, predictor, cohort_from_table(table, plan_of(predictor)))
        for name, predictor in zip(names, predictors, strict=True)
    ]
    facts = compare_cohort(judged, **settings)
    content = {"file": table.name, "data_origin": data_origin, **facts}
    titles = [
        f"Model {name}: {predictor.model_id}, {path}"
        for name, predictor, path in zip(names, predictors, models, strict=True)
    ]
    notices = _notices(predictors, data_origin)
    return content, [*notices, f"{table.name}:", *titles, "", *comparison_lines(facts)]


def _refuse_of_several(
    models: Sequence[Path], *, report: Path | None, by: Sequence[str] | None
) -> None:
    """Refuse what is only made for one model, all at once."""
    from discresorb.errors import InputError

    if len(models) == 1:
        return
    problems = []
    if report is not None:
        problems.append(
            "--report is for one model, but several are named; validate them one at a time for "
            "reports"
        )
    if by:
        problems.append(
            "--by is for one model, but several are named; validate them one at a time for "
            "subgroups"
        )
    if problems:
        raise InputError(problems)


def _notices(predictors: Sequence[Predictor], data_origin: str) -> list[str]:
    """Say once what must be known of models and patients."""
    from discresorb.wording import SYNTHETIC

    notices = dict.fromkeys(notice for each in predictors for notice in each.notices)
    lines = [f"Note: {notice}." for notice in notices]
    if data_origin == SYNTHETIC:
        lines.append("Note: these patients are simulated; nothing here speaks of people.")
    return lines


def _recorded(table: Table, names: Sequence[str]) -> dict[str, list[str]]:
    """Read the columns by which subgroups are wanted; all problems at once."""
    from discresorb.cells import show
    from discresorb.errors import InputFileError
    from discresorb.reading import columns_found
    from discresorb_training.subgroups import unfit_for_subgroups

    missing = [name for name in names if name not in table.header]
    if missing:
        raise InputFileError(
            f"{table.name} has no column {', '.join(missing)} to look at subgroups by; "
            + columns_found(table.header)
        )
    recorded = {name: [show(cell) for cell in table.column(name)] for name in names}
    problems = [problem for name, texts in recorded.items()
                if (problem := unfit_for_subgroups(name, texts))]  # fmt: skip
    if problems:
        raise InputFileError(problems)
    return recorded
