"""The command that scores files."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discresorb.options import (
    JsonOption,
    ModelOption,
    OperationCostOption,
    ScanCostOption,
    SchedulerOption,
    ThresholdOption,
    chosen_threshold,
    need_standard_output,
)

if TYPE_CHECKING:
    from discresorb.jobs import Form
    from discresorb.score_files import Outcome

__all__ = ["score"]

EXIT_FILE_UNFIT = 3
EXIT_SOME_ROWS = 4
_MEBIBYTE = 1 << 20


def score(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="CSV (also .gz, .zst) or Parquet files of patients, a quoted pattern such as "
            "'in/*.csv', or - for standard input.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR/",
            help="Write here, in the form that the name says (.csv, .jsonl, .parquet; .gz, .zst); "
            "for several files a folder.",
        ),
    ] = None,
    threshold: ThresholdOption = None,
    scan_cost: ScanCostOption = None,
    operation_cost: OperationCostOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing unless every row can be scored.")
    ] = False,
    problems: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="List all rows that could not be scored here, as CSV."),
    ] = None,
    raw_text: Annotated[
        bool,
        typer.Option("--raw-text", help="Do not quote cells that a spreadsheet would run."),
    ] = False,
    n_jobs: Annotated[int, typer.Option(help="Threads; -1: one a core.")] = -1,
    batch_size: Annotated[
        float, typer.Option(metavar="MIB", help="How much is read at a time; bounds the memory.")
    ] = 4.0,
    scheduler: SchedulerOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite output files that exist.")
    ] = False,
) -> None:
    """Score every row of files: probability, interval, and whether to image again.

    Example: discresorb score data/synthetic/waiting_list.csv -o scored.csv

    On a terminal a table is printed, into a pipe or file CSV. Memory does not grow with a file's
    size. Exit status: 0 done, 3 a file does not fit (or, with --strict, a row), 4 done but some
    rows could not be scored (their problems stand in their rows).
    """
    from discresorb.jobs import check_jobs, jobs_of
    from discresorb.predictor import load
    from discresorb.progress import shown
    from discresorb.score_files import run_jobs
    from discresorb.scoring import Scorer
    from discresorb.screen import TableWriter, score_summary

    limit, note = chosen_threshold(threshold, scan_cost, operation_cost)
    form = _form(as_json, raw_text, n_jobs, batch_size)
    jobs, folder = jobs_of(files, output, as_json=as_json)
    check_jobs(jobs, folder, [] if problems is None else [problems], form, force=force)
    if jobs[0].target is None:
        need_standard_output()
    scorer = Scorer(load(model), limit)
    as_table = jobs[0].target is None and not as_json and sys.stdout.isatty()
    if not as_table:
        for notice in scorer.predictor.notices:
            typer.echo(f"Note: {notice}.", err=True)
    table = TableWriter(sys.stdout, scorer, strict=strict) if as_table else None
    with shown("scoring", wanted=table is None) as progress:
        run = partial(run_jobs, table=table) if scheduler is None else partial(_remotely, scheduler)
        outcome = run(scorer, jobs, form, strict=strict, problems=problems, progress=progress)
    tally = outcome.tally
    for line in score_summary(tally, limit, note, files=len(jobs)):
        typer.echo(line, err=True)
    if tally.guarded:
        typer.echo(
            f"A leading ' keeps a spreadsheet from running as a formula: {tally.guarded} "
            f"{'cell' if tally.guarded == 1 else 'cells'} got one; --raw-text leaves them alone.",
            err=True,
        )
    for words in outcome.refused:
        typer.echo(f"Error: {words}", err=True)
    if strict and (outcome.refused or tally.unscored):
        typer.echo("Error: with --strict every row must be scored; no rows were written", err=True)
    if outcome.refused or (strict and tally.unscored):
        raise typer.Exit(EXIT_FILE_UNFIT)
    if tally.unscored:
        raise typer.Exit(EXIT_SOME_ROWS)


def _remotely(scheduler: str, *what: Any, **how: Any) -> Outcome:
    from discresorb.cluster import connected
    from discresorb.score_on_cluster import run_on_cluster

    with connected(scheduler) as client:
        return run_on_cluster(client, *what, **how)


def _form(as_json: bool, raw_text: bool, n_jobs: int, batch_size: float) -> Form:
    from discresorb.errors import InputError
    from discresorb.in_order import thread_count
    from discresorb.jobs import Form
    from discresorb.records import LONGEST_RECORD

    most = LONGEST_RECORD // _MEBIBYTE
    if not 0.0 < batch_size <= most:
        raise InputError(
            f"--batch-size entered as {batch_size:g}, but must be above 0 and at most {most} MiB"
        )
    size = max(1, int(batch_size * _MEBIBYTE))
    return Form(as_json, raw_text, thread_count(n_jobs), size)
