"""The artifact: whole or refused; nothing it names is run, and a kill leaves one that loads."""

from __future__ import annotations

import contextlib
import copyreg
import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from conftest import ROOT, Run

from discresorb import ArtifactError, Predictor, load
from discresorb.artifact import content_id, load_artifact, save_artifact
from discresorb.errors import OutputError

Artifact = dict[str, Any]


@pytest.fixture
def artifact(default_path: Path) -> Artifact:
    return load_artifact(default_path)


@pytest.fixture
def copied(default_path: Path, tmp_path: Path) -> Path:
    for suffix in (".joblib", ".json", ".sha256"):
        shutil.copy(default_path.with_suffix(suffix), tmp_path / f"m{suffix}")
    path = tmp_path / "m.joblib"
    rehash(path)
    return path


def rehash(path: Path) -> None:
    """What an attacker does, who can write the model and its hash."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".sha256").write_text(f"{digest}  {path.name}\n")


def refused(path: Path, run: Run, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        load(path)
    done = run("predict", "--model", path, "--size-mm", 9)
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_saves_and_loads_the_same(artifact: Artifact, tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    save_artifact(artifact, path)
    again = load_artifact(path)
    assert again.keys() == artifact.keys()
    np.testing.assert_array_equal(again["covariance"], artifact["covariance"])
    assert again["model_id"] == artifact["model_id"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.joblib", "m.json", "m.sha256"]
    subprocess.run(["sha256sum", "-c", "m.sha256"], cwd=tmp_path, check=True, capture_output=True)


def test_holds_no_objects_and_no_rows(artifact: Artifact, default_path: Path) -> None:
    allowed = (str, int, float, bool, type(None), list, dict, np.ndarray)

    def walk(value: object) -> None:
        assert type(value) in allowed, type(value)
        if isinstance(value, np.ndarray):
            assert value.dtype == np.float64
            assert value.size < 100
        for each in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            walk(each)

    walk(artifact)
    assert default_path.stat().st_size < 20_000


def test_twin_says_the_same(artifact: Artifact, default_path: Path) -> None:
    twin = json.loads(default_path.with_suffix(".json").read_text(encoding="utf-8"))
    assert twin["location"] == artifact["location"].tolist()
    assert twin["model_id"] == artifact["model_id"]
    assert len(twin["equation"]) == 4


def test_same_content_same_id(artifact: Artifact) -> None:
    other = {**artifact, "location": artifact["location"] + 1e-9}
    assert content_id(artifact) == content_id(dict(artifact))
    assert content_id(artifact) != content_id(other)


def test_altered_bytes(copied: Path, run: Run) -> None:
    content = bytearray(copied.read_bytes())
    content[len(content) // 2] ^= 1
    copied.write_bytes(bytes(content))
    listed = copied.with_suffix(".sha256").read_text()[:64]
    found = hashlib.sha256(bytes(content)).hexdigest()
    refused(copied, run, f"has been altered: its SHA-256 is {found}, but m.sha256 lists {listed}")


def test_missing_hash(copied: Path, run: Run) -> None:
    copied.with_suffix(".sha256").unlink()
    refused(copied, run, "m.sha256 is missing")


def test_missing_model(tmp_path: Path, run: Run) -> None:
    refused(tmp_path / "m.joblib", run, "no model file")


@pytest.mark.parametrize("number", [0, 3, 99, "2", None])
def test_unknown_format(artifact: Artifact, copied: Path, number: object, run: Run) -> None:
    save_artifact({**artifact, "format": number}, copied, force=True)
    refused(copied, run, f"has format {number!r}, but this version of discresorb reads format 2")


class Payload:
    """Leaves a trace if anything runs."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.trace),)


def instance_opcode(trace: Path) -> bytes:
    return f"(S'{trace}'\nios\nmkdir\n.".encode()


def in_object_array(payload: Payload) -> np.ndarray[Any, Any]:
    array = np.empty(1, dtype=object)
    array[0] = payload
    return array


def dumped(content: object) -> bytes:
    stream = io.BytesIO()
    joblib.dump(content, stream)
    return stream.getvalue()


