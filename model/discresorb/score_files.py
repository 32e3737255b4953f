"""Files in, scored files out, and nothing half-written."""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from discresorb.beside import Beside, Opening, ProblemListing, whole_files
from discresorb.errors import InputFileError
from discresorb.files import Part, begun, replacing
from discresorb.jobs import COMPRESSED, Form, Job
from discresorb.progress import Progress
from discresorb.score_file import Report, score_file
from discresorb.scoring import Scorer
from discresorb.sources import zstd
from discresorb.synced import NamedStream, UnwrittenError
from discresorb.tally import Tally
from discresorb.writing import Writer

__all__ = ["Outcome", "compressing", "run_job", "run_jobs"]

# what the command gzip does by itself
_GZIP_LEVEL: Final = 6
_NOTHING: Final[Mapping[Path, Opening]] = MappingProxyType({})


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
    further: Mapping[Path, Opening] = _NOTHING,
    together: bool = False,
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
        Where rows that could not be scored are listed, also if nothing else is written.
    further : mapping
        What else is written of all files, by where.
    together : bool
        Give no output its name, and print nothing, before every file has been read.
    progress : Progress, optional
        Told how far things have come.
    table : Writer, optional
        Takes what goes to standard output.

    Raises
    ------
    InputError
        If something that is written holds no more rows.
    InputFileError
        If the only file does not fit; one of several is named in the outcome.
    OutputError
        If something cannot be written.
    """
    waiting: list[Part] = []
    with ExitStack() as stack:
        stack.callback(_discard, waiting)
        further_parts = []
        with ExitStack() as streams:
            besides: list[Beside] = []
            if problems is not None:
                listing = streams.enter_context(replacing(problems))
                besides.append(ProblemListing(listing, form.raw_text))
            for path, opening in further.items():
                stream, part = streams.enter_context(begun(path))
                further_parts.append(part)
                besides.append(opening(stream))
            run = _Run(scorer, form, besides, progress, table, strict, strict or together)
            outcome = run.all(jobs, waiting)
            whole = not (strict and (outcome.tally.unscored or outcome.refused))
            if whole:
                for each in besides:
                    each.finish(outcome.tally, outcome.refused)
        waiting += further_parts
        if whole:
            _install(waiting)
    return outcome


def run_job(
    scorer: Scorer,
    job: Job,
    form: Form,
    besides: Sequence[Beside] = (),
    report: Report | None = None,
) -> tuple[Tally, Part]:
    """Score a file into a part that waits for its name.

    Parameters
    ----------
    scorer : Scorer
        The core, which knows the model.
    job : Job
        The file and its target.
    form : Form
        How rows are written.
    besides : sequence of Beside, default none
        What is written beside the rows.
    report : callable, optional
        Is told of every batch.

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
        tally = _scored(scorer, job, form, writer, besides, report)
    return tally, part


@dataclass(frozen=True)
class _Run:
    """What all files of a run share."""

    scorer: Scorer
    form: Form
    besides: Sequence[Beside]
    progress: Progress | None
    table: Writer | None
    strict: bool
    together: bool

    def all(self, jobs: Sequence[Job], waiting: list[Part]) -> Outcome:
        """Score each file; parts that may not have their names yet are added to those waiting."""
        outcome = Outcome()
        for number, job in enumerate(jobs):
            try:
                with whole_files(self.besides):
                    tally, parts = self._one(job, _share(self.progress, number, len(jobs)))
            except InputFileError as error:
                if len(jobs) == 1:
                    raise
                outcome.refused += error.problems
                continue
            waiting += parts
            outcome.tally.add(tally)
            if not self.together:
                _install(waiting)
        return outcome

    def _one(self, job: Job, report: Report | None) -> tuple[Tally, list[Part]]:
        if job.target is None:
            return self._to_standard_output(job, report), []
        tally, part = run_job(self.scorer, job, self.form, self.besides, report)
        return tally, [part]

    def _to_standard_output(self, job: Job, report: Report | None) -> Tally:
        """Print rows as they come, or if they must be together once every row has been scored."""
        if self.table is not None:
            return self._scored(job, self.table, report)
        printed = 0

        def counted(done: float | None, rows: int) -> None:
            nonlocal printed
            printed += rows
            if report is not None:
                report(done, rows)

        output: Any = NamedStream(sys.stdout.buffer, "standard output")
        with ExitStack() as stack:
            stream = output
            if self.together:
                kept = stack.enter_context(tempfile.TemporaryFile())
                stream = _KeptLines(kept)
            try:
                tally = self._scored(job, self.form.writer(stream, None), counted)
            except InputFileError as error:
                if self.together or not printed:
                    raise
                late = f"{printed} rows were printed before this was met; they are not all"
                raise error.and_also(late) from None
            if self.together and not (self.strict and tally.unscored):
                kept.seek(0)
                shutil.copyfileobj(kept, output)
        output.flush()
        return tally

    def _scored(self, job: Job, writer: Writer, report: Report | None) -> Tally:
        return _scored(self.scorer, job, self.form, writer, self.besides, report)


@dataclass(frozen=True)
class _KeptLines:
    """Keeps lines in a temporary file; if they cannot be, it is that file's folder that is full."""

    file: IO[bytes]

    def writelines(self, lines: Iterable[bytes]) -> None:
        """Write lines through to the file."""
        try:
            self.file.writelines(lines)
            self.file.flush()
        except OSError as error:
            place = f"in the folder for temporary files, {tempfile.gettempdir()}"
            raise UnwrittenError.of(error, place) from error


def _scored(
    scorer: Scorer,
    job: Job,
    form: Form,
    writer: Writer,
    besides: Sequence[Beside],
    report: Report | None,
) -> Tally:
    return score_file(
        scorer,
        job.source,
        writer,
        threads=form.threads,
        batch_bytes=form.batch_bytes,
        besides=besides,
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
