"""A check that an interrupted run goes on with the same data, read with the same tokenizer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from munmaek.errors import InputError
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.json_files import read_json_object
from munmaek.writing import reading_back, write_text

__all__ = ["same_data"]


def same_data(path: Path, data: Mapping[str, Any], tokenizers: Sequence[AnyTokenizer]) -> None:
    """Keep the fingerprints of a run's data at ``path``, unless those of other data are there.

    Raises:
        InputError: the interrupted run read other data, or with another tokenizer.
        ArtefactError: what is at ``path`` is damaged.
        DiskError: it cannot be written.
    """
    now = {name: each["sha256"] for name, each in sorted(data.items()) if _is_corpus(each)}
    now |= {f"tokenizer {place}": each.fingerprint for place, each in enumerate(tokenizers)}
    if path.exists():
        with reading_back("--resume goes on"):
            then = read_json_object(path)
        for name in sorted(now.keys() | then.keys()):
            if then.get(name) != now.get(name):
                message = (
                    f"--resume: the {name} data or tokenizer is not what the interrupted run read "
                    f"({path} has another fingerprint); restore it, or --force to start over"
                )
                raise InputError(message)
    write_text(path, json.dumps(now, indent=2) + "\n")


def _is_corpus(value: Any) -> bool:
    return isinstance(value, dict) and "sha256" in cast("dict[str, Any]", value)
