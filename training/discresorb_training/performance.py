"""How one model does on one set of patients: every metric, at common months after the index MRI.

**Estimand**: what each metric would be if every resorption time were known, of predictions
P(resorbed within t months of the index MRI | herniated then), if surgery does not happen before.
Assumption: the working model of `working` is right about what was not seen, and MRIs come at times
that do not depend on the event; the range over working models and the bounds show what rests on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from discresorb.curve import CureCurve
from discresorb.distributions import Array
from discresorb.errors import InputError
from discresorb_training import metrics
from discresorb_training.blocks import Prepared, prepare
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel
from discresorb_training.likelihood import evaluate, row_values
from discresorb_training.working import WorkingModel, certain_bounds, fit_working_models

__all__ = [
    "METRICS",
    "OVERALL",
    "Evaluation",
    "Key",
    "Metric",
    "Values",
    "inside_0_and_1",
    "linear_predictors",
    "metrics_at",
]

Key = tuple[str, float | None]  # metric, and months after the index MRI; None for all time
Values = Mapping[Key, float]

_PLAUSIBLE = 10.0  # in AIC: a working model further from the best is ruled out by the data


@dataclass(frozen=True)
class Metric:
    """What a figure is called and how it is read.

    Parameters
    ----------
    key : str
        In JSON.
    label : str
        In tables.
    reading : str
        Which values are good.
    best : float
        The value of a perfectly calibrated or perfect model.
    """

    key: str
    label: str
    reading: str
    best: float


METRICS = (
    Metric("brier", "Brier score", "squared error, lower is better", 0.0),
    Metric("ipa", "Index of prediction accuracy", "1 less Brier / Brier without covariates", 1.0),
    Metric("auc", "AUC", "0.5 is chance, 1 perfect order", 1.0),
    Metric("observed_expected", "Observed : expected", "1 is right, above 1 p is too low", 1.0),
    Metric("location", "Calibration location", "0 is right, above 0 p is too low", 0.0),
    Metric("slope", "Calibration slope", "1 is right, below 1 p is too extreme", 1.0),
    Metric("ici", "ICI", "mean distance of the smooth calibration curve from p", 0.0),
    Metric("e50", "E50", "median of that distance", 0.0),
    Metric("e90", "E90", "distance that 90 % of patients stay within", 0.0),
)
OVERALL = (
    Metric("log_score", "Interval log score", "higher is better; needs no working model", 0.0),
    Metric("concordance", "C-index", "of pairs seen in order, by p at the last horizon", 1.0),
    Metric("integrated_brier", "Integrated Brier score", "mean over the horizons' range", 0.0),
    Metric("integrated_ipa", "Integrated IPA", "1 less the ratio of integrated Brier scores", 1.0),
    Metric("integrated_auc", "Integrated AUC", "mean over the horizons' range", 1.0),
)
_CERTAIN = 1e-10  # p of exactly 0 or 1 has no logit; calibration takes it as so near to it


class Evaluation:
    """A model's predictions for patients, beside what was seen of them.

    Parameters
    ----------
    curve : CureCurve
        The model under evaluation.
    X : float array, (n, columns)
        What the model's coefficients multiply, without ones: `Design.matrix` gives it.
    y : structured array, (n,)
        From `interval_outcome`.
    near : Evaluation, optional
        Of the patients that these are a resample of; its working models are where fits start.
    working : sequence of WorkingModel, optional
        Fitted to these patients already, as for several models whose figures must not differ
        because each had its own.

    Raises
    ------
    TrainingError
        If no working model can be fitted to these data.
    """

    def __init__(
        self,
        curve: CureCurve,
        X: Array,
        y: Array,
        near: Evaluation | None = None,
        working: Sequence[WorkingModel] | None = None,
    ) -> None:
        self.curve, self.y = curve, y
        self.design = np.column_stack([np.ones(len(y)), X])
        if working is None:
            starts = () if near is None else near.working
            working = fit_working_models(y, self.predictors, starts)
        self.working: Sequence[WorkingModel] = working

    def resampled(self, rows: Array) -> Evaluation:
        """Give the same model on some of the patients, who may be drawn more than once."""
        return Evaluation(self.curve, self.design[rows, 1:], self.y[rows], self)

    @property
    def predictors(self) -> Array:
        """Both linear predictors: of log time and, with a cure fraction, of logit π."""
        return linear_predictors(self.curve, self.design)

    @cached_property
    def null(self) -> CureCurve:
        """A model without covariates, fitted to these data with the same truncation."""
        for each in self.working:
            model = ResorptionModel(each.curve.distribution.name, cure=each.curve.cure is not None)
            try:
                return model.fit(np.empty((len(self.y), 0)), self.y).curve()
            except TrainingError:
                continue
        return fit_working_models(self.y, np.empty((len(self.y), 0)))[0].curve

    @property
    def plausible(self) -> list[WorkingModel]:
        """Working models that the data do not rule out, best first."""
        return [each for each in self.working if each.aic <= self.working[0].aic + _PLAUSIBLE]

    def probability(self, months: float) -> Array:
        """P(resorbed within so many months of the index MRI | herniated then), (n,)."""
        entry = self.y["entry"]
        return np.asarray(self.curve.probability(self.design, entry, entry + months))

    def weights(self, months: float, working: WorkingModel | None = None) -> Array:
        """P(had resorbed within so many months | what was seen of the patient), (n,)."""
        return (working or self.working[0]).weights(self.y, self.y["entry"] + months)

    def bounds(self, months: float) -> tuple[Array, Array]:
        """Smallest and largest status then that what was seen allows, whatever the law."""
        return certain_bounds(self.y, self.y["entry"] + months)

    def at(self, months: float, working: WorkingModel | None = None) -> dict[str, float]:
        """Give every metric of `METRICS`; nan for one that these patients do not determine."""
        p, w = self.probability(months), self.weights(months, working)
        entry = self.y["entry"]
        p_null = self.null.probability(np.ones((len(p), 1)), entry, entry + months)
        return {**metrics_at(p, w), "ipa": metrics.ipa(p, w, p_null)}

    def log_score(self) -> float:
        """Mean of log{[S(L) - S(R)] / S(E)}: what the model gave to what was seen.

        By the likelihood itself, in log space, so that it also judges a model that gave next to
        nothing; for exact times the density takes the difference's place.
        """
        prepared, theta = self._prepared()
        curve = self.curve
        found = evaluate(prepared, curve.distribution, theta, cure=curve.cure is not None)
        return found.log_likelihood / len(self.y)

    def log_scores(self) -> Array:
        """Give each patient's share in it, (n,); -inf or nan for what the model gave no chance."""
        prepared, theta = self._prepared()
        curve, n = self.curve, len(self.y)
        return row_values(prepared, curve.distribution, theta, cure=curve.cure is not None, count=n)

    def _prepared(self) -> tuple[Prepared, Array]:
        curve, y = self.curve, self.y
        prepared = prepare(
            self.design, y["lower"], y["upper"], y["entry"], cure_columns=curve.cure_columns
        )
        cure = [] if curve.cure is None else curve.cure
        return prepared, np.concatenate([curve.location, [curve.log_scale], cure])

    def values(self, months: Sequence[float], working: WorkingModel | None = None) -> Values:
        """Give every metric of `METRICS` at every horizon, and those over all time."""
        found: dict[Key, float] = {("log_score", None): self.log_score()}
        found["concordance", None] = metrics.concordance(self.probability(max(months)), self.y)
        for each in months:
            found.update({(name, each): value for name, value in self.at(each, working).items()})
        return found | _integrated(found, months)

    def ranges(self, months: Sequence[float]) -> dict[Key, tuple[float, float]]:
        """Give smallest and largest of every value over the plausible working models."""
        found = [self.values(months, each) for each in self.plausible]
        return {
            key: (min(each[key] for each in found), max(each[key] for each in found))
            for key in found[0]
        }

    def certain(self, months: float) -> dict[str, tuple[float, float]]:
        """Bound Brier and observed : expected by what was seen alone, whatever the law."""
        p, (low, high) = self.probability(months), self.bounds(months)
        return {
            "brier": metrics.brier_bounds(p, low, high),
            "observed_expected": metrics.observed_expected_bounds(p, low, high),
        }


