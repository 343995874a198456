"""Korean goes through the tokenizers of encoders and comes back: all of the NSMC test."""

import json
from pathlib import Path

import pytest

from munmaek.text.checkpoint_tokenizer import ROLES, CheckpointTokenizer
from munmaek.text.corpora import read_labelled
from munmaek.text.tokenizers import train_tokenizer


def jamo(text: str) -> set[str]:
    """Conjoining letters, which whole syllables are decomposed into."""
    return {character for character in text if "ᄀ" <= character <= "ᇿ"}


@pytest.mark.data
@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
def test_all_reviews_come_back_whole_with_their_spaces(
    kind: str, data_dir: Path, tmp_path: Path
) -> None:
    texts = list(read_labelled(data_dir / "classify/nsmc/ratings_test.txt.gz").texts)
    assert len(texts) == 50_000
    tokenizer = train_tokenizer(texts, kind=kind, vocab_size=8000)
    ids = tokenizer.encode_many(texts)
    assert tokenizer.decode_many(ids) == texts
    tokens = "".join(tokenizer.token(number) for number in range(tokenizer.vocab_size))
    assert jamo(tokens) <= jamo("".join(texts))
    # The same once it is a published folder.
    tokenizer.save(tmp_path / "tokenizer.json")
    settings = {ROLES[role][0]: tokenizer.token(getattr(tokenizer, role)) for role in ROLES}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    published = CheckpointTokenizer.of_folder(tmp_path)
    assert published.encode_many(texts[::10]) == ids[::10]
