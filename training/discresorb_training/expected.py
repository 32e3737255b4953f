"""The proportion that each study is expected to find, by quadrature over its patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri, roots_genlaguerre, roots_legendre

from discresorb.distributions import Array
from discresorb_training.case_mix import (
    ENTRY_SHAPE,
    SEQUESTRATION,
    SIZE_MEAN,
    SIZE_SD,
    SMALLEST_SIZE,
)
from discresorb_training.evidence import Target
from discresorb_training.process import Process

__all__ = ["EFFECT_WEIGHTS", "STANDARD_EFFECTS", "StudyPatients"]

STANDARD_EFFECTS = np.linspace(-5.0, 5.0, 61)  # of a centre, in SDs between centres
EFFECT_WEIGHTS = np.exp(-0.5 * STANDARD_EFFECTS**2)
EFFECT_WEIGHTS /= EFFECT_WEIGHTS.sum()
_SIZES, _ENTRIES = 16, 16  # nodes; doubling them moves no proportion by 5e-4, which a test checks


class StudyPatients:
    """Patients of every target as weighted nodes: size by type, months from onset to the MRI.

    Parameters
    ----------
    targets : sequence of Target
        Published proportions with their assumptions.
    sizes, entries : int
        Nodes a herniation type, and of the entry distribution.
    """

    def __init__(
        self, targets: Sequence[Target], sizes: int = _SIZES, entries: int = _ENTRIES
    ) -> None:
        parts = [_nodes(target, sizes, entries) for target in targets]
        self._starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
        nodes = np.concatenate(parts)
        self._size, self._sequestrated, self._entry, self._horizon, self._weight = nodes.T

    def proportions(self, process: Process, effects: Array) -> Array:
        """Give the expected proportion of each target at each centre effect, (targets, effects)."""
        span = process.span(self._size, self._sequestrated, self._entry, self._horizon)
        p = span.across_centres().probability(effects)
        means: Array = np.add.reduceat(self._weight[:, None] * p, self._starts, axis=0)
        return means


def _nodes(target: Target, sizes: int, entries: int) -> Array:
    share, share_weight = roots_legendre(sizes)
    share, share_weight = (share + 1.0) / 2.0, share_weight / 2.0
    months, months_weight = roots_genlaguerre(entries, ENTRY_SHAPE - 1.0)
    months = months * target.assumed.mean_entry_months / ENTRY_SHAPE
    months_weight = months_weight / months_weight.sum()
    parts = []
    for kind, of_type in enumerate(target.assumed.type_shares):
        if of_type == 0.0:
            continue
        size = _quantiles(share, SIZE_MEAN[kind], SIZE_SD[kind], target.assumed.min_size_mm)
        grid = np.meshgrid(size, months, indexing="ij")
        weight = of_type * np.outer(share_weight, months_weight)
        sequestrated = np.full(weight.size, float(kind == SEQUESTRATION))
        entry = grid[1].ravel()
        parts.append(
            np.column_stack(
                [grid[0].ravel(), sequestrated, entry, entry + target.months, weight.ravel()]
            )
        )
    return np.concatenate(parts)


def _quantiles(share: Array, mean: float, sd: float, smallest: float | None) -> Array:
    """Give quantiles of a normal size, of those above the smallest if there is one."""
    below = 0.0 if smallest is None else ndtr((smallest - mean) / sd)
    sizes: Array = np.maximum(mean + sd * ndtri(below + share * (1.0 - below)), SMALLEST_SIZE)
    return sizes
