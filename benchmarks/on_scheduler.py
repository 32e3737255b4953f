"""Studies that call joblib, on the workers of a cluster: --scheduler tcp://host:port, last of all.

Workers need this folder on their PYTHONPATH, and more than one thread in all: with one, joblib
computes here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import joblib

from discresorb.cluster import connected


@contextmanager
def scheduler_asked_for() -> Iterator[None]:
    """Take --scheduler from the arguments and compute there; without it, as ever."""
    if "--scheduler" not in sys.argv:
        yield
        return
    position = sys.argv.index("--scheduler")
    address = " ".join(sys.argv[position + 1 :])
    del sys.argv[position:]
    with connected(address) as client, joblib.parallel_config(backend="dask", client=client):
        yield
