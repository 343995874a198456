"""Data that a program holds train, to the bit, the models that files of the same data do."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munmaek
from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.models import stages_for
from munmaek.tasks import tasks
from munmaek.text.corpora import read_labelled
from munmaek.text.memory import Table, sources_of
from munmaek.text.parallel import read_parallel
from munmaek.text.tagged import read_tagged

BOOK = munmaek.phrasebook(pairs=400, valid=20, test=20)
KOREAN = [each.korean for each in BOOK.train][:60]
ENGLISH = [each.english for each in BOOK.train][:60]
LABELS = [str(each.label) for each in BOOK.train][:60]
VALUES = [len(each.split()) / 10 for each in KOREAN]
WORDS = [each.split() for each in KOREAN]
TAGS = [["LONG" if len(word) > 2 else "SHORT" for word in words] for words in WORDS]

COLUMNS: dict[str, tuple[list[Any], ...]] = {
    "lm": (KOREAN,),
    "classify": (KOREAN, LABELS),
    "regress": (KOREAN, VALUES),
    "tag": (WORDS, TAGS),
    "translate": (KOREAN, ENGLISH),
    "mlm": (KOREAN,),
    "embed": (KOREAN,),
}
SIZES: dict[str, dict[str, Any]] = {
    "ngram": {"order": 3},
    "rnn": {"embedding_size": 8, "hidden_size": 12},
    "seq2seq": {"embedding_size": 8, "hidden_size": 12},
    "attention": {"embedding_size": 8, "hidden_size": 12},
    "self_attention": {"hidden_size": 16},
    "transformer": {"hidden_size": 16, "heads": 2, "layers": 1},
    "bert": {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 24},
}
TESTED = {**COLUMNS, "embed": (KOREAN, ENGLISH, VALUES), "translate": (KOREAN[:3], ENGLISH[:3])}


def write(folder: Path, task: str) -> list[Path]:
    """The data of a task as files."""
    if task == "tag":
        blocks = (
            "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))
            for words, tags in zip(WORDS, TAGS, strict=True)
        )
        path = folder / "tagged.tsv"
        path.write_text("\n".join(blocks), encoding="utf-8")
        return [path]
    columns = COLUMNS[task]
    if len(columns) == 1 or task == "translate":
        paths = [folder / f"{number}.txt" for number in range(len(columns))]
        for path, column in zip(paths, columns, strict=True):
            path.write_text("\n".join(column) + "\n", encoding="utf-8")
        return paths
    rows = (dict(zip(("text", "label"), row, strict=True)) for row in zip(*columns, strict=True))
    path = folder / "table.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return [path]


def options(stage: str) -> dict[str, Any]:
    counted = stage == "ngram"
    return {**SIZES[stage], "vocab_size": 300} | ({} if counted else {"steps": 2, "validations": 1})


PAIRS = [(task, stage.name) for task in tasks() for stage in stages_for(task)]


@pytest.mark.filterwarnings("ignore:discounts of order")
@pytest.mark.parametrize(("task", "stage"), [each for each in PAIRS if each[1] in SIZES])
def test_memory_gives_the_model_of_a_file_to_the_bit(task: str, stage: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {"model": stage, "device": "cpu", "hold_out": "3", **options(stage)}
    if task == "translate":
        given["max_length"] = 12
    held = munmaek.train(task, *COLUMNS[task], save=tmp_path / "memory", **given)
    munmaek.train(task, *write(tmp_path, task), save=tmp_path / "file", **given)
    weights = [tmp_path / name / "model.safetensors" for name in ("memory", "file")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    records = [
        json.loads((each.parent / "munmaek.json").read_text(encoding="utf-8")) for each in weights
    ]
    read = records[1]["data"]["train"]
    read.pop("columns", None)  # which have names in a file alone
    assert records[0]["data"]["train"] == {**read, "name": "memory"}
    values = [
        {name: each["value"] for name, each in record["scores"].items()} for record in records
    ]
    assert values[0] == values[1]
    again = munmaek.load(tmp_path / "memory")
    scores = munmaek.evaluate(again, *TESTED[task], **({"beam": 1} if task == "translate" else {}))
    assert scores
    assert type(again) is type(held)
    assert f"{held.info.parameters:,}" in repr(held)
    assert len(repr(held)) < 100
    assert "\n" not in repr(held)


class Series:
    """A column as pandas, NumPy and Polars have it."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def tolist(self) -> list[Any]:
        return self.values


class Frame:
    """A table as pandas and Polars have it."""

    def __init__(self, data: dict[Any, list[Any]]) -> None:
        self.data = data

    @property
    def columns(self) -> list[Any]:
        return list(self.data)

    def __getitem__(self, name: Any) -> Series:
        return Series(self.data[name])


class Named:
    names = ("negative", "positive")


