"""A data card beside a cohort: what it is, how it was made, and what it is not."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from discresorb.cells import show
from discresorb.errors import InputError, InputFileError
from discresorb.files import write_whole
from discresorb.schema import MOST_BETWEEN_STUDY_SD
from discresorb.sources import STANDARD_STREAM

__all__ = [
    "Description",
    "card_content",
    "card_path",
    "described",
    "hash_of",
    "read_card",
    "write_card",
]

_LARGEST: Final = 2**20


@dataclass(frozen=True)
class Description:
    """What training must be told of a cohort.

    Parameters
    ----------
    endpoint : str
        What counted as resorbed.
    data_origin : str
        "synthetic" or "observed".
    between_study_sd : float or None
        Spread between studies or centres on the logit scale, if it is known.
    """

    endpoint: str
    data_origin: str
    between_study_sd: float | None


def card_path(cohort: Path) -> Path:
    """Where the card of a cohort stands: NAME.card.json."""
    return cohort.parent / f"{cohort.stem}.card.json"  # of a folder, too, which is refused later


def write_card(cohort: Path, about: dict[str, Any]) -> None:
    """Write the card of a file that stands already."""
    write_whole(card_path(cohort), card_content(cohort, cohort.read_bytes(), about))


def card_content(cohort: Path, content: bytes, about: Mapping[str, Any]) -> bytes:
    """Give a card's bytes, with the cohort's hash, so that it speaks of this very file."""
    card = {**about, "file": cohort.name, "sha256": hash_of(content)}
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace")  # a name's stray bytes become JSON's escapes


def hash_of(content: bytes) -> str:
    """Give the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_card(cohort: Path) -> dict[str, Any] | None:
    """Read the card beside a cohort; None if there is none.

    Raises
    ------
    InputFileError
        If it cannot be read, or belongs to another state of the file.
    """
    card = _card_of_any_state(cohort)
    if card is not None and card.get("sha256") != hash_of(cohort.read_bytes()):
        raise InputFileError(
            f"{card_path(cohort)} does not describe this state of {cohort.name} (its hash "
            "differs); remove the card and give --endpoint and --data-origin"
        )
    return card


def _card_of_any_state(cohort: Path) -> dict[str, Any] | None:
    path = card_path(cohort)
    if not path.exists():
        return None
    try:
        if not path.is_file():  # a pipe would be waited for without end
            raise InputFileError(f"{path} is not a file; remove it")
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise InputFileError(f"{path} is larger than any data card; remove it")
        card = json.loads(content.decode())
    except (OSError, ValueError, RecursionError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        raise InputFileError(f"{path} cannot be read: {words}") from None
    if not isinstance(card, dict):
        raise InputFileError(f"{path} is no data card; remove it")
    return card


def described(
    cohort: str, endpoint: str | None, data_origin: str | None, between_study_sd: float | None
) -> Description:
    """Take what is given, and the rest from the card beside the cohort.

    Parameters
    ----------
    cohort : str
        Path of the cohort's file.
    endpoint, data_origin : str or None
        As given; None to take the card's.
    between_study_sd : float or None
        As given; None to take the card's, if it has one.

    Raises
    ------
    InputError
        If something must be given, or contradicts the card.
    InputFileError
        If the card is wanted and cannot be used.
    """
    given = {"endpoint": endpoint, "data_origin": data_origin}
    odd = [_option(key) for key, value in given.items() if not (value or "").isprintable()]
    if odd:
        raise InputError(f"{' and '.join(odd)} cannot be printed; type it anew")
    missing = [_option(key) for key, value in given.items() if value is None]
    path, card = Path(cohort), None
    if cohort != STANDARD_STREAM:
        _refuse_other_origin(path, data_origin)
        # a card of another state of the file only matters where something is wanted from it
        with contextlib.suppress(*([] if missing else [InputFileError])):
            card = read_card(path)
    if card is None:
        if missing:
            no_card = f"there is no {card_path(path)}"
            where = "standard input has no card" if cohort == STANDARD_STREAM else no_card
            raise InputError(f"{where}, so {' and '.join(missing)} must be given")
        return Description(str(endpoint), str(data_origin), between_study_sd)
    if between_study_sd is None:
        between_study_sd = _spread(path, card)
    return Description(
        endpoint or _text(path, card, "endpoint"),
        data_origin or _text(path, card, "data_origin"),
        between_study_sd,
    )


def _refuse_other_origin(cohort: Path, data_origin: str | None) -> None:
    """Refuse an origin that a card contradicts, even a card of another state of the file."""
    card = None
    with contextlib.suppress(InputFileError):
        card = _card_of_any_state(cohort)
    origin = (card or {}).get("data_origin")
    if data_origin is not None and origin is not None and origin != data_origin:
        raise InputError(
            f"--data-origin says {data_origin}, but {card_path(cohort)} says {show(origin)}; leave "
            "the option out, or remove the card if it is wrong"
        )


def _text(cohort: Path, card: dict[str, Any], key: str) -> str:
    text = card.get(key)
    if not isinstance(text, str) or not text.strip():
        raise InputFileError(f"{card_path(cohort)} does not say its {key}; give {_option(key)}")
    if not text.isprintable():
        raise InputFileError(
            f"{card_path(cohort)} has a {key} that cannot be printed; give {_option(key)}"
        )
    return text


def _spread(cohort: Path, card: dict[str, Any]) -> float | None:
    key = "between_study_sd"
    spread = card.get(key)
    if spread is None:
        return None
    number = isinstance(spread, int | float) and not isinstance(spread, bool)
    if not number or not 0.0 <= spread <= MOST_BETWEEN_STUDY_SD:
        raise InputFileError(
            f"{card_path(cohort)} has {show(repr(spread))} as {key}, but it must be a number "
            f"from 0 to {MOST_BETWEEN_STUDY_SD:g}; give {_option(key)}"
        )
    return float(spread)


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"
