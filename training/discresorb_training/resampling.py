"""Repeating something on resamples, in several processes, with the same numbers however many."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from discresorb_training.computing import client_in_use
from discresorb_training.errors import TrainingError
from discresorb_training.lost_workers import each_in_order
from discresorb_training.orphans import end_with

__all__ = ["Track", "in_parallel", "resampled", "untracked"]

# shows progress over an iterable of so many parts, and gives it on
Track = Callable[[Iterable[Any], str, int], Iterable[Any]]
Found = TypeVar("Found")


def untracked(parts: Iterable[Any], words: str, total: int) -> Iterable[Any]:
    """Show no progress."""
    return parts


def resampled(
    one: Callable[[np.random.SeedSequence], Found],
    *,
    repeats: int,
    seed: int,
    n_jobs: int,
    track: Track,
    words: str,
) -> tuple[list[Found], Counter[str]]:
    """Do something with so many seeds; give what came of it, and why nothing came of some.

    Parameters
    ----------
    one : callable
        Takes a seed, raises TrainingError where nothing comes of it.
    repeats, seed, n_jobs, track
        How often, from which seed on, in how many processes, and what shows progress.
    words : str
        What is repeated, for progress and messages.

    Raises
    ------
    TrainingError
        If something came of fewer than half.
    """
    seeds = np.random.SeedSequence(seed).spawn(repeats)
    found = list(track(in_parallel(_Excusing(one), seeds, n_jobs), words, repeats))
    good = [result for result, _ in found if result is not None]
    failures = Counter(why for result, why in found if result is None)
    if 2 * len(good) < repeats:
        raise TrainingError(
            f"only {len(good)} of {repeats} {words} give a result, so that nothing can be said of "
            "how a model does with so few patients; most often: " + failures.most_common(1)[0][0]
        )
    return good, failures


def in_parallel(one: Callable[[Any], Any], parts: Sequence[Any], n_jobs: int) -> Iterable[Any]:
    """Map over parts in order, in several processes; each computes with one thread.

    More threads of a linear algebra library could round otherwise, and numbers must not depend on
    how many processes there are. The processes are the workers of the cluster in use, if there is
    one (`computing_on`); `n_jobs` then says nothing.
    """
    client = client_in_use()
    if client is not None:
        return each_in_order(client, _alone, one, parts)
    from joblib import Parallel, delayed

    run = Parallel(n_jobs=n_jobs, return_as="generator")
    found: Iterable[Any] = run(delayed(_by_worker)(os.getpid(), one, part) for part in parts)
    return found


class _Excusing:
    """Gives (result, "") or (None, why there is none); a class, so that it can be pickled."""

    def __init__(self, one: Callable[[Any], Any]) -> None:
        self._one = one

    def __call__(self, part: Any) -> tuple[Any, str]:
        try:
            return self._one(part), ""
        except TrainingError as error:
            return None, str(error)


def _by_worker(parent: int, one: Callable[[Any], Any], part: Any) -> Any:
    end_with(parent)
    return _alone(one, part)


def _alone(one: Callable[[Any], Any], part: Any) -> Any:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return one(part)
