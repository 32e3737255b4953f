"""A scored waiting list as one page to sort, filter and print.

All rows are embedded once, column by column; texts that repeat stand in a table and are named by
their positions. The words on the page are Python's own, so that they agree with every other output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from discresorb.advice import CASE_REPORT_NOTE, reason_names, reason_sentences
from discresorb.cells import is_empty
from discresorb.clock import day_name
from discresorb.columns import PATIENT_ID
from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb.pages.page import html_page
from discresorb.screen import flagged_words, problem_words, reason_shares, scored_words
from discresorb.wording import percent

if TYPE_CHECKING:
    from discresorb.scoring import Given, Scored, Scorer
    from discresorb.table import Rows
    from discresorb.tally import Tally

__all__ = ["CURVE_MONTHS", "MOST_ROWS", "ListedRows", "PageWriter", "waiting_list_page"]

# more than that is no surgeon's list, and Chromium fails to print half as many again
MOST_ROWS: Final = 10_000
# after the index MRI, closer where curves bend
CURVE_MONTHS: Final = (0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24)
# a small curve is drawn finer than that by no screen; what is said of it is not read off it
_CURVE_STEPS: Final = 1000
_TOLD_MONTHS: Final = (6, 12, 24)
_CURVE_TOLD: Final = "of 100 within 6, 12 and 24 months of the index MRI"
_TITLE: Final = "Waiting list: resorption of lumbar disc herniations by the surgery date"


@dataclass
class ListedRows:
    """Scored rows as the page needs them, column by column.

    Parameters
    ----------
    files : list of (str, int)
        Names, and how many rows each has.
    ids : list of str, optional
        Patients' ids, empty where there is none.
    p, low, high : list of float
        The probability and its interval, None where a row could not be scored.
    entry, wait : list of float
        Months since onset at the index MRI; months from there to surgery.
    surgery_day : list of int
        None where it is not known.
    bits : list of int
        Reasons to image again.
    warnings, problems : list of str
        In words; the notices that every row bears are left out.
    curve : list
        Of each row steps of the curve, None where there is none.
    curve_words : list of str
        The same at a few months, in words.
    """

    files: list[tuple[str, int]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    p: list[float | None] = field(default_factory=list)
    low: list[float | None] = field(default_factory=list)
    high: list[float | None] = field(default_factory=list)
    entry: list[float | None] = field(default_factory=list)
    wait: list[float | None] = field(default_factory=list)
    surgery_day: list[int | None] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    curve: list[list[int] | None] = field(default_factory=list)
    curve_words: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.p)

    @classmethod
    def of(cls, scorer: Scorer, rows: Rows, scored: Scored) -> ListedRows:
        """Give one batch; its file has no name yet."""
        numbers, usable, given = scored.numbers, scored.usable, scored.given
        frame = rows.frame
        ids = frame[PATIENT_ID.name].to_list() if PATIENT_ID.name in frame.columns else None
        notices = "; ".join(scorer.predictor.notices)
        warnings = (each or "" for each in scored.words["warnings"].series())
        return cls(
            [],
            [""] * len(scored) if ids is None else [_id(each) for each in ids],
            numbers["p_resorbed"].to_list(),
            numbers["p_low"].to_list(),
            numbers["p_high"].to_list(),
            numbers["months_at_imaging"].to_list(),
            _where(usable, given.wait.tolist()),
            [
                None if day is None or math.isnan(day) else int(day)
                for day in _where(usable, given.surgery_day.tolist())
            ],
            scored.bits.tolist(),
            [each.removeprefix(notices).removeprefix("; ") for each in warnings],
            [each or "" for each in scored.words["problems"].series()],
            *_curves(scorer, given, usable),
        )

    def begin(self, name: str) -> None:
        """Begin a file."""
        self.files.append((name, 0))

    def add(self, other: ListedRows) -> None:
        """Add what comes next of the last file."""
        name, count = self.files[-1]
        self.files[-1] = name, count + len(other)
        for column in _COLUMNS:
            getattr(self, column).extend(getattr(other, column))

    def keep(self, files: int) -> None:
        """Keep the rows of the first so many files."""
        del self.files[files:]
        count = sum(rows for _, rows in self.files)
        for column in _COLUMNS:
            del getattr(self, column)[count:]

    def to_data(self) -> dict[str, Any]:
        """Give plain data for the page, with the words that it shows."""
        return {
            "files": [list(each) for each in self.files],
            "ids": self.ids if any(self.ids) else None,
            "p": self.p,
            "low": self.low,
            "high": self.high,
            "share": _coded([_shown(p, percent) for p in self.p]),
            "interval": _coded(
                [
                    "" if low is None or high is None else f"{percent(low)} to {percent(high)}"
                    for low, high in zip(self.low, self.high, strict=True)
                ]
            ),
            "entry": self.entry,
            "entry_words": _coded([_shown(each, _months) for each in self.entry]),
            "wait": self.wait,
            "wait_words": _coded([_shown(each, _months) for each in self.wait]),
            "surgery_day": self.surgery_day,
            "surgery_words": _coded([_shown(each, day_name) for each in self.surgery_day]),
            "bits": self.bits,
            "warnings": _coded(self.warnings),
            "problems": _coded(self.problems),
            "curve": self.curve,
            "curve_words": _coded(self.curve_words),
        }


_COLUMNS: Final = (
    "ids", "p", "low", "high", "entry", "wait", "surgery_day", "bits", "warnings", "problems",
    "curve", "curve_words",
)  # fmt: skip


class PageWriter:
    """Gathers scored rows, and writes them as a page once all are there.

    Parameters
    ----------
    stream : binary file
        Where to.
    scorer : Scorer
        The model and the threshold.
    threshold_note : str
        What must be said of the threshold.
    sha256 : str
        Of the model file.
    """

    def __init__(
        self, stream: IO[bytes], scorer: Scorer, threshold_note: str = "", sha256: str = ""
    ) -> None:
        self._stream, self._scorer, self._rows = stream, scorer, ListedRows()
        self._note, self._sha256 = threshold_note, sha256

    def begin(self, name: str) -> None:
        """Name a file, also if it has no rows."""
        self._rows.begin(name)

    def render(self, rows: Rows, scored: Scored) -> ListedRows:
        """Give a batch's rows; of many more than a page holds only so many."""
        if len(scored) > MOST_ROWS:
            raise _too_many()
        return ListedRows.of(self._scorer, rows, scored)

    def take(self, content: ListedRows, name: str, before: int) -> None:
        """Add a batch's rows, or raise InputError if they are too many."""
        self._rows.add(content)
        if len(self._rows) > MOST_ROWS:
            raise _too_many()

    def mark(self) -> int:
        """Say how many files there are."""
        return len(self._rows.files)

    def back_to(self, mark: int) -> None:
        """Take back the files after a mark."""
        self._rows.keep(mark)

    def finish(self, tally: Tally, refused: Sequence[str]) -> None:
        """Write the page."""
        page = waiting_list_page(
            self._scorer, self._rows, tally, refused, note=self._note, sha256=self._sha256
        )
        self._stream.write(page.encode("utf-8", "replace"))


