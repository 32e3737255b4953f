"""Where long computations run: in this process, or on the workers of a cluster.

>>> from discresorb.cluster import connected                             # doctest: +SKIP
>>> with connected("tcp://10.0.0.5:8786") as client, computing_on(client):   # doctest: +SKIP
...     result = train(cohort, endpoint="definite regression on MRI", data_origin="observed")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["client_in_use", "computing_on", "computing_on_scheduler"]

_CLIENT: ContextVar[Client | None] = ContextVar("client", default=None)


@contextmanager
def computing_on(client: Client) -> Iterator[None]:
    """Fit large data, and repeat things on resamples, on a cluster's workers inside ``with``.

    What comes out is the same as without it. It holds for the thread or task that enters it, as
    `numpy.errstate` does.

    Parameters
    ----------
    client : distributed.Client
        From `discresorb.cluster.connected`, or your own.
    """
    token = _CLIENT.set(client)
    try:
        yield
    finally:
        _CLIENT.reset(token)


@contextmanager
def computing_on_scheduler(address: str | None) -> Iterator[None]:
    """Connect to a scheduler and compute on its workers; without an address, in this process.

    Raises
    ------
    InputError
        If the address is none.
    ClusterError
        If the cluster cannot be used.
    """
    if address is None:
        yield
        return
    from discresorb.cluster import connected

    with connected(address) as client, computing_on(client):
        yield


def client_in_use() -> Client | None:
    """Give the client of the cluster to compute on, if there is one."""
    return _CLIENT.get()
