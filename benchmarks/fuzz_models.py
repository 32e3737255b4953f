"""Model files that are broken while their hash matches, hash files, data cards, readable twins.

A model may load only as a whole one: it then predicts, prints and is written as JSON. Nothing else
may come of it; above all nothing that a file names may run.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import joblib
import numpy as np
from fuzz_bytes import WORDS, mutated
from fuzz_csv import DATA
from fuzz_pickles import opcodes
from fuzz_watch import ACCEPTED, FaultError, Try, seeded

from discresorb import load
from discresorb.artifact import find_shipped, load_artifact, to_plain
from discresorb.errors import ArtifactError, InputError
from discresorb.terminal import show_text
from discresorb.training_patients import median_entry, similar_patients, typical_patient
from discresorb_training.cards import described, hash_of

__all__ = ["broken_models", "data_cards", "hash_files", "pickles", "rehashed", "twins", "used"]

SHIPPED: Final = find_shipped()
_ODD: Final[Sequence[Any]] = (
    None, True, False, 0, 1, -1, 2, 3, 10**9, 10**400, -(2**63), 0.0, -0.0, 1e308, -1e308, 1e-320,
    math.nan, math.inf, "", "a", "x" * 9999, "\0", "\ud800", "\u202e", "<script>", "\x1b[2J", b"1",
    [], {}, (), [None], {"a": 1}, [[]], {1: 2}, set(), "size_mm", "levels", "number", "flag",
    "category", "linear", "natural spline", "months_since_onset", [0.0, 1.0], [1.0, 2.0, 3.0],
)  # fmt: skip
_ARRAYS: Final[Sequence[Callable[[], Any]]] = (
    lambda: np.zeros(0), lambda: np.zeros(3), lambda: np.full(3, 1e308), lambda: np.full(3, np.nan),
    lambda: np.zeros((7, 7)), lambda: np.eye(7), lambda: np.eye(7) * 1e300, lambda: np.float64(1),
    lambda: np.zeros((0, 10**9)), lambda: np.zeros((3, 1)), lambda: np.array(1.0),
    lambda: np.zeros(3, np.float32), lambda: np.array([None]), lambda: np.eye(7, order="F"),
)  # fmt: skip


def rehashed(path: Path, content: bytes) -> None:
    """Write a model file and the hash that goes with it."""
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    path.with_suffix(".sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def used(path: Path) -> None:
    """Load a model, and do with it what commands do."""
    predictor = load(path)
    known: dict[str, Any] = {
        "size_mm": 9,
        "sequestrated": "yes",
        "months_since_onset": 1,
        "months_to_surgery": 6,
    }
    try:
        found = predictor.predict(**known)
    except InputError:
        found = None  # it asks for other covariates, or allows only other values
    if found is not None:
        inside = 0.0 <= found.low <= found.probability <= found.high <= 1.0
        if not inside:
            raise FaultError(f"{found.low} to {found.high} about {found.probability}")
    json.dumps(to_plain(predictor.artifact), ensure_ascii=False).encode()
    show_text(predictor.artifact, str(path)).encode()
    similar_patients(predictor, 5, seed=1)
    typical_patient(predictor)
    median_entry(predictor)


def broken_models(folder: Path) -> Try:
    """Break bytes of models, or parts of what they hold; the hash always matches."""
    folder.mkdir()
    path, whole = folder / "m.joblib", load_artifact(SHIPPED)
    seeds = [SHIPPED.read_bytes(), *(_dumped(whole, protocol) for protocol in (2, 3, 5))]

    def attempt(number: int) -> str:
        random = seeded("models", number)
        if random.random() < 0.5:
            content = mutated(random.choice(seeds), random, seeds)
        else:
            content = _dumped(_with_odd_parts(whole, random), random.choice((2, 4, 5)))
        rehashed(path, content)
        used(path)
        return ACCEPTED

    return attempt


def pickles(folder: Path) -> Try:
    """Load streams made of pickle's own opcodes; the hash always matches."""
    folder.mkdir()
    path, trace = folder / "m.joblib", folder / "trace"

    def attempt(number: int) -> str:
        random = seeded("pickles", number)
        rehashed(path, opcodes(random, trace))
        try:
            used(path)
        finally:
            if trace.exists():
                raise FaultError("what a file named was run")
        return ACCEPTED

    return attempt


