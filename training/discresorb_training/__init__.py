"""Train, select, check, validate and update resorption models; simulate cohorts.

>>> from discresorb_training import ResorptionModel, interval_outcome
>>> y = interval_outcome(lower=[3, 6, 2], upper=[6, float("inf"), 4], entry=[1, 2, 0])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from discresorb_training.cohort_support import support_of
    from discresorb_training.comparison import compare
    from discresorb_training.errors import ConvergenceError, TrainingError
    from discresorb_training.estimator import ResorptionModel
    from discresorb_training.from_visits import cohort_from_visits
    from discresorb_training.outcome import interval_outcome
    from discresorb_training.settings import Settings
    from discresorb_training.simulate import simulate_cohort, simulate_visits
    from discresorb_training.training import TrainResult, train
    from discresorb_training.updating import UpdateResult, update
    from discresorb_training.validation import validate

__all__ = [
    "ConvergenceError",
    "ResorptionModel",
    "Settings",
    "TrainResult",
    "TrainingError",
    "UpdateResult",
    "cohort_from_visits",
    "compare",
    "interval_outcome",
    "simulate_cohort",
    "simulate_visits",
    "support_of",
    "train",
    "update",
    "validate",
]

_HOMES = {
    "ConvergenceError": "errors",
    "ResorptionModel": "estimator",
    "Settings": "settings",
    "TrainResult": "training",
    "TrainingError": "errors",
    "UpdateResult": "updating",
    "cohort_from_visits": "from_visits",
    "compare": "comparison",
    "interval_outcome": "outcome",
    "simulate_cohort": "simulate",
    "simulate_visits": "simulate",
    "support_of": "cohort_support",
    "train": "training",
    "update": "updating",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for, so that commands start quickly."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
