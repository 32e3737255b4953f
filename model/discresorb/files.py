"""Writing files so that what stands under a name is always whole.

A file is written as a part beside its target and renamed onto it. Parts and locks carry their
owner: the host, process and thread that made them, and when that process began, since numbers of
processes are used again. What a killed run of this host left behind is removed; of another host
nobody knows here whether it runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import platform
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from discresorb.errors import OutputError
from discresorb.synced import SyncedFile, UnwrittenError

__all__ = [
    "Part",
    "alone",
    "begun",
    "check_apart",
    "check_target",
    "discard_all",
    "is_left",
    "owner",
    "replacing",
    "write_whole",
]


def check_target(path: Path, *, force: bool) -> None:
    """Refuse a target that exists (without force), is no file, or has no folder to stand in."""
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; name a file")
        if not path.parent.is_dir():
            raise OutputError(f"folder {path.parent} does not exist; make it first")
        if path.exists() and not path.is_file():
            raise OutputError(f"{path} is not an ordinary file; name another")
        if (path.exists() or path.is_symlink()) and not force:  # a link to nowhere leads on, too
            raise OutputError(f"{path} exists already; use --force (force=True) to overwrite it")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def check_apart(outputs: Sequence[Path], kept: Sequence[Path]) -> None:
    """Refuse to write twice to one file, or over one that is read: no force makes that right."""
    read, written = {_resolved(each) for each in kept}, set[Path]()
    for path in outputs:
        place = _resolved(path)
        if place in written:
            raise OutputError(f"{path} is named twice; each output needs a file of its own")
        if place in read:
            raise OutputError(f"{path} is an input of this command; name another file to write to")
        written.add(place)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link in circles is told of when it is opened
        return path.absolute()


# parts and locks of this process: an interrupt may strike between any two lines, and who was to
# discard them may not have heard of them yet
_UNNAMED: Final[set[Path]] = set()


@dataclass(frozen=True)
class Part:
    """A file that is written whole, but does not bear its name yet.

    Parameters
    ----------
    path : Path
        The name that it is to bear.
    place : Path
        Where it stands until then.
    """

    path: Path
    place: Path

    def install(self) -> None:
        """Give it its name."""
        try:
            self.place.replace(self.path)
            _UNNAMED.discard(self.place)
        except BaseException as error:
            self.discard()
            if not isinstance(error, OSError):
                raise
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from error

    def discard(self) -> None:
        """Leave no trace of it."""
        with contextlib.suppress(OSError):  # not there any more, or never made
            self.place.unlink()
        _UNNAMED.discard(self.place)


def discard_all() -> None:
    """Leave no trace of parts and locks of this process, wherever an interrupt struck."""
    for place in list(_UNNAMED):
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)
    _UNNAMED.clear()


@contextmanager
def begun(path: Path) -> Iterator[tuple[IO[bytes], Part]]:
    """Write beside the target, whole when this ends; on failure leave no trace.

    The part then waits to be installed or discarded. A link is followed, and a file that is
    replaced hands on its permissions.
    """
    part = None
    try:
        path = path.resolve()
        part = Part(path, _companion(path, "partial"))
        _UNNAMED.add(part.place)
        file = SyncedFile(part.place, str(path))
        with io.BufferedWriter(file) as stream:
            if path.exists():
                part.place.chmod(path.stat().st_mode)
            yield stream, part
            stream.flush()
            file.settle()
    except BaseException as error:
        if part is not None:
            part.discard()
        # of the RuntimeErrors only a path that goes in circles is ours; others are the caller's
        ours = isinstance(error, OSError) or (isinstance(error, RuntimeError) and part is None)
        if not ours or isinstance(error, BrokenPipeError):
            raise
        named = error.target if isinstance(error, UnwrittenError) else path
        raise OutputError(f"cannot write {named}: {getattr(error, 'strerror', error)}") from error


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write beside the target and rename onto it at the end; on failure leave no trace."""
    with begun(path) as (stream, part):
        yield stream
    part.install()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file's whole content in one rename."""
    with replacing(path) as stream:
        stream.write(content)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold several files that go together against other processes and threads.

    Raises
    ------
    OutputError
        If another one is writing them now.
    """
    mine = _companion(path, "lock")
    _UNNAMED.add(mine)
    try:
        mine.touch()
        others = [each for each in _companions(path, "lock") if each != mine]
        if others:
            raise OutputError(
                f"another run is writing {path}; try again, or remove {others[0].name} if none is"
            )
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            mine.unlink()
        _UNNAMED.discard(mine)


def _companion(path: Path, kind: str) -> Path:
    """Name a part or lock of this thread, after removing those of runs that are dead."""
    _companions(path, kind)
    return path.with_name(f".{_stem(path)}.{owner()}.{kind}")


def _companions(path: Path, kind: str) -> list[Path]:
    """Find the parts or locks of a target, removing those that a dead run of this host left."""
    found = []
    with contextlib.suppress(OSError):  # a folder that cannot be listed has none to find
        for each in path.parent.glob(f".{_stem(path)}.*.{kind}"):
            if is_left(each.name.removeprefix(f".{_stem(path)}.").removesuffix(f".{kind}")):
                with contextlib.suppress(OSError):
                    each.unlink()
            else:
                found.append(each)
    return found


def owner() -> str:
    """Name this thread of this process of this host."""
    process = os.getpid()
    return f"{_host()}.{process}.{_birth(process)}-{threading.get_ident()}"


def is_left(owner: str) -> bool:
    """Tell whether an owner is of this host and does not run any more, or is none at all."""
    host, process, rest = [*owner.split(".", 2), "", ""][:3]
    if not (process.isascii() and process.isdecimal() and len(process) < 10):
        return True
    return host == _host() and not _is_alive(int(process), rest.rpartition("-")[0])


def _stem(path: Path) -> str:
    """Stand for a name of any length."""
    return hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _host() -> str:
    return "".join(c for c in platform.node() if c.isalnum()) or "host"


def _birth(process: int) -> str:
    """Give when a process began, in ticks since the system did; nothing where that is not told."""
    with contextlib.suppress(OSError, IndexError):
        # the second of its fields is a name in brackets, which may hold anything
        told = Path(f"/proc/{process}/stat").read_text(errors="replace")
        return told.rpartition(")")[2].split()[19]
    return ""


def _is_alive(process: int, birth: str) -> bool:
    if os.name != "posix":
        return process == os.getpid()  # elsewhere an open file cannot be removed anyway
    try:
        os.kill(process, 0)  # asks, does not kill
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    return not birth or _birth(process) in ("", birth)
