"""Text that is trained on from a file of its tokens: the same model as from memory, to the bit."""

import hashlib
import json
import random

import numpy as np
import pytest

from munmaek.data.flat import FlatRows, Windows, lengths_of, token_counts
from munmaek.data.laid import Laid
from munmaek.data.token_file import Part, narrow, open_tokens, write_tokens
from munmaek.errors import ArtefactError, ConfigError, InputError, MunmaekWarning
from munmaek.fit.running import Run, Running
from munmaek.pipeline import train_recipe
from munmaek.tasks.lm.cached_text import FOLDER, text_for
from munmaek.tasks.recipe import Recipe
from munmaek.text.corpora import Corpus, content_hash
from munmaek.text.encoding import encode_lines
from munmaek.text.line_file import BLOCK, LineFile
from munmaek.text.tokenizers import KINDS, Tokenizer, train_tokenizer

TEXT = "가을 바람 나무 숲 강 산 the wind in old trees ran over hills and 12 ran-away"
WORDS = TEXT.split()


def lines_of(count, *, seed=1):
    """Lines of no word to thirty."""
    draw = random.Random(seed)
    lengths = [draw.choice((0, 1, 3, 5, 8, 30)) for _ in range(count)]
    return [" ".join(draw.choices(WORDS, k=length)) for length in lengths]


def written(tmp_path, count=400, name="text.txt"):
    path = tmp_path / name
    path.write_text("\n".join(lines_of(count)) + "\n", encoding="utf-8")
    return path


def flat(rows, end=9):
    ids = [token for row in rows for token in (*row, end)]
    limits = np.cumsum([0, *(len(row) + 1 for row in rows)])
    return FlatRows(np.array(ids, dtype=np.uint16), limits.astype(np.uint64))


def sha256(folder):
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


ROWS = [[1, 2, 3], [], [4] * 12, [5], [6, 7] * 5, [8]]


def test_rows_in_one_array_are_the_rows_that_it_was_made_of():
    rows = flat(ROWS)
    assert list(rows) == ROWS
    assert rows[2:4] == ROWS[2:4]
    assert lengths_of(rows).tolist() == lengths_of(ROWS).tolist() == [3, 0, 12, 1, 10, 1]
    assert token_counts(rows, 10).tolist() == token_counts(ROWS, 10).tolist()
    assert token_counts(ROWS, 10).tolist() == [0, 1, 1, 1, 12, 1, 5, 5, 1, 0]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 100])
def test_windows_are_the_sentences_cut_one_after_the_other(size):
    wanted = []
    for ids in ROWS:
        row = [0, *ids, 9]
        wanted += [row[at : at + size + 1] for at in range(0, len(row) - 1, size)]
    for rows in (ROWS, flat(ROWS)):
        windows = Windows(rows, bos=0, eos=9, size=size)
        assert list(windows) == wanted
        assert windows.lengths.tolist() == [len(row) for row in wanted]


def test_a_stream_is_laid_in_rows_with_the_token_before_each():
    laid = Laid(np.arange(10, 23, dtype=np.uint16), 3, 7)
    rows = [[7, 10, 11, 12, 13], [13, 14, 15, 16, 17], [17, 18, 19, 20, 21]]
    assert laid.columns(0, 5).tolist() == rows
    assert laid.columns(2, 4, slice(1, None, 2)).tolist() == [[15, 16]]
    with pytest.raises(ConfigError, match="cannot be laid in 30 rows"):
        Laid(np.arange(10, 23), 30, 7)


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 5])
def test_lines_of_a_file_are_those_that_were_written(tmp_path, count):
    given = lines_of(count)
    lines = LineFile.written(tmp_path / "lines", iter(given))
    assert list(lines) == given
    assert len(lines) == count
    assert lines.fingerprint() == content_hash(given)
    assert lines[::7] == given[::7]
    some = lines.only(np.arange(0, count, 3))
    assert list(some) == given[::3]
    assert some.fingerprint() == content_hash(given[::3])


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "unigram"])
def test_a_tokenizer_is_learned_of_a_file_as_of_memory_and_encodes_alike(tmp_path, kind):
    given = lines_of(600)
    lines = LineFile.written(tmp_path / "lines", given)
    made = train_tokenizer(lines, kind=kind, vocab_size=350)
    assert made.fingerprint == train_tokenizer(given, kind=kind, vocab_size=350).fingerprint
    assert Tokenizer.of_content(made.content, kind=kind).fingerprint == made.fingerprint
    (part,) = encode_lines(lines, made, tmp_path, dtype=narrow(350))
    write_tokens(tmp_path / "x", [Part(part.ids, part.sizes)], {}, dtype=narrow(350))
    assert list(open_tokens(tmp_path / "x").rows) == made.encode_many(given)


