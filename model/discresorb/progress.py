"""How far scoring has come, on standard error and only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Progress", "shown"]


class Progress(Protocol):
    """Told how far things have come."""

    def __call__(self, done: float | None, rows: int) -> None:
        """Show the share done, from 0 to 1 if it is known, and so many rows more."""


@contextmanager
def shown(words: str, *, wanted: bool = True) -> Iterator[Progress]:
    """Show rows, rate and time left; the line goes when it is over.

    Parameters
    ----------
    words : str
        What is going on.
    wanted : bool
        Nothing is shown if not.
    """
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} a second"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    console = Console(file=sys.stderr)
    with Bar(*columns, console=console, transient=True, refresh_per_second=5) as bar:
        task = bar.add_task(words, total=None, rows=0, rate=0.0)
        counted = 0

        def show(done: float | None, rows: int) -> None:
            nonlocal counted
            counted += rows
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = counted / elapsed if elapsed else 0.0
            total = None if done is None else 1.0
            bar.update(task, total=total, completed=done or 0.0, rows=counted, rate=rate)

        yield show
