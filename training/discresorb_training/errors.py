"""What training refuses, with the exit status that the command line gives it."""

from __future__ import annotations

from discresorb.errors import DiscresorbError

__all__ = ["ConvergenceError", "TrainingError"]


class TrainingError(DiscresorbError):
    """These data do not carry this model; the message says what is missing."""

    exit_status = 6


class ConvergenceError(TrainingError):
    """A fit did not reach a maximum where its estimates are determined."""
