"""Scoring on the workers of a Dask cluster: files, and runs of rows of large Parquet files.

The predictor and the names of files travel, rows do not: every machine must see the same folders.
Workers write whole files into a hidden folder beside the targets, so a task that is done again
after its worker was lost does no harm; outputs get their names from here, and the folder goes.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from discresorb.beside import PROBLEM_COLUMNS
from discresorb.cluster_tasks import Piece, join, score_piece
from discresorb.errors import ClusterError, InputError, InputFileError, OutputError
from discresorb.files import is_left, owner, replacing
from discresorb.inputs import Span, count_rows
from discresorb.jobs import Form, Job
from discresorb.score_files import Outcome
from discresorb.scoring import Scorer
from discresorb.sources import STANDARD_STREAM, opened
from discresorb.tally import Tally

if TYPE_CHECKING:
    from distributed import Client

    from discresorb.progress import Progress

__all__ = ["run_on_cluster"]

# a worker that is lost takes no more work with it than that
_PIECE_ROWS: Final = 2_000_000
_REMOVALS: Final = 50
_HIDDEN: Final = ".discresorb-"


@dataclass
class _File:
    """A file, its pieces, and what has come of them."""

    job: Job
    target: Path
    place: Path
    pieces: list[Piece] = field(default_factory=list)
    tallies: dict[int, Tally] = field(default_factory=dict)
    refused: Sequence[str] = ()

    def cut(self, piece_rows: int, *, listed: bool) -> None:
        """Plan the pieces; a file that cannot be opened is refused."""
        try:
            with opened(self.job.source) as source:
                rows = count_rows(source.name) if source.kind == "parquet" else 0
        except InputFileError as error:
            self.refused = error.problems
            return
        spans: list[Span | None] = [None]
        if rows > piece_rows:
            starts = range(0, rows, piece_rows)
            spans = [(start, min(piece_rows, rows - start)) for start in starts]
        seen = Job(str(Path(self.job.source).resolve()), self.target)
        for number, span in enumerate(spans):
            name = self.place.name if span is None else f"{self.place.name}-{number}"
            listing = self.place.with_name(f"{name}.problems") if listed else None
            self.pieces.append(Piece(seen, span, self.place.with_name(name), listing))

    def tally(self) -> Tally:
        """Give the counts over all pieces."""
        total = Tally()
        for number in range(len(self.pieces)):
            total.add(self.tallies[number])
        return total

    def install(self) -> None:
        """Give the output its name, through a link and with the permissions of what it replaces."""
        try:
            if self.target.exists():
                self.place.chmod(self.target.stat().st_mode)
            self.place.replace(self.target)
        except OSError as error:
            raise OutputError(f"cannot write {self.target}: {error.strerror}") from error


def run_on_cluster(
    client: Client,
    scorer: Scorer,
    jobs: Sequence[Job],
    form: Form,
    *,
    strict: bool = False,
    problems: Path | None = None,
    progress: Progress | None = None,
    piece_rows: int = _PIECE_ROWS,
) -> Outcome:
    """Score files on the workers; the same rows come out as from `score_files.run_jobs`.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    scorer, jobs, form, strict, problems, progress
        As there.
    piece_rows : int
        Parquet files of more rows are scored in pieces of so many.

    Raises
    ------
    InputError
        If rows are to come from standard input or to go to standard output.
    InputFileError
        If the only file does not fit; one of several is named in the outcome.
    OutputError
        If something cannot be written.
    ClusterError
        If workers are lost again and again.
    """
    if any(job.target is None or job.source == STANDARD_STREAM for job in jobs):
        raise InputError("a cluster reads files and writes files: name them, and -o FILE or DIR/")
    form = replace(form, threads=1)  # a worker scores as many pieces at once as it has threads
    outcome = Outcome()
    with ExitStack() as stack:
        listing = None if problems is None else stack.enter_context(replacing(problems))
        files = _planned(jobs, stack, piece_rows, listed=problems is not None)
        run = _Run(client, scorer, form, progress)
        for file in run.finished(files):
            outcome.refused += file.refused
            if not (strict or file.refused):
                file.install()
        if outcome.refused and len(jobs) == 1:
            raise InputFileError(outcome.refused)
        whole = [file for file in files if not file.refused]
        for file in whole:
            outcome.tally.add(file.tally())
        if listing is not None:
            _list_problems(listing, files)
        if strict and not (outcome.tally.unscored or outcome.refused):
            for file in whole:
                file.install()
    return outcome


def _planned(
    jobs: Sequence[Job], stack: ExitStack, piece_rows: int, *, listed: bool
) -> list[_File]:
    """Cut files into pieces, and make the folders where workers put them."""
    folders: dict[Path, Path] = {}
    files = []
    for number, job in enumerate(jobs):
        target = Path(job.target or "").resolve()
        if target.parent not in folders:
            folders[target.parent] = stack.enter_context(_hidden_folder(target.parent))
        place = folders[target.parent] / str(number)
        files.append(_File(job, target, place))
        files[-1].cut(piece_rows, listed=listed)
    return files


def _list_problems(listing: IO[bytes], files: Sequence[_File]) -> None:
    listing.write((",".join(PROBLEM_COLUMNS) + "\n").encode())
    for place in [piece.listing for file in files for piece in file.pieces]:
        if place is not None and place.exists():  # not of a file that was refused
            with place.open("rb") as part:
                shutil.copyfileobj(part, listing)


class _Run:
    """Tasks under way on the workers, and whose they are."""

    def __init__(
        self, client: Client, scorer: Scorer, form: Form, progress: Progress | None
    ) -> None:
        from distributed import as_completed

        self._client, self._scorer, self._form, self._progress = client, scorer, form, progress
        self._coming = as_completed(loop=client.loop)
        self._asked: dict[Any, tuple[Any, _File, int | None]] = {}

    def finished(self, files: Sequence[_File]) -> Iterator[_File]:
        """Have the workers do it all, and give each file when it is whole or refused."""
        yield from (file for file in files if file.refused)
        for file in files:
            for position, piece in enumerate(file.pieces):
                self._ask(file, position, score_piece, self._scorer, piece, self._form)
        count, done = len(self._asked), 0
        try:
            for future in self._coming:
                _, file, number = self._asked.pop(future.key)
                if file.refused:  # for another of its pieces
                    continue
                if self._take(file, number, future):
                    yield file
                done += number is not None
                if self._progress is not None and number is not None:
                    rows = 0 if file.refused else file.tallies[number].rows
                    self._progress(done / count, rows)
        finally:
            self._client.cancel([future for future, _, _ in self._asked.values()])

    def _ask(
        self, file: _File, number: int | None, function: Callable[..., Any], *what: object
    ) -> None:
        future = self._client.submit(function, *what, pure=False)
        self._asked[future.key] = future, file, number
        self._coming.add(future)

    def _take(self, file: _File, number: int | None, future: Any) -> bool:
        """Take what came of a task; tell whether the file is whole or refused now."""
        try:
            answer = _answer(future)
        except InputFileError as error:
            file.refused = error.problems
            return True
        if number is None:
            for piece in file.pieces:
                piece.place.unlink()
            return True
        file.tallies[number] = answer
        if len(file.tallies) < len(file.pieces):
            return False
        if len(file.pieces) > 1:
            self._ask(file, None, join, file.pieces, file.place, self._form)
        return len(file.pieces) == 1


def _answer(future: Any) -> Any:
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except (CancelledError, KilledWorker):
        raise ClusterError(
            "workers of the cluster were lost again and again, or its scheduler was; look at their "
            "logs, they may have too little memory. Outputs that are there are whole"
        ) from None


@contextmanager
def _hidden_folder(parent: Path) -> Iterator[Path]:
    """Make a folder for one run; it goes, though workers may still be writing there.

    Those that runs of this host left there which were killed go, too.
    """
    folder = parent / f"{_HIDDEN}{uuid.uuid4().hex}.{owner()}"
    try:
        for each in parent.glob(f"{_HIDDEN}*"):
            if is_left(each.name.removeprefix(_HIDDEN).partition(".")[2]):
                shutil.rmtree(each, ignore_errors=True)
        folder.mkdir()
    except OSError as error:
        raise OutputError(f"cannot write in {parent}: {error.strerror}") from error
    try:
        yield folder
    finally:
        for _ in range(_REMOVALS):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)