ATTACKS: dict[str, Callable[[Path], bytes]] = {
    "reduce": lambda trace: dumped(Payload(trace)),
    "plain pickle": lambda trace: pickle.dumps(Payload(trace)),
    "protocol 0": lambda trace: pickle.dumps(Payload(trace), protocol=0),
    "inside a model": lambda trace: dumped({"format": 1, "location": Payload(trace)}),
    "object array": lambda trace: dumped(
        {"format": 1, "location": in_object_array(Payload(trace))}
    ),
    "structured object array": lambda trace: dumped(
        np.array([(Payload(trace),)], dtype=[("x", object)])
    ),
    "instance opcode": instance_opcode,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_in_a_malicious_file_runs(attack: str, tmp_path: Path, run: Run) -> None:
    trace, path = tmp_path / "trace", tmp_path / "m.joblib"
    path.write_bytes(ATTACKS[attack](trace))
    rehash(path)
    refused(path, run, "is not a discresorb model")
    assert not trace.exists()


def test_the_extension_registry_is_not_asked(tmp_path: Path, run: Run) -> None:
    """A code that the process has used before is answered from a cache, not by name."""
    trace, path = tmp_path / "trace", tmp_path / "m.joblib"
    copyreg.add_extension("posix", "mkdir", 240)
    try:
        pickle.loads(b"\x80\x04\x82\xf0.")
        path.write_bytes(b"\x80\x04\x82\xf0\x8c" + bytes([len(str(trace))]) + str(trace).encode()
                         + b"\x85R.")  # fmt: skip
        rehash(path)
        with pytest.raises(ArtifactError, match="uses opcode"):
            load(path)
    finally:
        copyreg.remove_extension("posix", "mkdir", 240)
    assert not trace.exists()


def test_a_renamed_model_is_not_called_altered(copied: Path) -> None:
    copied.rename(copied.with_name("n.joblib"))
    copied.with_suffix(".sha256").rename(copied.with_name("n.sha256"))
    with pytest.raises(ArtifactError, match=r"lists no hash for n.joblib \(it lists m.joblib\)"):
        load(copied.with_name("n.joblib"))


def test_no_other_file_is_overwritten_unasked(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "m.sha256").write_text("mine")
    with pytest.raises(OutputError, match=r"m\.sha256 exists already"):
        save_artifact(artifact, tmp_path / "m.joblib")
    with pytest.raises(OutputError, match=r"must end in \.joblib"):
        save_artifact(artifact, tmp_path / "m.json")
    (tmp_path / "m.sha256").write_bytes(b"\xff\xfe not text")
    save_artifact(artifact, tmp_path / "m.joblib", force=True)
    assert load_artifact(tmp_path / "m.joblib")["model_id"] == artifact["model_id"]


def test_the_attacks_would_work_on_a_careless_loader(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    for name, attack in ATTACKS.items():
        trace = tmp_path / name.replace(" ", "-")
        joblib.load(io.BytesIO(attack(trace)))
        assert trace.exists(), name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04.",
        b"not a pickle",
        dumped([1, 2]),
        dumped(np.arange(3)),
        dumped(np.arange(3.0, dtype=np.float32)),
        dumped({"format": 1}),
        dumped(Predictor),
    ],
    ids=["empty", "no value", "text", "list", "integers", "float32", "bare", "a class of ours"],
)
def test_files_that_are_no_models(content: bytes, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(content)
    rehash(path)
    refused(path, run, "m.joblib")


def test_a_bytearray_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(b"\x80\x05\x96" + (30 * 2**30).to_bytes(8, "little") + b".")
    rehash(path)
    with pytest.raises(ArtifactError, match="uses opcode"):
        load(path)


def test_two_writers_of_one_model(copied: Path, artifact: Artifact) -> None:
    """Each gets through or is told to try again; what stands there always loads."""

    def save(number: int) -> None:
        with contextlib.suppress(OutputError):
            save_artifact({**artifact, "model_id": f"m{number}"}, copied, force=True)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(save, range(60)))
    assert load_artifact(copied)["model_id"].startswith("m")


def test_a_model_saved_through_a_link(copied: Path, artifact: Artifact) -> None:
    link = copied.with_name("link.joblib")
    link.symlink_to(copied)
    save_artifact({**artifact, "model_id": "new"}, link, force=True)
    assert load_artifact(copied)["model_id"] == "new"


def test_an_array_larger_than_the_file_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    stream = io.BytesIO()
    joblib.dump({"location": np.zeros(12345)}, stream, protocol=2)  # 2 has no frames to mend
    claimed = b"\x8a\x05" + (10**11).to_bytes(5, "little")
    path.write_bytes(stream.getvalue().replace(b"M" + (12345).to_bytes(2, "little"), claimed))
    rehash(path)
    with pytest.raises(ArtifactError, match="an array larger than the file"):
        load(path)


def shared_lists(width: int, depth: int) -> list[object]:
    """Small in a file, where what is shared stands once."""
    value: list[object] = [0]
    for _ in range(depth):
        value = [value] * width
    return value


