r"""ARPA files, the common text form of n-gram models: written fast, read with suspicion.

    \data\             \1-grams:
    ngram 1=3          -0.9542425	a	-0.3010300
    ngram 2=2          …
    …                  \end\

Each line holds log10 p(last word | the words before), the words, and, below the highest order, the
log10 backoff weight. Numbers have as many digits as give every stored value back, so reading what
was written gives the same model, and writing it again the same bytes. ``<s>`` has log10 probability
0, as lmplz writes it, but is never predicted. A probability of 0 is written as -99, as SRILM does,
and read as KenLM reads it: 10^-99.
"""

import gzip
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path

import numpy as np

from munmaek.arrays import Bytes
from munmaek.errors import InputError
from munmaek.ngram.arpa_rendering import Renderer
from munmaek.ngram.output import writer_past_cache
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.tables import NgramTables
from munmaek.progress import followed
from munmaek.writing import new_file

__all__ = ["BOS", "EOS", "UNK", "write_arpa"]

BOS, EOS, UNK = "<s>", "</s>", "<unk>"

_BLANKS = frozenset(" \t\n\r\v\f\0")
_MEMBER = 1 << 22
_WAITING = 8


def write_arpa(
    path: Path,
    tables: NgramTables,
    words: Sequence[str],
    *,
    bos: int,
    eos: int,
    unk: int | None = None,
    threads: int = 1,
) -> None:
    """Write ``tables`` to ``path``, gzipped when its name ends in ``.gz``.

    The ids ``bos``, ``eos`` and ``unk`` are written as ``<s>``, ``</s>`` and ``<unk>``; ids with
    probability 0 are left out. The file appears whole or not at all, and its bytes do not depend
    on the number of threads.

    Raises:
        InputError: a word that ARPA cannot hold (white space, empty), or two words alike.
    """
    names = list(words)
    names[bos], names[eos] = BOS, EOS
    if unk is not None:
        names[unk] = UNK
    _check_names(names, tables.vocab_size)
    kept = np.isfinite(tables.logprobs[: tables.vocab_size])
    kept[bos] = True
    counts = (int(np.count_nonzero(kept)), *tables.counts[1:])
    lines = "".join(f"ngram {order}={count}\n" for order, count in enumerate(counts, start=1))

    renderer = Renderer(tables, names, kept=kept, bos=bos, threads=threads)

    def pieces() -> Generator[Bytes | bytes]:
        yield f"\\data\\\n{lines}".encode()
        for order in range(1, tables.order + 1):
            yield f"\n\\{order}-grams:\n".encode()
            yield from renderer.order(order)
        yield b"\n\\end\\\n"

    with new_file(path) as aside, aside.open("wb", buffering=0) as stream:
        write = writer_past_cache(stream)
        written = followed(pieces(), "n-grams", total=sum(counts), size=_lines_of)
        if path.suffix == ".gz":
            _write_packed(write, written, threads)
        else:
            for piece in written:
                write(piece)


def _lines_of(piece: Bytes | bytes) -> int:
    return bytes(piece).count(b"\n")


def _write_packed(
    write: Callable[[bytes], None], pieces: Iterable[Bytes | bytes], threads: int
) -> None:
    """Write a gzip file of one member for each so many bytes, which can be packed side by side."""

    def pack(content: bytes) -> bytes:
        # No name and no time inside: the same model gives the same bytes.
        return gzip.compress(content, compresslevel=6, mtime=0)

    def flush(held: list[bytes]) -> None:
        for packed in in_threads(threads, pack, held):
            write(packed)

    held, parts, size = list[bytes](), list[bytes](), 0
    for piece in pieces:
        parts.append(bytes(piece))  # of its own: the next one may lie where it lay
        size += len(piece)
        if size >= _MEMBER:
            held.append(b"".join(parts))
            parts, size = [], 0
        if len(held) == _WAITING:
            flush(held)
            held = []
    flush([*held, b"".join(parts)])


def _check_names(names: list[str], vocab_size: int) -> None:
    if len(names) != vocab_size:
        message = f"{len(names)} words given for a vocabulary of {vocab_size}; give one for each id"
        raise InputError(message)
    # All at once first: there may be millions, and hardly ever is one of them wrong.
    if "" not in names and not _BLANKS & set("".join(names)) and len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for index, name in enumerate(names):
        if not name or set(name) & _BLANKS:
            message = f"word {index} is {name!r}: ARPA words are not empty and hold no white space"
            raise InputError(message)
        if name in seen:
            message = f"word {index} is {name!r}, which stands twice; ARPA needs distinct words"
            raise InputError(message)
        seen.add(name)
