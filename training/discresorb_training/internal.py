r"""Internal validation: Harrell's optimism bootstrap over the whole procedure, and by centre.

**Estimand**: how a model made by this procedure from this many patients does on new patients of the
same population. With :math:`M_b` the model that the procedure, selection included, makes of
bootstrap sample b,

.. math:: \text{corrected} = \text{apparent} - \frac{1}{B} \sum_b
          [\text{metric}(M_b, \text{sample } b) - \text{metric}(M_b, \text{all patients})].

Source: Harrell, Lee and Mark, Stat Med 1996;15:361. The interval is the spread of the metric of the
*final* model over the samples, placed around the corrected value: it says what patients of this
number leave open, not what another choice of model would. Instability is the spread of each
patient's probability over the models :math:`M_b` (Riley and Collins, Biom J 2023;65:2200302).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb_training.measure import Measure, percentiles
from discresorb_training.performance import Evaluation, Key
from discresorb_training.procedure import Procedure
from discresorb_training.resampling import Track, resampled, untracked

__all__ = ["Internal", "bootstrap", "known_mean"]


@dataclass(frozen=True)
class Internal:
    """What the bootstrap found.

    Parameters
    ----------
    keys : sequence of Key
        Order of the arrays below.
    apparent, optimism, low, high : float array, (keys,)
        Values of the final model on its own patients, mean optimism, and the interval's ends around
        ``apparent - optimism``.
    p : float array, (n,)
        The final model's probabilities at the reference horizon.
    p_low, p_high : float array, (n,)
        Each patient's 2.5th and 97.5th percentile over the refitted models.
    p_error : float
        Mean over patients and refits of the absolute difference to p.
    chosen : Counter
        How often each candidate was chosen.
    failures : Counter
        Why no model came of some samples.
    """

    keys: Sequence[Key]
    apparent: Array
    optimism: Array
    low: Array
    high: Array
    p: Array
    p_low: Array
    p_high: Array
    p_error: float
    chosen: Counter[str]
    failures: Counter[str]


@dataclass(frozen=True)
class _Sample:
    name: str
    in_sample: Mapping[Key, float]
    in_all: Mapping[Key, float]
    final_in_sample: Mapping[Key, float]
    p: Array


@dataclass(frozen=True)
class _Study:
    """What every bootstrap sample needs."""

    procedure: Procedure
    X: Array
    y: Array
    measure: Measure
    final: Evaluation
    subgroups: Mapping[str, Array]

    def sample(self, seed: np.random.SeedSequence) -> _Sample:
        """Repeat everything on one bootstrap sample."""
        rows = np.random.default_rng(seed).integers(len(self.y), size=len(self.y))
        times = np.bincount(rows, minlength=len(self.y))
        drawn = times > 0
        chosen = self.procedure.run(self.X[drawn], self.y[drawn], times[drawn].astype(float))
        curve = chosen.model.curve()
        columns = chosen.design.matrix(self.X, self.y["entry"])[:, 1:]
        in_sample = Evaluation(curve, columns[rows], self.y[rows], self.final)
        in_all = Evaluation(curve, columns, self.y, self.final)
        final = self.final.resampled(rows)
        members = {name: each[rows] for name, each in self.subgroups.items()}
        return _Sample(
            chosen.best.name,
            self.measure(in_sample, members),
            self.measure(in_all, self.subgroups),
            self.measure(final, members),
            in_all.probability(self.measure.reference),
        )


def bootstrap(
    procedure: Procedure,
    X: Array,
    y: Array,
    measure: Measure,
    final: Evaluation,
    *,
    subgroups: Mapping[str, Array] | None = None,
    repeats: int = 200,
    seed: int = 0,
    n_jobs: int = 1,
    track: Track = untracked,
) -> Internal:
    """Estimate optimism and instability.

    Parameters
    ----------
    procedure : Procedure
        Everything that made the model.
    X, y : arrays
        The patients that it was made from.
    measure : Measure
        What to measure.
    final : Evaluation
        Of the final model on all patients.
    subgroups : mapping, optional
        Name → which patients belong to it.
    repeats : int
        Bootstrap samples.
    seed : int
        The same seed gives the same numbers, whatever n_jobs.
    n_jobs : int
        Processes, as joblib counts them.
    track : callable
        Shows progress.

    Raises
    ------
    TrainingError
        If fewer than half of the samples give a model.
    """
    study = _Study(procedure, X, y, measure, final, subgroups or {})
    good, failures = resampled(
        study.sample,
        repeats=repeats,
        seed=seed,
        n_jobs=n_jobs,
        track=track,
        words="bootstrap samples",
    )
    apparent = measure(final, study.subgroups)
    keys = list(apparent)
    in_sample, in_all, of_final = (
        np.array([[values[key] for key in keys] for values in part])
        for part in zip(*((e.in_sample, e.in_all, e.final_in_sample) for e in good), strict=True)
    )
    values = np.array([apparent[key] for key in keys])
    optimism = known_mean(in_sample - in_all)
    low, high = percentiles(of_final)
    p, refits = final.probability(measure.reference), np.array([each.p for each in good])
    p_low, p_high = percentiles(refits)
    return Internal(
        keys,
        values,
        optimism,
        low - optimism,
        high - optimism,
        p,
        p_low,
        p_high,
        float(np.abs(refits - p).mean()),
        Counter(each.name for each in good),
        failures,
    )


def known_mean(values: Array) -> Array:
    """Mean over samples; those that gave none are left out, nan where they are half or more."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    mean: Array = total / np.maximum(known.sum(axis=0), 1)
    return np.where(known.mean(axis=0) > 0.5, mean, np.nan)
