"""The command that trains; `discresorb.cli` finds it by entry point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from discresorb.distributions import DISTRIBUTIONS
from discresorb.options import ForceOption, JsonOption, SchedulerOption, ShowValuesOption, tell
from discresorb_training.defaults import DEFAULT_PENALTY
from discresorb_training.shared_options import DataOriginOption, EndpointOption

if TYPE_CHECKING:
    from discresorb_training.cohort import Cohort
    from discresorb_training.training import TrainResult

__all__ = ["app"]

app = typer.Typer()


@app.command()
def train(
    cohort: Annotated[str, typer.Argument(help="A training CSV, one row a patient or an MRI.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="NAME.joblib")],
    endpoint: EndpointOption = None,
    data_origin: DataOriginOption = None,
    covariates: Annotated[
        str,
        typer.Option(
            metavar="NAME[:FORM],…",
            help="FORM is linear, spline (four knots), spline3 to spline7, flag or category.",
        ),
    ] = "size_mm,sequestrated",
    may_be_missing: Annotated[
        str,
        typer.Option(
            metavar="NAME,…", help="Covariates filled in by regression on the others if empty."
        ),
    ] = "",
    dictionary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='JSON: {"age": {"label": "…", "unit": "years", "low": 18, "high": 100}}.',
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="How much each patient counts.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the cross-validation.")] = 0,
    distribution: Annotated[
        str, typer.Option(help=f"{', '.join(['auto', *DISTRIBUTIONS])}.")
    ] = "auto",
    cure: Annotated[str, typer.Option(help="Whether some never resorb: auto, yes or no.")] = "auto",
    penalty: Annotated[
        float, typer.Option(help="On the slopes of the probability of ever resorbing.")
    ] = DEFAULT_PENALTY,
    between_study_sd: Annotated[
        float | None,
        typer.Option(
            help="Spread between studies on the logit scale, widens intervals; default: from the "
            "data card, else none."
        ),
    ] = None,
    surgery_weights: Annotated[
        bool,
        typer.Option(
            "--surgery-weights",
            help="For surgery that depends on pain: the file has one row an MRI, and rows are "
            "weighted by the inverse probability of no surgery yet.",
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Validate internally and write an HTML report here (minutes)."
        ),
    ] = None,
    model_card: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --report: a model card, Markdown.")
    ] = None,
    tripod: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --report: a TRIPOD+AI table.")
    ] = None,
    months: Annotated[
        str,
        typer.Option(metavar="X,X,…", help="Horizons of the report, months after the index MRI."),
    ] = "3,6,12",
    repeats: Annotated[int, typer.Option(help="Bootstrap samples of the report.")] = 200,
    n_jobs: Annotated[int, typer.Option(help="Processes of the report; -1: one a core.")] = -1,
    scheduler: SchedulerOption = None,
    as_json: JsonOption = False,
    show_values: ShowValuesOption = False,
    force: ForceOption = False,
) -> None:
    """Train a model on a cohort and save it.

    Example: discresorb train data/synthetic/cohort.csv -o m.joblib

    With --report FILE it also says how good the model is and what it is for, on one HTML page.
    Covariates are named, never chosen by their effect; distribution and cure fraction are chosen by
    the cross-validated interval log score, and lifelines is asked for a second opinion. With
    --scheduler large cohorts are fitted, and bootstrap samples run, on a cluster; the numbers are
    the same. Exit status: 3 the file does not fit, 6 these data do not carry a model, 7 the cluster
    cannot be used.
    """
    from discresorb.artifact import check_model_target
    from discresorb.errors import InputError
    from discresorb.reading import read_table
    from discresorb_training.cards import described
    from discresorb_training.cohort_support import support_before
    from discresorb_training.computing import computing_on_scheduler
    from discresorb_training.options import numbers_of
    from discresorb_training.plan import planned, read_dictionary
    from discresorb_training.report_commands import Documents, files_of_cohort, files_of_model
    from discresorb_training.surgery import cohort_and_weights
    from discresorb_training.training import train_cohort
    from discresorb_training.validation import check_answers

    choices: dict[str, bool | Literal["auto"]] = {"auto": "auto", "yes": True, "no": False}
    if cure not in choices:
        raise InputError(f"--cure entered as {cure}, but must be auto, yes or no")
    horizons = numbers_of("months", months)
    documents = Documents(report, model_card, tripod)
    if documents.wanted and (surgery_weights or weights is not None):
        raise InputError(
            "--report does not go with weights: its figures take all patients alike. Train without "
            "--report, and look at the weights in what is printed"
        )
    check_model_target(output, force=force)
    documents.check(kept=files_of_cohort(cohort), others=files_of_model(output), force=force)
    plan = planned(
        covariates.split(","),
        optional=[name.strip() for name in may_be_missing.split(",") if name.strip()],
        dictionary=None if dictionary is None else read_dictionary(dictionary),
    )
    table = read_table(cohort)
    about = described(cohort, endpoint, data_origin, between_study_sd)
    patients, weighted = cohort_and_weights(table, plan, weights, surgery_weights=surgery_weights)
    if documents.wanted:  # what would be refused after minutes is refused now
        check_answers(patients, horizons, repeats=repeats, seed=seed, n_jobs=n_jobs)
    facts = None
    with computing_on_scheduler(scheduler):
        tell(*support_before(patients, cure=choices[cure]))
        result = train_cohort(
            patients,
            endpoint=about.endpoint,
            data_origin=about.data_origin,
            seed=seed,
            distribution=distribution,
            cure=choices[cure],
            penalty=penalty,
            between_study_sd=about.between_study_sd,
            second_opinion=True,
            weighted=weighted,
        )
        if documents.wanted:
            facts = _validated(
                result, patients, table.name, about.data_origin, horizons, repeats, seed, n_jobs
            )
    result.save(output, force=force)
    if facts is not None:
        documents.write(facts)
    if as_json:
        import json

        metrics, notes = result.artifact["metrics"], list(result.notes)
        done = {"model_id": result.artifact["model_id"], "metrics": metrics, "notes": notes}
        if facts is not None:
            done["performance"] = facts["performance"]
        typer.echo(json.dumps({"saved": str(output), **done}, ensure_ascii=False))
    else:
        tell(*result.summary(), err=False)
        if facts is not None:
            from discresorb_training.performance_text import performance_lines

            tell("", *performance_lines(facts["performance"]), err=False)
    tell(f"Saved {output} with its .json and .sha256.")


def _validated(
    result: TrainResult,
    cohort: Cohort,
    file: str,
    data_origin: str,
    months: Sequence[float],
    repeats: int,
    seed: int,
    n_jobs: int,
) -> dict[str, Any]:
    """Validate internally and gather what the documents are filled from."""
    from discresorb_training.errors import TrainingError
    from discresorb_training.progress import tracked
    from discresorb_training.report_facts import command_line, report_facts
    from discresorb_training.validation import validate_internally

    try:
        performance = validate_internally(
            result.predictor,
            cohort,
            result.procedure,
            months=months,
            repeats=repeats,
            seed=seed,
            n_jobs=n_jobs,
            track=tracked,
        )
    except TrainingError as error:
        raise TrainingError(
            f"no report can be made: {error}. Nothing was saved; without --report the model is"
        ) from None
    return report_facts(
        result.predictor,
        cohort,
        performance,
        file=file,
        data_origin=data_origin,
        command=command_line(),
    )
