"""Translators as folders of CTranslate2, whole without munmaek.

model.bin, config.json, *_vocabulary.json   CTranslate2's own
source_tokenizer.json, tokenizer.json        what cuts sources and joins targets, where they can
translator.json                              framing, lengths, tokens that are never written
run.py                                       a few lines of Python; README.md shows them
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

from munmaek.errors import UnsupportedError

__all__ = ["Decodable", "check_ctranslate", "write_ctranslate"]

_LINES = """\
import sys

import ctranslate2
from tokenizers import Tokenizer

source, target = map(Tokenizer.from_file, ("source_tokenizer.json", "tokenizer.json"))
source.encode_special_tokens = True  # <s> in a text is text
translator = ctranslate2.Translator(".")
never = {never}
for line in sys.stdin.read().splitlines():
    ids = source.encode(line, add_special_tokens=False).ids[:{limit}]
    longest = int(1.5 * (len(ids) + 1)) + 20
    (found,) = translator.translate_batch(
        [[source.id_to_token(each) for each in ids]],
        beam_size=5,
        min_decoding_length=0,
        max_decoding_length=longest,
        suppress_sequences=[[token] for token in never],
        disable_unk=True,
    )
    print(target.decode([target.token_to_id(each) for each in found.hypotheses[0]]))
"""


@final
@dataclass(frozen=True, slots=True)
class Decodable:
    """A translator as its folder has it."""

    spec: Any
    """A ``ctranslate2.specs.TransformerSpec`` with all weights."""
    source: Sequence[str]
    target: Sequence[str]
    """The tokens of both vocabularies, by id."""
    tokenizers: Mapping[str, str]
    """Contents of ``source_tokenizer.json`` and ``tokenizer.json``; none where one cannot say how
    texts are cut."""
    limit: int
    """Source tokens that are read, without </s>."""
    never: Sequence[str]
    """Special tokens that no translation holds."""
    facts: Mapping[str, Any]
    """Further entries of ``translator.json``."""


def check_ctranslate() -> None:
    """Check that CTranslate2 is installed.

    Raises:
        UnsupportedError: the ``ctranslate2`` extra is not installed.
    """
    if find_spec("ctranslate2") is None:
        message = "CTranslate2 needs the extra 'ctranslate2': pip install 'munmaek[ctranslate2]'"
        raise UnsupportedError(message)


def write_ctranslate(found: Decodable, folder: Path, name: str) -> None:
    """Write the model and what runs it into an empty folder.

    Args:
        found: what is written.
        folder: which exists.
        name: what the model is called, for the heading.
    """
    spec = found.spec
    spec.config.add_source_eos = True
    spec.register_source_vocabulary(list(found.source))
    spec.register_target_vocabulary(list(found.target))
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    for file, text in _texts(found, name).items():
        (folder / file).write_text(text, encoding="utf-8")


def _texts(found: Decodable, name: str) -> dict[str, str]:
    said = {**found.facts, "max_source_tokens": found.limit, "never_written": list(found.never)}
    texts = {"translator.json": json.dumps(said, ensure_ascii=False, indent=2) + "\n"}
    about = (
        "A folder for `ctranslate2.Translator`, which computes in less with "
        '`compute_type="int8"`. It adds `</s>` to a source itself.'
    )
    if found.tokenizers:
        program = _LINES.format(never=list(found.never), limit=found.limit)
        about += f" `run.py` translates lines of standard input:\n\n```python\n{program}```"
        texts |= {**found.tokenizers, "run.py": program}
    else:
        about += f"\n\nTexts are cut by {found.facts['tokenizer']}."
    return {**texts, "README.md": f"# {name}\n\n{about}\n"}
