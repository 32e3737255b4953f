"""Defaults that several places share."""

from typing import Final

__all__ = ["DEFAULT_PENALTY"]

# Of ½ · Σ (standardised slope of logit π)²: a normal prior of SD 2 on a slope per SD. It settles
# slopes where π nears 1 in some group. On simulated cohorts a weight of 1 gave more bias, less
# coverage and more refusals than this; `benchmarks/recovery.py` prints them by weight.
DEFAULT_PENALTY: Final = 0.25
