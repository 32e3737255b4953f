"""Whether others on this machine could replace a model together with its hash."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["writable_by_others"]


def writable_by_others(paths: Sequence[Path]) -> list[str]:
    """Name the files, and the folders they stand in, that other users may change.

    A hash beside a model says that it is whole, not whose it is: who may write both may replace
    both. Windows keeps such rights elsewhere, so nothing is said there.

    Parameters
    ----------
    paths : sequence of Path
        Files; through a link, the file behind it and both folders count.

    Returns
    -------
    list of str
        One phrase each: what it is, and who may write.
    """
    if os.name != "posix":
        return []
    found: dict[str, None] = {}
    for path in paths:
        places = dict.fromkeys([path.absolute(), path.resolve()])
        for each in (path.resolve(), *(place.parent for place in places)):
            found |= dict.fromkeys(_said_of(each))
    return list(found)


def _said_of(path: Path) -> Iterator[str]:
    try:
        status = path.stat()
    except OSError:  # what is not there is told of by whoever reads it
        return
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX:
        return  # as in /tmp: files of one user cannot be replaced by another
    if status.st_mode & stat.S_IWOTH:
        yield f"every user may write {path}"
    elif status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid):
        yield f"a group of users may write {path}"


def _is_private(group: int) -> bool:
    """Tell a group that has one member, as many systems give each user, from a shared one."""
    import grp
    import pwd

    try:
        entry = grp.getgrgid(group)
        owner = pwd.getpwnam(entry.gr_name)
    except KeyError:  # a number without a name, or no user is called like the group
        return False
    return owner.pw_gid == group and set(entry.gr_mem) <= {entry.gr_name}
