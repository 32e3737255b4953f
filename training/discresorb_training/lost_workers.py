"""Tasks on the workers of a cluster, any of which may be lost while they compute.

Dask computes again what a lost worker had computed, but cannot bring back what it was sent. So
values stay here as well, and are sent again; what has been answered is not asked again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from discresorb.cluster import threads_of
from discresorb.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Held", "each_in_order", "each_once"]

_ATTEMPTS = 5


class Held:
    """Values that workers hold, with the copies from which they can be sent again.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    values : sequence
        Each is held by one worker, dealt out by their threads.
    """

    def __init__(self, client: Client, values: Sequence[Any]) -> None:
        self._client, self._values = client, values
        self.futures: list[Any] = [None] * len(values)
        self.send(range(len(values)))

    def send(self, chosen: Sequence[int]) -> None:
        """Send some of them to the workers that there are now."""
        threads = threads_of(self._client)
        places = [worker for worker, count in sorted(threads.items()) for _ in range(count)]
        for turn, number in enumerate(chosen):
            place = places[turn % len(places)]
            try:
                [self.futures[number]] = self._client.scatter(
                    [self._values[number]], workers=[place], hash=False
                )
            except _gone():
                self.futures[number] = None


def each_once(
    client: Client, held: Sequence[Held], function: Callable[..., Any], rest: Sequence[Any]
) -> list[Any]:
    """Call a function on values held; where they were lost, send them and ask again.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    held : sequence of Held
        Equally many values each: the first arguments.
    function : callable
        Of a module that the workers have.
    rest : sequence
        Further arguments, alike for all.

    Returns
    -------
    list
        One answer a value, in their order.

    Raises
    ------
    ClusterError
        If workers are lost again and again.
    """
    found: dict[int, Any] = {}
    left = list(range(len(held[0].futures)))
    for attempt in range(_ATTEMPTS):
        if attempt:
            for each in held:
                each.send(left)
        asked = {
            number: client.submit(
                function, *(each.futures[number] for each in held), *rest, pure=False
            )
            for number in left
            if all(each.futures[number] is not None for each in held)
        }
        for number, answer in asked.items():
            try:
                found[number] = answer.result()
            except _losses():
                continue
        left = [number for number in left if number not in found]
        if not left:
            return [found[number] for number in sorted(found)]
    raise ClusterError(_KEPT_GOING)


def each_in_order(
    client: Client, function: Callable[[Any, Any], Any], one: Any, parts: Sequence[Any]
) -> Iterator[Any]:
    """Call a function on (one, part) for every part, and give the answers in order.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    function : callable
        Of a module that the workers have.
    one : object
        What every call needs; it travels to each worker once.
    parts : sequence
        What they differ in.

    Raises
    ------
    ClusterError
        If workers are lost again and again.
    """
    left = deque(range(len(parts)))
    attempts = 0
    while left:
        if attempts == _ATTEMPTS:
            raise ClusterError(_KEPT_GOING)
        attempts += 1
        there = _on_every_worker(client, one)
        asked = deque(client.submit(function, there, parts[number], pure=False) for number in left)
        while asked:
            try:
                answer = asked.popleft().result()
            except _losses():
                break
            yield answer
            left.popleft()
            attempts = 0


def _on_every_worker(client: Client, one: Any) -> Any:
    threads_of(client)
    try:
        [there] = client.scatter([one], broadcast=True, hash=False)
    except _gone():
        [there] = client.scatter([one], hash=False)  # some worker that is there
    return there


_KEPT_GOING = (
    f"workers of the cluster were lost {_ATTEMPTS} times in a row; look at their logs, they may "
    "have too little memory"
)


def _losses() -> tuple[type[Exception], ...]:
    """Name what is raised where a worker, and what it held, has gone."""
    from distributed import CancelledError, KilledWorker

    return CancelledError, KilledWorker


def _gone() -> tuple[type[Exception], ...]:
    """Name what is raised where values are sent to a worker that has just gone."""
    return OSError, KeyError, ValueError, *_losses()
