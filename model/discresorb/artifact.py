r"""The saved model: one plain dict of builtins and float arrays, guarded by a hash.

Beside ``NAME.joblib`` stand ``NAME.json``, its readable twin with the equation, and
``NAME.sha256``, in the form that ``sha256sum -c`` reads. Loading checks the hash of the very bytes
that are then unpickled, and unpickles them through an allow-list of exactly three names, each
answered with a stand-in that can do nothing; arrays other than float64 are refused before they
are read.

A new format
------------
When the dict's shape changes so that older code could not read it: raise ``FORMAT``, teach
``_UPGRADES`` to turn the former shape into the new one, and keep a file of the former format in
the tests, which must load for ever. A key that older code may ignore needs no new format.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np

from discresorb.cells import show
from discresorb.equation import equation
from discresorb.errors import ArtifactError, ModelNotKeptWarning, OutputError
from discresorb.files import Part, alone, begun, check_target, write_whole
from discresorb.schema import wrong_with
from discresorb.strict_pickle import load_strictly
from discresorb.who_may_write import writable_by_others

__all__ = [
    "FORMAT",
    "check_model_target",
    "content_id",
    "file_hash",
    "files_of_model",
    "find_shipped",
    "load_artifact",
    "model_path",
    "save_artifact",
    "to_plain",
]

FORMAT: Final = 2
MODEL_VARIABLE: Final = "DISCRESORB_MODEL"
SHIPPED: Final = "shipped"  # no file of a model can have this name
_LARGEST_FILE: Final = 16 * 2**20
_LARGEST_HASHES: Final = 2**16
_MOST_NAMED: Final = 4
_REPLACEMENTS: Final = 5  # of a model while it is loaded


def model_path(named: str | Path | None = None) -> Path:
    """Find the file of a model that is named, of the ``shipped`` one, or of the default.

    The default is what ``DISCRESORB_MODEL`` names, else the shipped model.
    """
    named = named or os.environ.get(MODEL_VARIABLE) or SHIPPED
    return find_shipped() if str(named) == SHIPPED else Path(named)


def find_shipped() -> Path:
    """Find the model packaged with discresorb, or this checkout's own."""
    here = Path(__file__).resolve()
    packaged = here.parent / "default_model" / "default.joblib"
    if packaged.exists():
        return packaged
    checkout = here.parents[2]
    if (checkout / "pyproject.toml").exists():
        return checkout / "artifacts" / "default.joblib"
    raise ArtifactError(
        f"no model is packaged here; name one with --model or in {MODEL_VARIABLE}, or train one"
    )


def load_artifact(path: Path) -> dict[str, Any]:
    """Load a model file after checking its hash, or raise ArtifactError.

    Parameters
    ----------
    path : Path
        Of ``NAME.joblib``; ``NAME.sha256`` must stand beside it.
    """
    content = _read_checked(path)
    _warn_if_others_may_write(path)
    try:
        return _checked(load_strictly(content))
    except ArtifactError as error:
        raise ArtifactError(f"{path} {error}") from None
    except Exception as error:  # a crafted stream can raise anything; none of it may reach a user
        raise ArtifactError(f"{path} is not a discresorb model: {show(error, 200)}") from error


def _from_format_1(artifact: dict[str, Any]) -> dict[str, Any]:
    """Format 1 knew numbers and flags only, refused missing ones, and no model was updated."""
    added: dict[str, Any] = {"format": 2, "imputation": None, "lineage": []}
    covariates = artifact.get("covariates")
    if isinstance(covariates, list) and all(isinstance(each, dict) for each in covariates):
        added["covariates"] = [{**each, "levels": []} for each in covariates]
    return {**artifact, **added}  # what is not whole is told of afterwards


_UPGRADES: Final[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _from_format_1}


def _checked(artifact: Any) -> dict[str, Any]:
    """Upgrade what was unpickled and make sure that it is a whole model."""
    number = artifact.get("format") if isinstance(artifact, dict) else None
    while type(number) is int and number in _UPGRADES:
        artifact = _UPGRADES[number](artifact)
        number = artifact["format"]
    if type(number) is not int or number != FORMAT:
        raise ArtifactError(
            f"has format {_shown(number)}, but this version of discresorb reads format "
            f"{FORMAT}; install a version that knows it, or train the model again"
        )
    wrong = wrong_with(artifact)
    if wrong:
        raise ArtifactError("is not a whole model: " + "; ".join(wrong))
    return dict(artifact)


