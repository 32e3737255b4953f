"""One command-line option for each setting of a simulated cohort."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

import typer

from discresorb.errors import InputError
from discresorb_training.parameters import Parameters
from discresorb_training.settings import Settings, about

__all__ = ["numbers_of", "settings_from", "typed", "with_settings"]

_FIELDS = {field.name: field for field in dataclasses.fields(Settings)}
_KINDS: dict[str, type] = {"int": int, "float": float, "bool": bool}
_PANEL = "Settings of the cohort"


def typed(name: str, value: object) -> list[str]:
    """Give an option as it is typed; nothing for one that was left out."""
    if value is None:
        return []
    if value is True:
        return [_spelt(name)]
    return [_spelt(name), str(value)]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting; those entered reach it as `entered`."""
    hints = get_type_hints(command, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(command).parameters.values()
        if parameter.name != "entered"
    ]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in ((name, _annotation(field)) for name, field in _FIELDS.items())
    ]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        entered = {name: given.pop(name) for name in _FIELDS}
        command(**given, entered={k: v for k, v in entered.items() if v is not None})

    parameters = [*(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own), *options]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # as PEP 362 provides
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options


def settings_from(entered: Mapping[str, Any], parameters: Parameters | None) -> Settings:
    """Make settings of the options entered, over parameters of a file if there is one.

    Raises
    ------
    InputError
        If they make no sense, with all problems.
    """
    given = dict(vars(parameters)) if parameters else {}
    problems: list[str] = []
    for name, value in entered.items():
        if not str(_FIELDS[name].type).startswith("tuple"):
            given[name] = value
            continue
        try:
            given[name] = tuple(numbers_of(name, value))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return Settings(**given)


def numbers_of(name: str, text: str) -> list[float]:
    """Read an option that holds numbers joined by commas."""
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise InputError(
            f"{name} entered as {text}, but must be numbers joined by commas"
        ) from None


def _spelt(name: str) -> str:
    return "--" + name.replace("_", "-")


def _annotation(field: dataclasses.Field[Any]) -> Any:
    option = typer.Option(
        _spelt(field.name),
        help=about(field),
        metavar="X,X,…" if str(field.type).startswith("tuple") else None,
        rich_help_panel=_PANEL,
        show_default=False,
    )
    return Annotated[_KINDS.get(str(field.type), str) | None, option]
