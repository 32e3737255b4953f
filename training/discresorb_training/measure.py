"""Everything that is read off one evaluation, as one flat mapping that a bootstrap can repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb_training.metrics import calibration_curve, net_benefit
from discresorb_training.performance import Evaluation, Key, inside_0_and_1, metrics_at

__all__ = ["SUBGROUP_METRICS", "THRESHOLDS", "Measure", "percentiles"]

THRESHOLDS = tuple(round(0.05 + 0.01 * k, 2) for k in range(56))  # of the decision curve
_GRID = 25
_GROUPS = 10
_INNER = (0.01, 0.99)  # of patients, between which the smooth curve is drawn
SUBGROUP_METRICS = ("auc", "observed_expected", "brier")


@dataclass(frozen=True)
class Measure:
    """What is measured, with everything fixed that must be the same in every resample.

    Parameters
    ----------
    months : tuple of float
        Horizons of the metrics.
    reference : float
        Horizon of curves, groups and subgroups.
    grid : float array
        Predicted probabilities at which the smooth calibration curve is read.
    edges : float array
        Between groups of rising predicted probability.
    """

    months: tuple[float, ...]
    reference: float
    grid: Array
    edges: Array

    @classmethod
    def of(cls, evaluation: Evaluation, months: tuple[float, ...], reference: float) -> Measure:
        """Take grid and groups from the predictions for all patients."""
        p = evaluation.probability(reference)
        ends = np.quantile(p, _INNER)
        edges = np.unique(np.quantile(p, np.arange(1, _GROUPS) / _GROUPS))
        return cls(months, reference, np.linspace(ends[0], ends[1], _GRID), edges)

    def __call__(
        self, evaluation: Evaluation, subgroups: Mapping[str, Array] | None = None
    ) -> dict[Key, float]:
        """Give every value; nan where these patients do not determine it.

        Parameters
        ----------
        evaluation : Evaluation
            Of a model on patients.
        subgroups : mapping
            Name → which of the patients belong to it, (n,).
        """
        p, w = evaluation.probability(self.reference), evaluation.weights(self.reference)
        found: dict[Key, float] = dict(evaluation.values(self.months))
        found |= _numbered("smooth", self._smooth(p, w))
        group = np.searchsorted(self.edges, p, side="left")
        inside = [group == k for k in range(len(self.edges) + 1)]
        found |= _numbered("group p", [_mean(p[each]) for each in inside])
        found |= _numbered("group w", [_mean(w[each]) for each in inside])
        benefit = net_benefit(p, w, THRESHOLDS)
        found |= _numbered("net benefit", benefit[:, 0])
        found |= _numbered("net benefit of all", benefit[:, 1])
        for name, members in (subgroups or {}).items():
            found |= _of_subgroup(name, p[members], w[members])
        return found

    def _smooth(self, p: Array, w: Array) -> Array:
        try:
            return calibration_curve(inside_0_and_1(p), w, inside_0_and_1(self.grid)).observed
        except InputError:  # separated
            return np.full(len(self.grid), np.nan)

    def sizes(self, evaluation: Evaluation) -> list[int]:
        """Patients in each group of rising predicted probability."""
        group = np.searchsorted(self.edges, evaluation.probability(self.reference), side="left")
        return [int((group == k).sum()) for k in range(len(self.edges) + 1)]


def percentiles(values: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Lower and upper end of what holds the central share of resamples.

    Those that gave none are left out; nan where they are half or more.
    """
    tail = (1.0 - level) / 2.0
    known = np.isnan(values).mean(axis=0) < 0.5
    low, high = np.full((2, values.shape[1]), np.nan)
    low[known], high[known] = np.nanquantile(values[:, known], [tail, 1.0 - tail], axis=0)
    return low, high


def _of_subgroup(name: str, p: Array, w: Array) -> dict[Key, float]:
    """Give metrics of one subgroup; a resample may hold none of it."""
    values = metrics_at(p, w) if len(p) else {}
    return {(f"{key} | {name}", None): values.get(key, float("nan")) for key in SUBGROUP_METRICS}


def _numbered(name: str, values: Sequence[float] | Array) -> dict[Key, float]:
    return {(name, float(k)): float(each) for k, each in enumerate(values)}


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")
