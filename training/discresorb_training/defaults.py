"""Defaults that several places share."""

from typing import Final

__all__ = ["DEFAULT_PENALTY"]

# Of ½ · Σ (standardised slope of logit π)²: a normal prior of SD 3 on a slope per SD. It settles
# slopes where π nears 1 in some group. On simulated cohorts larger weights gave more bias and more
# refusals, smaller ones less coverage of 150 patients; `benchmarks/recovery.py` prints them.
DEFAULT_PENALTY: Final = 0.1
