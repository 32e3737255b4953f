"""What can go wrong, each with the exit status that the command line gives it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "ArtifactError",
    "ClusterError",
    "DiscresorbError",
    "InputError",
    "InputFileError",
    "OutputError",
    "Problem",
]


class Problem(NamedTuple):
    """Why a row cannot be scored.

    Parameters
    ----------
    kind : str
        What such problems of many rows have in common, to count them by.
    words : str
        What was entered and what is allowed.
    """

    kind: str
    words: str


class DiscresorbError(Exception):
    """Anything that discresorb refuses, in words for the person who asked."""

    exit_status = 1


class InputError(DiscresorbError, ValueError):
    """Values that do not fit, every problem at once.

    Parameters
    ----------
    problems : iterable of str
        One sentence a problem: what was entered, what is allowed, what to do.
    """

    exit_status = 2

    def __init__(self, problems: Iterable[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("; ".join(self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[str, ...]]]:
        """Pickle by problems, so that worker processes can hand the error back."""
        return type(self), (self.problems,)


class InputFileError(InputError):
    """A file or frame as a whole does not fit; nothing was written."""

    exit_status = 3


class OutputError(DiscresorbError):
    """A result cannot be written where it was asked for."""

    exit_status = 2


class ArtifactError(DiscresorbError):
    """A model file is missing, altered, unsafe or of an unknown format."""

    exit_status = 5


class ClusterError(DiscresorbError):
    """A cluster does not answer, or cannot do this work."""

    exit_status = 7
