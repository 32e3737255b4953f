"""Progress on standard error, and only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["tracked"]


def tracked(parts: Iterable[Any], words: str, total: int) -> Iterable[Any]:
    """Give parts on as they come, with a bar that goes when they are done."""
    from rich.console import Console
    from rich.progress import track

    console = Console(file=sys.stderr)
    return track(
        parts,
        description=words,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
