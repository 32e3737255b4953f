"""What an updated model's artifact holds: the parent's content, changed where that no longer holds.

Support, by which predictions are warned of, goes with where the covariates' effects come from: at
levels 1 and 2 they are the parent's, and so are the ranges; at level 3 both are the centre's own.
Fingerprint and longest follow-up are always the centre's: it is the newest patients who must not
judge their own model, and no later than they were followed do they speak of when and whether
herniations resorb there. The model is that of one centre, so that no spread between centres widens
its intervals; they hold the parent's uncertainty about what was kept.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discresorb.artifact import content_id
from discresorb.curve import CureCurve
from discresorb.predictor import Predictor
from discresorb.wording import SYNTHETIC
from discresorb_training.cohort import Cohort
from discresorb_training.content import data_description, library_versions
from discresorb_training.lineage import lineage_entry, lineage_of
from discresorb_training.performance import linear_predictors

__all__ = ["updated_artifact"]


def updated_artifact(
    parent: Mapping[str, Any],
    cohort: Cohort,
    curve: CureCurve,
    level: int,
    data_origin: str,
    metrics: Mapping[str, Any],
    log_scores: Sequence[float],
) -> dict[str, Any]:
    """Describe an updated model as the plain dict that is saved.

    Parameters
    ----------
    parent : mapping
        Artifact of the model that was updated.
    cohort : Cohort
        The new patients.
    curve : CureCurve
        The update.
    level : int
        1 to 3.
    data_origin : str
        Of the new patients.
    metrics : mapping
        The update's figures by what they are, in words.
    log_scores : sequence of float
        Cross-validated interval log score before and after.
    """
    design = Predictor(parent).design.matrix(cohort.X, cohort.y["entry"])
    own = data_description(cohort, linear_predictors(curve, design))
    if level < 3:
        del own["support"]
    artifact: dict[str, Any] = {
        **copy.deepcopy(dict(parent)),
        **own,
        "model_id": "",
        "location": np.ascontiguousarray(curve.location),
        "log_scale": float(curve.log_scale),
        "cure_coefficients": None if curve.cure is None else np.ascontiguousarray(curve.cure),
        "covariance": np.ascontiguousarray(curve.covariance),
        "between_study_sd": None,
        "data_origin": SYNTHETIC
        if SYNTHETIC in (parent["data_origin"], data_origin)
        else data_origin,
        "parent_model": parent["model_id"],
        "versions": library_versions(),
        "metrics": dict(metrics),
    }
    new = {
        **lineage_entry(artifact["fingerprint"], "", level, data_origin),
        "seen_resorbed": int(np.isfinite(cohort.y["upper"]).sum()),
        "log_score_before": float(log_scores[0]),
        "log_score_after": float(log_scores[1]),
    }
    artifact["lineage"] = [*lineage_of(parent), new]
    artifact["model_id"] = new["model_id"] = content_id({**artifact, "versions": {}})
    return artifact
