"""The command line: predict, score, show; further commands join by entry point.

A command is a signature with its imports inside, so that ``--help`` stays quick. Results go to
standard output or ``-o FILE``, everything else to standard error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from discresorb.errors import DiscresorbError, InputError, OutputError

__all__ = ["app", "main"]

EXIT_SOME_ROWS = 4
EXIT_INTERRUPTED = 130


def _need_standard_output() -> None:
    if sys.stdout is None:
        raise OutputError("standard output is closed")


class _Commands(TyperGroup):
    """Turns what discresorb refuses into words and an exit status, for every command."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            for problem in error.problems:
                typer.echo(f"Error: {problem}", err=True)
            raise typer.Exit(error.exit_status) from None
        except DiscresorbError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted; nothing was left half-written.", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            # what is still buffered has nowhere to go
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            typer.echo(f"Error: {error.strerror or error}", err=True)
            raise typer.Exit(1) from None
        except MemoryError:
            typer.echo("Error: there is not enough memory for this; nothing was written", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="How probable is it that a lumbar disc herniation has resorbed on MRI by the surgery "
    "date, and should it be imaged again first?\n\n"
    "Example: discresorb score data/synthetic/waiting_list.csv",
)

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="FILE",
        readable=False,  # what cannot be read is told of like all else that is wrong with a model
        help="A model file (NAME.joblib); default: shipped.",
    ),
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


