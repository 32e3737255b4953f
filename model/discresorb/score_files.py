"""Files in, scored files out: which goes where, in what form, and nothing half-written."""

from __future__ import annotations

import glob
import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Literal

from discresorb.errors import InputError, InputFileError, OutputError
from discresorb.files import Part, begun, check_apart, check_target, replacing
from discresorb.progress import Progress
from discresorb.records import BATCH_BYTES
from discresorb.score_file import PROBLEM_COLUMNS, Report, score_file
from discresorb.scoring import Scorer
from discresorb.sources import STANDARD_STREAM, zstd
from discresorb.tally import Tally
from discresorb.writing import CsvWriter, JsonWriter, ParquetWriter, Writer

__all__ = ["Form", "Job", "Outcome", "check_jobs", "compressing", "jobs_of", "run_job", "run_jobs"]

_COMPRESSED: Final = (".gz", ".zst")
_PARQUET: Final = (".parquet", ".pq")
# what the command gzip does by itself
_GZIP_LEVEL: Final = 6
_JSON: Final = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class Form:
    """How scored rows are written.

    Parameters
    ----------
    as_json : bool
        As JSON lines, whatever the target's name says.
    raw_text : bool
        In a CSV, leave cells alone that a spreadsheet would take for formulas.
    threads : int
        In which batches are scored.
    batch_bytes : int
        About how much is read at a time.
    """

    as_json: bool = False
    raw_text: bool = False
    threads: int = 1
    batch_bytes: int = BATCH_BYTES

    def writer(self, stream: IO[bytes], target: Path | None) -> Writer:
        """Give what writes to a stream as the target's name asks."""
        kind = self.kind(target)
        if kind == "parquet":
            return ParquetWriter(stream)
        return JsonWriter(stream) if kind == "json" else CsvWriter(stream, self.raw_text)

    def kind(self, target: Path | None) -> Literal["csv", "json", "parquet"]:
        """Tell the form from a target's name."""
        suffix = "" if target is None else _bare(target).suffix.lower()
        if self.as_json or suffix in _JSON:
            return "json"
        return "parquet" if suffix in _PARQUET else "csv"

    def check(self, target: Path) -> None:
        """Raise InputError if a target's name asks for what cannot be."""
        if _bare(target).suffix.lower() not in _PARQUET:
            return
        if self.as_json:
            raise InputError(f"{target} is named like Parquet; leave --json out, or rename it")
        if _bare(target) != target:
            raise InputError(f"{target}: Parquet is compressed already; leave {target.suffix} out")


@dataclass(frozen=True)
class Job:
    """One file to score.

    Parameters
    ----------
    source : str
        A file, or ``-`` for standard input.
    target : Path or None
        Where to; None for standard output.
    """

    source: str
    target: Path | None


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


def jobs_of(
    sources: Sequence[str], output: str | None, *, as_json: bool
) -> tuple[list[Job], Path | None]:
    """Find the files that sources name, and where each one's rows go.

    Parameters
    ----------
    sources : sequence of str
        Files, patterns such as ``in/*.csv``, or ``-``.
    output : str, optional
        A file; or a folder, for several files, a pattern, or if it is one or ends like one.
    as_json : bool
        Whether JSON lines are asked for.

    Returns
    -------
    jobs : list of Job
        One a file.
    folder : Path or None
        Where outputs go, if that is a folder.

    Raises
    ------
    InputError
        If they do not go together.
    """
    if output == "":
        raise InputError("-o names no file")
    files, patterns = [], False
    for source in sources:
        is_pattern = source != STANDARD_STREAM and glob.has_magic(source) and not _exists(source)
        patterns |= is_pattern
        # Path.glob takes no absolute pattern
        found = sorted(glob.glob(source, recursive=True)) if is_pattern else [source]  # noqa: PTH207
        if not found:
            raise InputFileError(f"no file matches {source}")
        files += [each for each in found if not (is_pattern and Path(each).is_dir())]
    if output is None or output == STANDARD_STREAM:
        if len(files) > 1:
            raise InputError("several files need a folder for their outputs: -o DIR/")
        return [Job(files[0], None)], None
    folder = Path(output)
    if not (len(files) > 1 or patterns or _is_folder(folder) or output.endswith(("/", "\\"))):
        return [Job(files[0], folder)], None
    if STANDARD_STREAM in files:
        raise InputError("standard input has no name in a folder; name a file: -o FILE")
    return [Job(each, folder / _output_name(Path(each), as_json)) for each in files], folder


def check_jobs(
    jobs: Sequence[Job], folder: Path | None, further: Sequence[Path], form: Form, *, force: bool
) -> None:
    """Refuse targets that may not be written, before anything is read; make their folder.

    Raises
    ------
    InputError, OutputError
        With the first that may not.
    """
    targets = [job.target for job in jobs if job.target is not None]
    for target in targets:
        form.check(target)
    outputs = [*targets, *further]
    kept = [Path(job.source) for job in jobs if job.source != STANDARD_STREAM]
    check_apart(outputs, kept)
    if folder is not None:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make folder {folder}: {error.strerror}") from error
    for each in outputs:
        check_target(each, force=force)


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


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # what is wrong with it is told when it is written
        return False


def _exists(source: str) -> bool:
    try:
        return Path(source).exists()
    except OSError:  # a pattern may be longer than any name
        return False


def _bare(path: Path) -> Path:
    """Give a path without the suffix of a compression."""
    return path.with_suffix("") if path.suffix.lower() in _COMPRESSED else path


def _output_name(source: Path, as_json: bool) -> str:
    return f"{_bare(source).stem}.jsonl" if as_json else source.name


@contextmanager
def compressing(stream: IO[bytes], target: Path | None) -> Iterator[IO[bytes]]:
    """Compress as the target's name asks; what comes out does not depend on when or where."""
    suffix = "" if target is None else target.suffix.lower()
    if suffix not in _COMPRESSED:
        yield stream
        return
    if suffix == ".gz":
        inner: Any = gzip.GzipFile("", "wb", _GZIP_LEVEL, stream, mtime=0)
    else:
        inner = zstd().ZstdFile(stream, "wb")
    with inner:
        yield inner
