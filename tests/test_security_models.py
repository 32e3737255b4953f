"""Model files made to do harm, with a hash that fits: only the loader stands in their way."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import shutil
import stat
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from command_line import Run
from hashed import rehash

from discresorb import ArtifactError, load
from discresorb.artifact import load_artifact, save_artifact
from discresorb.errors import ModelNotKeptWarning

_PROTO = b"\x80\x04"
_LITTLE = 24 << 20  # a model is at most 16 MiB


def text(value: str) -> bytes:
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def named(module: str, name: str) -> bytes:
    """STACK_GLOBAL: what a dotted name reaches, too."""
    return text(module) + text(name) + b"\x93"


MKDIR = named("os", "mkdir")
WRAPPER = named("joblib.numpy_pickle", "NumpyArrayWrapper")
NDARRAY = named("numpy", "ndarray")
DTYPE = named("numpy", "dtype")

# streams that make a folder where a loader runs what they name
RUNNING: dict[str, Callable[[str], bytes]] = {
    "REDUCE": lambda at: MKDIR + text(at) + b"\x85R.",
    "GLOBAL": lambda at: b"cos\nmkdir\n" + text(at) + b"\x85R.",
    "dotted": lambda at: named("joblib.numpy_pickle", "os.mkdir") + text(at) + b"\x85R.",
    "dotted from an allowed module": lambda at: named("numpy", "os.mkdir") + text(at) + b"\x85R.",
    "INST": lambda at: f"(S'{at}'\nios\nmkdir\n.".encode(),
    "OBJ": lambda at: b"(" + MKDIR + text(at) + b"o.",
    "NEWOBJ": lambda at: named("pathlib", "Path") + text(at) + b"\x85\x81.",
    "NEWOBJ_EX": lambda at: named("pathlib", "Path") + text(at) + b"\x85}\x92.",
    "BUILD of a module": lambda at: named("os", "environ") + b"}" + text("x") + text(at) + b"sb.",
    "eval": lambda at: named("builtins", "eval") + text(f"__import__('os').mkdir('{at}')")
    + b"\x85R.",
    "a callable in the state of an array": lambda at: WRAPPER + b")\x81}" + text("read") + MKDIR
    + b"sb.",
    "a call as the shape": lambda at: WRAPPER + b")\x81}" + text("shape") + MKDIR + text(at)
    + b"\x85Rsb.",
    "a call of what stands for an array type": lambda at: NDARRAY + text(at) + b"\x85R.",
    "a state for what stands for a name": lambda at: NDARRAY + b"}" + text("__call__") + MKDIR
    + b"sb.",
    "PERSID": lambda at: f"P{at}\n.".encode(),
    "BINPERSID": lambda at: text(at) + b"Q.",
    "EXT1": lambda at: b"\x82\x01" + text(at) + b"\x85R.",
    "EXT4": lambda at: b"\x84\x01\x00\x00\x00" + text(at) + b"\x85R.",
    "a buffer out of band": lambda at: b"\x97.",
    "in a list in a dict": lambda at: b"}" + text("a") + b"]" + MKDIR + text(at) + b"\x85Ras.",
    "as a key": lambda at: b"}" + MKDIR + text(at) + b"\x85RK\x01s.",
    "after the model": lambda at: b"}0" + MKDIR + text(at) + b"\x85R.",
}  # fmt: skip


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, at: str) -> None:
        self.at = at

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (self.at,)


class OfArrays(np.ndarray[Any, Any]):
    """A subclass, whose own code a careless loader would run."""


def dumped(content: object) -> bytes:
    stream = io.BytesIO()
    joblib.dump(content, stream, protocol=4)
    return stream.getvalue()


def objects(at: str) -> np.ndarray[Any, Any]:
    return np.array([Payload(at), None], dtype=object)


IN_ARRAYS: dict[str, Callable[[str], object]] = {
    "objects": objects,
    "arrays in an array": lambda at: np.array([objects(at), objects(at)], dtype=object),
    "a field of objects": lambda at: np.array(
        [(1.0, Payload(at))], dtype=[("a", "f8"), ("b", "O")]
    ),
    "a masked array": lambda at: np.ma.masked_array([1.0, 2.0], [True, False], fill_value=3.0),
    "a subclass": lambda at: np.ones(3).view(OfArrays),
    "a matrix": lambda at: np.ones((2, 2)).view(np.matrix),
    "text": lambda at: np.array(["a"]),
    "integers": lambda at: np.arange(3),
    "half as wide": lambda at: np.ones(3, np.float32),
    "in the other byte order": lambda at: np.ones(3, ">f8"),
    "dates": lambda at: np.array(["2020-01-01"], dtype="M8[D]"),
}

# small files that claim, or would become, something vast
VAST: dict[str, bytes] = {
    "BINBYTES8": b"\x8e" + (2**62).to_bytes(8, "little") + b"x.",
    "BINUNICODE8": b"\x8d" + (2**62).to_bytes(8, "little") + b"x.",
    "BYTEARRAY8": b"\x96" + (2**34).to_bytes(8, "little") + b"x.",
    "BINUNICODE": b"X" + (2**32 - 1).to_bytes(4, "little") + b"x.",
    "LONG4": b"\x8b" + (2**31 - 1).to_bytes(4, "little") + b"x.",
    "a negative LONG4": b"\x8b" + b"\xff\xff\xff\xff" + b"x.",
    "LONG in digits": b"L" + b"9" * 200_000 + b"L\n.",
    "FRAME": b"\x95" + (2**62).to_bytes(8, "little") + b"}.",
    "PUT": b"}p" + str(2**62).encode() + b"\n.",
    "LONG_BINPUT": b"}r\xff\xff\xff\xff.",
    "deep": b"]" * 20_000 + b"a" * 19_999 + b".",
    "deep tuples": b")" + b"\x85" * 20_000 + b".",
    "a list that holds itself": b"]\x94h\x00a.",
    "a dict that holds itself": b"}\x94" + text("a") + b"h\x00s.",
    "doubled": b"]\x94" + b"".join(b"]\x94(h" + bytes([n]) + b"h" + bytes([n]) + b"e"
                                   for n in range(60)) + b".",
    "a vast array": WRAPPER + b")\x81}(" + text("subclass") + NDARRAY + text("shape")
    + b"\x8a\x05" + (2**36).to_bytes(5, "little") + b"\x85" + text("order") + text("C")
    + text("dtype") + DTYPE + text("f8") + b"\x89\x88\x87R(K\x03" + text("<")
    + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" + text("allow_mmap") + b"\x88ub.",
}  # fmt: skip


def refused(folder: Path, content: bytes) -> str:
    path = folder / "m.joblib"
    path.write_bytes(content)
    rehash(path)
    with pytest.raises(ArtifactError) as caught:
        load(path)
    assert len(str(caught.value)) < 1_000 + len(str(path))
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("attack", RUNNING)
def test_nothing_that_a_stream_names_runs(attack: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    refused(tmp_path, _PROTO + RUNNING[attack](str(trace)))
    assert not trace.exists()


@pytest.mark.parametrize("attack", ["REDUCE", "GLOBAL", "dotted", "INST", "OBJ", "eval"])
def test_these_streams_would_run_elsewhere(attack: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(_PROTO + RUNNING[attack](str(trace)))
    assert trace.exists()


@pytest.mark.parametrize("attack", IN_ARRAYS)
@pytest.mark.parametrize("nested", [False, True])
def test_arrays_of_anything_but_numbers(attack: str, nested: bool, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    array = IN_ARRAYS[attack](str(trace))
    content = dumped({"format": 2, "location": [array]} if nested else array)
    # by the unpickler, not for want of what else a model holds
    assert "is not a discresorb model:" in refused(tmp_path, content)
    assert not trace.exists()


def peak_of_refusing(folder: Path, content: bytes) -> int:
    tracemalloc.start()
    try:
        refused(folder, content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("attack", VAST)
def test_what_is_small_in_a_file_stays_small(attack: str, tmp_path: Path) -> None:
    assert peak_of_refusing(tmp_path, _PROTO + VAST[attack]) < _LITTLE


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE),
    "lz4": lambda content: b"\x04\x22\x4d\x18" + content,
    "zstd": lambda content: b"\x28\xb5\x2f\xfd" + content,
    "a zip": lambda content: b"PK\x03\x04" + content,
}


@pytest.mark.parametrize("packing", PACKED)
def test_nothing_compressed_is_decompressed(
    packing: str, default_path: Path, tmp_path: Path
) -> None:
    refused(tmp_path, PACKED[packing](default_path.read_bytes()))


def test_a_bomb_stays_small(tmp_path: Path) -> None:
    assert peak_of_refusing(tmp_path, zlib.compress(bytes(4 * _LITTLE), 1)) < _LITTLE


@pytest.fixture
def model(default_path: Path, tmp_path: Path) -> Path:
    """A model in a folder of its own, that nobody else may write."""
    folder = tmp_path / "models"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    for suffix in (".joblib", ".json", ".sha256"):
        copy = Path(shutil.copy(default_path.with_suffix(suffix), folder))
        copy.chmod(0o644)
    return folder / "default.joblib"


def test_two_models_with_their_hashes_swapped(model: Path) -> None:
    other = model.with_name("other.joblib")
    artifact = load_artifact(model)
    save_artifact({**artifact, "log_scale": artifact["log_scale"] + 0.1}, other)
    ours, theirs = model.with_suffix(".sha256"), other.with_suffix(".sha256")
    kept = ours.read_bytes(), theirs.read_bytes()
    ours.write_bytes(kept[1]), theirs.write_bytes(kept[0])
    for path in (model, other):  # each list names the other file
        with pytest.raises(ArtifactError, match="lists no hash for"):
            load(path)
    ours.write_bytes(kept[1].replace(b"other", b"default"))
    with pytest.raises(ArtifactError, match="has been altered"):
        load(model)
    ours.write_bytes(kept[1].replace(b"other", b"default") + kept[0])
    load(model)  # while a model is replaced its list holds both
    swapped = model.read_bytes(), other.read_bytes()
    model.write_bytes(swapped[1]), other.write_bytes(swapped[0])
    load(model)
    theirs.write_bytes(kept[1])
    with pytest.raises(ArtifactError, match=r"other\.joblib has been altered"):
        load(other)


@pytest.mark.parametrize(
    "line",
    [
        "{upper}  {name}\n",
        "SHA256 ({name}) = {hash}\n",
        "{hash}\n",
        "{hash} {name}\n",
        "{short}  {name}\n",
        "{hash}  ./{name}\n",
        "{hash}  ../models/{name}\n",
        "{hash}  {name}\0\n",
        "  {hash}  {name}\n",
        "{other}  {name}\n{hash}  another.joblib\n",
        "",
    ],
)
def test_hash_files_of_another_form_are_no_hash(line: str, model: Path) -> None:
    found = model.with_suffix(".sha256").read_text()[:64]
    model.with_suffix(".sha256").write_text(
        line.format(hash=found, upper=found.upper(), short=found[:-1], other="0" * 64,
                    name=model.name)
    )  # fmt: skip
    with pytest.raises(ArtifactError, match=r"lists no hash for|has been altered"):
        load(model)


def test_a_list_with_other_lines_is_one(model: Path) -> None:
    hashes = model.with_suffix(".sha256")
    hashes.write_text(f"{'0' * 64}  other.joblib\n{hashes.read_text()}{'1' * 64}  ../x\n")
    load(model)


@pytest.mark.parametrize("what", ["folder", "fifo", "device", "dangling", "loop", "huge"])
@pytest.mark.parametrize("suffix", [".joblib", ".sha256"])
def test_what_is_no_plain_file_is_refused_at_once(what: str, suffix: str, model: Path) -> None:
    place = model.with_suffix(suffix)
    place.unlink()
    if what == "folder":
        place.mkdir()
    elif what == "fifo":
        os.mkfifo(place)
    elif what == "huge":
        with place.open("wb") as stream:
            stream.truncate(2**40)  # takes no room on the disk
    else:
        place.symlink_to({"device": "/dev/zero", "dangling": "nowhere", "loop": place.name}[what])
    with pytest.raises(ArtifactError):
        load(model)


def test_a_link_to_a_model_loads(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir(mode=0o755)
    for suffix in (".joblib", ".sha256"):
        (folder / f"default{suffix}").symlink_to(model.with_suffix(suffix))
    load(folder / "default.joblib")


LOOSE: dict[str, tuple[str, int]] = {
    "the model": ("default.joblib", 0o646),
    "the hash": ("default.sha256", 0o666),
    "the folder": (".", 0o777),
}


@pytest.mark.skipif(os.name != "posix", reason="rights are kept elsewhere")
@pytest.mark.parametrize("what", LOOSE)
def test_who_else_may_write_is_warned_of(what: str, model: Path, run: Run) -> None:
    name, mode = LOOSE[what]
    (model.parent / name).chmod(mode)
    with pytest.warns(ModelNotKeptWarning, match="every user may write .* chmod go-w"):
        load(model)
    link = model.parent.parent / "default.joblib"
    link.symlink_to(model)
    link.with_suffix(".sha256").symlink_to(model.with_suffix(".sha256"))
    with pytest.warns(ModelNotKeptWarning, match="every user may write"):
        load(link)
    patient = ("--size-mm", 9, "--sequestrated", 1, "--months-since-onset", 1)
    done = run("predict", "--model", model, *patient, "--months-to-surgery", 3)
    assert done.returncode == 0
    assert done.stderr.count("Note: every user may write") == 1
    assert "ModelNotKeptWarning" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="rights are kept elsewhere")
def test_a_folder_in_which_files_are_safe_is_not_warned_of(model: Path) -> None:
    model.parent.chmod(0o777 | stat.S_ISVTX)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(model)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to give a file away")
def test_a_group_of_one_is_nobody_else(model: Path) -> None:
    model.chmod(0o664)
    os.chown(model, -1, 0)  # root's own
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(model)
    os.chown(model, -1, 54_321)  # a group without a name: nobody knows who is in it
    with pytest.warns(ModelNotKeptWarning, match="a group of users may write"):
        load(model)


TEXTS = {
    "escapes": "\x1b[31mred\x1b[0m",
    "a title": "\x1b]0;owned\x07",
    "turned round": "gone \u202egnp.exe",
    "isolates": "a\u2066b",
    "a bell": "a\x07",
    "a line": "gone\nError: all is well",
    "C1": "a\x9b31m",
}


@pytest.mark.parametrize("odd", TEXTS)
def test_text_that_a_terminal_would_act_on_is_refused(odd: str, model: Path, run: Run) -> None:
    artifact = load_artifact(model)
    everywhere: list[dict[str, Any]] = [
        {"model_id": TEXTS[odd]},
        {"metrics": {TEXTS[odd]: 1.0}},
        {"versions": {"numpy": TEXTS[odd]}},
    ]
    for changed in ({"endpoint": TEXTS[odd]}, *(everywhere if odd == "escapes" else ())):
        save_artifact({**artifact, **changed}, model, force=True)
        with pytest.raises(ArtifactError) as caught:
            load(model)
        assert str(caught.value).isprintable()
    done = run("show", model)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.strip().isprintable()


def test_markup_is_shown_as_it_is(model: Path, run: Run) -> None:
    markup = "[bold]gone[/bold] [link=http://x.example]here[/link]"
    save_artifact({**load_artifact(model), "endpoint": markup}, model, force=True)
    assert markup in run("show", model).stdout


def test_a_long_model_id_does_not_swell_every_row(model: Path) -> None:
    artifact = load_artifact(model)
    save_artifact({**artifact, "model_id": "m" * 200}, model, force=True)
    load(model)
    save_artifact({**artifact, "model_id": "m" * 201}, model, force=True)
    with pytest.raises(ArtifactError, match="model_id is longer than 200 letters"):
        load(model)


def test_a_long_distribution_is_not_quoted_whole(default_path: Path, tmp_path: Path) -> None:
    refused(tmp_path, dumped({**load_artifact(default_path), "distribution": "x" * 50_000}))


def test_what_holds_more_than_any_model_is_not_read_to_its_end(tmp_path: Path) -> None:
    assert "it holds more than any model needs" in refused(
        tmp_path, _PROTO + b"N" * 500_000 + b"}."
    )
    assert "holds more" not in refused(tmp_path, _PROTO + b"N" * 400_000 + b"}.")
