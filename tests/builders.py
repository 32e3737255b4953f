"""Small data sets that tests build on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from discresorb.distributions import Array
from discresorb_training import Settings, interval_outcome, simulate_cohort

NO_EXITS = Settings(surgery_by_year=0.0, lost_by_year=0.0, visit_missed=0.0)
# everybody resorbs, most within the year
EVERYBODY = Settings(ever=(30.0, 0.0, 0.0), latency=(1.6, -0.01, -0.3), scale=0.45)
# every sequestration is seen to resorb, so that its slope of logit π has no maximum
SEPARATED = Settings(
    ever=(-0.5, 0.0, 40.0), surgery_by_year=0.0, lost_by_year=0.0, visit_missed=0.0, scale=0.3
)


def simulated(
    n: int, seed: int = 1, settings: Settings | None = None
) -> tuple[pd.DataFrame, Array]:
    """Covariates and outcome of a simulated cohort."""
    cohort, _ = simulate_cohort(n, seed=seed, settings=settings)
    upper = cohort["first_resorbed_months"].fillna(np.inf)
    y = interval_outcome(
        lower=cohort["last_herniated_months"], upper=upper, entry=cohort["months_since_onset"]
    )
    return cohort[["size_mm", "sequestrated"]].astype(float), y
