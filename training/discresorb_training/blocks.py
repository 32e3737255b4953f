"""Data sorted by kind of row and cut into blocks, once; refits with other weights start from here.

Blocks of about 8,000 rows stay in the processor's cache, bound the memory of what is computed from
them, and are the unit that a cluster maps over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from discresorb.distributions import Array

__all__ = ["BLOCK_ROWS", "Block", "Prepared", "prepare"]

BLOCK_ROWS = 8_000

BETWEEN, BEFORE, NEVER_SEEN, EXACT = range(4)


@dataclass(frozen=True)
class Block:
    """Rows of one kind, all with or all without delayed entry.

    Parameters
    ----------
    kind : int
        BETWEEN, BEFORE (lower is 0), NEVER_SEEN or EXACT.
    design : float array, (1 + k, n)
        A row of ones, then one row a covariate: rows lie together in memory.
    log_lower, log_upper, log_entry : float array, (n,), or None
        Those that the kind needs.
    log_measure : float array, (n,), or None
        Of EXACT rows: logarithm of 1 / time, which turns a density in log time into one in time.
    width : float array, (n,), or None
        Of BETWEEN rows: in log time, with the digits that a narrow interval has and its ends have
        not.
    start : int
        Position of the first row in the sorted order.
    """

    kind: int
    design: Array
    log_lower: Array | None
    log_upper: Array | None
    log_entry: Array | None
    log_measure: Array | None
    width: Array | None
    start: int

    @property
    def stop(self) -> int:
        """Position after the last row in the sorted order."""
        return self.start + len(self.design[0])

    def thinned(self, stride: int) -> Block:
        """Every stride-th row."""
        lower, upper, entry, measure, width = (
            None if each is None else each[::stride] for each in self._times()
        )
        design = self.design[:, ::stride]
        return Block(self.kind, design, lower, upper, entry, measure, width, 0)

    def joined(self, others: Sequence[Block], start: int) -> Block:
        """One block of this and others of its kind, from a position on."""
        blocks = (self, *others)
        lower, upper, entry, measure, width = (
            None if part[0] is None else np.concatenate(part)
            for part in zip(*(block._times() for block in blocks), strict=True)
        )
        design = np.hstack([block.design for block in blocks])
        return Block(self.kind, design, lower, upper, entry, measure, width, start)

    def _times(self) -> tuple[Array | None, ...]:
        return self.log_lower, self.log_upper, self.log_entry, self.log_measure, self.width


@dataclass(frozen=True)
class Prepared:
    """Data sorted and cut once; refits with other weights start from here.

    Parameters
    ----------
    blocks : sequence of Block
        All rows that contribute.
    order : int array
        Row of the data at each sorted position.
    cure_columns : int array
        Columns of the design that enter π.
    """

    blocks: Sequence[Block]
    order: Array
    cure_columns: Array

    def sorted_weights(self, weights: Array | None) -> Array | None:
        """Bring weights of rows into the blocks' order."""
        return None if weights is None else np.asarray(weights, dtype=float)[self.order]

    @classmethod
    def together(cls, parts: Sequence[Prepared]) -> Prepared:
        """Give several parts of the same data as one; full blocks are shared with them, not copied.

        Rests of blocks are filled up, so that few rows in many parts do not make many small blocks.
        """
        if len(parts) == 1:
            return parts[0]
        return cls._packed(
            [(block, part.order[block.start : block.stop])
             for part in parts for block in part.blocks],
            parts[0].cure_columns,
        )  # fmt: skip

    def thinned(self, stride: int) -> Prepared:
        """Every stride-th sorted row, so that each kind keeps its share."""
        return self._packed(
            [(block.thinned(stride), self.order[block.start : block.stop : stride])
             for block in self.blocks],
            self.cure_columns,
        )  # fmt: skip

    @classmethod
    def _packed(cls, pieces: Sequence[tuple[Block, Array]], cure_columns: Array) -> Prepared:
        """Join blocks of a kind that fit into one; each comes with the rows it holds."""
        kinds: dict[tuple[int, bool], list[list[tuple[Block, Array]]]] = {}
        for block, rows in pieces:
            packs = kinds.setdefault((block.kind, block.log_entry is None), [])
            if packs and sum(len(held) for _, held in packs[-1]) + len(rows) <= BLOCK_ROWS:
                packs[-1].append((block, rows))
            else:
                packs.append([(block, rows)])
        blocks: list[Block] = []
        order: list[Array] = []
        for pack in (pack for packs in kinds.values() for pack in packs):
            start = blocks[-1].stop if blocks else 0
            first, *others = (block for block, _ in pack)
            blocks.append(first.joined(others, start) if others else replace(first, start=start))
            order += [rows for _, rows in pack]
        return cls(blocks, np.concatenate(order) if order else np.empty(0, int), cure_columns)


def prepare(
    design: Array,
    lower: Array,
    upper: Array,
    entry: Array,
    *,
    time_unit: float = 1.0,
    cure_columns: Sequence[int] | None = None,
) -> Prepared:
    """Sort rows by kind, take logarithms and cut into blocks.

    Parameters
    ----------
    design : float array, (n, 1 + k)
        Leading ones, then covariates, scaled as the caller likes.
    lower, upper, entry : float array, (n,)
        As `interval_outcome` checks them.
    time_unit : float
        Times are divided by it inside; densities stay per unit of the times given.
    cure_columns : sequence of int, optional
        Columns of the design that enter π; all by default.
    """
    seen, delayed = np.isfinite(upper), entry > 0.0
    kind = np.select([~seen, upper == lower, lower == 0.0], [NEVER_SEEN, EXACT, BEFORE], BETWEEN)
    silent = ~seen & (lower == entry)  # never imaged after the index MRI
    group = np.where(silent, -1, 2 * kind + delayed).astype(np.int8)  # small integers sort fast
    by_group = np.argsort(group, kind="stable")
    order = by_group[int(silent.sum()) :]
    groups = group[order]
    lower, upper, entry = (each[order] for each in (lower, upper, entry))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_lower, log_upper, log_entry = (np.log(t / time_unit) for t in (lower, upper, entry))
        share = (upper - lower) / lower
        width = np.where(share < 1.0, np.log1p(share), log_upper - log_lower)
    design = np.ascontiguousarray(design.T[:, order])
    blocks = []
    edges = np.searchsorted(groups, np.arange(9))
    for code, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        for start in range(first, last, BLOCK_ROWS):
            part = slice(start, min(start + BLOCK_ROWS, last))
            blocks.append(
                Block(
                    kind=code // 2,
                    design=np.ascontiguousarray(design[:, part]),
                    log_lower=None if code // 2 == BEFORE else log_lower[part],
                    log_upper=log_upper[part] if code // 2 in (BETWEEN, BEFORE) else None,
                    log_entry=log_entry[part] if code % 2 else None,
                    log_measure=-np.log(lower[part]) if code // 2 == EXACT else None,
                    width=width[part] if code // 2 == BETWEEN else None,
                    start=start,
                )
            )
    columns = np.arange(len(design)) if cure_columns is None else np.array(cure_columns, int)
    return Prepared(blocks, order, columns)
