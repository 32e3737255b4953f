"""Streams of pickle's opcodes as an attacker could write them, and some that stand for a class."""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

__all__ = ["BY_HAND", "opcodes"]

_NAMES: Final = (
    b"numpy\nndarray\n", b"numpy\ndtype\n", b"joblib.numpy_pickle\nNumpyArrayWrapper\n",
    b"posix\nmkdir\n", b"os\nmkdir\n", b"builtins\neval\n", b"builtins\ngetattr\n",
    b"copyreg\n_reconstructor\n", b"discresorb.strict_pickle\n_FloatArray\n", b"numpy\nndarray.x\n",
)  # fmt: skip
_PLAIN: Final = (
    b"N", b"\x88", b"\x89", b"K\x07", b"M\xff\xff", b"J\xff\xff\xff\x7f", b"G?\xf0" + b"\0" * 6,
    b"\x8a\x08" + b"\xff" * 8, b"\x8b\x04\0\0\0\xff\xff\xff\x7f", b"I99999\n", b"L1L\n",
    b"F1e400\n", b"S'f8'\n", b"\x8c\x02f8", b"\x8c\x06format", b"\x8c\x05shape", b"\x8c\x01<",
    b"X\x04\0\0\0size", b"\x8d\x05" + b"\0" * 7 + b"order", b"V\\ud800\n", b"C\x03abc", b"U\x01a",
    b"\x8e\x03" + b"\0" * 7 + b"abc", b"\x8c\x08subclass", b"\x8c\x05dtype",
)  # fmt: skip
_SHAPES: Final = (b"]", b"}", b")", b"(", b"\x8f", b"l", b"d", b"t", b"\x85", b"\x86", b"\x87",
                  b"a", b"e", b"s", b"u", b"\x90", b"\x91", b"0", b"1", b"2")  # fmt: skip
_ACTIONS: Final = (b"R", b"b", b"\x81", b"\x92", b"o", b"ios\nmkdir\n", b"\x93", b"Q", b"P1\n",
                   b"\x82\xf0", b"\x97", b"\x98", b"\x80\x04", b"\x80\xff", b".")  # fmt: skip
_ANY: Final = tuple(opcode.code.encode("latin-1") for opcode in pickletools.opcodes)


def opcodes(random: Random, trace: Path) -> bytes:
    """Give a stream: opcodes at random, or one of those made by hand, or one within another."""
    if random.random() < 0.02:
        return random.choice(list(BY_HAND.values()))()
    path = str(trace).encode()
    own = b"\x8c" + bytes([len(path)]) + path
    groups: Sequence[Sequence[bytes]] = (_PLAIN, _PLAIN, _SHAPES, _SHAPES, _ACTIONS, _ANY, [own],
                                         [b"c" + name for name in _NAMES],
                                         [b"\x94", b"q\x01", b"h\x00", b"h\x01", b"j\x01\0\0\0",
                                          b"r\xff\xff\xff\x7f", b"g1\n", b"p9\n"])  # fmt: skip
    length = random.choice((4, 12, 40, 150))
    body = b"".join(random.choice(random.choice(groups)) for _ in range(length))
    if random.random() < 0.3:
        size = random.choice((len(body), 2**31, 2**63, 2**64 - 1))
        body = b"\x95" + struct.pack("<Q", size) + body
    return b"\x80" + bytes([random.choice((2, 4, 5))]) + body + b"."


def _doubled(times: int) -> bytes:
    """Give a list of tuples that each hold the one before twice: the last is vast when walked."""
    return b"]()\x94" + b"".join(
        b"h" + bytes([n]) + b"h" + bytes([n]) + b"\x86\x94" for n in range(times)
    ) + b"e"  # fmt: skip


def _in_format(part: bytes) -> bytes:
    return b"\x80\x04}\x8c\x06format" + part + b"s."


def _shape(dimensions: bytes) -> bytes:
    """Give an array's placeholder of some shape, and bytes as if of the array."""
    state = (b"(\x8c\x08subclasscnumpy\nndarray\n\x8c\x05shape" + dimensions + b"\x8c\x05order"
             b"\x8c\x01C\x8c\x05dtypecnumpy\ndtype\n(\x8c\x02f8\x89\x88tR"
             b"\x8c\x0aallow_mmap\x88u")  # fmt: skip
    made = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}" + state + b"b"
    return b"\x80\x04}\x8c\x08location" + made + b"\0" * 64 + b"s."


# each as a function, since some are large
BY_HAND: Final[dict[str, Callable[[], bytes]]] = {
    "a format nested a thousand deep": lambda: _in_format(b"]" * 5000 + b"a" * 4999),
    "a key of doubled tuples": lambda: (
        b"\x80\x04}\x8c\x01a" + _doubled(60) + b"sh" + bytes([60]) + b"Ns."
    ),
    "a set of doubled tuples": lambda: (
        b"\x80\x04}\x8c\x01a" + _doubled(60) + b"s\x8f(h" + bytes([60]) + b"\x90."
    ),
    "a type of doubled tuples": lambda: (
        b"\x80\x04}\x8c\x01a" + _doubled(60) + b"scnumpy\ndtype\n(h" + bytes([60]) + b"tR."
    ),
    "a format of doubled tuples": lambda: (
        b"\x80\x04}\x8c\x01a" + _doubled(60) + b"s\x8c\x06formath" + bytes([60]) + b"s."
    ),
    "a shape of a vast product": lambda: _shape(
        b"(\x8a\xff" + b"\x01" * 255 + b"\x94" + b"h\x00" * 400_000 + b"t"
    ),
    "a shape with nothing in it": lambda: _shape(b"(K\x00\x8a\x09" + b"\xff" * 8 + b"\x00t"),
    "a million sets": lambda: b"\x80\x04" + b"\x8f" * (1 << 20) + b".",
    "a million lists": lambda: b"\x80\x04(" + b"]" * (1 << 20) + b"l.",
    "a list of millions": lambda: (
        b"\x80\x04}\x8c\x06formatK\x02s\x8c\x07metrics](" + b"N" * (1 << 20) + b"es."
    ),
    "a frame of all bytes": lambda: b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
    "text of all bytes": lambda: b"\x80\x04\x8d" + b"\xff" * 8 + b"N.",
    "marks": lambda: b"\x80\x04" + b"(" * (1 << 20) + b".",
    "a memo far away": lambda: b"\x80\x04Nr\xff\xff\xff\xffj\xff\xff\xff\xff.",
    "no end": lambda: b"\x80\x04N",
}
