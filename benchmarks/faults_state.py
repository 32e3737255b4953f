"""What stands in a folder after something went wrong, held against what may stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from forked import PROCESSES

from discresorb.artifact import load_artifact

__all__ = ["Contents", "Outputs", "contents_of", "restore", "shared_memory"]

Contents = Mapping[str, bytes]
_NUMBER = re.compile(r"(?<=[-_])[0-9]+(?=[-_])")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # looked at, not written: joblib's workers use it
_BEFORE = {each.name for each in _SHARED_MEMORY.iterdir()} if _SHARED_MEMORY.is_dir() else set()


def contents_of(folder: Path) -> dict[str, bytes]:
    """Read every file, hidden ones too; a folder without files is there as its name and a slash."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[f"{name}/"] = b""
    return found


def restore(folder: Path, contents: Contents) -> None:
    """Make a folder hold exactly these files."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    for name, content in contents.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def shared_memory() -> set[str]:
    """Name what the runs' workers keep outside of any folder."""
    if not _SHARED_MEMORY.is_dir():
        return set()
    names = (each.name for each in _SHARED_MEMORY.iterdir() if each.name not in _BEFORE)
    ours = {str(process) for process in PROCESSES}
    return {each for each in names if not ours.isdisjoint(_NUMBER.findall(each))}


@dataclass(frozen=True)
class Outputs:
    """What a command reads and writes in a folder.

    Parameters
    ----------
    before : mapping
        Everything in the folder before it: what it reads, and old outputs if there were any.
    after : mapping
        Everything in the folder after it.
    """

    before: Contents
    after: Contents

    @property
    def written(self) -> list[str]:
        """Name what it writes."""
        return [name for name, it in self.after.items() if self.before.get(name) != it]

    def wrongs(self, found: Contents, *, leftovers: bool) -> list[str]:
        """Say which files are neither the old nor the new ones, whole.

        Parameters
        ----------
        found : mapping
            What stands in the folder now.
        leftovers : bool
            Whether hidden files may stand there, too.
        """
        wrong = []
        for name, content in found.items():
            if hidden(name):
                if not leftovers:
                    wrong.append(f"{name} was left")
            elif not name.endswith("/") and content not in self._allowed(name, found):
                wrong.append(f"{name} is neither old nor new")
        wrong += [f"{name} is gone" for name in self.before if self._is_gone(name, found)]
        return wrong

    def _allowed(self, name: str, found: Contents) -> list[bytes]:
        allowed = [each[name] for each in (self.before, self.after) if name in each]
        if name.endswith(".sha256") and name in self.after:
            # while a model is replaced, its hash file lists the new hashes and then the old ones
            allowed.append(self.after[name] + self.before.get(name, b""))
        return allowed

    def _is_gone(self, name: str, found: Contents) -> bool:
        # a card is taken away before its table changes, so that it never describes another
        return name not in found and not name.endswith((".card.json", "/"))

    def stage(self, found: Contents) -> str:
        """Say how far a run that was killed had come."""
        if any(map(hidden, found)):
            return "writing"
        installed = sum(found.get(name) == self.after[name] for name in self.written)
        if not installed and all(found.get(n) == self.before.get(n) for n in self.written):
            return "before"
        return "after" if installed == len(self.written) else "writing"

    def is_done(self, found: Contents) -> bool:
        """Tell whether everything is as after an undisturbed run."""
        return dict(found) == dict(self.after)


def hidden(name: str) -> bool:
    """Tell whether a file, or a folder it stands in, is hidden."""
    return any(part.startswith(".") for part in name.split("/"))


def unloadable(folder: Path, names: Iterable[str]) -> tuple[list[str], int]:
    """Say which models there do not load, and count those whose twin is one model behind."""
    wrong, behind = [], 0
    for name in names:
        model = folder / name
        if model.suffix != ".joblib" or not model.exists():
            continue
        try:
            artifact = load_artifact(model)
        except Exception as error:
            wrong.append(f"{name} does not load: {error}")
            continue
        twin = model.with_suffix(".json")
        named = json.loads(twin.read_bytes())["model_id"] if twin.exists() else None
        behind += named != artifact["model_id"]
    return wrong, behind