def waiting_list_page(
    scorer: Scorer,
    rows: ListedRows,
    tally: Tally,
    refused: Sequence[str] = (),
    *,
    note: str = "",
    sha256: str = "",
) -> str:
    """Write scored rows as one HTML file that needs nothing else.

    The probability is that of resorption on MRI by each row's surgery date, given that the
    herniation was still there at the index MRI, if surgery does not happen before that date. The
    same rows and model give the same bytes.

    Parameters
    ----------
    scorer : Scorer
        The model and the threshold.
    rows : ListedRows
        In their order; those with problems keep their places.
    tally : Tally
        Counts over them.
    refused : sequence of str
        Why files could not be read.
    note : str
        What must be said of the threshold; a sentence.
    sha256 : str
        Of the model file, to be named on the page.
    """
    predictor, threshold = scorer.predictor, scorer.threshold
    sentences = reason_sentences(threshold)[-1]
    several = len(rows.files) > 1
    data = {
        **rows.to_data(),
        "reasons": list(reason_names(threshold)),
        "months": CURVE_MONTHS,
        "steps": _CURVE_STEPS,
        "curve_told": _CURVE_TOLD,
    }
    return html_page(
        "waiting_list.html",
        title=_TITLE,
        styles=("waiting_list.css",),
        scripts=("list_rows.js", "list_cells.js", "waiting_list.js"),
        data=data,
        notices=predictor.notices,
        files=rows.files,
        several=several,
        has_ids=any(rows.ids),
        count=len(rows),
        scored=scored_words(tally, len(rows.files)),
        unscored=tally.unscored,
        kinds=problem_words(tally, len(rows.files), show_values=True),
        flagged=flagged_words(tally) if tally.scored else "",
        reasons=list(zip(sentences, reason_names(threshold), reason_shares(tally), strict=True))
        if tally.scored
        else [],
        refused=refused,
        case_report=CASE_REPORT_NOTE,
        endpoint=predictor.endpoint,
        estimand=predictor.estimand,
        interval_label=predictor.interval_label,
        model_id=predictor.model_id,
        sha256=sha256,
        threshold=f"{threshold:g}",
        note=note,
        last_month=CURVE_MONTHS[-1],
    )


