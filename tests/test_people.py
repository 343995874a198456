"""The path of each kind of person, from a file to an answer, by the commands that they type."""

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

import munmaek
from conftest import Run

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

BOOK = munmaek.phrasebook(pairs=700, valid=150, test=60)


def tickets(path: Path, pairs: Any) -> Path:
    """Write a table of tickets as a help desk exports it."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(["Nr", "본문", "감정"])
        table.writerows([number, each.korean, each.label] for number, each in enumerate(pairs))
    return path


def test_an_engineer_gives_tickets_labels_that_are_sure(run: Run, tmp_path: Path) -> None:
    train, valid, new = (
        tickets(tmp_path / f"{name}.csv", getattr(BOOK, name))
        for name in ("train", "valid", "test")
    )
    made = run(
        "train", "classify", train, "--model", "ngram", "--text-column", "본문",
        "--label-column", "감정", "-o", tmp_path / "model",
    )  # fmt: skip
    assert made.code == 0, made.err
    chosen = run(
        "threshold", tmp_path / "model", valid, "--precision", "0.9", "-o", tmp_path / "sure"
    )
    assert chosen.code == 0, chosen.err
    # The columns are remembered: neither evaluating nor predicting asks for them again.
    told = run("evaluate", tmp_path / "sure", new, "--report")
    assert (told.code, "precision" in told.out) == (0, True), told.err
    done = run("classify", tmp_path / "sure", new, "-o", tmp_path / "labelled.csv")
    assert done.code == 0, done.err
    with (tmp_path / "labelled.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["본문"] for row in rows] == [each.korean for each in BOOK.test]
    given = [(row["label"], each.label) for row, each in zip(rows, BOOK.test, strict=True)]
    sure = [wanted == label for label, wanted in given if label not in ("", "-")]
    assert len(sure) > 10
    assert sum(sure) / len(sure) > 0.7


def test_a_data_scientist_searches_a_grid_over_a_frame() -> None:
    pandas: Any = pytest.importorskip("pandas")
    selection: Any = pytest.importorskip("sklearn.model_selection")
    from munmaek.sklearn import Classifier

    rows = BOOK.train[:200]
    frame = pandas.DataFrame({"text": [each.korean for each in rows]})
    labels = [each.label for each in rows]
    search = selection.GridSearchCV(Classifier(model="ngram"), {"order": [1, 2]}, cv=2, n_jobs=1)
    search.fit(frame["text"], labels)
    assert set(search.best_params_) == {"order"}
    assert search.predict_proba(frame["text"][:3]).shape == (3, len(set(labels)))


def memory(path: Path) -> Path:
    """Write a translation memory."""
    units = "".join(
        f'<tu><tuv xml:lang="ko-KR"><seg>{escape(each.korean)}</seg></tuv>'
        f'<tuv xml:lang="en-US"><seg>{escape(each.english)}</seg></tuv></tu>'
        for each in BOOK.train[:120]
    )
    header = '<header srclang="ko" datatype="plaintext" segtype="sentence" adminlang="en"/>'
    path.write_text(f'<tmx version="1.4">{header}<body>{units}</body></tmx>', encoding="utf-8")
    return path


XLIFF = """<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
<file original="a" source-language="ko" target-language="en" datatype="plaintext"><body>
<trans-unit id="1"><source>나는 <g id="1">학교</g>에 간다</source></trans-unit>
<trans-unit id="2" translate="no"><source>munmaek</source></trans-unit>
</body></file></xliff>
"""


def test_a_translator_fills_a_file_from_a_memory(run: Run, tmp_path: Path) -> None:
    made = run(
        "train", "translate", memory(tmp_path / "memory.tmx"), "--source-language", "ko",
        "--target-language", "en", "--model", "attention", "--steps", "2", "--hidden-size", "8",
        "--embedding-size", "8", "--hold-out", "10", "-o", tmp_path / "model",
    )  # fmt: skip
    assert made.code == 0, made.err
    (tmp_path / "in.xlf").write_text(XLIFF, encoding="utf-8")
    done = run("translate", tmp_path / "model", tmp_path / "in.xlf", "-o", tmp_path / "out.xlf")
    assert done.code == 0, done.err
    space = "{urn:oasis:names:tc:xliff:document:1.2}"
    units = list(ElementTree.parse(tmp_path / "out.xlf").iter(f"{space}trans-unit"))
    target = units[0].find(f"{space}target")
    assert target is not None
    assert [each.get("id") for each in target.iter(f"{space}g")] == ["1"]
    assert units[1].find(f"{space}target") is None


@pytest.fixture(scope="module")
def language_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two language models, and text to tell them apart on."""
    folder = tmp_path_factory.mktemp("models")
    lines = [each.korean for each in BOOK.train]
    for order in (1, 4):
        munmaek.train(
            "lm", lines, model="ngram", order=order, tokenizer="words", save=folder / f"{order}gram"
        )
    (folder / "test.txt").write_text("\n".join(each.korean for each in BOOK.test), "utf-8")
    return folder


def test_a_researcher_tells_two_models_apart_in_a_table_and_a_figure(
    run: Run, language_models: Path, tmp_path: Path
) -> None:
    pytest.importorskip("vl_convert")
    pytest.importorskip("py_mini_racer")
    one, other, text = (language_models / name for name in ("4gram", "1gram", "test.txt"))
    told = run("evaluate", one, text, "--against", other, "--json")
    assert told.code == 0, told.err
    assert "against" in json.loads(told.out)
    compared = run(
        "compare", "--task", "lm", text, "--models", f"{one},{other}", "--test", text,
        "-o", tmp_path / "both", "--figures", tmp_path / "figures",
    )  # fmt: skip
    assert compared.code == 0, compared.err
    table = run("compare", tmp_path / "both", "--format", "latex")
    assert (table.code, "\\toprule" in table.out) == (0, True), table.err
    pdfs = list((tmp_path / "figures").rglob("*.pdf"))
    assert pdfs
    assert all(each.read_bytes().startswith(b"%PDF-") for each in pdfs)


def test_a_speech_engineer_scores_prefixes_by_an_n_gram(
    run: Run, language_models: Path, tmp_path: Path
) -> None:
    """A beam search over words asks KenLM's interface state by state, as CTC decoders do."""
    from munmaek import kenlm

    assert (
        run("export", language_models / "4gram", "--to", "arpa", "-o", tmp_path / "lm.arpa").code
        == 0
    )
    model = kenlm.Model(str(tmp_path / "lm.arpa"))
    words = BOOK.train[0].korean.split()
    heard = [[word, word[::-1] + "x"] for word in words]
    state = kenlm.State()
    model.BeginSentenceWrite(state)
    beams: list[tuple[float, list[str], Any]] = [(0.0, [], state)]
    for choices in heard:
        grown: list[tuple[float, list[str], Any]] = []
        for total, said, before in beams:
            for word in choices:
                after = kenlm.State()
                grown.append((total + model.BaseScore(before, word, after), [*said, word], after))
        beams = sorted(grown, key=lambda each: -each[0])[:4]
    assert beams[0][1] == words
    assert beams[0][0] == pytest.approx(model.score(" ".join(words), eos=False), abs=1e-4)
