r"""From covariates as they are entered to the columns that coefficients multiply.

A number enters as it is or by a natural spline, a flag as 0 or 1, a category as one 0 or 1 for
each level but the first. Where a covariate may be missing, what stands in for it is its linear
regression on the covariates that may not, and on months since onset, fitted in the training
patients without their outcome and kept inside what was seen of it there:

.. math:: \hat x = \min(\max(a + b\,u, \text{low}), \text{high}).

A missing category is replaced by the regressions of its columns, so that each stands for a share.
Sums are spelt out column by column, so that a row's result does not depend on the rows beside it.

Sources: natural splines, Harrell, Regression Modeling Strategies, 2015, section 2.4.5; regression
imputation without the outcome, by the same rule in training and at prediction, Sisk et al., Stat
Methods Med Res 2023;32:1461.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from discresorb.columns import MONTHS_SINCE_ONSET, UNLIMITED, Column
from discresorb.curve import linear_sum
from discresorb.distributions import Array

__all__ = ["Covariate", "Design", "Imputation", "natural_spline"]


def natural_spline(x: Array, knots: Sequence[float] | Array) -> list[Array]:
    r"""Give the nonlinear columns of a natural cubic spline, two fewer than knots.

    .. math:: \Bigl[(x - t_j)_+^3 - (x - t_{K-1})_+^3 \frac{t_K - t_j}{t_K - t_{K-1}}
              + (x - t_K)_+^3 \frac{t_{K-1} - t_j}{t_K - t_{K-1}}\Bigr] / (t_K - t_1)^2

    Parameters
    ----------
    x : float array
        Values.
    knots : sequence of float
        Rising.
    """
    last, before = knots[-1], knots[-2]

    def cubed(knot: float) -> Array:
        beyond = np.maximum(x - knot, 0.0)
        return beyond * beyond * beyond

    at_before, at_last = cubed(before), cubed(last)
    return [
        (
            cubed(knot)
            - at_before * ((last - knot) / (last - before))
            + at_last * ((before - knot) / (last - before))
        )
        / (last - knots[0]) ** 2
        for knot in knots[:-2]
    ]


@dataclass(frozen=True)
class Covariate:
    """One input and the shape of its effect.

    Parameters
    ----------
    column : Column
        How it is entered; a category's value is the position of its level.
    knots : sequence of float
        Of a natural spline; none if the effect is linear.
    """

    column: Column
    knots: tuple[float, ...] = ()

    @classmethod
    def from_artifact(cls, stored: Mapping[str, Any]) -> Covariate:
        """Read one of the artifact's ``covariates``."""
        low, high = stored["range"]
        column = Column(
            stored["name"],
            stored["kind"],
            stored["label"],
            stored["unit"],
            -UNLIMITED if low is None else low,
            UNLIMITED if high is None else high,
            tuple(stored["levels"]),
        )
        return cls(column, tuple(stored["terms"][0].get("knots", ())))

    def to_artifact(self) -> dict[str, Any]:
        """Give the covariate as an artifact holds it."""
        column = self.column
        low, high = (0.0, 1.0) if column.kind == "flag" else (column.low, column.high)
        kind = "natural spline" if self.knots else "levels" if column.levels else "linear"
        return {
            "name": column.name,
            "label": column.meaning,
            "unit": column.unit,
            "kind": column.kind,
            "range": [None if abs(end) == UNLIMITED else end for end in (low, high)],
            "levels": list(column.levels),
            "terms": [{"type": kind, **({"knots": list(self.knots)} if self.knots else {})}],
        }

    @property
    def basic_names(self) -> list[str]:
        """Names of the columns before a spline: the number or flag itself, or a level each."""
        name = self.column.name
        return [f"{name}[{level}]" for level in self.column.levels[1:]] or [name]

    @property
    def names(self) -> list[str]:
        """Names of the design's columns."""
        curved = [f"{self.column.name}_s{j + 1}" for j in range(len(self.knots) - 2)]
        return [*self.basic_names, *curved]

    def basic(self, values: Array) -> list[Array]:
        """Give the columns before a spline; nan where a value is missing."""
        if not self.column.levels:
            return [values]
        known = np.where(np.isnan(values), np.nan, 0.0)
        return [known + (values == code) for code in range(1, len(self.column.levels))]

    def columns(self, basic: Sequence[Array]) -> list[Array]:
        """Give the design's columns from those before a spline."""
        return [*basic, *natural_spline(basic[0], self.knots)] if self.knots else [*basic]


@dataclass(frozen=True)
class Imputation:
    """What stands in for one column that is missing.

    Parameters
    ----------
    column : str
        Its name, as `Covariate.basic_names` gives it.
    coefficients : float array, (1 + predictors,)
        Intercept and slopes.
    low, high : float
        Smallest and largest value in the training patients.
    """

    column: str
    coefficients: Array
    low: float
    high: float

    def value(self, predictors: Sequence[Array]) -> Array:
        """Give the regression's value; predictors begin with ones."""
        return np.clip(linear_sum(predictors, self.coefficients), self.low, self.high)