def hash_files(folder: Path) -> Try:
    """Break hash files: the shipped model's bytes load, or it is refused."""
    folder.mkdir()
    path = folder / SHIPPED.name
    shutil.copy(SHIPPED, path)
    hashes, good = path.with_suffix(".sha256"), SHIPPED.with_suffix(".sha256").read_bytes()
    digest, altered = hash_of(SHIPPED.read_bytes()).encode(), folder / "altered.joblib"
    altered.write_bytes(SHIPPED.read_bytes() + b"\n")

    def attempt(number: int) -> str:
        random = seeded("hashes", number)
        content = random.choice((good, mutated(good, random), _hash_lines(digest, random)))
        hashes.write_bytes(content)
        altered.with_suffix(".sha256").write_bytes(content.replace(b"default", b"altered"))
        try:
            load_artifact(altered)
        except ArtifactError:
            load_artifact(path)
            return ACCEPTED
        raise FaultError("an altered model was loaded")

    return attempt


def data_cards(folder: Path) -> Try:
    """Break data cards: what they say is used as text and numbers that fit, or refused."""
    folder.mkdir()
    cohort, card = folder / "cohort.csv", folder / "cohort.card.json"
    shutil.copy(DATA / "new_centre.csv", cohort)
    content = json.loads((DATA / "new_centre.card.json").read_bytes())
    content["sha256"] = hash_of(cohort.read_bytes())
    good = json.dumps(content).encode()

    def attempt(number: int) -> str:
        random = seeded("cards", number)
        if random.random() < 0.5:
            card.write_bytes(mutated(good, random, [good]))
        else:
            card.write_bytes(_odd_card(content, random))
        about = described(str(cohort), None, None, None)
        about.endpoint.encode()
        about.data_origin.encode()
        return ACCEPTED

    return attempt


def twins(folder: Path) -> Try:
    """Break the readable twin of a model, which nothing reads: the model is what it was."""
    folder.mkdir()
    path = folder / SHIPPED.name
    for each in (SHIPPED, SHIPPED.with_suffix(".sha256")):
        shutil.copy(each, folder)
    good, expected = SHIPPED.with_suffix(".json").read_bytes(), load(SHIPPED).model_id

    def attempt(number: int) -> str:
        path.with_suffix(".json").write_bytes(mutated(good, seeded("twins", number)))
        if load(path).model_id != expected:
            raise FaultError("another model was loaded")
        used(path)
        return ACCEPTED

    return attempt


def _dumped(content: object, protocol: int) -> bytes:
    stream = io.BytesIO()
    joblib.dump(content, stream, protocol=protocol)
    return stream.getvalue()


def _with_odd_parts(whole: dict[str, Any], random: Random) -> dict[str, Any]:
    changed = copy.deepcopy(whole)
    for _ in range(random.choice((1, 1, 2, 4))):
        part: Any = changed
        while True:
            keys = list(part) if isinstance(part, dict) else range(len(part))
            if not keys:
                break
            key = random.choice(list(keys))
            deeper = isinstance(part[key], dict | list) and len(part[key])
            if deeper and random.random() < 0.75:
                part = part[key]
                continue
            _change(part, key, random)
            break
    return changed


def _change(part: Any, key: Any, random: Random) -> None:
    way = random.randrange(8)
    if way == 0:
        del part[key]
    elif way == 1 and isinstance(part, list):
        part.append(part[key])
    elif way == 2 and isinstance(part, dict):
        part[random.choice(("", "x", "knots", "n", "type"))] = part[key]
    elif way == 3 and isinstance(part[key], float):
        part[key] *= random.choice((-1.0, 1e-300, 1e3, 1e300))
    elif way == 4 and isinstance(part[key], np.ndarray) and part[key].size:
        part[key].flat[random.randrange(part[key].size)] *= random.choice((-1.0, 0.0, 9.0, 1e290))
    elif way == 5:
        part[key] = random.choice(_ARRAYS)()
    else:
        part[key] = copy.deepcopy(random.choice(_ODD))


def _hash_lines(digest: bytes, random: Random) -> bytes:
    pieces = (digest, digest.upper(), digest[:-1], b"0" * 64, b"  ", b" *", b" ",
              b"default.joblib", b"default.json", b"./default.joblib", b"\n", b"\n", b"\r\n",
              b"\\", *WORDS)  # fmt: skip
    return b"".join(random.choices(pieces, k=random.randrange(12)))


def _odd_card(content: dict[str, Any], random: Random) -> bytes:
    changed = copy.deepcopy(content)
    for key in random.choices(("endpoint", "data_origin", "between_study_sd", "sha256"), k=2):
        value = random.choice(_ODD)
        changed[key] = value if not isinstance(value, bytes | set | tuple) else "x" * 99
    text = json.dumps(changed, default=str)
    deep = random.choice(("", "", '{"a":' * 2000, "[" * 100_000, "1" * 5000))
    return (deep + text).encode()
