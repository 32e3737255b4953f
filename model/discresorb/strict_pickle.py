"""Unpickling that can make dicts, lists, text, numbers and float arrays, and nothing else.

joblib writes an array as a placeholder object followed by raw bytes, and unpickles by name. Here
each of the three names it needs is answered with a stand-in of ours that cannot be called, so that
a crafted stream finds nothing to run; an array is refused before it is read unless it is float64
and its bytes are really there.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

__all__ = ["load_strictly"]


class _Name:
    """What a name in the stream stands for; it can be neither called nor changed."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a name cannot be given a state")


class _Float64:
    """Stand-in for ``numpy.dtype``: accepts float64 and refuses every other type."""

    def __new__(cls, kind: object = None, *_: object) -> _Float64:
        if kind != "f8":
            raise pickle.UnpicklingError(f"an array of type {kind!r}, but only float64 is allowed")
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] != "<":
            raise pickle.UnpicklingError("a float64 array not in little-endian order")


_NDARRAY = _Name()


class _FloatArray(NumpyArrayWrapper):
    """joblib's placeholder, reading float64 arrays only."""

    subclass: object
    shape: object
    dtype: object

    def __init__(self) -> None:
        """Take no arguments: the state comes from the stream."""

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("an array placeholder without a state")
        self.__dict__.update(state)

    def read(self, unpickler: Any, ensure_native_byte_order: bool) -> np.ndarray[Any, Any]:
        shape, stream = self.shape, unpickler.file_handle
        if self.subclass is not _NDARRAY or not isinstance(self.dtype, _Float64):
            raise pickle.UnpicklingError("an array of another kind than float64")
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise pickle.UnpicklingError("an array without a proper shape")
        if math.prod(shape) * 8 > len(stream.getbuffer()) - stream.tell():
            raise pickle.UnpicklingError("an array larger than the file")
        self.dtype = np.dtype("<f8")
        return np.asarray(self.read_array(unpickler, ensure_native_byte_order))


# answered exactly; whatever else a stream names is refused
_ALLOWED = {
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _FloatArray,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Float64,
}


class _StrictUnpickler(NumpyUnpickler):
    dispatch = NumpyUnpickler.dispatch.copy()

    def load_bytearray8(self) -> None:
        """Refuse: it would allocate whatever length the stream claims."""
        raise pickle.UnpicklingError("it holds a bytearray, which no model needs")

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no model needs")
        return _ALLOWED[module, name]

    def get_extension(self, code: int) -> None:
        """Refuse: the extension registry's cache would be asked before the allow-list."""
        raise pickle.UnpicklingError(f"it uses extension code {code}, which no model needs")


def load_strictly(content: bytes) -> Any:
    """Unpickle bytes that joblib wrote, uncompressed; raise on anything that is not plain data."""
    stream = io.BytesIO(content)
    return _StrictUnpickler("", stream, ensure_native_byte_order=False).load()