def _too_many() -> InputError:
    return InputError(
        f"--html: there are more than {MOST_ROWS:,} rows, which is as many as a page holds; leave "
        "--html out, or score one part of the list at a time, such as one surgeon's"
    )


def _where(usable: Array, values: list[float]) -> list[float | None]:
    return [value if fine else None for fine, value in zip(usable.tolist(), values, strict=True)]


def _id(value: object) -> str:
    """Give an id as text; nan, which stands for a gap among numbers, is none."""
    return str(value) if isinstance(value, str) or not is_empty(value) else ""


def _curves(
    scorer: Scorer, given: Given, usable: Array
) -> tuple[list[list[int] | None], list[str]]:
    """Give each row's curve in steps, and in words; none where it could not be computed."""
    predictor = scorer.predictor
    covariates, entry = given.covariates[usable], given.entry[usable]
    design = predictor.design.matrix(covariates, entry)
    columns = [predictor._curve.probability(design, entry, entry + month) for month in CURVE_MONTHS]
    curves: list[list[int] | None] = [None] * len(usable)
    words = [""] * len(usable)
    points = np.column_stack(columns) if len(entry) else np.empty((0, len(CURVE_MONTHS)))
    whole: Array = ~np.isnan(points.sum(axis=1))
    steps = np.round(_CURVE_STEPS * np.where(whole[:, None], points, 0.0)).astype(int).tolist()
    told = points[:, [CURVE_MONTHS.index(month) for month in _TOLD_MONTHS]].tolist()
    rows = np.flatnonzero(usable).tolist()
    for row, fine, curve, (first, second, last) in zip(rows, whole, steps, told, strict=True):
        if fine:
            curves[row] = curve
            words[row] = f"{percent(first)}, {percent(second)} and {percent(last)}"
    return curves, words


def _coded(texts: Sequence[str]) -> dict[str, Any]:
    """Give texts that repeat as a table, and each one's position in it."""
    table: dict[str, int] = {}
    code = [table.setdefault(text, len(table)) for text in texts]
    return {"table": list(table), "code": code}


def _shown(value: Any, words: Any) -> str:
    return "" if value is None else str(words(value))


def _months(value: float) -> str:
    return f"{value:.1f}"