def _shown(number: object) -> str:
    """Quote a format; what holds others may be vast."""
    plain = isinstance(number, str | int | float | None)
    return show(repr(number)) if plain else f"a {type(number).__name__}"


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a model file, as ``sha256sum`` prints it, or raise ArtifactError."""
    return _sha256(_read_model_bytes(path))


def files_of_model(model: Path) -> list[Path]:
    """Name the files that a model is made of, the one that is read first."""
    beside = (model.parent / f"{model.stem}{end}" for end in (".joblib", ".json", ".sha256"))
    return list(dict.fromkeys([model, *beside]))


def check_model_target(path: Path, *, force: bool = False) -> None:
    """Refuse a name that a model cannot have, or files that stand there already (without force)."""
    if path.suffix != ".joblib" or not path.name.isprintable():
        raise OutputError(f"{path} must end in .joblib and be printable")
    for suffix in (".joblib", ".json", ".sha256"):
        check_target(path.with_suffix(suffix), force=force)


def save_artifact(artifact: dict[str, Any], path: Path, *, force: bool = False) -> None:
    """Save a model with its twin and hashes; a kill at any moment leaves a loadable model.

    Everything is brought to the disk first, under other names. Then the hash file lists the new and
    the old hashes, the files are renamed into place, and the hash file lists the new ones only.
    What fails before the model is renamed leaves the old one as it was.
    """
    import joblib

    check_model_target(path, force=force)
    path = path.resolve()  # through a link, the model behind it is replaced with all its files
    twin, hashes = path.with_suffix(".json"), path.with_suffix(".sha256")
    buffer = io.BytesIO()
    joblib.dump(artifact, buffer, protocol=4)
    contents = {path: buffer.getvalue(), twin: _twin(artifact)}
    new = "".join(f"{_sha256(content)}  {file.name}\n" for file, content in contents.items())
    with alone(path), ExitStack() as undoing:
        parts = [_waiting(file, content, undoing) for file, content in contents.items()]
        old = hashes.read_bytes() if hashes.exists() else None
        undoing.callback(_put_back, hashes, old, path, contents[path])
        write_whole(hashes, new.encode() + (old or b""))
        parts.append(_waiting(hashes, new.encode(), undoing))
        for part in parts:
            part.install()


def _waiting(path: Path, content: bytes, undoing: ExitStack) -> Part:
    """Write a file that waits for its name, and goes if it does not get it."""
    with begun(path) as (stream, part):
        stream.write(content)
    undoing.callback(part.discard)
    return part


def _put_back(hashes: Path, old: bytes | None, model: Path, new: bytes) -> None:
    """Make the hash file what it was, unless the new model bears its name already."""
    with contextlib.suppress(OSError, OutputError):  # to list the new hashes as well does no harm
        if model.exists() and model.read_bytes() == new:
            return
        if old is None:
            hashes.unlink(missing_ok=True)
        elif hashes.read_bytes() != old:
            write_whole(hashes, old)


def content_id(artifact: Mapping[str, Any]) -> str:
    """Name a model after its content: the same numbers give the same id."""
    plain = json.dumps(to_plain({**artifact, "model_id": ""}), sort_keys=True)
    cure = "-cure" if artifact["cure"] else ""
    return f"{artifact['distribution']}{cure}-{_sha256(plain.encode())[:10]}"


def to_plain(value: Any) -> Any:
    """Turn arrays into lists, so that JSON can hold them."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: to_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _twin(artifact: Mapping[str, Any]) -> bytes:
    readable = {**to_plain(artifact), "equation": equation(artifact)}
    return (json.dumps(readable, indent=1, ensure_ascii=False) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_model_bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ArtifactError(f"{path} is not a file")
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ArtifactError(f"no model file {path}") from None
    except OSError as error:
        raise ArtifactError(f"cannot read model file {path}: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise ArtifactError(f"{path} is larger than any model of discresorb; is it one?")
    return content


def _warn_if_others_may_write(path: Path) -> None:
    loose = writable_by_others([path, path.with_suffix(".sha256")])
    if loose:
        warnings.warn(
            f"{'; '.join(loose)}: they could put another model there, and its hash with it, and "
            "nobody would notice. Take the right away with chmod go-w, or keep the model elsewhere",
            ModelNotKeptWarning,
            stacklevel=4,  # whoever called `load`
        )


def _read_checked(path: Path) -> bytes:
    """Read a model and check its hash, again if it was replaced between the two."""
    content = _read_model_bytes(path)
    for _ in range(_REPLACEMENTS):
        try:
            _check_hash(path, content)
        except ArtifactError:
            before, content = content, _read_model_bytes(path)
            if content == before:
                raise
        else:
            return content
    raise ArtifactError(f"{path} is replaced again and again; try again once it is not")


def _check_hash(path: Path, content: bytes) -> None:
    hashes = path.with_suffix(".sha256")
    try:
        if hashes.exists() and not hashes.is_file():
            raise ArtifactError(f"{hashes} is not a file")
        with hashes.open(encoding="utf-8") as stream:
            lines = stream.read(_LARGEST_HASHES).splitlines()
    except FileNotFoundError:
        if path.suffix != ".joblib":
            raise ArtifactError(f"{path} is not a model file; one ends in .joblib") from None
        raise ArtifactError(
            f"{hashes} is missing; without it {path.name} is not loaded. Copy it from where the "
            "model came from"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"cannot read {hashes}: {error}") from error
    listed = [line.partition(" ")[0] for line in lines if line[66:] == path.name]
    found = _sha256(content)
    if found in listed:
        return
    if not listed:
        names = ", ".join(show(line[66:]) for line in lines[:_MOST_NAMED]) or "nothing"
        raise ArtifactError(
            f"{hashes.name} lists no hash for {path.name} (it lists {names}); was it renamed? Its "
            f"SHA-256 is {found}. Rename it back, or copy both again from where the model came from"
        )
    raise ArtifactError(
        f"{path} has been altered: its SHA-256 is {found}, but {hashes.name} lists "
        f"{' or '.join(show(each, 64) for each in listed[:_MOST_NAMED])}. Copy both again from "
        "where the model came from"
    )
