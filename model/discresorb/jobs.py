"""Which file goes where, and in what form."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

from discresorb.errors import InputError, InputFileError, OutputError
from discresorb.files import check_apart, check_target
from discresorb.records import BATCH_BYTES
from discresorb.sources import STANDARD_STREAM
from discresorb.writing import CsvWriter, JsonWriter, ParquetWriter, Writer

__all__ = ["COMPRESSED", "Form", "Job", "check_jobs", "jobs_of"]

COMPRESSED: Final = (".gz", ".zst")
_PARQUET: Final = (".parquet", ".pq")
_NOT_WRITTEN: Final = (".xlsx", ".xls", ".ods", ".tsv", ".zip", ".bz2", ".xz")
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
        if target.suffix.lower() in _NOT_WRITTEN:
            raise InputError(f"{target}: {target.suffix} is not written; name a .csv, or .parquet")
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
        found = sorted(_matching(source)) if is_pattern else [source]
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

    Parameters
    ----------
    jobs : sequence of Job
        Which file goes where.
    folder : Path or None
        That holds the targets of several files.
    further : sequence of Path
        Files that are written beside the scored ones.
    form : Form
        How rows are written.
    force : bool
        Write over what stands there.

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


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # what is wrong with it is told when it is written
        return False


def _matching(pattern: str) -> list[str]:
    # as in a shell, a pattern leaves hidden files out; Path.glob, which ruff prefers, finds them
    return glob.glob(pattern, recursive=True)  # noqa: PTH207  # for the reason above


def _exists(source: str) -> bool:
    try:
        return Path(source).exists()
    except OSError:  # a pattern may be longer than any name
        return False


def _bare(path: Path) -> Path:
    """Give a path without the suffix of a compression."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED else path


def _output_name(source: Path, as_json: bool) -> str:
    return f"{_bare(source).stem}.jsonl" if as_json else source.name