BROKEN: dict[str, tuple[Callable[[Artifact], object], str]] = {
    "a part missing": (lambda a: a.pop("location"), "location is missing"),
    "a part of another type": (lambda a: a.update(endpoint=3), "endpoint is int"),
    "too few coefficients": (lambda a: a.update(location=np.zeros(2)), "location has shape"),
    "covariance of another size": (
        lambda a: a.update(covariance=np.eye(3)),
        "covariance has shape",
    ),
    "not a number": (lambda a: a.update(location=np.full(3, np.nan)), "location is not finite"),
    "covariate without a name": (
        lambda a: a["covariates"][0].pop("name"),
        "covariate name is miss",
    ),
    "covariate that is text": (lambda a: a.update(covariates=["a", "b"]), "is str, not a dict"),
    "unknown distribution": (lambda a: a.update(distribution="gamma"), "distribution gamma"),
    "unknown term": (
        lambda a: a["covariates"][0].update(terms=[{"type": "spline"}]),
        "size_mm is a number with spline terms, which this version of discresorb cannot use",
    ),
    "support without groups": (lambda a: a["support"].pop("groups"), "support groups is missing"),
    "support of another covariate": (
        lambda a: a["support"]["groups"][0]["ranges"].update(age=[1.0, 2.0]),
        "a range of no covariate",
    ),
    "support without months": (
        lambda a: a["support"]["groups"][0]["ranges"].pop("months_since_onset"),
        "no range of months_since_onset",
    ),
    "range upside down": (lambda a: a["covariates"][0].update(range=[40.0, 0.5]), "in order"),
    "range of text": (lambda a: a["covariates"][0].update(range=["a", "b"]), "in order"),
    "same covariate twice": (
        lambda a: a["covariates"][1].update(name="size_mm"),
        "size_mm appears twice",
    ),
    "negative definite": (lambda a: a.update(covariance=-a["covariance"]), "positive definite"),
    "lopsided covariance": (
        lambda a: a.update(covariance=a["covariance"] + np.triu(np.ones((7, 7)), 1)),
        "not symmetric",
    ),
    "spread below 0": (lambda a: a.update(between_study_sd=-3.0), "between_study_sd is -3"),
    "scale without bounds": (lambda a: a.update(log_scale=1e300), "log_scale is beyond"),
    "cure columns doubled": (lambda a: a.update(cure_columns=[0, 1, 1]), "cure_columns do not"),
    "cure without coefficients": (lambda a: a.update(cure_coefficients=None), "do not go with"),
    "bytes somewhere": (lambda a: a["metrics"].update(x=b"1"), "x is not plain data"),
    "endless": (lambda a: a["metrics"].update(x=a["metrics"]), "nested too deeply"),
    "endless integer": (lambda a: a["metrics"].update(x=10**400), "x is too large"),
    "too many shared parts": (
        lambda a: a["metrics"].update(x=shared_lists(60, 5)),
        "holds too much",
    ),
    "text that is no text": (lambda a: a.update(endpoint="\ud800"), "cannot be printed"),
    "cure columns of text": (lambda a: a.update(cure_columns=[0, "a", 1]), "cure_columns do not"),
    "support by an array": (lambda a: a["support"].update(by=np.zeros(2)), "by no covariate"),
    "range without bounds": (
        lambda a: a["covariates"][0].update(range=[0, 10**400]),
        "range is too large",
    ),
    "format that is true": (lambda a: a.update(format=True), "has format True"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_model_that_is_not_whole(how: str, artifact: Artifact, copied: Path, run: Run) -> None:
    breaks, words = BROKEN[how]
    breaks(artifact)
    copied.write_bytes(dumped(artifact))
    rehash(copied)
    refused(copied, run, words)


def test_an_existing_model_needs_force(artifact: Artifact, copied: Path) -> None:
    with pytest.raises(OutputError, match="exists already"):
        save_artifact(artifact, copied)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("survivors", range(4))
def test_a_kill_between_any_two_renames(
    artifact: Artifact, copied: Path, survivors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = load_artifact(copied)["model_id"]
    renames = 0
    rename = Path.replace

    def kill(self: Path, target: Path) -> Path:
        nonlocal renames
        if renames == survivors:
            raise Killed
        renames += 1
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", kill)
    with pytest.raises(Killed):
        save_artifact({**artifact, "model_id": "new"}, copied, force=True)
    monkeypatch.undo()
    assert load_artifact(copied)["model_id"] == ("new" if survivors >= 2 else old)
    save_artifact({**artifact, "model_id": "newer"}, copied, force=True)
    assert load_artifact(copied)["model_id"] == "newer"
    assert len(copied.with_suffix(".sha256").read_text().splitlines()) == 2
    assert sorted(each.name for each in copied.parent.iterdir()) == [
        "m.joblib",
        "m.json",
        "m.sha256",
    ]


SAVE_FOR_EVER = """
import sys, time
from pathlib import Path
from discresorb.artifact import load_artifact, save_artifact
path = Path(sys.argv[1])
artifact = load_artifact(path)
number = 0
while True:
    number += 1
    began = time.monotonic()
    save_artifact({**artifact, "model_id": f"m{number}"}, path, force=True)
    if number == 1:
        print(time.monotonic() - began, flush=True)
"""


def test_kill_9_at_random_moments_of_saving(copied: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "model")}
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, copied],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        usual = float(process.stdout.readline())
        time.sleep(rng.uniform(0.0, 3.0) * usual)
        process.kill()
        process.communicate()
        seen.add(load_artifact(copied)["model_id"])
    assert len(seen) > 1
    save_artifact(load_artifact(copied), copied, force=True)
    assert sorted(each.name for each in copied.parent.iterdir()) == [
        "m.joblib",
        "m.json",
        "m.sha256",
    ]
