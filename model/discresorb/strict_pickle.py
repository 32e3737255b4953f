"""Unpickling that can make dicts, lists, text, numbers and float arrays, and nothing else.

joblib writes an array as a placeholder object followed by raw bytes, and unpickles by name. Here
each of the three names it needs is answered with a stand-in of ours that cannot be called, so that
a crafted stream finds nothing to run; an array is refused before it is read unless it is float64
and its bytes are really there. Only the opcodes that write such data are known, and only so many
of them: a part held twice by one that is held twice, and so on, is small in a file but takes for
ever to hash or to print, so that keys are text and what is refused is never printed whole.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

__all__ = ["load_strictly"]

# those by which protocols 2 to 5 write dicts, lists, texts, bytes, numbers, and joblib its arrays
_OPCODES: Final = (
    pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.MEMOIZE, pickle.BINPUT,
    pickle.LONG_BINPUT, pickle.BINGET, pickle.LONG_BINGET, pickle.NONE, pickle.NEWTRUE,
    pickle.NEWFALSE, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.BINFLOAT,
    pickle.SHORT_BINUNICODE, pickle.BINUNICODE, pickle.BINUNICODE8, pickle.SHORT_BINBYTES,
    pickle.BINBYTES, pickle.EMPTY_DICT, pickle.SETITEM, pickle.SETITEMS, pickle.EMPTY_LIST,
    pickle.APPEND, pickle.APPENDS, pickle.EMPTY_TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3,
    pickle.TUPLE, pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.NEWOBJ, pickle.REDUCE, pickle.BUILD,
)  # fmt: skip
_MOST_OPCODES: Final = 500_000
_MOST_DIMENSIONS, _LONGEST = 2, 2**40


class _Name:
    """What a name in the stream stands for; it can be neither called nor changed."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a name cannot be given a state")


class _Float64:
    """Stand-in for ``numpy.dtype``: accepts float64 and refuses every other type."""

    def __new__(cls, kind: object = None, *_: object) -> _Float64:
        if kind != "f8":
            named = repr(kind) if type(kind) is str else f"a {type(kind).__name__}"
            raise pickle.UnpicklingError(f"an array of type {named}, but only float64 is allowed")
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
        if not isinstance(shape, tuple) or not 0 < len(shape) <= _MOST_DIMENSIONS:
            raise pickle.UnpicklingError("an array that is neither a vector nor a matrix")
        if not all(type(n) is int and 0 <= n <= _LONGEST for n in shape):
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


class _Opcodes(dict[int, Callable[[Any], None]]):
    """What is done for each opcode, and how many may still come."""

    left = _MOST_OPCODES

    def __getitem__(self, code: int) -> Callable[[Any], None]:
        self.left -= 1
        if self.left < 0:
            raise pickle.UnpicklingError("it holds more than any model needs")
        if code not in self:
            raise pickle.UnpicklingError(f"it uses opcode {bytes([code])!r}, which no model needs")
        return super().__getitem__(code)


class _StrictUnpickler(NumpyUnpickler):
    # a class's own table, as pickle has it; each unpickler counts in one of its own
    dispatch: Mapping[int, Callable[[Any], None]] = MappingProxyType(
        {code[0]: NumpyUnpickler.dispatch[code[0]] for code in _OPCODES}
    )

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__("", stream, ensure_native_byte_order=False)
        own = {pickle.SETITEM[0]: type(self).load_setitem}
        own |= {pickle.SETITEMS[0]: type(self).load_setitems}
        self.dispatch = _Opcodes({**self.dispatch, **own})

    def load_setitem(self) -> None:
        """Take a value by its key."""
        self._refuse_odd_keys([self.stack[-2]])
        super().load_setitem()

    def load_setitems(self) -> None:
        """Take values by their keys."""
        self._refuse_odd_keys(self.stack[::2])
        super().load_setitems()

    def _refuse_odd_keys(self, keys: Sequence[object]) -> None:
        if not all(type(key) is str for key in keys):
            raise pickle.UnpicklingError("it has a key that is not text")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no model needs")
        return _ALLOWED[module, name]


def load_strictly(content: bytes) -> Any:
    """Unpickle bytes that joblib wrote, uncompressed; raise on anything that is not plain data."""
    return _StrictUnpickler(io.BytesIO(content)).load()
