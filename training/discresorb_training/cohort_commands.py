"""The command that makes a cohort of visits; `discresorb.cli` finds it by entry point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from discresorb.options import ForceOption, RawTextOption, ShowValuesOption, tell
from discresorb_training.shared_options import DataOriginOption, EndpointOption

if TYPE_CHECKING:
    from discresorb_training.cards import Description
    from discresorb_training.from_visits import FromVisits
    from discresorb_training.visit_files import VisitFiles

__all__ = ["app"]

app = typer.Typer()

EXIT_FILE_UNFIT = 3
EXIT_SOME_LEFT_OUT = 4


@app.command()
def cohort(
    visits: Annotated[
        str, typer.Argument(help="A CSV with one row an MRI, in any order; - for standard input.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="NAME.csv; its data card is NAME.card.json."
        ),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="THEIRS=OURS", help="Read a column of another name as ours; repeatable."
        ),
    ] = None,
    recode: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN:THEIRS=OURS",
            help="Read a word of theirs as ours, such as finding:0=herniated; repeatable.",
        ),
    ] = None,
    covariates: Annotated[
        str,
        typer.Option(
            metavar="NAME,…", help="Columns that must be filled at the index MRI; '' for none."
        ),
    ] = "size_mm,sequestrated",
    leave_out_problems: Annotated[
        bool,
        typer.Option(
            "--leave-out-problems", help="Leave patients with problems out, as whole patients."
        ),
    ] = False,
    problems: Annotated[
        Path | None, typer.Option(metavar="FILE", help="List all rows with problems here, as CSV.")
    ] = None,
    endpoint: EndpointOption = None,
    data_origin: DataOriginOption = None,
    raw_text: RawTextOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the flow table as JSON for machines.")
    ] = False,
    show_values: ShowValuesOption = False,
    force: ForceOption = False,
) -> None:
    """Make a cohort, one row a patient, of visits, one row an MRI.

    Example: discresorb cohort data/synthetic/new_centre_visits.csv -o cohort.csv

    Needed are patient_id, onset_date, mri_date and finding (herniated or resorbed); surgery_date,
    exit_date, exit_reason and site_id are used where they are; every other column passes through
    with its value at the index MRI, the patient's first. Dates become months since onset and are
    left out. A table says what became of every row and patient. Exit status: 0 done, 3 nothing was
    written, because of problems; 4 done, but patients with problems were left out.
    """
    from discresorb.options import need_standard_output
    from discresorb.reading import read_table
    from discresorb_training.from_visits import DEFAULT_COVARIATES, read_visits, renamed
    from discresorb_training.options import typed
    from discresorb_training.their_words import recoded, recodes_of, renames_of
    from discresorb_training.visit_files import VisitFiles, description_of

    need_standard_output()
    files = VisitFiles.of(visits, output, problems)
    files.check(force=force)
    renames, recodes = renames_of(rename or []), recodes_of(recode or [])
    table = read_table(visits)
    about = description_of(visits, endpoint, data_origin)
    header = renamed(table.header, renames, table.name)
    names = [each.strip() for each in covariates.split(",") if each.strip()]
    frame = recoded(table.frame, header, recodes, table.name)
    done = read_visits(frame, header, names, table.name, table.ragged)
    files.list_problems(done, table.name, raw_text=raw_text)
    refused = not done.flow.patients_kept or (bool(done.problems) and not leave_out_problems)
    form: Literal["text", "json"] = "json" if as_json else "text"
    _print_flow(done, files, table.name, about, form, refused=refused, show_values=show_values)
    _print_problems(done, files, table.name, refused=refused, show_values=show_values)
    if refused:
        raise typer.Exit(EXIT_FILE_UNFIT)
    options = [*typed("endpoint", endpoint), *typed("data-origin", data_origin)]
    options += [word for each in rename or [] for word in typed("rename", each)]
    options += [word for each in recode or [] for word in typed("recode", each)]
    options += typed("covariates", None if names == list(DEFAULT_COVARIATES) else covariates)
    options += [*typed("leave-out-problems", leave_out_problems or None)]
    _write(done, files, about, [*options, *typed("raw-text", raw_text or None)], raw_text=raw_text)
    if done.problems:
        raise typer.Exit(EXIT_SOME_LEFT_OUT)


def _print_flow(
    done: FromVisits,
    files: VisitFiles,
    name: str,
    about: Description | None,
    form: Literal["text", "json"],
    *,
    refused: bool,
    show_values: bool,
) -> None:
    """Say what became of rows and patients; beside a cohort on standard output, on the other."""
    import json

    from discresorb.wording import SYNTHETIC

    if form == "json":
        flow = done.flow
        content = {
            "file": name,
            "written": None if refused or files.cohort is None else str(files.cohort),
            **flow.counts(),
            "notes": [*flow.notes],
            **({"left_out_ids": flow.to_dict()["left_out"]} if show_values else {}),
            "problems": [
                {
                    "row": row + 1,
                    **({"patient_id": done.ids[row]} if show_values else {}),
                    "problems": [each.said(show_values=show_values) for each in problems],
                }
                for row, problems in sorted(done.problems.items())
            ],
        }
        typer.echo(json.dumps(content, ensure_ascii=False), err=files.cohort is None)
    else:
        simulated = about is not None and about.data_origin == SYNTHETIC
        lines = ["Note: these patients are simulated; nothing here speaks of people."] * simulated
        lines += [f"From {name}:", *done.flow.lines(refused=refused, show_values=show_values)]
        tell(*lines, err=files.cohort is None)


def _print_problems(
    done: FromVisits, files: VisitFiles, name: str, *, refused: bool, show_values: bool
) -> None:
    from discresorb.wording import VALUES_HIDDEN
    from discresorb_training.row_reader import problem_lines

    more = f"; all are in {files.problems}" if files.problems else "; --problems FILE lists them"
    for line in problem_lines(done.problems, name, more, show_values=show_values):
        tell(f"{'Error' if refused else 'Problem'}: {line}")
    if done.problems and not show_values:
        typer.echo(VALUES_HIDDEN, err=True)
    kinds = {each.kind for row in done.problems.values() for each in row}
    if kinds & {f"{name} cannot be read" for name in ("finding", "exit_reason", "sequestrated")}:
        typer.echo("Words of your own can be read with --recode COLUMN:THEIRS=OURS.", err=True)
    if not done.flow.patients_kept:
        typer.echo("Error: no patient is without problems; nothing was written", err=True)
    elif refused:
        typer.echo(
            "Error: nothing was written; put these right in the visits, or leave such patients out "
            "with --leave-out-problems",
            err=True,
        )


def _write(
    done: FromVisits,
    files: VisitFiles,
    about: Description | None,
    options: Sequence[str],
    *,
    raw_text: bool,
) -> None:
    from discresorb.wording import guarded_cells
    from discresorb_training.visit_files import csv_bytes

    content, guarded = csv_bytes(done.frame, raw_text=raw_text)
    if files.cohort is None:
        typer.echo(content, nl=False)
    else:
        files.write(content, about, done.flow, options)
    if files.card is not None and about is not None:
        tell(f"Wrote {files.cohort} and {files.card}.")
    elif files.cohort is not None:
        tell(
            f"Wrote {files.cohort}. It has no data card, because the visits have none and neither "
            "--endpoint nor --data-origin was given; train will ask for both."
        )
    if guarded:
        typer.echo(guarded_cells(guarded), err=True)
