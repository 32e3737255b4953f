"""Bytes and words that are no good are accepted or refused in words; benchmarks/fuzz.py tries many.

The benchmark's own checks are used here: rows are those of Python's reader, nothing is left behind,
a model that loads predicts.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from random import Random

import pytest
from fuzz_bytes import WORDS
from fuzz_commands import command_lines
from fuzz_csv import DATA, score_bytes
from fuzz_models import SHIPPED, rehashed, used
from fuzz_watch import Try
from hypothesis import example, given, settings
from hypothesis import strategies as st

from discresorb import ArtifactError, Predictor
from discresorb.artifact import load_artifact
from discresorb.errors import DiscresorbError
from discresorb.scoring import Scorer

GOOD = (DATA / "waiting_list.csv").read_bytes()
LINES = GOOD.splitlines(keepends=True)
MODEL = SHIPPED.read_bytes()
HASHES = SHIPPED.with_suffix(".sha256").read_bytes()
PIECES = st.sampled_from([*LINES[1:], *WORDS]) | st.binary(max_size=6)
EDITS = st.lists(st.tuples(st.integers(0, len(MODEL) - 1), st.binary(max_size=9)), max_size=4)


def edited(content: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    for at, new in edits:
        content = content[:at] + new + content[at + len(new) :]
    return content


@settings(max_examples=100)
@given(pieces=st.lists(PIECES, max_size=30), chance=st.integers(0, 999))
@example(pieces=[b'"', b"\r", b"\n\r", b'""', LINES[1], b'"'], chance=1)
def test_csvs(
    pieces: list[bytes],
    chance: int,
    predictor: Predictor,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp() / "csvs"
    content = LINES[0] + b"".join(pieces)
    with contextlib.suppress(DiscresorbError):
        score_bytes(Scorer(predictor), folder, "in.csv", content, Random(chance))  # noqa: S311  # chance, not secrets


@settings(max_examples=100)
@given(edits=EDITS)
def test_models_whose_hash_is_right(
    edits: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "edited.joblib"
    rehashed(path, edited(MODEL, edits))
    with contextlib.suppress(DiscresorbError):
        used(path)


@settings(max_examples=100)
@given(
    pieces=st.lists(
        st.sampled_from([HASHES, HASHES[:64], b"  ", b" *", b"default.joblib", b"\n", *WORDS])
        | st.binary(max_size=9),
        max_size=9,
    )
)
@example(pieces=[HASHES])
def test_hash_files(pieces: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / SHIPPED.name
    hashes = b"".join(pieces)
    path.with_suffix(".sha256").write_bytes(hashes)
    path.write_bytes(MODEL + b"\n")
    with pytest.raises(ArtifactError):
        load_artifact(path)
    shutil.copy(SHIPPED, path)
    lines = hashes.decode(errors="replace").replace("\r\n", "\n").split("\n")
    lists_it = HASHES.decode().splitlines()[0] in lines and "\ufffd" not in "".join(lines)
    with contextlib.nullcontext() if lists_it else contextlib.suppress(ArtifactError):
        loaded = load_artifact(path)
        assert loaded["model_id"] == load_artifact(SHIPPED)["model_id"]


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Try:
    folder: Path = tmp_path_factory.mktemp("lines")
    return command_lines(folder)


@settings(max_examples=50)
@given(number=st.integers(0, 10**9))
def test_command_lines(number: int, command_line: Try) -> None:
    assert command_line(number) in ("accepted", "refused")
