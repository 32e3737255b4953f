"""What the artifact of a trained model holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from discresorb import __version__
from discresorb.artifact import FORMAT, content_id, save_artifact
from discresorb.columns import MONTHS_SINCE_ONSET
from discresorb.distributions import Array
from discresorb.schema import wrong_with
from discresorb.wording import ESTIMAND
from discresorb_training.cohort import Cohort
from discresorb_training.errors import TrainingError
from discresorb_training.estimator import ResorptionModel
from discresorb_training.fingerprint import fingerprint_of
from discresorb_training.performance import linear_predictors
from discresorb_training.procedure import Chosen
from discresorb_training.second_opinion import SecondOpinion
from discresorb_training.selection import Candidate

__all__ = ["artifact_content", "data_description", "library_versions", "save_if_whole"]

CENTRAL = 0.98  # share of training patients inside the ranges that no warning is given for


def artifact_content(
    cohort: Cohort,
    chosen: Chosen,
    opinion: SecondOpinion | None,
    *,
    endpoint: str,
    data_origin: str,
    penalty: float,
    between_study_sd: float | None,
    about: Mapping[str, str],
) -> dict[str, Any]:
    """Describe a trained model as the plain dict that is saved: no rows, no objects.

    Parameters
    ----------
    cohort : Cohort
        What it was trained on.
    chosen : Chosen
        What the procedure came to.
    opinion : SecondOpinion or None
        What lifelines says of it.
    endpoint, data_origin, penalty, between_study_sd
        As given to `train`.
    about : mapping
        Further findings in words, by what they are about.
    """
    design, model, best = chosen.design, chosen.model, chosen.best
    k = len(design.names)
    theta = model._theta
    predictors = linear_predictors(model.curve(), design.matrix(cohort.X, cohort.y["entry"]))
    artifact: dict[str, Any] = {
        "format": FORMAT,
        "model_id": "",
        "distribution": best.distribution,
        "cure": best.cure,
        **design.to_artifact(),
        "parameter_names": list(model.parameter_names_),
        "location": theta[: k + 1],
        "log_scale": float(theta[k + 1]),
        "cure_coefficients": theta[k + 2 :] if best.cure else None,
        "cure_columns": None,
        "covariance": np.ascontiguousarray(model.covariance_),
        "between_study_sd": None if between_study_sd is None else float(between_study_sd),
        "penalty": float(penalty),
        **data_description(cohort, predictors),
        "endpoint": endpoint.strip(),
        "estimand": ESTIMAND,
        "data_origin": data_origin,
        "parent_model": None,
        "versions": library_versions(),
        "lineage": [],
        "metrics": {**_metrics(cohort, model, best, chosen.tried, opinion), **about},
    }
    artifact["model_id"] = content_id({**artifact, "versions": {}})
    return artifact


def data_description(cohort: Cohort, predictors: Array) -> dict[str, Any]:
    """Describe the patients of an artifact as its keys, without any row.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    predictors : float array, (n, 1 or 2)
        The model's linear predictors for them.
    """
    return {
        "support": _support(cohort),
        "longest_follow_up": float(cohort.last_seen.max()),
        "fingerprint": fingerprint_of(cohort, predictors),
    }


def _metrics(
    cohort: Cohort,
    model: ResorptionModel,
    best: Candidate,
    tried: Sequence[Candidate],
    opinion: SecondOpinion | None,
) -> dict[str, Any]:
    said = "not asked"
    if opinion is not None:
        said = f"{'agrees' if opinion.agrees else 'unavailable'}: {opinion.why}"
    return {
        **cohort.flow(),
        "log-likelihood": round(model.log_likelihood_, 6),
        "cross-validated interval log score": round(best.log_score or 0.0, 8),
        "compared": ", ".join(
            f"{each.name} {'failed' if each.log_score is None else f'{each.log_score:.5f}'}"
            for each in tried
        ),
        "second opinion (lifelines)": said,
    }


def _support(cohort: Cohort) -> dict[str, Any]:
    """Central range of every number, by level of the first flag covariate."""
    flags = [
        j for j, each in enumerate(cohort.plan) if each.column.kind == "flag" and not each.optional
    ]
    by = flags[0] if flags else None
    levels = np.zeros(len(cohort.X)) if by is None else cohort.X[:, by]
    numbers = {
        column.name: cohort.X[:, j]
        for j, column in enumerate(cohort.covariates)
        if column.kind == "number"
    }
    numbers[MONTHS_SINCE_ONSET.name] = cohort.y["entry"]
    tail = (1.0 - CENTRAL) / 2.0
    return {
        "by": None if by is None else cohort.covariates[by].name,
        "central": CENTRAL,
        "groups": [
            {
                "level": float(level),
                "n": int((levels == level).sum()),
                "ranges": {
                    name: np.nanquantile(values[levels == level], [tail, 1.0 - tail]).tolist()
                    for name, values in numbers.items()
                    if not np.isnan(values[levels == level]).all()
                },
            }
            for level in np.unique(levels)
        ],
    }


def library_versions() -> dict[str, str]:
    """Name the versions that a model's numbers come from."""
    from importlib.metadata import version

    libraries = ("numpy", "scipy", "scikit-learn", "lifelines", "joblib")
    return {"discresorb": __version__, **{name: version(name) for name in libraries}}


def save_if_whole(artifact: dict[str, Any], path: Path, *, force: bool) -> None:
    """Save a model; raise TrainingError instead if it could not be loaded again."""
    wrong = wrong_with(artifact)
    if wrong:
        raise TrainingError("nothing was saved, the model is not whole: " + "; ".join(wrong))
    save_artifact(artifact, path, force=force)
