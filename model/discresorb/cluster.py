"""A connection to a Dask cluster whose workers can do this work; it says in words why not."""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from discresorb import __version__
from discresorb.errors import ClusterError, InputError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["connected", "threads_of"]

_SECONDS = 10  # in which a scheduler answers and has a worker
_ADDRESS = re.compile(r"(tcp|tls)://([^/:\s\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")
_MOST_NAMED = 5


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Give a client of the cluster whose scheduler listens at an address; leave it afterwards.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.5:8786``, as ``dask scheduler`` prints it.

    Yields
    ------
    distributed.Client

    Raises
    ------
    InputError
        If the address is none.
    ClusterError
        If dask is not installed, no scheduler answers there, it has no workers, or not all of them
        have this version of discresorb.
    """
    if not _ADDRESS.fullmatch(address):
        raise InputError(
            f"scheduler entered as {address}, but must be an address such as "
            "tcp://10.0.0.5:8786, as `dask scheduler` prints it"
        )
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError(
            'a cluster needs dask and distributed: pip install "discresorb[cluster]"'
        ) from None
    with _quiet():
        try:
            _ask(address)
            client = Client(address, timeout=_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ImportError):
            raise ClusterError(
                f"no scheduler answered at {address} within {_SECONDS} seconds; look whether "
                "`dask scheduler` runs there, and whether a firewall lets the port through"
            ) from None
        try:
            _check_workers(client, address)
            yield client
        finally:
            client.close()


def _ask(address: str) -> None:
    """Raise TimeoutError or OSError unless a scheduler answers: a client would wait for ever.

    What listens there may be something else, or of a version that a client does not understand.
    """
    from distributed import Security
    from distributed.core import rpc

    security = Security().get_connection_args("client")
    if address.startswith("tls") and security["ssl_context"] is None:
        raise ClusterError(
            f"{address} needs certificates; name them in Dask's configuration, "
            "distributed.comm.tls, here as where the scheduler runs"
        )

    async def versions() -> Mapping[str, Mapping[str, str]]:
        async with rpc(address, connection_args=security) as scheduler:
            found: Mapping[str, Mapping[str, str]] = await scheduler.versions()
            return found

    with ThreadPoolExecutor(1) as thread:  # a notebook's own thread has an event loop already
        asked = thread.submit(asyncio.run, asyncio.wait_for(versions(), _SECONDS))
        try:
            there = asked.result()["packages"]["distributed"]
        except (OSError, TimeoutError, ImportError):
            raise
        except Exception:  # other words than Dask's, such as lengths beyond any memory
            raise ClusterError(f"what answers at {address} is no scheduler of Dask") from None
    here = version("distributed")
    if there.split(".")[:2] != here.split(".")[:2]:
        raise ClusterError(
            f"the scheduler at {address} has distributed {there}, but here is {here}; install the "
            "same dask and distributed on both sides"
        )


def threads_of(client: Client) -> Mapping[str, int]:
    """Give the number of threads of every worker that there is, waiting a while for a first one.

    Raises
    ------
    ClusterError
        If there is none.
    """
    from distributed import TimeoutError

    address = client.scheduler.address if client.scheduler else "its address"
    try:
        client.wait_for_workers(1, timeout=_SECONDS)
        threads: Mapping[str, int] = client.nthreads()
    except TimeoutError:
        threads = {}
    except (OSError, ValueError):
        raise ClusterError(
            f"the scheduler at {address} no longer answers; look at its log, start it and its "
            "workers again, and then this"
        ) from None
    if not threads:
        raise ClusterError(
            f"the scheduler at {address} has no workers; start one or more with `dask worker "
            f"{address}`, with discresorb {__version__} installed where they run"
        )
    return threads


def _check_workers(client: Client, address: str) -> None:
    """Refuse workers that lack discresorb or have another version; name them all."""

    def of_worker() -> str:  # inside, so that it travels by value: a worker may lack this module
        from discresorb import __version__

        return __version__

    threads_of(client)
    found = client.run(of_worker, on_error="return")
    unfit = [
        f"{worker} {_lack(answer)}"
        for worker, answer in sorted(found.items())
        if answer != __version__ and not isinstance(answer, OSError)  # it has just gone
    ]
    if unfit:
        more = len(unfit) - _MOST_NAMED
        named = "; ".join(unfit[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
        raise ClusterError(
            f"{len(unfit)} of {len(found)} workers of {address} cannot do this work: {named}. "
            f"Install discresorb {__version__}, the version here, where they run, and start them "
            "again"
        )


def _lack(answer: object) -> str:
    if isinstance(answer, ImportError):
        return f"has no discresorb ({answer})"
    if isinstance(answer, Exception):
        return f"cannot run it ({type(answer).__name__}: {answer})"
    return f"has discresorb {answer}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep distributed's log of its own connections from standard error."""
    names = [name for name in logging.Logger.manager.loggerDict if _is_chatty(name)]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"distributed\b")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _is_chatty(name: str) -> bool:
    return name.partition(".")[0] in ("distributed", "tornado")
