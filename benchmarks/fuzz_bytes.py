"""Good bytes made bad: flips, cuts, splices, repeats, and words that have broken readers before."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from discresorb.sources import zstd

__all__ = ["compressed", "mutated"]

_MOST_BYTES: Final = 1 << 16
WORDS: Final = (
    b"\0", b'"', b'""', b'"\n', b"'", b"\r", b"\r\n", b"\n\r", b"\n\n", b",", b",,,,", b";", b"\t",
    b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xfe\xff", b"\x1a", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"PK\x03\x04", b"\\", b"\\N",
    b"NaN", b"nan", b"-inf", b"1e400", b"-0", b"0x1p3", b"1_000", b"9" * 400, b"1e-400", b"=1+1",
    b"@x", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x0c", b"\x1c", b"\xd9\xa1\xd9\xa2",
    b"\xc2\xa0", b"p_resorbed", b"patient_id", b"size_mm", b"0001-01-01", b"9999-12-31",
    b"2019-02-30",
    b"\x80\x04", b"}", b"]", b"(", b"0", b"2", b"R", b"b", b".", b"\xff" * 8, b"\x7f" * 4,
)  # fmt: skip


def mutated(content: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Break bytes in one to six ways; others of their kind are spliced in."""
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        content = random.choice(_WAYS)(content, random, others)[:_MOST_BYTES]
    return content


def compressed(content: bytes, random: Random) -> bytes:
    """Compress by gzip or Zstandard, in one part or two, sometimes with what does not belong."""
    at = random.randrange(len(content) + 1)
    parts = random.choice(([content], [content[:at], content[at:]], [content, b""]))
    squeeze: Callable[[bytes], bytes] = random.choice((_gzipped, zstd().compress))
    after = random.choice((b"", b"", b"", b"\0" * 20, b"rubbish", b"\x1f\x8b", content[:40]))
    return b"".join(map(squeeze, parts)) + after


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


def _place(content: bytes, random: Random) -> int:
    return random.randrange(len(content) + 1)


def _stretch(content: bytes, random: Random) -> tuple[int, int]:
    start = _place(content, random)
    return start, min(len(content), start + int(random.expovariate(1 / 30)))


def _flip(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 4)) if found else 0):
        found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def _replace(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    start, end = _stretch(content, random)
    return content[:start] + random.randbytes(end - start) + content[end:]


def _cut(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return content[: _place(content, random)]


def _remove(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    start, end = _stretch(content, random)
    return content[:start] + content[end:]


def _repeat(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    start, end = _stretch(content, random)
    return content[:end] + content[start:end] * random.choice((1, 2, 9, 99)) + content[end:]


def _insert(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    at = _place(content, random)
    return content[:at] + random.choice(WORDS) + content[at:]


def _overwrite(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    at, word = _place(content, random), random.choice(WORDS)
    return content[:at] + word + content[at + len(word) :]


def _splice(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    other = random.choice(others) if others else content
    start, end = _stretch(other, random)
    at = _place(content, random)
    return random.choice(
        (content[:at] + other[_place(other, random) :], content[:at] + other[start:end]
         + content[at:])
    )  # fmt: skip


_WAYS: Final = (_flip, _flip, _replace, _cut, _remove, _repeat, _insert, _insert, _overwrite,
                _splice)  # fmt: skip
