"""Files in, scored files out, and nothing half-written."""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from discresorb.errors import InputFileError
from discresorb.files import Part, begun, replacing
from discresorb.jobs import COMPRESSED, Form, Job
from discresorb.progress import Progress
from discresorb.score_file import PROBLEM_COLUMNS, Report, score_file
from discresorb.scoring import Scorer
from discresorb.sources import zstd
from discresorb.tally import Tally
from discresorb.writing import Writer

__all__ = ["Outcome", "compressing", "run_job", "run_jobs"]

# what the command gzip does by itself
_GZIP_LEVEL: Final = 6


@dataclass
class Outcome:
    """What came of jobs.

    Parameters
    ----------
    tally : Tally
        Counts over all that could be read.
    refused : list of str
        Why files could not be read, in words.
    """

    tally: Tally = field(default_factory=Tally)
    refused: list[str] = field(default_factory=list)


def run_jobs(
    scorer: Scorer,
    jobs: Sequence[Job],
    form: Form,
    *,
    strict: bool = False,
    problems: Path | None = None,
    progress: Progress | None = None,
    table: Writer | None = None,
) -> Outcome:
    """Score files one after the other.

    Parameters
    ----------
    scorer : Scorer
        The model and the threshold.
    jobs : sequence of Job
        As `check_jobs` accepts them.
    form : Form
        How rows are written.
    strict : bool
        Give no output its name unless every row of every file is scored.
    problems : Path, optional
        Where rows that could not be scored are listed.
    progress : Progress, optional
        Told how far things have come.
    table : Writer, optional
        Takes what goes to standard output.

    Raises
    ------
    InputFileError
        If the only file does not fit; one of several is named in the outcome.
    OutputError
        If something cannot be written.
    """
    outcome = Outcome()
    waiting: list[Part] = []
    with ExitStack() as stack:
        stack.callback(_discard, waiting)
        listing = None
        if problems is not None:
            listing = stack.enter_context(replacing(problems))
            listing.write((",".join(PROBLEM_COLUMNS) + "\n").encode())
        for number, job in enumerate(jobs):
            report = _share(progress, number, len(jobs))
            try:
                if job.target is None:
                    tally = _to_standard_output(
                        scorer, job, form, listing, report, table=table, strict=strict
                    )
                else:
                    tally, part = run_job(scorer, job, form, listing, report)
                    waiting.append(part)
            except InputFileError as error:
                if len(jobs) == 1:
                    raise
                outcome.refused += error.problems
                continue
            outcome.tally.add(tally)
            if not strict:
                _install(waiting)
        if not (outcome.tally.unscored or outcome.refused):
            _install(waiting)
    return outcome


def run_job(
    scorer: Scorer, job: Job, form: Form, problems: IO[bytes] | None, report: Report | None
) -> tuple[Tally, Part]:
    """Score a file into a part that waits for its name.

    Raises
    ------
    InputFileError
        If the file does not fit.
    OutputError
        If the output cannot be written.
    """
    if job.target is None:
        raise ValueError("a job without a target goes to standard output")
    with begun(job.target) as (stream, part), compressing(stream, job.target) as content:
        writer = form.writer(content, job.target)
        tally = _scored(scorer, job, form, writer, problems, report)
    return tally, part


def _to_standard_output(
    scorer: Scorer,
    job: Job,
    form: Form,
    problems: IO[bytes] | None,
    report: Report | None,
    *,
    table: Writer | None,
    strict: bool,
) -> Tally:
    """With `strict`, only once every row has been scored."""
    if table is not None:
        return _scored(scorer, job, form, table, problems, report)
    printed = 0

    def counted(done: float | None, rows: int) -> None:
        nonlocal printed
        printed += rows
        if report is not None:
            report(done, rows)

    with ExitStack() as stack:
        stream: Any = sys.stdout.buffer
        if strict:
            stream = stack.enter_context(tempfile.TemporaryFile())
        try:
            tally = _scored(scorer, job, form, form.writer(stream, None), problems, counted)
        except InputFileError as error:
            if strict or not printed:
                raise
            late = f"{printed} rows were printed before this was met; they are not all"
            raise InputFileError([*error.problems, late]) from None
        if strict and not tally.unscored:
            stream.seek(0)
            shutil.copyfileobj(stream, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return tally


def _scored(
    scorer: Scorer,
    job: Job,
    form: Form,
    writer: Writer,
    problems: IO[bytes] | None,
    report: Report | None,
) -> Tally:
    return score_file(
        scorer,
        job.source,
        writer,
        threads=form.threads,
        batch_bytes=form.batch_bytes,
        problems=problems,
        raw_text=form.raw_text,
        report=report,
    )


def _install(parts: list[Part]) -> None:
    while parts:
        parts.pop(0).install()


def _discard(parts: list[Part]) -> None:
    for part in parts:
        part.discard()


def _share(progress: Progress | None, number: int, count: int) -> Report | None:
    """Turn the share done of one file into that of all, files counting alike."""
    if progress is None:
        return None
    return lambda done, rows: progress(None if done is None else (number + done) / count, rows)


@contextmanager
def compressing(stream: IO[bytes], target: Path | None) -> Iterator[IO[bytes]]:
    """Compress as the target's name asks; what comes out does not depend on when or where."""
    suffix = "" if target is None else target.suffix.lower()
    if suffix not in COMPRESSED:
        yield stream
        return
    if suffix == ".gz":
        inner: Any = gzip.GzipFile("", "wb", _GZIP_LEVEL, stream, mtime=0)
    else:
        inner = zstd().ZstdFile(stream, "wb")
    with inner:
        yield inner
