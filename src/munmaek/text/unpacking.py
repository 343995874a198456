"""Compressed streams, unpacked a little at a time: never more in memory than a few blocks.

A small file can unpack to any size. So output comes in blocks of ``BLOCK`` bytes (of Zstandard, of
what ``SLICE`` bytes of input can hold), dictionaries and windows have a limit, and a stream that
grows past what text ever does is refused.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

from munmaek.errors import InputError

__all__ = ["BLOCK", "COMPRESSIONS", "unpacked_streams"]

BLOCK = 1 << 20
"""Bytes given at a time, about."""
PACKED = 1 << 16
"""Bytes of compressed input read at a time."""
SLICE = 1 << 11
"""Bytes of Zstandard that are unpacked at once, to 2**26 at most."""
MEMORY = 1 << 28
"""Bytes that xz may take; its largest preset takes 65 million."""
FREE, RATIO = 1 << 26, 300
"""From so many bytes on, text is hardly ever so many times as large as what it is packed into."""

DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


class _Gzip:
    """One stream (member, frame) of a compressed file."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` holds, in blocks."""
        while data and not self.eof:
            yield self._stream.decompress(data, BLOCK)
            data = self._stream.unconsumed_tail


class _WithNeeds(_Gzip):
    """Base of bz2 and lzma, which keep input that they were not asked to unpack."""

    def unpack(self, data: bytes) -> Iterator[bytes]:
        yield self._stream.decompress(data, BLOCK)
        while not self.eof and not self._stream.needs_input:
            yield self._stream.decompress(b"", BLOCK)


class _Zstandard(_Gzip):
    """A frame, whose own ``unused_data`` says nothing of what it was not given yet."""

    rest = b""

    @property
    def unused_data(self) -> bytes:
        return self.rest

    def unpack(self, data: bytes) -> Iterator[bytes]:
        for begin in range(0, len(data), SLICE):
            yield self._stream.decompress(data[begin : begin + SLICE])
            if self.eof:
                self.rest = self._stream.unused_data + data[begin + SLICE :]
                return


COMPRESSIONS: dict[str, tuple[str, bytes, Callable[[], _Gzip]]] = {
    ".gz": ("gzip", b"\x1f\x8b", lambda: _Gzip(zlib.decompressobj(wbits=31))),
    ".xz": ("xz", b"\xfd7zXZ\x00", lambda: _WithNeeds(lzma.LZMADecompressor(memlimit=MEMORY))),
    ".bz2": ("bzip2", b"BZh", lambda: _WithNeeds(bz2.BZ2Decompressor())),
    ".zst": (
        "Zstandard",
        b"\x28\xb5\x2f\xfd",
        lambda: _Zstandard(zstandard.ZstdDecompressor().decompressobj()),
    ),
}
"""Suffix: name, first bytes, what unpacks one stream."""


def unpacked_streams(
    read: Callable[[int], bytes], first: bytes, *, name: str, suffix: str
) -> Iterator[bytes]:
    """Yield the content of one compressed stream after another, to the end of the file.

    Args:
        read: gives so many more bytes of the file, fewer at its end.
        first: its first bytes, which are read already.
        name: of the file, for messages.
        suffix: a key of ``COMPRESSIONS``.

    Raises:
        InputError: damaged, truncated, wanting too much memory, or far larger than text can be.
    """
    kind, _, make = COMPRESSIONS[suffix]
    stream, taken, given = make(), 0, 0
    block, waiting = first[:PACKED], first[PACKED:]
    try:
        while block:
            taken += len(block)
            for content in stream.unpack(block):
                given += len(content)
                _check_ratio(name, kind, taken=taken, given=given)
                if content:
                    yield content
            rest = stream.unused_data if stream.eof else b""
            taken -= len(rest)
            waiting = rest + waiting
            block, waiting = (
                (waiting[:PACKED], waiting[PACKED:]) if waiting else (read(PACKED), b"")
            )
            if stream.eof and block:
                stream = make()
    except DAMAGED as error:
        message = f"{name}: damaged {kind} file ({error}); get or compress it again"
        raise InputError(message) from None
    if not stream.eof:
        message = f"{name}: truncated {kind} file; get or compress it again"
        raise InputError(message)


def _check_ratio(name: str, kind: str, *, taken: int, given: int) -> None:
    if given > FREE and given > RATIO * taken:
        message = (
            f"{name}: this {kind} file unpacks to over {RATIO} times its size, {given:,} bytes of "
            f"{taken:,} so far, which text hardly does; if it is meant, unpack it first"
        )
        raise InputError(message)