def test_any_number_of_processes_writes_the_same_bytes(tmp_path):
    given = lines_of(3 * BLOCK)
    lines = LineFile.written(tmp_path / "lines", given).only(np.arange(1, 3 * BLOCK, 2))
    tokenizer = train_tokenizer(given[:300], kind="words", vocab_size=12)
    found = set()
    for processes in (1, 2, 3):
        folder = tmp_path / str(processes)
        folder.mkdir()
        parts = encode_lines(lines, tokenizer, folder, dtype=narrow(12), processes=processes)
        assert len(parts) == processes
        path = folder / "tokens"
        write_tokens(path, [Part(p.ids, p.sizes) for p in parts], {"a": "나"}, dtype=narrow(12))
        found.add(path.read_bytes())
    assert len(found) == 1
    assert open_tokens(path).header["a"] == "나"
    assert list(open_tokens(path).rows) == tokenizer.encode_many(given[1::2])


@pytest.mark.parametrize("at", [0, 20, 50, 70, 5000, -1])
def test_a_damaged_byte_anywhere_in_a_file_of_tokens_is_refused(tmp_path, at):
    lines = LineFile.written(tmp_path / "lines", lines_of(50))
    tokenizer = train_tokenizer(lines, kind="words", vocab_size=30)
    (part,) = encode_lines(lines, tokenizer, tmp_path, dtype=narrow(30))
    path = tmp_path / "x"
    write_tokens(path, [Part(part.ids, part.sizes)], {}, dtype=narrow(30))
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match="damaged"):
        open_tokens(path)


RUNS = {
    "words": {"task": "lm", "stage": "rnn", "tokenizer": "words"},
    "bpe, two shards": {
        "task": "lm",
        "stage": "rnn",
        "tokenizer": "bpe",
        "vocab_size": 300,
        "train": {"shards": 2, "accumulate": 2},
    },
    "a document": {
        "task": "lm",
        "stage": "rnn",
        "tokenizer": "words",
        "context": "document",
        "batch_size": 4,
    },
    "drawn rows": {"task": "lm", "stage": "rnn", "tokenizer": "jamo", "train_rows": 150},
    "masked words": {
        "task": "mlm",
        "stage": "bert",
        "tokenizer": "wordpiece",
        "vocab_size": 100,
        "whole_words": True,
        "max_length": 12,
    },
}


def recipe_of(name, **options):
    given = {"small_enough_to_see": True, "max_tokens": 256, **RUNS[name]}
    given["train"] = {"steps": 6, **given.get("train", {}), **options}
    return Recipe.of(given)


def trained(folder, text, recipe, *, cached=True, **running):
    return train_recipe(recipe, [text], folder=folder, running=Running(cached=cached, **running))