def _version(wanted: bool) -> None:
    if wanted:
        from discresorb import __version__

        typer.echo(f"discresorb {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command()
def predict(
    size_mm: Annotated[str | None, typer.Option(help="Herniation size in mm, 0.5 to 40.")] = None,
    sequestrated: Annotated[str | None, typer.Option(help="yes or no.")] = None,
    onset_date: Annotated[str | None, typer.Option(help="Onset of symptoms, YYYY-MM-DD.")] = None,
    imaging_date: Annotated[str | None, typer.Option(help="Index MRI, YYYY-MM-DD.")] = None,
    surgery_date: Annotated[str | None, typer.Option(help="Planned surgery, YYYY-MM-DD.")] = None,
    months_since_onset: Annotated[
        str | None, typer.Option(help="Onset to index MRI, in place of dates.")
    ] = None,
    months_to_surgery: Annotated[
        str | None, typer.Option(help="Index MRI to surgery, in place of dates.")
    ] = None,
    symptoms_changed: Annotated[
        str | None, typer.Option(help="Since the index MRI: yes or no; leave out if not known.")
    ] = None,
    threshold: ThresholdOption = None,
    scan_cost: ScanCostOption = None,
    operation_cost: OperationCostOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict for one patient.

    Example: discresorb predict --size-mm 11 --sequestrated yes --onset-date 2019-03-01
    --imaging-date 2019-03-15 --surgery-date 2019-09-20 --symptoms-changed yes
    """
    from discresorb.predictor import load

    _need_standard_output()
    cells = {
        "size_mm": size_mm,
        "sequestrated": sequestrated,
        "onset_date": onset_date,
        "imaging_date": imaging_date,
        "surgery_date": surgery_date,
        "months_since_onset": months_since_onset,
        "months_to_surgery": months_to_surgery,
        "symptoms_changed": symptoms_changed,
    }
    limit, note = _threshold(threshold, scan_cost, operation_cost)
    predictor = load(model)
    given = {name: cell for name, cell in cells.items() if cell is not None}
    prediction = predictor.predict(threshold=limit, **given)
    if as_json:
        import json

        about = {
            "notice": "; ".join(predictor.notices),
            "sentence": prediction.sentence,
            "advice": prediction.advice,
            "threshold": limit,
            "endpoint": predictor.endpoint,
            "estimand": predictor.estimand,
            "interval": predictor.interval_label,
            **({"threshold_note": note} if note else {}),
        }
        content = {**about, **given, **prediction.to_dict()}
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    from discresorb.terminal import prediction_text

    typer.echo(prediction_text(predictor, prediction, given))
    if note:
        typer.echo(note)


@app.command()
def score(
    file: Annotated[str, typer.Argument(help="A CSV of patients, or - for standard input.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here.")
    ] = None,
    threshold: ThresholdOption = None,
    scan_cost: ScanCostOption = None,
    operation_cost: OperationCostOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    raw_text: Annotated[
        bool,
        typer.Option("--raw-text", help="Do not quote cells that a spreadsheet would run."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the output file if it exists.")
    ] = False,
) -> None:
    """Score every row of a CSV: probability, interval, and whether to image again.

    Example: discresorb score data/synthetic/waiting_list.csv -o scored.csv

    On a terminal a table is printed, into a pipe or file CSV. Exit status: 0 done, 3 the file does
    not fit, 4 done but some rows could not be scored (their problems stand in their rows).
    """
    from discresorb.files import check_target
    from discresorb.predictor import load
    from discresorb.reading import STANDARD_STREAM, read_table
    from discresorb.scoring import score_table
    from discresorb.terminal import print_scored, score_summary

    limit, note = _threshold(threshold, scan_cost, operation_cost)
    if output is not None and str(output) == STANDARD_STREAM:
        output = None
    if output is not None:
        check_target(output, force=force)
    else:
        _need_standard_output()
    predictor = load(model)
    table = read_table(file)
    scored = score_table(predictor, table, threshold=limit)
    guarded, as_table = 0, output is None and not as_json and sys.stdout.isatty()
    if as_table:
        print_scored(sys.stdout, predictor, table, scored, limit)
    else:
        for notice in predictor.notices:
            typer.echo(f"Note: {notice}.", err=True)
        guarded = _write_scored(output, table, scored, as_json=as_json, raw_text=raw_text)
    for line in score_summary(scored, limit, note, listing=not as_table):
        typer.echo(line, err=True)
    if guarded:
        typer.echo(
            f"A leading ' keeps a spreadsheet from running as a formula: {guarded} "
            f"{'cell' if guarded == 1 else 'cells'} got one; --raw-text leaves them alone.",
            err=True,
        )
    if not scored.usable.all():
        raise typer.Exit(EXIT_SOME_ROWS)


def _write_scored(
    output: Path | None, table: Any, scored: Any, *, as_json: bool, raw_text: bool
) -> int:
    """Write to the file, or to standard output; count guarded cells."""
    import io

    from discresorb.files import replacing
    from discresorb.writing import write_csv, write_json_lines

    def write(binary: Any) -> int:
        stream = io.TextIOWrapper(binary, encoding="utf-8", newline="", write_through=True)
        try:
            if as_json:
                write_json_lines(stream, table, scored)
                return 0
            return write_csv(stream, table, scored, raw_text=raw_text)
        finally:
            stream.detach()

    if output is not None:
        with replacing(output) as binary:
            return write(binary)
    guarded = write(sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return guarded


@app.command()
def show(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", readable=False, help="A model file; default: shipped."),
    ] = None,
    model_option: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Describe a model: origin, endpoint, training ranges, coefficients, equation.

    Example: discresorb show artifacts/default.joblib
    """
    from discresorb.artifact import find_default, to_plain
    from discresorb.predictor import load
    from discresorb.terminal import show_text

    _need_standard_output()
    if model is not None and model_option is not None:
        raise InputError("name one model: either FILE or --model FILE")
    path = model or model_option or find_default()
    artifact = load(path).artifact
    if as_json:
        import json

        typer.echo(json.dumps(to_plain(artifact), ensure_ascii=False))
    else:
        typer.echo(show_text(artifact, str(path)))


def _threshold(
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


def _add_further_commands() -> None:
    from importlib.metadata import entry_points

    for entry in entry_points(group="discresorb.commands"):
        app.add_typer(entry.load())


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal cannot show must not end it
            stream.reconfigure(errors="backslashreplace")
    try:
        _add_further_commands()
        app(prog_name="discresorb")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
