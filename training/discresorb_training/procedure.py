"""The whole procedure of training, so that it can be repeated on other rows: choose, then fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discresorb.design import Design
from discresorb.distributions import Array
from discresorb_training.designing import fit_design
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel
from discresorb_training.plan import Planned
from discresorb_training.robust import fit_options, one_share_each
from discresorb_training.selection import Candidate, choose, compare

__all__ = ["Chosen", "Procedure"]


@dataclass(frozen=True)
class Chosen:
    """What the procedure came to.

    Parameters
    ----------
    design : Design
        From covariates to the columns that the model was fitted to.
    model : ResorptionModel
        The best candidate, fitted to all rows.
    best : Candidate
        Which one it is.
    tried : sequence of Candidate
        All of them.
    """

    design: Design
    model: ResorptionModel
    best: Candidate
    tried: Sequence[Candidate]


@dataclass(frozen=True)
class Procedure:
    """How a model is made from covariates and outcome; everything that a bootstrap repeats.

    Parameters
    ----------
    plan : sequence of Planned
        The covariates.
    distributions : sequence of str
        Compared.
    cures : sequence of bool
        Compared.
    penalty : float
        On the standardised slopes of logit π.
    folds : int
        Of the cross-validation.
    seed : int
        Of its folds.
    split : bool
        Whether rows are those of patients split at their MRIs, weighted for surgery.
    """

    plan: Sequence[Planned]
    distributions: Sequence[str]
    cures: Sequence[bool]
    penalty: float
    folds: int
    seed: int
    split: bool = False

    def run(
        self, X: Array, y: Array, weights: Array | None = None, patient: Array | None = None
    ) -> Chosen:
        """Compare the candidates and fit the best; the next best where that fails.

        Parameters
        ----------
        X : float array, (n, k)
            Covariates as planned.
        y : structured array, (n,)
            From `interval_outcome`.
        weights : float array, (n,), optional
            Of the rows, such as how often a bootstrap drew each: copies of a row share a fold.
        patient : int array, (n,), optional
            Whose each row is, if patients are split: they share a fold, and the covariance is
            robust.

        Raises
        ------
        TrainingError
            If no candidate can be fitted.
        """
        if self.split and patient is None:
            raise TrainingError(
                "the model comes from rows weighted for surgery, which cannot be made again from "
                "whole patients"
            )
        import pandas as pd

        share = weights if patient is None else one_share_each(patient)
        design = fit_design(self.plan, X, y["entry"], share)
        columns = design.matrix(X, y["entry"])[:, 1:]
        frame = pd.DataFrame(columns, columns=design.names)
        tried = compare(
            columns,
            y,
            names=design.names,
            distributions=self.distributions,
            cures=self.cures,
            penalty=self.penalty,
            folds=self.folds,
            seed=self.seed,
            weights=weights,
            patient=patient,
        )
        left = list(tried)
        while True:
            best = choose(left)
            model = ResorptionModel(best.distribution, cure=best.cure, penalty=self.penalty)
            try:
                return Chosen(
                    design, model.fit(frame, y, **fit_options(weights, patient)), best, tried
                )
            except TrainingError as error:
                failed = Candidate(best.distribution, best.cure, None, str(error))
                left[left.index(best)] = failed
