"""One tokenizer for several models: what begins from a model, and what only reads as it does."""

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from munmaek.comparison.run import Candidate, CompareSettings, compare
from munmaek.errors import ConfigError, UnsupportedError
from munmaek.folder.borrowing import borrowed_tokenizer, tokenizers_of
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe

pytestmark = pytest.mark.usefixtures("one_thread_throughout")

TINY = {
    "rnn": {"embedding": 8, "hidden": 8},
    "transformer": {"dimension": 8, "heads": 2, "layers": 1, "feed_forward": 16},
    "attention": {"embedding": 8, "hidden": 8, "encoder_hidden": 8},
    "bert": {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    },
}
STEPS = {"steps": 2}
FIRST = [f"{who} {where} {what}" for who in "abcd" for where in "efg" for what in "hij"]
# As many words, and some of them others.
OTHER = [line[0].upper() + line[1:] for line in FIRST]
STAGES = {"lm": "rnn", "mlm": "bert", "translate": "attention", "classify": "rnn"}


def _recipe(task: str, **options: Any) -> Recipe:
    stage = options.pop("stage", STAGES[task])
    values = {"tokenizer": "words", "model": TINY.get(stage, {}), "train": STEPS, **options}
    return Recipe(task=task, stage=stage, **values)


def _files(folder: Path, lines: list[str]) -> dict[str, list[Path]]:
    name = "first" if lines is FIRST else "other"
    plain, table = folder / f"{name}.txt", folder / f"{name}.tsv"
    plain.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table.write_text("".join(f"{line}\t{line[0]}\n" for line in lines), encoding="utf-8")
    return {"lm": [plain], "mlm": [plain], "translate": [plain, plain], "classify": [table]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of ``FIRST``."""
    folder = tmp_path_factory.mktemp("shared")
    files = _files(folder, FIRST)
    for task in STAGES:
        train_recipe(_recipe(task), files[task], folder=folder / task)
    return folder


@pytest.mark.parametrize("task", ["lm", "mlm", "translate", "classify"])
def test_a_comparison_reads_with_the_tokenizer_of_what_a_candidate_begins_from(
    place: Path, tmp_path: Path, task: str
) -> None:
    files = _files(tmp_path, OTHER)
    begun, fresh = Candidate(STAGES[task], place / task), Candidate(STAGES[task])
    settings = CompareSettings(
        recipe=_recipe(task, model={}),
        candidates=(fresh, begun),
        train=files[task],
        folder=tmp_path / "out",
        measuring={"ter": False} if task == "translate" else {},
        models={STAGES[task]: TINY[STAGES[task]]},
    )
    results = compare(settings)
    made = [load(tmp_path / "out" / "models" / row["name"]) for row in results["models"]]
    own = [[each.fingerprint for each in tokenizers_of(model)] for model in made]
    before = [each.fingerprint for each in tokenizers_of(load(place / task))]
    assert own[1] == before
    assert own[0] != before


@pytest.mark.parametrize("task", ["lm", "mlm", "translate", "classify"])
def test_weights_are_refused_with_a_tokenizer_that_they_were_not_trained_with(
    place: Path, tmp_path: Path, task: str
) -> None:
    files = _files(tmp_path, OTHER)
    train_recipe(_recipe(task), files[task], folder=tmp_path / "theirs")
    recipe = _recipe(task, tokenizer=str(tmp_path / "theirs"))
    with pytest.raises(UnsupportedError, match=r"--init: its tokenizer is words-\d+ \(\w{8}\)"):
        train_recipe(recipe, files[task], folder=tmp_path / "new", init=place / task)
    train_recipe(recipe, files[task], folder=tmp_path / "new", init=tmp_path / "theirs")
    same = [tokenizers_of(load(tmp_path / name))[0].fingerprint for name in ("new", "theirs")]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    ("task", "stage"),
    [
        ("lm", "ngram"),
        ("lm", "transformer"),
        ("mlm", "bert"),
        ("classify", "ngram"),
        ("classify", "attention"),
        ("translate", "attention"),
    ],
)
def test_the_tokenizer_of_any_model_serves_a_model_of_any_task(
    place: Path, tmp_path: Path, run: Run, task: str, stage: str
) -> None:
    paths = [str(each) for each in _files(tmp_path, OTHER)[task]]
    config = tmp_path / "tiny.toml"
    rows = [f"{name} = {value}" for name, value in TINY.get(stage, {}).items()]
    config.write_text("\n".join(["[model]", *rows, "[train]", "steps = 2"]), encoding="utf-8")
    done = run(
        "train", task, *paths, "--model", stage, "--tokenizer", place / "lm", "-o",
        tmp_path / "new", *(() if stage == "ngram" else ("--config", config)),
    )  # fmt: skip
    assert done.code == 0, done.err
    wanted = borrowed_tokenizer(place / "lm", task="lm").fingerprint
    assert {each.fingerprint for each in tokenizers_of(load(tmp_path / "new"))} == {wanted}


def test_a_translator_gives_each_side_its_own_tokenizer_and_a_language_model_its_target(
    tmp_path: Path,
) -> None:
    (tmp_path / "ko.txt").write_text("\n".join(FIRST), encoding="utf-8")
    (tmp_path / "en.txt").write_text("\n".join(OTHER), encoding="utf-8")
    paths, lines = [tmp_path / "ko.txt", tmp_path / "en.txt"], [tmp_path / "en.txt"]
    train_recipe(_recipe("translate"), paths, folder=tmp_path / "first")
    named = str(tmp_path / "first")
    train_recipe(_recipe("translate", tokenizer=named), paths, folder=tmp_path / "second")
    first, second = (tokenizers_of(load(tmp_path / name)) for name in ("first", "second"))
    assert [each.fingerprint for each in first] == [each.fingerprint for each in second]
    assert first[0].fingerprint != first[1].fingerprint
    train_recipe(_recipe("lm", tokenizer=named), lines, folder=tmp_path / "lm")
    assert tokenizers_of(load(tmp_path / "lm"))[0].fingerprint == first[1].fingerprint


def test_models_that_share_no_tokenizer_are_told_how_to_and_the_advice_works(
    place: Path, tmp_path: Path, run: Run
) -> None:
    text = _files(tmp_path, OTHER)["lm"][0]
    common = ("train", "lm", text, "--model", "ngram", "--order", 2)
    assert run(*common, "--tokenizer", "words", "-o", tmp_path / "apart").code == 0
    mixing = ("--weights", "0.5,0.5", "-o", tmp_path / "mixed")
    done = run("mix", place / "lm", tmp_path / "apart", *mixing)
    assert (done.code, "--tokenizer MODEL1" in done.err) == (2, True)
    assert run(*common, "--tokenizer", place / "lm", "-o", tmp_path / "shared").code == 0
    assert run("mix", place / "lm", tmp_path / "shared", *mixing).code == 0
    # Another stage cannot begin, and is told what it can take over.
    done = run("train", "lm", text, "--model", "transformer", "--init", place / "lm", "-o", "x")
    assert (done.code, "--tokenizer" in done.err) == (2, True)


def test_tokenizers_of_one_size_and_other_words_are_not_taken_for_the_same(
    place: Path, tmp_path: Path, run: Run
) -> None:
    files = _files(tmp_path, OTHER)
    train_recipe(_recipe("lm"), files["lm"], folder=tmp_path / "other")
    own, other = (tokenizers_of(load(each))[0] for each in (place / "lm", tmp_path / "other"))
    assert own.signature == other.signature
    done = run(
        "evaluate", place / "lm", files["lm"][0], "--mix", tmp_path / "other", "--tune",
        place / "first.txt",
    )  # fmt: skip
    assert (done.code, "--tokenizer MODEL" in done.err) == (2, True)


def test_what_begins_from_a_model_has_its_sizes_and_may_be_told_others_in_vain(
    place: Path, tmp_path: Path
) -> None:
    lines = _files(tmp_path, OTHER)["lm"]
    values = {"task": "lm", "stage": "rnn", "train": STEPS}
    model = train_recipe(Recipe.of(values), lines, folder=tmp_path / "new", init=place / "lm")
    assert TINY["rnn"].items() <= dict(model.info.config).items()
    with pytest.raises(UnsupportedError, match="--init: shapes differ"):
        train_recipe(
            Recipe.of({**values, "model": {"hidden": 20}}),
            lines,
            folder=tmp_path / "other",
            init=place / "lm",
        )


def test_what_goes_with_no_borrowed_tokenizer_is_said(place: Path, tmp_path: Path) -> None:
    lines = _files(tmp_path, OTHER)["lm"]
    for options, said in (
        ({"tokenizer": str(place / "lm"), "vocab_size": 50}, "vocab_size"),
        ({"tokenizer": str(place / "lm"), "min_count": 2}, "min_count"),
        ({"tokenizer": str(tmp_path)}, "kind"),
        ({"tokenizer": "nothing"}, "kind"),
    ):
        values = {"task": "lm", "stage": "rnn", "model": TINY["rnn"], "train": STEPS, **options}
        with pytest.raises(ConfigError, match=said):
            train_recipe(Recipe.of(values), lines, folder=tmp_path / "new")
    with pytest.raises(ConfigError, match="--tokenizer bpe: what this begins from"):
        train_recipe(
            _recipe("lm", tokenizer="bpe"), lines, folder=tmp_path / "new", init=place / "lm"
        )


def test_n_grams_take_the_tokenizer_alone_of_what_they_are_to_begin_from(
    place: Path, tmp_path: Path, run: Run
) -> None:
    text = _files(tmp_path, OTHER)["lm"][0]
    begun = ("--model", "ngram", "--init", place / "lm", "-o", tmp_path / "n")
    done = run("train", "lm", text, *begun)
    assert done.code == 0
    assert "only the tokenizer" in done.err
    record = json.loads((tmp_path / "n" / "munmaek.json").read_text(encoding="utf-8"))
    assert record["tokenizer"]["kind"] == "words"
