"""One file from end to end: read, score and write, overlapping, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discresorb.beside import Beside
from discresorb.frames import score_columns
from discresorb.in_order import in_order
from discresorb.inputs import Span, input_of
from discresorb.records import BATCH_BYTES
from discresorb.scoring import Scorer
from discresorb.sources import opened
from discresorb.tally import Tally
from discresorb.writing import Rendered, Writer

__all__ = ["Report", "score_file"]

# told after each batch: the share of the file that is read, if known, and rows of the batch
Report = Callable[[float | None, int], None]


@dataclass(frozen=True)
class _Done:
    rendered: Rendered
    tally: Tally
    beside: list[Any]


def score_file(
    scorer: Scorer,
    source: str | Path,
    writer: Writer,
    *,
    threads: int = 1,
    batch_bytes: int = BATCH_BYTES,
    besides: Sequence[Beside] = (),
    report: Report | None = None,
    span: Span | None = None,
) -> Tally:
    """Score a CSV or Parquet file.

    What is written is the same whatever the number of threads and the size of batches.

    Parameters
    ----------
    scorer : Scorer
        The model and the threshold.
    source : str or Path
        File, or ``-`` for standard input.
    writer : Writer
        Where rows go.
    threads : int
        In which batches are scored.
    batch_bytes : int
        About how much is read at a time.
    besides : sequence of Beside
        What is written beside them.
    report : callable, optional
        Told of progress.
    span : (int, int), optional
        Position of the first row and number of rows of Parquet, if only those are to be scored.

    Returns
    -------
    Tally

    Raises
    ------
    InputFileError
        If the file does not fit; what was written before is not whole then.
    """
    with opened(source) as file:
        data = input_of(file, batch_bytes, span)
        scorer.check_header(data.names, data.name)
        for each in besides:
            each.begin(data.name)

        def work(part: Any) -> _Done:
            rows = data.load(part)
            scored = score_columns(scorer, rows.frame, rows.ragged)
            rendered = writer.render(rows, scored)
            further = [each.render(rows, scored) for each in besides]
            return _Done(rendered, Tally.of(scored, rendered.guarded), further)

        total, before = Tally(), 0 if span is None else span[0]

        def contents() -> Iterator[Any]:
            start = writer.begin(data.schema, data.name)
            total.guarded += start.guarded
            yield start.content
            for done in in_order(work, data.parts(), threads):
                for each, content in zip(besides, done.beside, strict=True):
                    each.take(content, data.name, before + total.rows)
                total.add(done.tally, data.name, before)
                yield done.rendered.content
                if report is not None:
                    report(data.done(), done.tally.rows)

        writer.write(contents(), data.schema)
    return total
