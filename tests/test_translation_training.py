"""Options of a translator's training: BPE-dropout, one vocabulary, tags, back-translations."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.fit.running import Running
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.translate.bitexts import read_back_translated, read_pairs
from munmaek.tasks.translate.model import Translator
from munmaek.text.parallel import read_parallel

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {
    "seq2seq": {"embedding": 12, "hidden": 12},
    "attention": {"embedding": 12, "hidden": 12, "encoder_hidden": 6},
    "transformer": {"dimension": 12, "heads": 2, "layers": 1, "feed_forward": 16},
}
WORDS = ["나", "너", "우리", "그", "집", "학교", "책", "물", "산", "강"]
ENGLISH = ["I", "you", "we", "he", "house", "school", "book", "water", "mountain", "river"]
PAIRS = [
    (f"{WORDS[a]} {WORDS[b]} {WORDS[(a + b) % 10]}", f"{ENGLISH[b]} {ENGLISH[a]} of {ENGLISH[a]}")
    for a in range(10)
    for b in range(4)
]


def written(folder: Path) -> list[Path]:
    """The pairs in two files."""
    paths = [folder / "pairs.ko", folder / "pairs.en"]
    for path, lines in zip(paths, zip(*PAIRS, strict=True), strict=True):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return paths


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return written(tmp_path)


def recipe(stage: str = "transformer", **more) -> Recipe:
    options = {"steps": 10, "validations": 2, **more.pop("train", {})}
    return Recipe.of(
        {
            "task": "translate",
            "stage": stage,
            "vocab_size": 330,
            "max_tokens": 60,
            "model": SMALL[stage],
            "train": options,
            **more,
        }
    )


def test_a_run_under_bpe_dropout_that_was_interrupted_ends_with_the_same_weights(
    tmp_path: Path, files: list[Path]
) -> None:
    options = recipe(bpe_dropout=0.3, train={"steps": 30})
    train_recipe(options, files, folder=tmp_path / "whole", valid=files)
    asked = iter([False] * 17 + [True] * 20)
    broken = tmp_path / "broken"
    stopped = Running(should_stop=lambda: next(asked))
    train_recipe(options, files, folder=broken, valid=files, running=stopped)
    train_recipe(options, files, folder=broken, valid=files, running=Running(resume=True))
    whole, resumed = (load_file(tmp_path / n / "model.safetensors") for n in ("whole", "broken"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    plain = tmp_path / "plain"
    train_recipe(recipe(train={"steps": 30}), files, folder=plain, valid=files)
    other = load_file(plain / "model.safetensors")
    assert any(not torch.equal(whole[name], other[name]) for name in whole)


@pytest.mark.parametrize("stage", SMALL)
def test_a_joint_vocabulary_is_one_tokenizer_and_one_embedding(
    tmp_path: Path, files: list[Path], stage: str
) -> None:
    made = train_recipe(
        recipe(stage, joint_vocabulary=True), files, folder=tmp_path / "m", valid=files
    )
    apart = train_recipe(recipe(stage), files, folder=tmp_path / "apart", valid=files)
    again = load(tmp_path / "m")
    assert isinstance(made, Translator)
    assert isinstance(again, Translator)
    source, target = again.source_tokenizer, again.target_tokenizer
    assert source.fingerprint == target.fingerprint
    shape = (source.vocab_size, 12)
    tables = [each for each in again.network.parameters() if tuple(each.shape) == shape]
    assert len(tables) == 1, "source, target and output share their weights"
    assert made.info.parameters < apart.info.parameters
    ids = torch.tensor([[source.bos, *source.encode("나 집"), source.eos]])
    memory = again.network.encode(ids, torch.tensor([ids.shape[1]]))
    first = again.network.logits(again.network.decode(memory, ids))
    memory = made.network.encode(ids, torch.tensor([ids.shape[1]]))
    assert torch.equal(first, made.network.logits(made.network.decode(memory, ids)))


def test_a_tag_stands_before_every_source_or_comes_from_a_column(
    tmp_path: Path, files: list[Path]
) -> None:
    corpus = read_pairs(files, recipe(source_tag="<2en>"))
    assert corpus.sources[1] == f"<2en> {PAIRS[1][0]}"
    assert corpus.targets[1] == PAIRS[1][1]
    table = tmp_path / "pairs.tsv"
    rows = ["source\ttarget\tto", "책\tbook\t<2en>", "book\t책\t<2ko>", "책\tbook\t"]
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert read_parallel(table, tag_column="to").sources == ("<2en> 책", "<2ko> book", "책")
    assert read_parallel(table).sources == ("책", "book", "책")
    with pytest.raises(InputError, match="needs a table"):
        read_parallel(files, tag_column="to")


def test_back_translations_are_marked_trained_on_and_never_held_out(
    tmp_path: Path, files: list[Path]
) -> None:
    table = tmp_path / "back.jsonl"
    rows = [{"source": "물 산", "target": "water"}, {"source": "", "target": "river"}]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert read_back_translated([table], recipe()).sources == ("<BT> 물 산",)
    both = read_back_translated([table], recipe(source_tag="<2en>", back_translated_tag="<B>"))
    assert both.sources == ("<B> <2en> 물 산",)
    made = train_recipe(
        recipe(), files, folder=tmp_path / "m", extra=Extra(back_translated=[table])
    )
    held = made.info.data["valid"]["rows"]
    assert made.info.data["train"]["rows"] == len(PAIRS) - held + 1
    rows = [{"source": "", "target": "water"}, {"source": "물", "target": ""}]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(InputError, match="no pair has text on both sides"):
        read_back_translated([table], recipe())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "lm", "stage": "rnn", "bpe_dropout": 0.1}, "bpe_dropout is for 'translate'"),
        ({"joint_vocabulary": True, "source_tokenizer": "words"}, "one tokenizer for both sides"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_read(
    options: dict, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Recipe.of({"task": "translate", "stage": "attention", **options}).stage_config()


def test_a_guide_goes_neither_with_changing_pieces_nor_with_tags(
    tmp_path: Path, files: list[Path]
) -> None:
    with pytest.raises(UnsupportedError, match="cuts anew"):
        train_recipe(
            recipe(bpe_dropout=0.1), files, folder=tmp_path / "m",
            extra=Extra(alignment_supervision="statistical"),
        )  # fmt: skip
    links = tmp_path / "links"
    links.write_text("0-0\n" * len(PAIRS), encoding="utf-8")
    extra = Extra(alignment_supervision=links)
    with pytest.raises(UnsupportedError, match="shifts by one"):
        train_recipe(recipe(source_tag="<2en>"), files, folder=tmp_path / "m", extra=extra)


def test_the_command_line_has_all_of_them(tmp_path: Path, files: list[Path], run) -> None:
    config = tmp_path / "small.toml"
    config.write_text("max_tokens = 60\n[model]\nembedding = 8\nhidden = 8\n[train]\nsteps = 3\n")
    call = ("train", "translate", *files, "--model", "seq2seq", "--vocab-size", 330)
    options = ("--joint-vocabulary", "--bpe-dropout", 0.1, "--source-tag", "<2en>")
    back = ("--back-translated", files[0], "--back-translated", files[1])
    run(*call, *options, *back, "--config", config, "-o", tmp_path / "m")
    made = load(tmp_path / "m")
    assert isinstance(made, Translator)
    assert made.source_tokenizer.fingerprint == made.target_tokenizer.fingerprint
    assert made.info.data["train"]["rows"] > len(PAIRS)
