"""Internal-external validation: each centre judges a model made from all the others.

**Estimand**: how a model made by this procedure does in a centre that it has not seen. Source:
Royston, Parmar and Sylvester, Stat Med 2004;23:907; Steyerberg and Harrell, J Clin Epidemiol
2016;69:245.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from discresorb.distributions import Array
from discresorb_training.answerable import LEAST, known_by
from discresorb_training.errors import TrainingError
from discresorb_training.performance import Evaluation
from discresorb_training.procedure import Procedure
from discresorb_training.resampling import Track, in_parallel, untracked

__all__ = ["Centre", "by_centre"]

_METRICS = ("brier", "ipa", "auc", "observed_expected", "location", "slope")


@dataclass(frozen=True)
class Centre:
    """A centre that was held out.

    Parameters
    ----------
    name : str
        Its site_id.
    patients : int
        How many.
    values : mapping
        Metric → value at the horizon, and ``log_score``; empty if the centre is too small.
    why : str
        Why there are none.
    """

    name: str
    patients: int
    values: Mapping[str, float]
    why: str = ""


@dataclass(frozen=True)
class _HoldingOut:
    procedure: Procedure
    X: Array
    y: Array
    sites: Array
    months: float

    def centre(self, name: str) -> Centre:
        here = self.sites == name
        count = int(here.sum())
        if min(int(each.sum()) for each in known_by(self.y[here], self.months)) < LEAST:
            why = f"fewer than {LEAST} known resorbed, or herniated, at {self.months:g} months"
            return Centre(name, count, {}, why)
        try:
            chosen = self.procedure.run(self.X[~here], self.y[~here])
            columns = chosen.design.matrix(self.X[here], self.y["entry"][here])[:, 1:]
            evaluation = Evaluation(chosen.model.curve(), columns, self.y[here])
        except TrainingError as error:
            return Centre(name, count, {}, str(error))
        at = evaluation.at(self.months)
        values = {key: at[key] for key in _METRICS}
        return Centre(name, count, {**values, "log_score": evaluation.log_score()})


def by_centre(
    procedure: Procedure,
    X: Array,
    y: Array,
    sites: Sequence[str],
    months: float,
    *,
    n_jobs: int = 1,
    track: Track = untracked,
) -> list[Centre]:
    """Hold out every centre in turn; [] unless there are two or more.

    Patients without a recorded centre train every model and judge none.

    Parameters
    ----------
    procedure : Procedure
        Everything that makes a model.
    X, y : arrays
        All patients.
    sites : sequence of str, (n,)
        Centre of each, empty where it is not recorded.
    months : float
        Horizon, after the index MRI.
    n_jobs : int
        Processes, as joblib counts them.
    track : callable
        Shows progress.
    """
    names = sorted({site for site in sites if site})
    if len(names) < 2:
        return []
    study = _HoldingOut(procedure, X, y, np.array(sites), months)
    return list(track(in_parallel(study.centre, names, n_jobs), "centre by centre", len(names)))