class Dataset(Frame):
    """A table as ``datasets`` has it, whose labels are numbers of names."""

    features = {"text": None, "label": Named()}  # noqa: RUF012 - as there

    @property
    def column_names(self) -> list[str]:
        return list(self.data)


DATA = {"text": ["가", "나"], "label": [0, 1]}
SINGLE = (("text", "label"), ("sentence1", "sentence2", "label"))
WAYS: dict[str, tuple[Any, ...]] = {
    "columns": (DATA["text"], DATA["label"]),
    "arrays": (np.array(DATA["text"]), np.array(DATA["label"])),
    "iterables": (iter(DATA["text"]), iter(DATA["label"])),
    "pairs": ([*zip(DATA["text"], DATA["label"], strict=True)],),
    "an iterable of pairs": (zip(DATA["text"], DATA["label"], strict=True),),
    "rows": ([{"text": "가", "label": 0}, {"text": "나", "label": 1.0}],),
    "a dict": (DATA,),
    "a frame": (Frame({"id": [7, 8], **DATA}),),
    "a frame without names": (Frame({0: DATA["text"], 1: DATA["label"]}),),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_form_of_a_table_gives_the_same_rows(way: str) -> None:
    found = read_labelled(sources_of(WAYS[way], SINGLE, what="classify"))
    assert (found.name, found.texts, found.labels) == ("memory", ("가", "나"), ("0", "1"))


def test_numbers_that_stand_for_names_of_classes_become_these() -> None:
    found = read_labelled(sources_of((Dataset(DATA),), SINGLE, what="classify"))
    assert found.labels == ("negative", "positive")
    unknown = sources_of((Dataset({**DATA, "label": [0, -1]}),), SINGLE, what="classify")
    with pytest.raises(InputError, match="row 2: 'label' is None"):
        read_labelled(unknown)


def packages() -> list[Any]:
    """Tables of the packages that are installed; those that are not are skipped by name."""

    def frame(module: Any, kind: str) -> Any:
        return getattr(module, kind)(DATA)

    kinds = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
    return [pytest.param(name, frame, kind, id=name) for name, kind in kinds.items()]


@pytest.mark.parametrize(("name", "frame", "kind"), packages())
def test_tables_of_other_packages_are_read(name: str, frame: Any, kind: str) -> None:
    module = pytest.importorskip(name, reason=f"{name} is not installed: its tables are untested")
    table = frame(importlib.import_module(module.__name__), kind)
    found = read_labelled(sources_of((table,), SINGLE, what="classify"))
    assert (found.texts, found.labels) == (("가", "나"), ("0", "1"))
    alone = read_labelled(sources_of((table["text"], table["label"]), SINGLE, what="classify"))
    assert alone == found


class Lazy(Frame):
    def collect(self) -> Frame:
        return self

    def lazy(self) -> "Lazy":
        return self


REFUSED: dict[str, tuple[tuple[Any, ...], str]] = {
    "one label too few": ((["가", "나"], ["x"]), "memory, row 2: no label; there are 2 of text"),
    "no text": ((["가", None], ["x", "y"]), "memory, row 2: 'text' is None, a string is wanted"),
    "NaN": ((["가"], [float("nan")]), "memory, row 1: 'label' is nan.*is one missing"),
    "a fraction": ((["가"], [0.5]), "memory, row 1: 0.5 is no label but a number; 'regress'"),
    "an empty label": ((["가"], [""]), "memory, row 1: the label is empty"),
    "texts alone": ((["가"],), "classify reads columns text, label or .*got 1 column"),
    "a file and texts": (("a.txt", ["x"]), "files or data in memory, not both; got str, list"),
    "a number": ((["가"], 3), "classify: a list, an iterable or a table is wanted, got 3 .int."),
    "nothing": (([],), "no rows; the data is empty"),
    "no columns": (({},), "no rows; the data is empty"),
    "rows of two widths": (([("가", "x"), ("나",)],), "memory, row 2: 1 cells, 2 in the rows"),
    "rows of two kinds": (([("가", "x"), 3],), "memory, row 2: a row of cells is wanted.*got int"),
    "a name of a file": (([__file__],), "a list of strings is texts, and .* the name of a file"),
    "other columns": (({"body": ["가"], "label": ["x"]},), "memory, row 1: no key 'text'"),
    "what is not computed": ((Lazy(DATA),), "a Lazy is not computed yet; call collect"),
    "several tables": (({"train": Dataset(DATA)},), "a dict of train; give one, as"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_data_is_refused_with_its_row(case: str) -> None:
    data, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        read_labelled(sources_of(data, SINGLE, what="classify"))


@pytest.mark.parametrize(
    ("words", "tags", "message"),
    [
        ([["가", "나"]], [["A"]], "memory, row 1: 2 words, 1 labels"),
        (
            [["가"], ["나 다\t라"]],
            [["A"], ["B"]],
            "memory, row 2: a word and its label without tabs",
        ),
        (["가 나"], ["A B"], "memory, row 1: a list of words is wanted, got words .str."),
        ([["가", None]], [["A", "B"]], "memory, row 1: 'words' is None, a string is wanted"),
    ],
)
def test_sentences_of_words_are_refused_with_their_row(
    words: list[Any], tags: list[Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_tagged(sources_of((words, tags), (("words", "labels"),), what="tag"))


def test_a_table_reads_as_often_as_it_is_asked() -> None:
    source = sources_of((iter(["가"]), iter(["a"])), (("source", "target"),), what="translate")
    assert isinstance(source[0], Table)
    assert read_parallel(source) == read_parallel(source)


def test_options_go_by_their_plain_names_and_unknown_ones_are_refused() -> None:
    data = COLUMNS["classify"]
    with pytest.raises(ConfigError, match="no option hiden_size; did you mean hidden_size"):
        munmaek.train("classify", *data, model="attention", hiden_size=3)
    with pytest.raises(ConfigError, match="source_tag is for 'translate', not for 'classify'"):
        munmaek.train("classify", *data, model="attention", source_tag="x")
    with pytest.raises(UnsupportedError, match="--memory is for 'lm', not for 'classify'"):
        munmaek.train("classify", *data, model="ngram", memory="1G")
    given = {"steps": 1, "validations": 1, "vocab_size": 300, "device": "cpu"}
    tables: dict[str, Any] = {"model_options": {"hidden_size": 12}, "train_options": {"seed": 4}}
    model = munmaek.train("classify", *data, model="gru", **given, **tables)
    assert (model.info.config["cell"], model.info.config["hidden"]) == ("gru", 12)
    assert model.info.training["config"]["seed"] == 4


@pytest.mark.filterwarnings("ignore:discounts of order")
def test_models_are_compared_on_data_in_memory(tmp_path: Path) -> None:
    small: dict[str, Any] = {"steps": 2, "validations": 1, "vocab_size": 300, "device": "cpu"}
    sizes = {"attention": {"hidden_size": 12, "embedding_size": 8}}
    found = munmaek.compare(
        "classify", KOREAN, LABELS, models=["ngram", "attention"], test=(KOREAN, LABELS),
        model_options=sizes, save=tmp_path / "both", **small,
    )  # fmt: skip
    rows = {row["stage"]: row["scores"]["accuracy"]["value"] for row in found["models"]}
    assert rows.keys() == {"ngram", "attention"}
    model = munmaek.load(tmp_path / "both" / "models" / "classify-attention")
    scores = munmaek.evaluate(model, KOREAN, LABELS)
    assert scores["accuracy"].value == pytest.approx(rows["attention"])
    assert dict(scores) == scores == scores.measured.scores
    support = {row[""]: row["support"] for row in scores.tables["labels"]}
    assert all(support[label] == LABELS.count(label) for label in set(LABELS))
    assert {"confusion", "roc", "precision_recall", "calibration"} <= scores.tables.keys()
    assert len(scores.measures["accuracy"].statistics) == len(LABELS)
    more = munmaek.evaluate(
        model, KOREAN, LABELS, worst=2, against=tmp_path / "both" / "models" / "classify-ngram"
    )
    assert [row["text"] for row in more.worst] == [KOREAN[row["row"] - 1] for row in more.worst]
    assert more.worst[0]["loss"] >= more.worst[1]["loss"]
    assert more.against is not None
    assert "accuracy" in more.against["comparisons"]
    assert json.loads(json.dumps(more.to_json()))["worst"] == more.worst
    assert (tmp_path / "both" / "report.html").is_file()
    with pytest.raises(ConfigError, match="hidden_size: not of all models"):
        munmaek.compare("classify", KOREAN, LABELS, models=["attention"], hidden_size=4)


def test_a_model_begins_another_in_memory() -> None:
    given: dict[str, Any] = {"model": "bert", "device": "cpu", **options("bert")}
    first = munmaek.train("mlm", KOREAN, **given)
    small = {name: given[name] for name in ("device", "steps", "validations")}
    second = munmaek.train("classify", KOREAN, LABELS, model="bert", init=first, **small)
    assert second.tokenizer.fingerprint == first.tokenizer.fingerprint
    assert second.info.config["hidden_size"] == 16


def test_columns_without_names_may_be_two_texts_a_row() -> None:
    small: dict[str, Any] = {"model": "bert", "device": "cpu", **options("bert")}
    model = munmaek.train(
        "classify", KOREAN, ENGLISH, LABELS, valid=(KOREAN, ENGLISH, LABELS), **small
    )
    assert model.pairs is True
    assert model.info.data["valid"]["rows"] == len(KOREAN)
    assert set(munmaek.evaluate(model, KOREAN, ENGLISH, LABELS)) >= {"accuracy"}