@dataclass(frozen=True)
class Design:
    """How covariates become columns, and what stands in for those that are missing.

    Parameters
    ----------
    covariates : sequence of Covariate
        In the model's order.
    imputations : sequence of Imputation
        For every basic column of every covariate that may be missing.

    Attributes
    ----------
    curved : bool
        Whether columns are anything else than the covariates' values.
    optional : frozenset of str
        Names of the covariates that may be missing.
    """

    covariates: Sequence[Covariate]
    imputations: Sequence[Imputation] = ()
    _by_column: Mapping[str, Imputation] = field(init=False, repr=False)
    curved: bool = field(init=False, repr=False)
    optional: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_column = {each.column: each for each in self.imputations}
        object.__setattr__(self, "_by_column", by_column)
        curved = any(each.knots or each.column.levels for each in self.covariates)
        object.__setattr__(self, "curved", curved or bool(by_column))
        optional = (each.column.name for each in self.covariates if self._may_miss(each))
        object.__setattr__(self, "optional", frozenset(optional))

    @classmethod
    def from_artifact(cls, artifact: Mapping[str, Any]) -> Design:
        """Read the artifact's ``covariates`` and ``imputation``."""
        stored = artifact["imputation"] or {"columns": []}
        return cls(
            [Covariate.from_artifact(each) for each in artifact["covariates"]],
            [Imputation(**each) for each in stored["columns"]],
        )

    def to_artifact(self) -> dict[str, Any]:
        """Give ``covariates`` and ``imputation`` as an artifact holds them."""
        imputation = None
        if self.imputations:
            columns = [dict(vars(each)) for each in self.imputations]
            imputation = {"predictors": self.predictor_names, "columns": columns}
        return {
            "covariates": [each.to_artifact() for each in self.covariates],
            "imputation": imputation,
        }

    @property
    def names(self) -> list[str]:
        """Names of the columns, without that of ones."""
        return [name for covariate in self.covariates for name in covariate.names]

    @property
    def predictor_names(self) -> list[str]:
        """Names of what imputation rests on, months since onset first."""
        needed = [each for each in self.covariates if not self._may_miss(each)]
        return [MONTHS_SINCE_ONSET.name, *(name for each in needed for name in each.basic_names)]

    def matrix(self, X: Array, entry: Array) -> Array:
        """Give the columns that coefficients multiply, after one of ones.

        Parameters
        ----------
        X : float array, (n, k)
            Covariates; nan where one is missing that may be.
        entry : float array, (n,)
            Months since onset at the index MRI.

        Returns
        -------
        float array, (n, 1 + columns)
        """
        columns = self.columns(X.T, entry)
        rows = np.empty((1 + len(columns), len(X)))  # a column's numbers lie together in memory
        rows[0] = 1.0
        for row, column in zip(rows[1:], columns, strict=True):
            row[:] = column
        return rows.T

    def columns(self, values: Iterable[Array], entry: Array) -> list[Array]:
        """Give the columns from each covariate's values, missing ones replaced."""
        if not self.curved:
            return list(values)
        with np.errstate(over="ignore", invalid="ignore"):  # what is too far is told of later
            basics = self._basics(values)
            if self._by_column:
                basics = self._imputed(basics, entry)
            found = (each.columns(own) for each, own in zip(self.covariates, basics, strict=True))
            return [column for columns in found for column in columns]

    def missing(self, values: Iterable[Array]) -> dict[str, Array]:
        """Tell, for every covariate that may be missing, where it is."""
        return {
            each.column.name: np.isnan(own)
            for each, own in zip(self.covariates, values, strict=True)
            if each.column.name in self.optional
        }

    def imputation_predictors(self, values: Iterable[Array], entry: Array) -> list[Array]:
        """Give what imputation rests on, ones first, in the order of `predictor_names`."""
        return self._predictors(self._basics(values), entry)

    def _may_miss(self, covariate: Covariate) -> bool:
        return covariate.basic_names[0] in self._by_column

    def _basics(self, values: Iterable[Array]) -> list[list[Array]]:
        pairs = zip(self.covariates, values, strict=True)
        return [covariate.basic(own) for covariate, own in pairs]

    def _predictors(self, basics: Sequence[Sequence[Array]], entry: Array) -> list[Array]:
        pairs = zip(self.covariates, basics, strict=True)
        needed = [column for each, own in pairs if not self._may_miss(each) for column in own]
        return [np.ones_like(entry), entry, *needed]

    def _imputed(self, basics: Sequence[Sequence[Array]], entry: Array) -> list[list[Array]]:
        predictors = self._predictors(basics, entry)
        filled = []
        for covariate, own in zip(self.covariates, basics, strict=True):
            if self._may_miss(covariate):
                regressions = (self._by_column[name] for name in covariate.basic_names)
                own = [
                    np.where(np.isnan(column), regression.value(predictors), column)
                    for column, regression in zip(own, regressions, strict=True)
                ]
            filled.append(list(own))
        return filled
