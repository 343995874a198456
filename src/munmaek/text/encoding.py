"""Token ids of lines in a file, made by several processes: the same bytes for any number of them.

Each process takes some of the blocks of lines, one after the other, and writes the ids to files of
its own. They are processes of their own, not children that import the caller's script again.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bools, Int64s
from munmaek.errors import ArtefactError
from munmaek.progress import followed
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.line_file import LineFile
from munmaek.text.repeated import flattened
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Encoded", "encode_lines"]

_LEAST = 8
"""Blocks that a process is worth beginning for."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Files of ids, each sentence with its end, and of the size of each."""

    ids: Path
    sizes: Path


def encode_lines(
    lines: LineFile,
    tokenizer: AnyTokenizer,
    folder: Path,
    *,
    dtype: "np.dtype[Any]",
    processes: int | None = None,
) -> list[Encoded]:
    """Write the ids of all lines into files in ``folder``, and return these in order.

    Args:
        lines: what is encoded.
        tokenizer: one of this package is handed to other processes, any other stays in this one.
        folder: holds nothing else of these names.
        dtype: of the ids in the files.
        processes: how many work; None is as many as there are processors.

    Raises:
        ArtefactError: another process could not do its part.
    """
    blocks = len(lines.marks) - 1
    own = isinstance(tokenizer, Tokenizer)
    wanted = (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1) or 1
    count = max(1, min(processes or min(wanted, blocks // _LEAST), blocks)) if own else 1
    cuts = [part * blocks // count for part in range(count + 1)]
    parts = [Encoded(folder / f"ids-{part}", folder / f"sizes-{part}") for part in range(count)]
    if count == 1:
        _encode(lines, tokenizer, parts[0], (0, blocks), dtype)
        return parts
    jobs = _described(lines, cast("Tokenizer", tokenizer), folder, parts, cuts, dtype)
    _carry_out(jobs)
    return parts


def _described(
    lines: LineFile,
    tokenizer: Tokenizer,
    folder: Path,
    parts: Sequence[Encoded],
    cuts: Sequence[int],
    dtype: "np.dtype[Any]",
) -> list[str]:
    """Return what each process is to do, in JSON."""
    tokenizer.save(folder / "tokenizer.json")
    np.save(folder / "marks.npy", lines.marks)
    if lines.taken is not None:
        np.save(folder / "taken.npy", lines.taken)
    shared = {
        "folder": str(folder),
        "kind": tokenizer.kind,
        "lines": str(lines.path),
        "total": lines.total,
        "some": lines.taken is not None,
        "dtype": dtype.str,
    }
    return [
        json.dumps({**shared, "part": [str(each.ids), str(each.sizes)], "blocks": cuts[n : n + 2]})
        for n, each in enumerate(parts)
    ]


def _carry_out(jobs: Sequence[str]) -> None:
    """Have a process do each of the jobs; all end where one fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    begun: list[subprocess.Popen[bytes]] = []
    try:
        for job in jobs:
            command = [sys.executable, "-m", "munmaek.text.encoding", job]
            begun.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE))
        for process in followed(begun, "parts of the text"):
            told = process.communicate()[1].decode(errors="replace").strip()
            if process.returncode:
                reason = told.splitlines()[-1] if told else f"status {process.returncode}"
                message = f"a process that encodes the text ended early: {reason}"
                raise ArtefactError(message)
    finally:
        for process in begun:
            process.kill()
            process.wait()


def _encode(
    lines: LineFile,
    tokenizer: AnyTokenizer,
    part: Encoded,
    blocks: tuple[int, int],
    dtype: "np.dtype[Any]",
) -> None:
    """Write the ids of some blocks."""
    runs = tokenizer.runs_of_many() if isinstance(tokenizer, Tokenizer) else None
    with part.ids.open("wb") as ids, part.sizes.open("wb") as sizes:
        for block in lines.blocks(*blocks):
            if isinstance(tokenizer, Tokenizer):
                flat, limits = tokenizer.encode_flat(block, runs)
            else:
                flat, limits = flattened(tokenizer.encode_many(block))
            ids.write(_ended(flat, limits, tokenizer.eos, dtype).tobytes())
            sizes.write((np.diff(limits) + 1).astype("<u4").tobytes())


def _ended(
    flat: NDArray[np.int32], limits: Int64s, eos: int, dtype: "np.dtype[Any]"
) -> NDArray[Any]:
    """Return sentences that lie end to end, each with its end behind it."""
    sentences = len(limits) - 1
    found = np.full(len(flat) + sentences, eos, dtype=dtype)
    inside: Bools = np.ones(len(found), dtype=np.bool_)
    inside[limits[1:] + np.arange(sentences)] = False
    found[inside] = flat
    return found


def _main(job: str) -> None:
    """Do what another process has described."""
    given = json.loads(job)
    folder = Path(given["folder"])
    taken = np.load(folder / "taken.npy") if given["some"] else None
    lines = LineFile(Path(given["lines"]), np.load(folder / "marks.npy"), given["total"], taken)
    tokenizer = Tokenizer.load(folder / "tokenizer.json", kind=given["kind"])
    part = Encoded(*map(Path, given["part"]))
    _encode(lines, tokenizer, part, tuple(given["blocks"]), np.dtype(given["dtype"]))


if __name__ == "__main__":
    _main(sys.argv[1])
