"""Timing two things in turn, A B A B …, and the median ratio: machines are shared and noisy."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def side_by_side(
    a: Callable[[], object], b: Callable[[], object], repeats: int
) -> tuple[float, float, float]:
    """Give the median seconds of a, of b, and the median of b / a over pairs."""
    pairs = [(seconds(a), seconds(b)) for _ in range(repeats)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(b / a for a, b in pairs),
    )


def heading(what: str, *more: str) -> None:
    """Print what is measured, and with which versions; more packages may be named."""
    names = ("discresorb", "numpy", "scipy", "lifelines", "pandas", *more)
    print(f"{what}\nPython {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in names), "\n")
