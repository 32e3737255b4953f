"""A cohort's blocks on the workers of a cluster, and sums over them.

Every thread of a worker has one partition of many blocks of 8,000 rows; a step of the optimiser
sends θ, and (log-likelihood, gradient, Hessian) come back. Blocks are summed in runs, and the runs
added up in their own order, so that numbers depend neither on which worker answers first nor on how
many workers there are. What a lost worker held is sent again from this process's copy, and only
what has not been answered is asked again: a run is in the sum once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from discresorb.cluster import threads_of
from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.blocks import Block, Prepared
from discresorb_training.computing import client_in_use
from discresorb_training.likelihood import Evaluation, added, evaluate_blocks
from discresorb_training.lost_workers import Held, each_once

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["LEAST_ROWS", "RowsOnCluster", "rows_on_cluster"]

LEAST_ROWS = 500_000  # fewer are summed here about as fast as two workers are asked
_RUN = 4  # blocks


def rows_on_cluster(parts: Mapping[int, Prepared]) -> RowsOnCluster | None:
    """Send folds of data to the workers in use, if there are any and it pays."""
    client = client_in_use()
    if client is None or sum(len(part.order) for part in parts.values()) < LEAST_ROWS:
        return None
    return RowsOnCluster(client, parts)


@dataclass(frozen=True)
class _Run:
    """Blocks of one fold that are summed one after the other; their positions start at 0."""

    number: int
    fold: int
    blocks: Sequence[Block]


class RowsOnCluster:
    """Data that the workers hold for as long as this object lives.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    parts : mapping of Prepared
        Number of a fold → its blocks.
    """

    def __init__(self, client: Client, parts: Mapping[int, Prepared]) -> None:
        runs: list[_Run] = []
        rows: list[Array] = []
        for fold, part in parts.items():
            for first in range(0, len(part.blocks), _RUN):
                blocks = part.blocks[first : first + _RUN]
                start = blocks[0].start
                moved = [replace(block, start=block.start - start) for block in blocks]
                runs.append(_Run(len(runs), fold, moved))
                rows.append(part.order[start : blocks[-1].stop])
        # runs of a kind stand together and take alike long, so they are dealt out
        count = min(len(runs), sum(threads_of(client).values()))
        self._rows = [rows[first::count] for first in range(count)]
        self._runs = Held(client, [runs[first::count] for first in range(count)])
        self._weights: tuple[Array, Held] | None = None
        self._client = client
        self._columns = next(iter(parts.values())).cure_columns

    def log_likelihood(
        self,
        folds: Sequence[int],
        distribution: str,
        *,
        cure: bool,
        weights: Array | None = None,
    ) -> Callable[[Array], Evaluation]:
        """Give the log-likelihood of some folds as a function of θ.

        Parameters
        ----------
        folds : sequence of int
            Their numbers.
        distribution : str
            One of `DISTRIBUTIONS`.
        cure : bool
            Whether there is a cure fraction.
        weights : float array, (n,), optional
            Of the rows of the data; the same array is sent to the workers once.
        """
        held = [self._runs] if weights is None else [self._runs, self._sent(weights)]
        return partial(self._sum, held, frozenset(folds), distribution, cure)

    def _sent(self, weights: Array) -> Held:
        """Send weights, unless they are the last that were sent."""
        if self._weights is None or self._weights[0] is not weights:
            own = [[weights[rows] for rows in partition] for partition in self._rows]
            self._weights = weights, Held(self._client, own)
        return self._weights[1]

    def _sum(
        self,
        held: Sequence[Held],
        folds: frozenset[int],
        distribution: str,
        cure: bool,
        theta: Array,
    ) -> Evaluation:
        rest = (folds, distribution, theta, self._columns, cure)
        sums: dict[int, Evaluation] = {}
        for answer in each_once(self._client, held, _sum_runs, rest):
            sums |= answer
        return added((sums[number] for number in sorted(sums)), len(theta))


def _sum_runs(runs: Sequence[_Run], *rest: Any) -> dict[int, Evaluation]:
    """Sum over the runs of a partition that are of these folds; on a worker.

    `rest` is (weights of each run,) where there are any, then folds, distribution, θ, columns of π
    and whether there is a cure fraction.
    """
    from threadpoolctl import threadpool_limits

    *weights, folds, distribution, theta, columns, cure = rest
    own = weights[0] if weights else [None] * len(runs)
    with threadpool_limits(1):
        return {
            run.number: evaluate_blocks(
                run.blocks, DISTRIBUTIONS[distribution], theta, columns, cure, of_run
            )
            for run, of_run in zip(runs, own, strict=True)
            if run.fold in folds
        }
