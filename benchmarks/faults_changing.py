"""Files that change while they are read, and models that are replaced while they are loaded."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl
from faults_commands import ROOT, long_list
from forked import run, side_by_side

from discresorb import inputs, sources
from discresorb.artifact import load_artifact, save_artifact

__all__ = ["changing_lines"]

_ROWS: Final = 3000
_LOADS: Final = 400
_MOMENTS: Final = 4


def changing_lines(scratch: Path) -> Iterator[str]:
    """Change a file at some moment of scoring it, in each of several ways."""
    yield "A file that changes while it is scored"
    yield f"{'':14}{'':12}{'trials':>7}{'refused':>9}{'one version':>13}{'wrong':>7}"
    wrong: list[str] = []
    draw = random.Random(1)  # noqa: S311  # moments, not secrets
    for form, encode in _FORMS.items():
        old, new = encode(1), encode(2)
        for change, act in _CHANGES.items():
            seen = Counter(
                _scored(scratch, form, old, new, act, draw.randint(1, 6)) for _ in range(_MOMENTS)
            )
            good = seen["refused"], seen["one version"]
            bad = seen.total() - sum(good)
            yield f"{form:14}{change:12}{seen.total():>7}{good[0]:>9}{good[1]:>13}{bad:>7}"
            wrong += [f"WRONG, {form} {change}: {each}" for each in seen if " " in each[:30]
                      and each != "one version"]  # fmt: skip
    yield "refused: exit status 3, the words say that it was changed, nothing was written."
    yield "one version: exit status as usual, and the output is that of the file as it was opened,"
    yield "byte by byte. wrong: anything else."
    yield from wrong
    yield from _models(scratch)


def _csv(seed: int) -> bytes:
    return long_list(_ROWS, seed).encode()


def _parquet(seed: int) -> bytes:
    content = io.BytesIO()
    frame = pl.read_csv(_csv(seed))
    frame.write_parquet(content, row_group_size=200)
    return content.getvalue()


def _in_fork(encode: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Have polars work in a fork: its threads must not begin in this process."""
    return lambda seed: bytes(side_by_side(encode, [seed])[0])


_FORMS: Final[dict[str, Callable[[int], bytes]]] = {
    "list.csv": _csv,
    "list.csv.gz": lambda seed: gzip.compress(_csv(seed), mtime=0),
    "list.parquet": _in_fork(_parquet),
}


def _truncated(path: Path, new: bytes) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _appended(path: Path, new: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(new[len(new) // 2 :])


def _overwritten(path: Path, new: bytes) -> None:
    with path.open("r+b") as stream:
        stream.write(new)


def _replaced(path: Path, new: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(new)
    other.replace(path)


def _removed(path: Path, new: bytes) -> None:
    path.unlink()


_CHANGES: Final = {
    "truncated": _truncated,
    "appended": _appended,
    "overwritten": _overwritten,
    "replaced": _replaced,
    "removed": _removed,
}


def _scored(
    scratch: Path,
    form: str,
    old: bytes,
    new: bytes,
    act: Callable[[Path, bytes], None],
    number: int,
) -> str:
    """Score a file that changes at the n-th time that it is read; tell what came of it."""
    trial = scratch / "changing"
    trial.mkdir(exist_ok=True)
    source, output = trial / form, trial / "o.csv"
    arguments = ("score", form, "-o", "o.csv", "--batch-size", "0.01", "--n-jobs", "1", "--force")
    output.unlink(missing_ok=True)
    source.write_bytes(old)
    usual = run(arguments, trial)
    expected = output.read_bytes()
    output.unlink()
    source.write_bytes(old)
    calls = itertools.count(1)

    def watch() -> None:
        owner: Any = inputs._Parquet if form.endswith("parquet") else sources._Guarded
        name = "load" if form.endswith("parquet") else "read"
        usual_method = getattr(owner, name)

        def method(self: Any, *what: Any) -> Any:
            if next(calls) == number:
                act(source, new)
            return usual_method(self, *what)

        setattr(owner, name, method)

    ended = run(arguments, trial, prepare=watch)
    left = [each.name for each in trial.iterdir() if each.name not in (form, "o.csv")]
    if left or ended.traceback:
        return f"left {left}: {ended.words}"
    if ended.status == 3 and "changed while it was read" in ended.words and not output.exists():
        return "refused"
    if ended.status == usual.status and output.read_bytes() == expected:
        return "one version"
    return f"status {ended.status}: {ended.words[-300:]}"


def _models(scratch: Path) -> Iterator[str]:
    """Replace a model again and again while it is loaded."""
    path = scratch / "m.joblib"
    artifact = load_artifact(ROOT / "artifacts" / "default.joblib")
    save_artifact(artifact, path)
    ready = scratch / "over"

    def replacing(loading: bool) -> Any:
        if loading:
            seen: Counter[str] = Counter()
            for _ in range(_LOADS):
                try:
                    seen[load_artifact(path)["model_id"]] += 1
                except Exception as error:
                    seen[f"refused: {error}"] += 1
            ready.touch()
            return seen
        number = 0
        while not ready.exists():
            number += 1
            save_artifact({**artifact, "model_id": f"m{number}"}, path, force=True)
        return number

    seen, saved = side_by_side(replacing, [True, False])
    refused = {each: n for each, n in seen.items() if each.startswith("refused")}
    yield (
        f"A model loaded {seen.total()} times while it was replaced {saved} times: "
        f"{len(seen) - len(refused)} models seen, refused {sum(refused.values())} times."
    )
    yield from (f"WRONG: {each}" for each in refused)
