"""Scored files as a person reads them on a terminal: a table of rows, and a summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO

from discresorb.advice import CASE_REPORT_NOTE, reason_names, short_reasons
from discresorb.cells import show
from discresorb.columns import PATIENT_ID
from discresorb.scoring import Scored, Scorer
from discresorb.table import Rows
from discresorb.tally import Kind, Tally
from discresorb.terminal import about, notice
from discresorb.wording import VALUES_HIDDEN, percent
from discresorb.writing import Rendered

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "TableWriter",
    "flagged_words",
    "problem_words",
    "reason_shares",
    "score_summary",
    "scored_words",
]

_MOST_SHOWN: Final = 2_000
_LONGEST_EXAMPLE: Final = 160
_NARROWEST: Final = 60


class TableWriter:
    """Writes scored rows as a table for a person; of many only the first.

    Parameters
    ----------
    stream : text file
        The terminal.
    scorer : Scorer
        The model and the threshold.
    strict : bool
        Print nothing if a row could not be scored.
    """

    def __init__(self, stream: TextIO, scorer: Scorer, *, strict: bool = False) -> None:
        self._stream, self._predictor, self._strict = stream, scorer.predictor, strict
        self._reasons = ["; ".join(each) for each in short_reasons(scorer.threshold)]
        self._has_id = False

    def begin(self, schema: pl.Schema, name: str) -> Rendered:
        """See which columns there are."""
        self._has_id = PATIENT_ID.name in schema
        return Rendered(([], 0, 0))

    def render(self, rows: Rows, scored: Scored) -> Rendered:
        """Give the first rows as cells, and how many there are, and how many are not scored."""
        outputs = scored.frame().head(_MOST_SHOWN).to_dicts()
        ids = rows.frame[PATIENT_ID.name].to_list() if self._has_id else [None] * len(scored)
        shown = [
            [*([show("" if who is None else who)] if self._has_id else []), *self._cells(row, bits)]
            for who, row, bits in zip(ids, outputs, scored.bits.tolist(), strict=False)
        ]
        return Rendered((shown, len(scored), len(scored.problems)))

    def write(self, contents: Iterable[tuple[list[list[str]], int, int]], schema: Any) -> None:
        """Print the table once all rows are there."""
        shown: list[list[str]] = []
        count = unscored = 0
        for rows, more, bad in contents:
            shown += rows[: _MOST_SHOWN - len(shown)]
            count, unscored = count + more, unscored + bad
        if not (self._strict and unscored):
            self._print(shown, count)

    def _print(self, shown: list[list[str]], count: int) -> None:
        from rich.console import Console
        from rich.table import Table as Grid
        from rich.text import Text

        console = Console(file=self._stream, highlight=False, soft_wrap=False)
        console.width = max(console.width, _NARROWEST)
        for line in notice(self._predictor):
            console.print(Text(line))
        grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        grid.add_column("row", justify="right")
        if self._has_id:
            grid.add_column("patient")
        grid.add_column("resorbed\nof 100", justify="right")
        grid.add_column("95 %\ninterval", no_wrap=True)
        grid.add_column("image\nagain?", no_wrap=True)
        grid.add_column("reasons, warnings, problems", ratio=1)
        for number, cells in enumerate(shown, start=1):
            grid.add_row(*(Text(cell) for cell in (str(number), *cells)))
        console.print(grid)
        if count > len(shown):
            console.print(Text(f"… and {count - len(shown)} more rows; -o FILE writes them all."))
        console.print()
        for line in (CASE_REPORT_NOTE, *about(self._predictor)):
            console.print(Text(line))

    def _cells(self, row: Mapping[str, Any], bits: int) -> list[str]:
        if row["problems"]:
            return ["", "", "", f"not scored: {row['problems']}"]
        warnings = (row["warnings"] or "").split("; ")
        own = [w for w in warnings if w and w not in self._predictor.notices]
        return [
            f"{100 * row['p_resorbed']:.1f}",
            f"{percent(row['p_low'])} to {percent(row['p_high'])}",
            "consider" if row["reimage"] else "no reason",
            "; ".join(filter(None, [self._reasons[bits], *(f"warning: {w}" for w in own)])),
        ]


def score_summary(
    tally: Tally,
    threshold: float,
    upper_bound_note: str = "",
    *,
    files: int = 1,
    show_values: bool = False,
) -> list[str]:
    """Count what was scored, what was not and why, and the share that each reason flags.

    Parameters
    ----------
    tally : Tally
        Counts of the rows.
    threshold : float
        Probability from which on imaging again was advised.
    upper_bound_note : str, default none
        Said of a threshold that came from costs.
    files : int, default 1
        How many were scored.
    show_values : bool, default False
        Whether problems say what was entered.

    Returns
    -------
    list of str
        Lines for a terminal.
    """
    problems = problem_words(tally, files, show_values=show_values)
    lines = [scored_words(tally, files), *(f"  {each}" for each in problems)]
    if tally.hides_values and not show_values:
        lines.append(VALUES_HIDDEN)
    if tally.scored:
        lines.append(flagged_words(tally))
        reasons = zip(reason_names(threshold), reason_shares(tally), strict=True)
        lines.append("By reason: " + ", ".join(f"{name} {share}" for name, share in reasons) + ".")
    if upper_bound_note:
        lines.append(upper_bound_note)
    return lines


def scored_words(tally: Tally, files: int = 1) -> str:
    """Say how many rows were scored."""
    of_files = f" of {files} files" if files > 1 else ""
    rows = _count(tally.scored, "row")
    return f"{rows}{of_files} scored, {tally.unscored} could not be scored."


def problem_words(tally: Tally, files: int = 1, *, show_values: bool) -> list[str]:
    """Say why rows could not be scored, the most frequent kind first.

    Parameters
    ----------
    tally : Tally
        The counts.
    files : int
        Of how many files.
    show_values : bool
        Whether the first of each kind is told with what was entered.
    """
    by_count = sorted(tally.kinds.items(), key=lambda each: -each[1].count)
    return [_kind(name, kind, files, show_values=show_values) for name, kind in by_count]


def flagged_words(tally: Tally) -> str:
    """Compare imaging those again who have a reason with imaging everyone."""
    done = tally.scored
    return (
        f"Imaging again is advised for {_share(tally.flagged, done)}, against {done} of {done} "
        "if everyone were imaged."
    )


def reason_shares(tally: Tally) -> list[str]:
    """Say for how many each reason applies."""
    return [_share(count, tally.scored) for count in tally.reasons]


def _kind(name: str, kind: Kind, files: int, *, show_values: bool) -> str:
    """Say how often a kind of problem occurs, where first, and what it looks like."""
    first = [f"{file} row {row}" if files > 1 else f"{row}" for file, row in kind.first]
    rest = ", …" if kind.count > len(first) else ""
    where = ", ".join(first) + rest
    where = where if files > 1 else f"row{'' if kind.count == 1 else 's'} {where}"
    example = show(kind.example.said(show_values=show_values), _LONGEST_EXAMPLE)
    return f"{name}: {_count(kind.count, 'row')} ({where}); {example}"


def _share(n: int, of: int) -> str:
    return f"{n} of {of} ({100 * n / of:.0f} %)"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
