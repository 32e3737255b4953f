"""The command that says how many patients are needed; `discresorb.cli` finds it by entry point."""

from __future__ import annotations

from typing import Annotated

import typer

from discresorb.options import JsonOption, ShowValuesOption, tell

__all__ = ["app"]

app = typer.Typer()


@app.command("sample-size")
def sample_size(
    cohort: Annotated[
        str | None,
        typer.Argument(
            metavar="[COHORT]", help="A training CSV, one row a patient; - for standard input."
        ),
    ] = None,
    covariates: Annotated[
        str | None,
        typer.Option(
            metavar="N|NAME[:FORM],…",
            help="As in train, or how many columns its design has: a category has one less than "
            "levels, a spline one less than knots; default size_mm,sequestrated.",
        ),
    ] = None,
    cure: Annotated[
        str | None,
        typer.Option(
            help="Whether some never resorb, as in train; with auto, the default, and yes each "
            "column has two slopes, with no one."
        ),
    ] = None,
    parameters: Annotated[
        int | None,
        typer.Option(help="Slopes of the model, all counted; in place of --covariates and --cure."),
    ] = None,
    r2: Annotated[
        float | None, typer.Option("--r2", help="Cox-Snell R² expected on new patients.")
    ] = None,
    r2_share: Annotated[
        float | None,
        typer.Option(
            "--r2-share", help="In place of --r2: its share of the largest; default 0.15."
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Without a cohort: events per unit of time at risk, over all patients."),
    ] = None,
    follow_up: Annotated[
        float | None, typer.Option(help="Without a cohort: mean follow-up, in the same unit.")
    ] = None,
    time_point: Annotated[
        float | None,
        typer.Option(
            help="When the overall risk is wanted, in the same unit; for a cohort months after "
            "the index MRI, default 6."
        ),
    ] = None,
    as_json: JsonOption = False,
    show_values: ShowValuesOption = False,
) -> None:
    """Say what a cohort can support, or how many patients a model needs.

    Example: discresorb sample-size data/synthetic/new_centre.csv

    Without a cohort, from figures that are expected: discresorb sample-size --parameters 30
    --r2 0.051 --rate 0.065 --follow-up 2.07 --time-point 2. The criteria are those of Riley et al.
    2019 (doi:10.1002/sim.7992): little overfitting, and a precise overall risk.
    """
    import json

    from discresorb.errors import InputError
    from discresorb.options import need_standard_output

    need_standard_output()
    if r2 is not None and r2_share is not None:
        raise InputError("give either --r2 or --r2-share")
    expected = {"--rate": rate, "--follow-up": follow_up}
    given = [name for name, value in expected.items() if value is not None]
    if cohort is not None and given:
        raise InputError(f"the cohort itself says {' and '.join(given)}; leave that out")
    counted = {"--covariates": covariates, "--cure": cure}
    beside = [name for name, value in counted.items() if value is not None]
    if parameters is not None and beside:
        raise InputError(f"--parameters counts all slopes; leave {' and '.join(beside)} out")
    if cohort is None:
        content, lines = _planned(parameters, rate, follow_up, time_point, r2, r2_share)
    else:
        content, lines = _found(cohort, covariates, cure, parameters, time_point, r2, r2_share)
    if as_json:
        typer.echo(json.dumps(content, ensure_ascii=False))
    else:
        tell(*lines, err=False)


def _planned(
    parameters: int | None,
    rate: float | None,
    follow_up: float | None,
    time_point: float | None,
    r2: float | None,
    r2_share: float | None,
) -> tuple[dict[str, object], list[str]]:
    """Answer from figures."""
    from discresorb.errors import InputError
    from discresorb_training.sample_size import R2_SHARE, sample_size

    if parameters is None or rate is None or follow_up is None or time_point is None:
        raise InputError(
            "name a cohort, or give all of --parameters, --rate, --follow-up and --time-point"
        )
    need = sample_size(
        parameters,
        rate=rate,
        follow_up=follow_up,
        time_point=time_point,
        r2=r2,
        r2_share=R2_SHARE if r2_share is None else r2_share,
    )
    return need.to_dict(), need.lines()


def _found(
    cohort: str,
    covariates: str | None,
    cure: str | None,
    parameters: int | None,
    time_point: float | None,
    r2: float | None,
    r2_share: float | None,
) -> tuple[dict[str, object], list[str]]:
    """Answer from a cohort; a missing covariate does not matter here."""
    from dataclasses import replace

    from discresorb.errors import InputError
    from discresorb.reading import read_table
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.cohort_support import (
        DEFAULT_TIME_POINT,
        model_of,
        parameters_of,
        support_of,
    )
    from discresorb_training.plan import columns_of, planned
    from discresorb_training.sample_size import R2_SHARE

    cure = "auto" if cure is None else cure
    if cure not in ("auto", "yes", "no"):
        raise InputError(f"--cure entered as {cure}, but must be auto, yes or no")
    table = read_table(cohort)
    wanted = "size_mm,sequestrated" if covariates is None else covariates
    count = _count(wanted)
    named = count is None and parameters is None
    plan = planned(wanted.split(",")) if named else ()
    patients = cohort_from_table(table, [replace(each, optional=True) for each in plan])
    model = "the model"
    if parameters is None:
        columns = columns_of(patients.plan) if count is None else count
        model = f"a model with {columns} column{'' if columns == 1 else 's'}"
        if named:
            model = model_of(plan)
        parameters = parameters_of(columns, cure=cure != "no")
    support = support_of(
        patients.y,
        parameters,
        time_point=DEFAULT_TIME_POINT if time_point is None else time_point,
        r2=r2,
        r2_share=R2_SHARE if r2_share is None else r2_share,
    )
    return {"file": table.name, **support.to_dict()}, support.lines(model)


def _count(wanted: str) -> int | None:
    """Read a number of columns; None if columns are named."""
    from discresorb.cells import show
    from discresorb.errors import InputError

    try:
        return int(wanted) if wanted.strip().isdecimal() else None
    except ValueError:  # Python reads no number of thousands of digits
        raise InputError(
            f"--covariates entered as {show(wanted)}, but no model is so large"
        ) from None