@pytest.mark.parametrize("name", RUNS)
def test_a_model_trained_from_cached_tokens_is_the_one_from_memory(tmp_path, name):
    text, recipe = written(tmp_path), recipe_of(name)
    own = trained(tmp_path / "memory", text, recipe, cached=False)
    with pytest.warns(MunmaekWarning, match="tokens for this run"):
        found = trained(tmp_path / "cached", text, recipe)
    assert sha256(tmp_path / "cached") == sha256(tmp_path / "memory")
    assert found.info.data == own.info.data
    assert found.info.scores == own.info.scores
    assert found.tokenizer.fingerprint == own.tokenizer.fingerprint
    again = trained(tmp_path / "again", text, recipe)  # nothing is made anew
    assert sha256(tmp_path / "again") == sha256(tmp_path / "memory")
    assert again.info.data == own.info.data
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_another_text_or_tokenizer_has_other_tokens_and_damaged_ones_are_made_anew(tmp_path):
    text, recipe = written(tmp_path), recipe_of("words")
    with pytest.warns(MunmaekWarning, match="tokens for this run"):
        trained(tmp_path / "model", text, recipe)
    (path,) = (tmp_path / FOLDER).iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.warns(MunmaekWarning) as told:
        trained(tmp_path / "damaged", text, recipe)
    assert [str(each.message).endswith("it is made anew") for each in told] == [True, False]
    assert path.read_bytes() == whole
    for change in ({"vocab_size": 12}, {"seed": 5}):
        with pytest.warns(MunmaekWarning, match="tokens for this run"):
            trained(tmp_path / "other", text, recipe.model_copy(update=change), force=True)
    with pytest.warns(MunmaekWarning, match="tokens for this run"):
        trained(tmp_path / "other", written(tmp_path, 401), recipe, force=True)
    assert len(list((tmp_path / FOLDER).iterdir())) == 4


def test_a_stopped_run_goes_on_from_the_tokens_that_it_began_with(tmp_path):
    text, recipe = written(tmp_path), recipe_of("words")
    whole = trained(tmp_path / "memory", text, recipe, cached=False)
    asked = iter([False, False, True])
    with pytest.warns(MunmaekWarning, match="tokens for this run"):
        part = trained(tmp_path / "model", text, recipe, should_stop=lambda: next(asked))
    assert part.info.training["steps"] == 3
    text.rename(tmp_path / "moved")
    with pytest.raises(InputError):
        trained(tmp_path / "model", text, recipe, resume=True)
    (tmp_path / "moved").rename(text)
    found = trained(tmp_path / "model", text, recipe, resume=True)
    assert found.info.training["steps"] == whole.info.training["steps"] == 6
    assert sha256(tmp_path / "model") == sha256(tmp_path / "memory")


def test_what_cannot_be_cached_is_refused_and_what_is_small_is_held_in_memory(tmp_path):
    text, recipe = written(tmp_path), recipe_of("words")
    assert isinstance(text_for([text], recipe, Run(folder=tmp_path / "m")), Corpus)
    with pytest.raises(ConfigError, match="needs a folder for the model"):
        text_for([text], recipe, Run(cached=True))
    with pytest.raises(ConfigError, match="needs files on this machine, not -"):
        text_for(["-"], recipe, Run(folder=tmp_path / "m", cached=True))
    pairs = recipe_of("masked words").model_copy(update={"next_sentence": True})
    with pytest.raises(ConfigError, match="next-sentence pairs are made of a text in memory"):
        text_for([text], pairs, Run(folder=tmp_path / "m", cached=True))
    (tmp_path / "empty").write_text("\n\n")
    with pytest.raises(InputError, match="empty: only empty lines"):
        trained(tmp_path / "model", tmp_path / "empty", recipe)
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_column_of_a_table_is_noted_whether_its_tokens_are_there_or_not(tmp_path):
    table = tmp_path / "table.jsonl"
    rows = [json.dumps({"n": 1, "body": line}) for line in lines_of(60)]
    table.write_text("\n".join(rows), encoding="utf-8")
    recipe = recipe_of("words").model_copy(update={"text_column": "body"})
    own = trained(tmp_path / "memory", table, recipe, cached=False)
    with pytest.warns(MunmaekWarning, match="tokens for this run"):
        made = trained(tmp_path / "made", table, recipe)
    found = trained(tmp_path / "found", table, recipe)
    assert made.info.columns == found.info.columns == own.info.columns == {"text": "body"}
