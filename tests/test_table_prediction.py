"""Tables in, tables out: every verb, every form, one row for each row, whatever the input has."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import munmaek
from conftest import Run
from munmaek.text import written

BOOK = munmaek.phrasebook(pairs=400, valid=20, test=20)
KOREAN = [each.korean for each in BOOK.train][:200]
ENGLISH = [each.english for each in BOOK.train][:200]
LABELS = [each.label for each in BOOK.train][:200]
BERT: dict[str, Any] = {"model": "bert", "hidden_size": 16, "layers": 1, "heads": 2, "steps": 2}
SMALL: dict[str, Any] = {"model": "attention", "hidden_size": 16, "steps": 2}


def _tags(text: str) -> list[str]:
    return ["B-X", *["O"] * (len(text.split()) - 1)]


MADE: dict[str, Callable[[], Any]] = {
    "lm": lambda: munmaek.train("lm", KOREAN, model="ngram", order=2, tokenizer="words"),
    "labels": lambda: munmaek.train(
        "classify",
        {"후기": KOREAN, "느낌": LABELS},
        model="ngram",
        order=2,
        text_column="후기",
        label_column="느낌",
    ),
    "several": lambda: munmaek.train(
        "classify", KOREAN, [[each] for each in LABELS[:-1]] + [[]], **SMALL
    ),
    "pairs": lambda: munmaek.train("classify", KOREAN, ENGLISH, LABELS, **BERT),
    "numbers": lambda: munmaek.train("regress", KOREAN, [float(len(x)) for x in KOREAN], **BERT),
    "tags": lambda: munmaek.train(
        "tag",
        {"words": [x.split() for x in KOREAN], "labels": [_tags(x) for x in KOREAN]},
        **BERT,
    ),
    "translator": lambda: munmaek.train("translate", KOREAN, ENGLISH, **SMALL),
    "mlm": lambda: munmaek.train("mlm", KOREAN, **BERT),
    "vectors": lambda: munmaek.train("embed", KOREAN, **BERT),
}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of small models, each trained when it is first asked for."""
    home = tmp_path_factory.mktemp("table_models")

    def folder(name: str) -> Path:
        if not (home / name).exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("warnings.showwarning", lambda *_, **__: None)
                import warnings

                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    MADE[name]().save(home / name)
        return home / name

    return folder


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def cells(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


ROWS = [
    {"id": "1", "후기": "나는 학교에서 공부한다", "느낌": "?"},
    {"id": "2", "후기": "", "느낌": ""},
    {"id": "3", "후기": " 그는, 집에서 ", "느낌": "x"},
]
VERBS: dict[str, tuple[str, str, list[str]]] = {
    "classify": ("labels", "후기", ["label", "probability"]),
    "rate": ("numbers", "text", ["value"]),
    "tag": ("tags", "text", ["entities", "words"]),
    "translate": ("translator", "source", ["translation", "logprob"]),
    "score": ("lm", "text", ["logprob", "log10", "perplexity", "unknown", "bits"]),
    "embed": ("vectors", "text", ["embedding"]),
    "fill": ("mlm", "text", ["filled", "candidates"]),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_writes_the_rows_with_its_columns(
    run: Run, models: Callable[[str], Path], tmp_path: Path, verb: str
) -> None:
    name, column, new = VERBS[verb]
    mask = " <mask>" if verb == "fill" else ""
    given = [{"id": each["id"], column: each["후기"] and each["후기"] + mask} for each in ROWS]
    source, out = table(tmp_path / "in.csv", given), tmp_path / "out.csv"
    result = run(verb, models(name), source, "-o", out)
    assert result.code == 0, result.err
    assert result.out == ""
    found = cells(out)
    assert list(found[0]) == ["id", column, *new]
    assert [{name: row[name] for name in ("id", column)} for row in found] == given
    told = run(verb, models(name), source, "-o", tmp_path / "out.jsonl", "--json")
    assert told.rows == [
        {"output": str(tmp_path / "out.jsonl"), "read": 3, "written": 3, "left_out": {}}
    ]
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["1", "2", "3"]
    plain = run(verb, models(name), source, "-o", tmp_path / "out.txt")
    assert plain.code == 0
    shown = run(verb, models(name), source)
    assert shown.out == (tmp_path / "out.txt").read_text(encoding="utf-8")
    answers = [json.loads(line) for line in run(verb, models(name), source, "--json").lines]
    for line, answer in zip(lines, answers, strict=True):
        assert answer.items() <= {**json.loads(line), **answer}.items()


@pytest.mark.parametrize("form", ["tsv", "csv.gz", "jsonl.zst", "json", "parquet", "arrow", "xlsx"])
def test_every_form_has_the_same_answers(
    run: Run, models: Callable[[str], Path], tmp_path: Path, form: str
) -> None:
    if form in ("parquet", "arrow", "xlsx"):
        pytest.importorskip("openpyxl" if form == "xlsx" else "pyarrow")
    source = table(tmp_path / "in.csv", ROWS)
    first, again = tmp_path / f"out.{form}", tmp_path / "again.csv"
    assert run("classify", models("labels"), source, "-o", first).code == 0
    result = run("classify", models("labels"), first, "-o", again)
    assert result.code == 0, result.err
    found = cells(again)
    assert [row["predicted_label"] for row in found] == [row["label"] for row in found]
    assert [row["id"] for row in found] == ["1", "2", "3"]
    assert found[1]["label"] == ""


def test_names_that_the_rows_have_are_kept_and_new_ones_get_a_prefix(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = [{"후기": "가", "label": "gold", "predicted_label": "old", "probability": "1"}]
    source = table(tmp_path / "in.csv", rows)
    run("classify", models("labels"), source, "-o", tmp_path / "out.csv")
    found = cells(tmp_path / "out.csv")[0]
    names = [*rows[0], "predicted_label_2", "predicted_probability"]
    assert list(found) == names
    assert {name: found[name] for name in rows[0]} == rows[0]
    lines = tmp_path / "in.jsonl"
    lines.write_text('{"후기": "가"}\n{"후기": "나", "label": "x"}\n', encoding="utf-8")
    run("classify", models("labels"), lines, "-o", tmp_path / "out.jsonl")
    second = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[1]
    assert json.loads(second)["label"] == "x"
    assert "predicted_label" in json.loads(second)


def test_rows_without_text_and_faulty_ones_are_left_out_when_asked(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,후기\n1,가\n2\n3,\n4,나\n", encoding="utf-8")
    result = run("classify", models("labels"), source, "-o", tmp_path / "out.csv")
    assert result.code == 2
    assert f"{source}, line 3: 1 column, 2 wanted (text among them); got '2'" in result.err
    assert not list(tmp_path.glob("out*"))
    options = ("--on-error", "skip", "--skip-empty", "-o", tmp_path / "out.csv")
    result = run("classify", models("labels"), source, *options)
    assert result.code == 0
    assert f"left out: {source}, line 3: 1 column" in result.err
    left = "rows left out: 1 without text, 1 that could not be read or answered"
    assert left in result.err
    assert [row["id"] for row in cells(tmp_path / "out.csv")] == ["1", "4"]
    told = run("classify", models("labels"), source, *options, "--force", "--json").rows[0]
    assert told["left_out"] == {"empty": 1, "errors": 1}
    assert (told["read"], told["written"]) == (4, 2)
    assert run("classify", models("labels"), source, "--on-error", "skip").code == 0
    refused = run("classify", models("labels"), source, "--on-error", "go")
    assert refused.code == 2
    assert "--on-error go: there are stop and skip" in refused.err


def test_a_row_that_cannot_be_answered_is_named_by_file_and_line(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    source = table(tmp_path / "in.csv", [{"text": "가 <mask>"}, {"text": "나"}, {"text": "<mask>"}])
    result = run("fill", models("mlm"), source)
    assert result.code == 2
    assert f"{source}, line 3: no <mask> in '나'" in result.err
    result = run("fill", models("mlm"), source, "--on-error", "skip", "-o", tmp_path / "out.csv")
    assert [row["text"] for row in cells(tmp_path / "out.csv")] == ["가 <mask>", "<mask>"]
    assert "1 that could not be read or answered" in result.err


def test_columns_of_the_training_are_found_again_and_a_lost_one_is_named(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = [{"text": "다른 글", "후기": KOREAN[0], "느낌": LABELS[0]}]
    source = table(tmp_path / "in.csv", rows)
    shown = run("classify", models("labels"), source)
    assert shown.lines[0].endswith(f"\t{KOREAN[0]}")
    assert run("evaluate", models("labels"), source, "--json").code == 0
    lost = table(tmp_path / "lost.csv", [{"id": "1", "말": "가"}])
    result = run("classify", models("labels"), lost)
    assert result.code == 2
    assert (
        f"{lost}, line 1: no column '후기', on which the model was trained; the first row has 'id',"
        " '말' (--text-column)"
    ) in result.err
    assert run("classify", models("labels"), lost, "--text-column", "말").code == 0
    assert run("classify", models("labels"), lost, "--text-column", 1).code == 0
    lines = tmp_path / "lost.jsonl"
    lines.write_text('{"말": "가"}\n', encoding="utf-8")
    result = run("classify", models("labels"), lines)
    assert "no key '후기', on which the model was trained, nor 'text'" in result.err
    other = table(tmp_path / "known.csv", [{"id": "1", "text": "가"}])
    assert run("classify", models("labels"), other).code == 0


def test_a_number_of_a_column_is_remembered_too(run: Run, tmp_path: Path) -> None:
    rows = zip(KOREAN, LABELS, strict=True)
    lines = [f"{number}\t{label}\t{text}\n" for number, (text, label) in enumerate(rows)]
    (tmp_path / "a.tsv").write_text("".join(lines), encoding="utf-8")
    options = ("--model", "ngram", "--text-column", 2, "--label-column", 1, "-o", tmp_path / "m")
    assert run("train", "classify", tmp_path / "a.tsv", *options).code == 0
    told = run("evaluate", tmp_path / "m", tmp_path / "a.tsv", "--json").rows[0]
    assert told["scores"]["accuracy"]["value"] > 0.5
    assert run("classify", tmp_path / "m", tmp_path / "a.tsv").lines[0].endswith(KOREAN[0])
    (tmp_path / "b.tsv").write_text("1\t가\n", encoding="utf-8")
    result = run("classify", tmp_path / "m", tmp_path / "b.tsv")
    assert "no column 2 for the text, on which the model was trained; the row has 2" in result.err


def test_several_labels_probabilities_and_pairs_have_columns(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    source = table(tmp_path / "in.csv", [{"text": "가"}, {"text": ""}])
    run("classify", models("several"), source, "-o", tmp_path / "a.csv", "--probabilities")
    found = cells(tmp_path / "a.csv")
    assert list(found[0])[1:3] == ["labels", "probability"]
    assert all(0 <= float(found[0][f"probability_{label}"]) <= 1 for label in set(LABELS))
    assert isinstance(json.loads(found[0]["labels"]), list)
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("가\t나\n\n", encoding="utf-8")
    result = run("classify", models("pairs"), pairs, "-o", tmp_path / "b.csv")
    assert result.code == 0, result.err
    assert list(cells(tmp_path / "b.csv")[0]) == ["sentence1", "sentence2", "label", "probability"]
    single = table(tmp_path / "single.csv", [{"text": "가"}])
    assert run("classify", models("pairs"), single).code == 2


def test_alignments_come_from_a_table_or_two_files(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = [{"id": str(n), "원문": KOREAN[n], "번역문": ENGLISH[n]} for n in range(20)]
    source = table(tmp_path / "in.csv", rows)
    for name in ("원문", "번역문"):
        content = "".join(f"{row[name]}\n" for row in rows)
        (tmp_path / name).write_text(content, encoding="utf-8")
    files = (tmp_path / "원문", tmp_path / "번역문")
    for options in ((models("translator"),), ("--aligner", "hmm"), ("--aligner", "ibm1")):
        shown = run("align", *options, *files)
        assert shown.code == 0, shown.err
        assert run("align", *options, source).out == shown.out
        run("align", *options, source, "-o", tmp_path / "out.jsonl", "--force")
        lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        assert [row["id"] for row in found] == [row["id"] for row in rows]
        pharaoh = [" ".join(f"{s}-{t}" for s, t in row["alignment"]) for row in found]
        assert pharaoh == shown.lines
    swapped = ("--source-column", "번역문", "--target-column", "원문")
    assert run("align", models("translator"), source, *swapped).code == 0
    assert run("align", models("translator")).code == 2


def test_vectors_are_an_array_of_numpy_too(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    import numpy as np

    source = table(tmp_path / "in.csv", [{"text": each} for each in KOREAN[:7]])
    assert run("embed", models("vectors"), source, "-o", tmp_path / "a.npy").code == 0
    found = np.load(tmp_path / "a.npy")
    assert found.dtype == np.float32
    shown = [
        [float(x) for x in line.split("\t")]
        for line in run("embed", models("vectors"), source).lines
    ]
    assert found == pytest.approx(np.array(shown), rel=1e-4)
    result = run("classify", models("labels"), source, "-o", tmp_path / "b.npy")
    assert result.code == 2
    assert "an array of vectors wants embedding, which is not what is asked for" in result.err


@pytest.mark.parametrize("form", ["csv", "jsonl.gz", "txt", "parquet"])
def test_a_killed_run_goes_on_to_the_same_file(
    run: Run, models: Callable[[str], Path], tmp_path: Path, form: str, monkeypatch: Any
) -> None:
    from munmaek.tasks.classify.answering import Classifying

    monkeypatch.setattr(written, "EVERY", 0.0)
    monkeypatch.setattr(Classifying, "block", 3)
    source = table(tmp_path / "in.csv", [{"후기": each} for each in ["", *KOREAN[:10]]])
    out, whole = tmp_path / f"out.{form}", tmp_path / f"whole.{form}"
    command = ("classify", models("labels"), source, "--skip-empty")
    assert run(*command, "-o", whole).code == 0
    plain, calls = Classifying.answers, iter(range(10))

    def killed(self: Any, texts: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return plain(self, texts)

    monkeypatch.setattr(Classifying, "answers", killed)
    assert run(*command, "-o", out).code == 130
    assert not out.exists()
    monkeypatch.setattr(Classifying, "answers", plain)
    assert "an interrupted run is there" in run(*command, "-o", out).err
    other = run("classify", models("labels"), source, "-o", out, "--resume")
    assert "--resume: the interrupted run had --skip-empty = True, now False" in other.err
    told = run(*command, "-o", out, "--resume", "--json").rows[0]
    assert (told["read"], told["written"], told["left_out"]) == (11, 10, {"empty": 1})
    assert out.read_bytes() == whole.read_bytes()
    assert "nothing to resume" in run(*command, "-o", out, "--resume").err


def test_each_line_of_a_pipe_is_answered_before_the_next_one_comes(
    models: Callable[[str], Path], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "munmaek", "classify", str(models("labels"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in KOREAN[:3]:
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline().decode().endswith(f"\t{text}\n")
        process.stdin.write("\n끝".encode())
        process.stdin.close()
        rest = process.stdout.read().decode().split("\n")
        assert rest[0] == ""
        assert rest[1].endswith("\t끝")
    # A table is one though its header comes first and alone.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for part in ("id\ttext\tlabel\n", f"1\t{KOREAN[0]}\tx\n"):
            process.stdin.write(part.encode())
            process.stdin.flush()
            time.sleep(0.05)
        assert process.stdout.readline().decode().endswith(f"\t{KOREAN[0]}\n")
        process.stdin.close()
        assert process.stdout.read() == b""
    many = "".join(f"{text}\n" for text in KOREAN * 20).encode()
    done = subprocess.run(command, input=many, capture_output=True, check=True)
    file = tmp_path / "many.txt"
    file.write_bytes(many)
    whole = subprocess.run([*command, str(file)], capture_output=True, check=True)
    assert done.stdout == whole.stdout
    assert os.fspath(file)


def test_a_model_says_of_a_question_what_json_and_columns_have(
    models: Callable[[str], Path],
) -> None:
    model: Any = munmaek.load(models("labels"))
    one = model.result(KOREAN[0])
    assert one["label"] == model.predict([KOREAN[0]])[0].label
    assert one["probability"] == max(one["probabilities"].values())
    assert [each["label"] for each in model.results([KOREAN[0], ""])] == [one["label"], None]
    pairs: Any = munmaek.load(models("pairs"))
    assert set(pairs.result(("가", "나"))["probabilities"]) == set(LABELS)
    translator: Any = munmaek.load(models("translator"))
    wanted = translator.translate([KOREAN[0]], beam=2)[0].translation
    assert translator.result(KOREAN[0], beam=2)["translation"] == wanted
    with pytest.raises(munmaek.MunmaekError, match="unknown option 'beams'"):
        translator.result(KOREAN[0], beams=2)


def test_a_table_in_memory_gives_one_of_its_kind(models: Callable[[str], Path]) -> None:
    model = munmaek.load(models("labels"))
    given = {"id": [1, 2], "후기": [KOREAN[0], ""], "label": ["a", "b"]}
    found = munmaek.predict(model, given)
    assert list(found) == ["id", "후기", "label", "predicted_label", "probability"]
    assert found["predicted_label"][1] is None
    rows = munmaek.predict(models("labels"), [{"후기": KOREAN[0]}, {"후기": KOREAN[1]}])
    assert [set(row) for row in rows] == [{"후기", "label", "probability"}] * 2
    texts = munmaek.predict(model, KOREAN[:2])
    assert texts["label"] == [row["label"] for row in rows]
    pandas = pytest.importorskip("pandas")
    frame = munmaek.predict(model, pandas.DataFrame(given, index=[7, 9]))
    assert list(frame.columns) == list(found)
    assert list(frame.index) == [7, 9]
    polars = pytest.importorskip("polars")
    assert munmaek.predict(model, polars.DataFrame(given)).columns == list(found)
    arrow = pytest.importorskip("pyarrow")
    assert munmaek.predict(model, arrow.table(given)).column_names == list(found)


def test_python_writes_the_file_that_the_command_writes(
    run: Run, models: Callable[[str], Path], tmp_path: Path
) -> None:
    source = table(tmp_path / "in.csv", ROWS)
    done = munmaek.predict(models("labels"), source, save=tmp_path / "a.csv", skip_empty=True)
    run("classify", models("labels"), source, "--skip-empty", "-o", tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert done == {"read": 3, "written": 2, "left_out": {"empty": 1}}
