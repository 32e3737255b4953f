"""Random numbers of a simulation, one stream a purpose.

Every quantity is made from uniform numbers by its inverse distribution function, so that the same
seed gives the same patients whatever library version draws them, whatever is set for visits and
exits, and however many patients follow.
"""

from __future__ import annotations

import zlib

import numpy as np
from scipy.special import ndtri

from discresorb.distributions import Array

__all__ = ["Draws"]


class Draws:
    """Streams of independent draws.

    Parameters
    ----------
    seed : int
        0 or more.
    n : int
        Patients.
    """

    def __init__(self, seed: int, n: int) -> None:
        self._seed, self.n = seed, n

    def uniform(self, purpose: str, *, n: int | None = None, each: int | None = None) -> Array:
        """Uniform draws, 0 and 1 excluded: one a patient, or (n, each)."""
        stream = np.random.SeedSequence([self._seed, zlib.crc32(purpose.encode())])
        shape = self.n if n is None else n
        drawn = np.random.Generator(np.random.PCG64(stream)).random(
            shape if each is None else (shape, each)
        )
        between: Array = drawn * (1.0 - 2.0**-52) + 2.0**-53
        return between

    def normal(self, purpose: str, *, n: int | None = None) -> Array:
        """Draw standard normal numbers."""
        scores: Array = ndtri(self.uniform(purpose, n=n))
        return scores

    def exponential(self, purpose: str) -> Array:
        """Draw exponential numbers of mean 1."""
        times: Array = -np.log(self.uniform(purpose))
        return times
