"""CSVs that are large, or small until they are decompressed: made by hand, each tried once."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Final

from discresorb.sources import zstd

__all__ = ["LARGE"]

_HEADER: Final = b"patient_id,size_mm,sequestrated,months_since_onset,months_to_surgery"
_ROW: Final = b"1,9,yes,1,6"


def _columns(count: int) -> bytes:
    names = b"".join(b",c%d" % number for number in range(count))
    return _HEADER + names + b"\n" + _ROW + b"," * count + b"\n"


def _in_gzip(start: bytes, piece: bytes, times: int) -> bytes:
    """Compress a stream that is never held whole."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(
        [packer.compress(start), *(packer.compress(piece) for _ in range(times)), packer.flush()]
    )


def _wide_window() -> bytes:
    """Give a Zstandard frame that asks for two gibibytes to look back upon."""
    frame = bytearray(zstd().compress(_HEADER + b"\n" + _ROW + b"\n"))
    single = frame[4] & 0x20
    if single:  # its size stands where the window's would: one byte becomes the other
        frame[4] &= 0xDF
        frame[5] = (31 - 10) << 3
    return bytes(frame)


_BLANK: Final = b"\n" * (1 << 20)
LARGE: Final[tuple[Callable[[], bytes], ...]] = (
    lambda: _columns(100_000),
    lambda: _HEADER + b",note\n" + _ROW + b"," + b"x" * (10 << 20) + b"\n",
    lambda: _HEADER + b",note\n" + _ROW + b',"' + b"x\n" * (5 << 20) + b'"\n',
    lambda: _HEADER + b",note\n" + _ROW + b"," + b"x" * (70 << 20) + b"\n",
    lambda: _HEADER + b",note\n" + _ROW + b',"' + b'""' * (8 << 20),
    lambda: b"," * (1 << 20) + b"\n",
    lambda: b'"' * (1 << 20),
    lambda: b"\r" * (1 << 20) + _HEADER + b"\r" + _ROW,
    lambda: _in_gzip(_HEADER + b"\n", b"\0" * (1 << 20), 300),
    lambda: _in_gzip(_HEADER + b"\n" + _ROW, _BLANK, 20),
    lambda: _in_gzip(_HEADER + b'\n"', b"x" * (1 << 20), 300),
    lambda: _in_gzip(b"", b"a," * (1 << 19), 80),
    lambda: gzip.compress(gzip.compress(_HEADER + b"\n" + _ROW + b"\n")),
    lambda: zstd().compress(_HEADER + b"\n" + _ROW + b"\n" + b"\n" * (20 << 20)),
    _wide_window,
    lambda: (_HEADER + b"\n" + _ROW + b"\n").join([b"", b"\x1a" * 3, b"\xef\xbb\xbf"]),
)
