"""What can go wrong, each with the exit status that the command line gives it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

__all__ = [
    "ArtifactError",
    "ClusterError",
    "DiscresorbError",
    "InputError",
    "InputFileError",
    "ModelNotKeptWarning",
    "OutputError",
    "Problem",
]


class Problem(NamedTuple):
    """Why a row cannot be used.

    Parameters
    ----------
    kind : str
        What such problems of many rows have in common, to count them by.
    rule : str
        What is allowed, or what does not go together, without what was entered.
    with_values : str
        The same with what was entered; empty if the rule says it all.
    """

    kind: str
    rule: str
    with_values: str = ""

    @property
    def words(self) -> str:
        """What was entered and what is allowed: for those who have the row before them anyway."""
        return self.with_values or self.rule

    def said(self, *, show_values: bool) -> str:
        """Give the words with or without what was entered."""
        return self.words if show_values else self.rule


class DiscresorbError(Exception):
    """Anything that discresorb refuses, in words for the person who asked."""

    exit_status = 1


class InputError(DiscresorbError, ValueError):
    """Values that do not fit, every problem at once.

    Parameters
    ----------
    problems : iterable of str
        One sentence a problem: where, what is allowed, what to do. Of patients' data without what
        was entered, because errors end in logs.
    with_values : iterable of str, optional
        The same sentences with what was entered, where that is patients' data.

    Attributes
    ----------
    problems, with_values : tuple of str
        The sentences; both are the same where there is nothing to keep back.
    """

    exit_status = 2

    def __init__(
        self, problems: Iterable[str] | str, with_values: Iterable[str] | None = None
    ) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        self.with_values = self.problems if with_values is None else tuple(with_values)
        super().__init__("; ".join(self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[str, ...], tuple[str, ...]]]:
        """Pickle by problems, so that worker processes can hand the error back."""
        return type(self), (self.problems, self.with_values)

    def and_also(self, *further: str) -> Self:
        """Give the same error with more to say.

        Parameters
        ----------
        *further : str
            Sentences that hold nothing of patients' data.

        Returns
        -------
        InputError
            Of the same class.
        """
        return type(self)([*self.problems, *further], [*self.with_values, *further])

    def said(self, *, show_values: bool) -> tuple[str, ...]:
        """Give the sentences with or without what was entered.

        Parameters
        ----------
        show_values : bool
            Whether what was entered is shown.

        Returns
        -------
        tuple of str
            `with_values` or `problems`.
        """
        return self.with_values if show_values else self.problems


class InputFileError(InputError):
    """A file or frame as a whole does not fit; nothing was written."""

    exit_status = 3


class OutputError(DiscresorbError):
    """A result cannot be written where it was asked for."""

    exit_status = 2


class ArtifactError(DiscresorbError):
    """A model file is missing, altered, unsafe or of an unknown format."""

    exit_status = 5


class ModelNotKeptWarning(UserWarning):
    """Other users of this machine may replace a model that was loaded, and its hash with it."""


class ClusterError(DiscresorbError):
    """A cluster does not answer, or cannot do this work."""

    exit_status = 7