def linear_predictors(curve: CureCurve, design: Array) -> Array:
    """Give each row's η of log time and, with a cure fraction, ζ of logit π, (n, 1 or 2)."""
    location = design @ curve.location
    if curve.cure is None:
        return np.asarray(location[:, None])
    columns = slice(None) if curve.cure_columns is None else list(curve.cure_columns)
    return np.column_stack([location, design[:, columns] @ curve.cure])


def metrics_at(p: Array, w: Array) -> dict[str, float]:
    """Give the metrics that need nothing but p and w; nan for one that they do not determine."""
    found = {
        "brier": metrics.brier(p, w),
        "auc": metrics.auc(p, w),
        "observed_expected": metrics.observed_expected(p, w),
    }
    inside = inside_0_and_1(p)
    found["location"] = _determined(metrics.calibration_location, inside, w)
    found["slope"] = _determined(metrics.calibration_slope, inside, w)
    try:
        curve = metrics.calibration_curve(inside, w)
    except InputError:  # separated
        return found | dict.fromkeys(("ici", "e50", "e90"), float("nan"))
    return found | {"ici": curve.ici, "e50": curve.e50, "e90": curve.e90}


def _determined(metric: Callable[[Array, Array], float], p: Array, w: Array) -> float:
    try:
        return metric(p, w)
    except InputError:  # separated
        return float("nan")


def inside_0_and_1(p: Array) -> Array:
    """Keep p where it has a logit."""
    return np.asarray(np.clip(p, _CERTAIN, 1.0 - _CERTAIN))


def _integrated(found: Mapping[Key, float], months: Sequence[float]) -> dict[Key, float]:
    """Average over the horizons' range; IPA compares two averages."""
    nan = float("nan")
    if len(months) < 2:
        return {(f"integrated_{name}", None): nan for name in ("brier", "ipa", "auc")}
    brier = np.array([found["brier", each] for each in months])
    null = brier / (1.0 - np.array([found["ipa", each] for each in months]))
    whole = metrics.integrated(brier, months)
    return {
        ("integrated_brier", None): whole,
        ("integrated_ipa", None): 1.0 - whole / metrics.integrated(null, months),
        ("integrated_auc", None): metrics.integrated(
            [found["auc", each] for each in months], months
        ),
    }
