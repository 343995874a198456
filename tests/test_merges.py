"""Merges of a ``tokenizer.json`` that the tokenizers library would panic at, or end the process."""

import json
from pathlib import Path
from typing import Any

import pytest

from munmaek.errors import ArtefactError
from munmaek.text.tokenizers import Tokenizer, train_tokenizer


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"vocab": {"a": 0, "b": 1}}, "'a' and 'b'"),
        ({"continuing_subword_prefix": "##"}, "'a' and 'b'"),
        ({"vocab": {"a": 0, "가": 1, "ab": 2}, "merges": ["a 가"],
          "continuing_subword_prefix": "#"}, "'a' and '가'"),
    ],
)  # fmt: skip
def test_merges_into_no_subword_are_refused_without_a_panic(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], change: dict[str, Any], named: str
) -> None:
    path = tmp_path / "tokenizer.json"
    train_tokenizer(["a b ab"], kind="bpe", vocab_size=300).save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    model = {"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]], **change}
    path.write_text(json.dumps({**content, "model": {"type": "BPE", **model}}), encoding="utf-8")
    with pytest.raises(ArtefactError, match=rf"merges {named} into what is no subword"):
        Tokenizer.load(path, kind="bpe")
    assert "panicked" not in capfd.readouterr().err
