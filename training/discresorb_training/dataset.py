"""A cohort standardised, sorted and cut once, by fold if there are any, where it is summed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from discresorb.distributions import DISTRIBUTIONS, Array
from discresorb_training.blocks import Prepared, prepare
from discresorb_training.likelihood import Evaluation, evaluate
from discresorb_training.on_cluster import RowsOnCluster, rows_on_cluster

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """Data sorted, scaled and cut once, where they are summed over.

    Parameters
    ----------
    parts : mapping of Prepared
        Number of a fold → its blocks in standardised units; one fold if there are none.
    moments : mapping of float array, (3, k)
        Number of a fold → its sums of scale weights, and of these times the standardised covariates
        and their squares.
    mean, sd : float array, (k,)
        Of the covariates, by which they were standardised.
    variance : float array, (k,)
        Of the standardised covariates in these rows, by which the penalty goes: 1 unless folds are
        left out.
    time_unit : float
        Typical time, by which times were divided.
    names : sequence of str
        Of the covariates.
    on_cluster : RowsOnCluster, optional
        The same blocks on the workers of a cluster, which then sum over them.
    """

    parts: Mapping[int, Prepared]
    moments: Mapping[int, Array]
    mean: Array
    sd: Array
    variance: Array
    time_unit: float
    names: Sequence[str]
    on_cluster: RowsOnCluster | None = None
    prepared: Prepared = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prepared", Prepared.together(list(self.parts.values())))

    @classmethod
    def build(
        cls,
        X: Array,
        y: Array,
        names: Sequence[str],
        cure_columns: Sequence[int] | None = None,
        weights: Array | None = None,
        fold: Array | None = None,
    ) -> Dataset:
        """Scale and sort covariates X (n, k) and a checked outcome.

        Scales are weighted by `weights`, by default alike for all rows. Refits with other weights
        keep the scales of the data set that they start from. `fold` is the number of each row's
        fold, so that `only` can choose some.

        Parameters
        ----------
        X : float array, (n, k)
            Covariates.
        y : structured array, (n,)
            A checked outcome.
        names : sequence of str
            Of the covariates.
        cure_columns : sequence of int, optional
            Of the design that enter the probability of ever resorbing; all by default.
        weights : float array, (n,), optional
            By which rows count in the scales.
        fold : int array, (n,), optional
            The fold of each row.
        """
        if weights is None:
            share = np.full(len(X), 1.0 / len(X))
        else:
            share = weights / weights.max()  # a sum may overflow
            share = share / share.sum()
        mean = share @ X
        rows = np.empty((X.shape[1] + 1, len(X)))  # one covariate after the other, as blocks are
        rows[0] = 1.0
        sd = np.empty_like(mean)
        for j, row in enumerate(rows[1:]):
            np.subtract(X[:, j], mean[j], out=row)
            sd[j] = np.sqrt(np.square(row) @ share)
            row /= sd[j]
        latest = np.where(np.isfinite(y["upper"]), y["upper"], y["lower"])
        timed = latest > 0.0
        time_unit = float(np.exp(share[timed] @ np.log(latest[timed]) / share[timed].sum()))
        parts, moments = {}, {}
        for number in [0] if fold is None else np.unique(fold).tolist():
            # a slice copies nothing
            here: Any = slice(None) if fold is None else np.flatnonzero(fold == number)
            inside, own = rows[:, here], share[here]
            moments[number] = np.array(
                [np.full(len(mean), own.sum()), inside[1:] @ own, np.square(inside[1:]) @ own]
            )
            part = prepare(
                inside.T,
                y["lower"][here],
                y["upper"][here],
                y["entry"][here],
                time_unit=time_unit,
                cure_columns=cure_columns,
            )
            parts[number] = part if fold is None else replace(part, order=here[part.order])
        return cls(
            parts, moments, mean, sd, np.ones_like(sd), time_unit, names, rows_on_cluster(parts)
        )

    def only(self, folds: Sequence[int]) -> Dataset:
        """Give the rows of some folds, standardised like all; the penalty goes by their own SD."""
        moments = {number: self.moments[number] for number in folds}
        total = np.sum(list(moments.values()), axis=0)
        _, first, second = total / total[0]
        parts = {number: self.parts[number] for number in folds}
        return replace(self, parts=parts, moments=moments, variance=second - first**2)

    def log_likelihood(
        self, distribution: str, *, cure: bool, weights: Array | None = None
    ) -> Callable[[Array], Evaluation]:
        """Give the unpenalised log-likelihood as a function of θ in standardised units.

        `weights` are those of the rows of the data.
        """
        if self.on_cluster is not None:
            return self.on_cluster.log_likelihood(
                list(self.parts), distribution, cure=cure, weights=weights
            )
        return partial(
            evaluate,
            self.prepared,
            DISTRIBUTIONS[distribution],
            cure=cure,
            weights=self.prepared.sorted_weights(weights),
        )

    def parameter_names(self, cure: bool) -> list[str]:
        """Names in the order of θ and of the covariance."""
        names = ["intercept", *self.names, "log_scale"]
        if cure:
            wide = ["intercept", *self.names]
            names += [f"cure_{wide[column]}" for column in self.prepared.cure_columns]
        return names

    def objective(
        self,
        theta: Array,
        distribution: str,
        *,
        cure: bool,
        penalty: float,
        weights: Array | None = None,
    ) -> float:
        """Give the penalised log-likelihood at θ in the user's units.

        Parameters
        ----------
        theta : float array
            (β, log σ, γ), without γ if there is no cure fraction.
        distribution : str
            One of `DISTRIBUTIONS`.
        cure : bool
            Whether some never resorb.
        penalty : float
            Weight of ½ · Σ (standardised slope of logit π)².
        weights : float array, (n,), optional
            Of the rows.
        """
        scaled = self.to_standard_units(theta, cure)
        total = self.log_likelihood(distribution, cure=cure, weights=weights)(scaled)
        return total.log_likelihood - 0.5 * float(self.ridge(penalty, cure) @ scaled**2)

    def ridge(self, penalty: float, cure: bool) -> Array:
        """Give the weight of each standardised parameter in the penalty."""
        by_column = np.concatenate([[0.0], self.variance])  # the intercept is not penalised
        slopes = penalty * by_column[self.prepared.cure_columns] if cure else np.empty(0)
        return np.concatenate([np.zeros(len(self.mean) + 2), slopes])

    def to_standard_units(self, theta: Array, cure: bool) -> Array:
        """Give θ in standardised units from the user's: the inverse of `to_user_units`."""
        _, transform = self.to_user_units(np.zeros(len(theta)), cure)
        moved = np.array(theta, dtype=float)
        moved[0] -= np.log(self.time_unit)
        return np.asarray(np.linalg.solve(transform, moved))

    def to_user_units(self, theta: Array, cure: bool) -> tuple[Array, Array]:
        """Give θ in the covariates' and times' own units, and the matrix that turns it there."""
        k = len(self.mean)
        to_user = np.eye(k + 1)
        to_user[0, 1:] = -self.mean / self.sd
        to_user[1:, 1:] = np.diag(1.0 / self.sd)
        transform = np.eye(len(theta))
        transform[: k + 1, : k + 1] = to_user
        if cure:
            columns = self.prepared.cure_columns
            transform[k + 2 :, k + 2 :] = to_user[np.ix_(columns, columns)]
        user = transform @ theta
        user[0] += np.log(self.time_unit)
        return user, transform
