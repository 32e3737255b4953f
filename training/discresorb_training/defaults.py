"""Defaults that several places share."""

from typing import Final

__all__ = ["DEFAULT_PENALTY"]

# Of ½ · Σ (standardised slope of logit π)²: a normal prior of SD 2 on a slope per SD. On simulated
# cohorts of 1,000 it keeps bias of p within 0.005, where 1 gives up to 0.015, and it settles the
# slopes where π nears 1 just as well; `benchmarks/recovery.py` prints both.
DEFAULT_PENALTY: Final = 0.25
