"""The command that scores files."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discresorb.options import (
    ForceOption,
    JsonOption,
    ModelOption,
    OperationCostOption,
    RawTextOption,
    ScanCostOption,
    SchedulerOption,
    ShowValuesOption,
    ThresholdOption,
    chosen_threshold,
    need_standard_output,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from discresorb.beside import Opening
    from discresorb.jobs import Form
    from discresorb.predictor import Predictor
    from discresorb.score_files import Outcome
    from discresorb.scoring import Scorer
    from discresorb.tally import Tally

__all__ = ["score"]

EXIT_FILE_UNFIT = 3
EXIT_SOME_ROWS = 4
_MEBIBYTE = 1 << 20
_HTML, _NDJSON = (".html", ".htm"), (".ndjson", ".jsonl", ".json")


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
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page of all rows here, to sort and print."),
    ] = None,
    fhir: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a FHIR R4 RiskAssessment a line here, as .ndjson."
        ),
    ] = None,
    raw_text: RawTextOption = False,
    n_jobs: Annotated[int, typer.Option(help="Threads; -1: one a core.")] = -1,
    batch_size: Annotated[
        float, typer.Option(metavar="MIB", help="How much is read at a time; bounds the memory.")
    ] = 4.0,
    scheduler: SchedulerOption = None,
    show_values: ShowValuesOption = False,
    force: ForceOption = False,
) -> None:
    """Score every row of files: probability, interval, and whether to image again.

    Example: discresorb score data/synthetic/waiting_list.csv -o scored.csv

    On a terminal a table is printed, into a pipe or file CSV. Memory does not grow with a file's
    size. Exit status: 0 done, 3 a file does not fit (or, with --strict, a row), 4 done but some
    rows could not be scored (their problems stand in their rows).
    """
    from discresorb.artifact import files_of_model, model_path
    from discresorb.files import check_apart
    from discresorb.jobs import check_jobs, jobs_of
    from discresorb.progress import shown
    from discresorb.score_files import run_jobs
    from discresorb.scoring import Scorer
    from discresorb.screen import TableWriter, score_summary

    limit, note = chosen_threshold(threshold, scan_cost, operation_cost)
    form = _form(as_json, raw_text, n_jobs, batch_size)
    jobs, folder = jobs_of(files, output, as_json=as_json)
    _check_further(html, fhir, scheduler)
    named = [path for path in (problems, html, fhir) if path is not None]
    path = model_path(model)
    check_apart([*named, *(job.target for job in jobs if job.target)], files_of_model(path))
    check_jobs(jobs, folder, named, form, force=force)
    if jobs[0].target is None:
        need_standard_output()
    predictor, sha256 = _loaded(path, hashed=html is not None)
    scorer = Scorer(predictor, limit)
    further = _further(scorer, sha256, html, fhir, note)
    as_table = jobs[0].target is None and not as_json and sys.stdout.isatty()
    if not as_table:
        for notice in scorer.predictor.notices:
            tell(f"Note: {notice}.")
    table = TableWriter(sys.stdout, scorer, strict=strict) if as_table else None
    with shown("scoring", wanted=table is None) as progress:
        run = partial(run_jobs, table=table, further=further, together=html is not None)
        if scheduler is not None:
            run = partial(_remotely, scheduler)
        outcome = run(scorer, jobs, form, strict=strict, problems=problems, progress=progress)
    summary = partial(score_summary, files=len(jobs), show_values=show_values)
    for line in (*summary(outcome.tally, limit, note), *_told(outcome, strict=strict)):
        tell(line)
    unfit = outcome.refused or (strict and outcome.tally.unscored)
    if not (strict and unfit):
        for line in _told_of_further(outcome.tally, html, fhir):
            tell(line)
    if unfit:
        raise typer.Exit(EXIT_FILE_UNFIT)
    if outcome.tally.unscored:
        raise typer.Exit(EXIT_SOME_ROWS)


def _told(outcome: Outcome, *, strict: bool) -> Iterator[str]:
    from discresorb.wording import guarded_cells

    tally = outcome.tally
    if tally.guarded:
        yield guarded_cells(tally.guarded)
    for words in outcome.refused:
        yield f"Error: {words}"
    if strict and (outcome.refused or tally.unscored):
        yield "Error: with --strict every row must be scored; no rows were written"


def _told_of_further(tally: Tally, html: Path | None, fhir: Path | None) -> Iterator[str]:
    if html is not None:
        yield f"{html} opens in any browser, without a network."
    if fhir is not None:
        count = f"{tally.scored} RiskAssessment{'' if tally.scored == 1 else 's'}"
        yield f"{fhir} holds {count}; rows left out, as they could not be scored: {tally.unscored}."


def _check_further(html: Path | None, fhir: Path | None, scheduler: str | None) -> None:
    from discresorb.errors import InputError

    problems = [
        f"{option} {path}: name a {' or '.join(endings)} file"
        for option, path, endings in (("--html", html, _HTML), ("--fhir", fhir, _NDJSON))
        if path is not None and path.suffix.lower() not in endings
    ]
    if scheduler is not None and (html or fhir):
        problems.append("--html and --fhir are written on this machine; leave --scheduler out")
    if problems:
        raise InputError(problems)


def _loaded(path: Path, *, hashed: bool) -> tuple[Predictor, str]:
    """Load a model, with the hash of its file if that is wanted."""
    from discresorb.hashed_model import load_with_hash
    from discresorb.predictor import load

    return load_with_hash(path) if hashed else (load(path), "")


def _further(
    scorer: Scorer, sha256: str, html: Path | None, fhir: Path | None, note: str
) -> dict[Path, Opening]:
    """Say what is written beside the rows, and how it is begun."""
    further: dict[Path, Opening] = {}
    if html is not None:
        from discresorb.pages.waiting_list import PageWriter

        further[html] = partial(PageWriter, scorer=scorer, threshold_note=note, sha256=sha256)
    if fhir is not None:
        from discresorb.fhir import ResourceLines

        further[fhir] = partial(ResourceLines, scorer=scorer, threshold_note=note)
    return further


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
