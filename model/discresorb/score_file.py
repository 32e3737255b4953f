"""One file from end to end: read, score and write, overlapping, in bounded memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from discresorb.columns import PATIENT_ID
from discresorb.frames import score_columns
from discresorb.in_order import in_order
from discresorb.inputs import Span, input_of
from discresorb.records import BATCH_BYTES
from discresorb.scoring import Scorer
from discresorb.sources import opened
from discresorb.tally import Tally
from discresorb.writing import Rendered, Writer, is_formula

__all__ = ["PROBLEM_COLUMNS", "Report", "problem_listing", "score_file"]

PROBLEM_COLUMNS = ("file", "row", PATIENT_ID.name, "problems")

# told after each batch: the share of the file that is read, if known, and rows of the batch
Report = Callable[[float | None, int], None]


@dataclass(frozen=True)
class _Done:
    rendered: Rendered
    tally: Tally
    problems: list[tuple[int, str, str]]  # row in the batch, who, words


def score_file(
    scorer: Scorer,
    source: str | Path,
    writer: Writer,
    *,
    threads: int = 1,
    batch_bytes: int = BATCH_BYTES,
    problems: IO[bytes] | None = None,
    raw_text: bool = False,
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
    problems : binary file, optional
        Gets a line of CSV for every row that could not be scored.
    raw_text : bool
        There, leave cells alone that a spreadsheet would take for formulas.
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

        def work(part: Any) -> _Done:
            rows = data.load(part)
            frame = rows.frame
            scored = score_columns(scorer, frame, rows.ragged)
            rendered = writer.render(rows, scored)
            listed = []
            if problems is not None and scored.problems:
                words = scored.words["problems"].series()
                has_id = PATIENT_ID.name in frame.columns
                for row in sorted(scored.problems):
                    who = frame[PATIENT_ID.name][row] if has_id else None
                    listed.append((row, "" if who is None else str(who), words[row]))
            return _Done(rendered, Tally.of(scored, rendered.guarded), listed)

        total, before = Tally(), 0 if span is None else span[0]

        def contents() -> Iterator[Any]:
            start = writer.begin(data.schema, data.name)
            total.guarded += start.guarded
            yield start.content
            for done in in_order(work, data.parts(), threads):
                if problems is not None:
                    first = before + total.rows
                    problems.write(problem_listing(data.name, first, done.problems, raw_text))
                total.add(done.tally, data.name, before)
                yield done.rendered.content
                if report is not None:
                    report(data.done(), done.tally.rows)

        writer.write(contents(), data.schema)
    return total


def problem_listing(
    name: str, before: int, problems: list[tuple[int, str, str]], raw_text: bool
) -> bytes:
    """Give rows with problems as lines of a CSV with `PROBLEM_COLUMNS`.

    Parameters
    ----------
    name : str
        Of the file.
    before : int
        Rows of the file before these.
    problems : list of (int, str, str)
        Row, patient and words.
    raw_text : bool
        Leave cells alone that a spreadsheet would take for formulas.
    """

    def safe(cell: str) -> str:
        return f"'{cell}" if is_formula(cell) and not raw_text else cell

    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerows(
        (safe(name), before + row + 1, safe(who), words) for row, who, words in problems
    )
    return text.getvalue().encode(errors="surrogateescape")
