"""What a worker of a cluster does: score a piece of a file, put pieces together.

It writes whole files or none, so that a task can be done again after its worker was lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from discresorb.beside import ProblemListing
from discresorb.errors import InputFileError
from discresorb.files import replacing
from discresorb.inputs import Span
from discresorb.jobs import Form, Job
from discresorb.score_file import score_file
from discresorb.score_files import compressing
from discresorb.scoring import Scorer
from discresorb.tally import Tally
from discresorb.writing import CsvWriter, join_parquet

__all__ = ["Piece", "join", "score_piece"]


@dataclass(frozen=True)
class Piece:
    """Rows that one worker scores.

    Parameters
    ----------
    job : Job
        The file, and the name that its output will bear.
    span : (int, int) or None
        Position of the first row and number of rows; None for all.
    place : Path
        Where the scored rows go.
    listing : Path or None
        Where rows that could not be scored are listed.
    """

    job: Job
    span: Span | None
    place: Path
    listing: Path | None


def score_piece(scorer: Scorer, piece: Piece, form: Form) -> Tally:
    """Score on a worker, into files that are whole or not there."""
    source, target = piece.job.source, piece.job.target
    if not Path(source).exists():
        raise InputFileError(
            f"a worker sees no file {source}; all machines must see the same folders"
        )
    with ExitStack() as stack:
        stream = stack.enter_context(replacing(piece.place))
        if piece.span is None:
            stream = stack.enter_context(compressing(stream, target))
        besides = []
        if piece.listing is not None:
            listing = stack.enter_context(replacing(piece.listing))
            besides = [ProblemListing(listing, form.raw_text, header=False)]
        writer = form.writer(stream, target)
        if isinstance(writer, CsvWriter) and piece.span is not None:
            writer = replace(writer, header=piece.span[0] == 0)
        return score_file(
            scorer,
            source,
            writer,
            batch_bytes=form.batch_bytes,
            besides=besides,
            span=piece.span,
        )


def join(pieces: Sequence[Piece], place: Path, form: Form) -> None:
    """Put a file's pieces together on a worker."""
    target = pieces[0].job.target
    with replacing(place) as stream, compressing(stream, target) as content:
        if form.kind(target) == "parquet":
            join_parquet([piece.place for piece in pieces], content)
            return
        for piece in pieces:
            with piece.place.open("rb") as part:
                shutil.copyfileobj(part, content)
