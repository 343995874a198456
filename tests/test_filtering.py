"""Corpora told apart by what a model says of their texts."""

import gzip
import io
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from munmaek import kenlm
from munmaek.cli import main
from munmaek.errors import InputError
from munmaek.filtering import Choice, Settings, filter_corpus, run
from munmaek.filtering.duplicates import NearTexts, SeenTexts, normalised
from munmaek.filtering.workers import opened_measures
from munmaek.ngram import compact
from munmaek.ngram.tables import NgramTables
from munmaek.tasks.lm import text_measures
from munmaek.tasks.loading import load
from munmaek.tasks.measures import MeasuredBy

TEXT = Path(__file__).with_name("test_ngram_golden.txt")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("filtering") / "3gram"
    train = ["train", "lm", str(TEXT), "--model", "ngram", "--order", "3", "--tokenizer", "words"]
    assert main([*train, "-o", str(made)]) == 0
    return made


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    draw = random.Random(1)
    lines = [line for line in TEXT.read_text(encoding="utf-8").split("\n") if line]
    words = sorted({word for line in lines for word in line.split()})
    drawn = {" ".join(draw.choices([*words, "unseen"], k=draw.randrange(2, 9))) for _ in range(300)}
    return sorted(drawn)


def written(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def perplexities(model: Path, lines: Sequence[str]) -> list[float]:
    asked = kenlm.Model(model)
    return [asked.perplexity(line) for line in lines]


def run_json(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["filter", *args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_head_middle_and_tail_are_cut_at_percentiles_of_the_perplexity(
    model: Path, corpus: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "data.txt", corpus)
    out = tmp_path / "out.txt.gz"
    found = run_json(capsys, str(model), str(data), "--buckets", "30,60", "-o", str(out))
    values = np.array(perplexities(model, corpus))
    limits = np.percentile(values, [30, 60], method="inverted_cdf")
    assert found["thresholds"]["limits"] == pytest.approx(limits.tolist())
    for number, name in enumerate(("head", "middle", "tail")):
        lines = gzip.decompress((tmp_path / f"out.{name}.txt.gz").read_bytes()).decode()
        places = np.searchsorted(limits * (1 + 1e-9), values)
        assert lines.split("\n")[:-1] == [
            line for line, place in zip(corpus, places, strict=True) if place == number
        ]
    assert sum(found["written"].values()) == len(corpus) == found["read"]


def test_a_share_is_kept_and_its_limit_used_again(
    model: Path, corpus: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, limits = written(tmp_path / "data.txt", corpus), tmp_path / "limits.json"
    kept = ["--keep", "20%", "--save-thresholds", str(limits)]
    found = run_json(capsys, str(model), str(data), *kept, "-o", str(tmp_path / "a.txt"))
    order = np.argsort(perplexities(model, corpus), kind="stable")
    wanted = {corpus[place] for place in order[: math.ceil(len(corpus) / 5)]}
    assert set(read(tmp_path / "a.txt")) == wanted
    assert found["left_out"] == {"perplexity beyond the limit": len(corpus) - len(wanted)}
    again = ["--thresholds", str(limits), "-o", str(tmp_path / "b.txt")]
    run_json(capsys, str(model), str(data), *again)
    assert read(tmp_path / "b.txt") == read(tmp_path / "a.txt")
    worst = ["--keep", "20%", "--reverse", "-o", str(tmp_path / "c.txt")]
    run_json(capsys, str(model), str(data), *worst)
    assert not wanted & set(read(tmp_path / "c.txt"))


def test_columns_stay_and_numbers_are_added(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.csv"
    data.write_text('id,text\n1,"the dog, sleeps"\n2,\n3,the dog sleeps\n', encoding="utf-8")
    out = tmp_path / "out.jsonl"
    options = ["--at-most", "1e9", "--write-scores", "-o", str(out)]
    found = run_json(capsys, str(model), str(data), *options)
    rows = [json.loads(line) for line in read(out)]
    assert [row["id"] for row in rows] == ["1", "3"]
    asked = kenlm.Model(model)
    assert rows[1]["perplexity"] == pytest.approx(asked.perplexity("the dog sleeps"))
    assert rows[1]["log10"] == pytest.approx(asked.score("the dog sleeps"))
    assert (rows[0]["tokens"], rows[0]["unknown"]) == (4, 1)
    assert rows[1]["bits"] == pytest.approx(-asked.score("the dog sleeps") * math.log2(10))
    assert found["left_out"] == {"empty": 1}
    plain = ["--at-most", "1e9", "-o", str(tmp_path / "out.txt")]
    run_json(capsys, str(model), str(data), *plain)
    assert read(tmp_path / "out.txt") == ["the dog, sleeps", "the dog sleeps"]


def test_patterns_encodings_and_remembered_columns_are_as_everywhere(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, line in (("b", "나 는 a"), ("a", "the dog")):
        (tmp_path / f"{name}.txt").write_text(f"{line}\n", encoding="cp949")
    options = ["--encoding", "cp949", "--at-most", "1e9"]
    out = tmp_path / "out.tsv"
    run_json(capsys, str(model), str(tmp_path / "?.txt"), *options, "-o", str(out))
    assert read(out) == ["text", "the dog", "나 는 a"]
    rows = ["said\tmood", *["good film\tpos", "bad film\tneg"] * 20]
    data = written(tmp_path / "data.tsv", rows)
    made = tmp_path / "model"
    columns = ["--text-column", "said", "--label-column", "mood"]
    train = ["train", "classify", str(data), "--model", "ngram", *columns, "-o", str(made)]
    assert main(train) == 0
    table = written(tmp_path / "new.csv", ["id,said", "1,good", "2,bad"])
    kept = ["--label", "pos", "--at-least", "0.5", "-o", str(tmp_path / "kept.csv")]
    run_json(capsys, str(made), str(table), *kept)
    assert read(tmp_path / "kept.csv") == ["id,said", "1,good"]


def test_processes_keep_the_order_and_change_nothing(
    model: Path, corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_measures, "_COUNTED", 32)
    data = written(tmp_path / "data.txt", [*corpus, *corpus[::3]])
    outs = [tmp_path / "one.tsv", tmp_path / "two.tsv"]
    for jobs, out in enumerate(outs, start=1):
        filter_corpus(
            Settings(
                model,
                [str(data)],
                out,
                choice=Choice(keep=0.5),
                unique=True,
                write_scores=True,
                jobs=jobs,
            )
        )
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_an_interrupted_run_goes_on_to_the_same_files(
    model: Path, corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_measures, "_COUNTED", 16)
    monkeypatch.setattr(run, "_EVERY", 0.0)
    rows = [json.dumps({"text": line}) for line in [*corpus, *corpus[::2]]]
    data = written(tmp_path / "data.jsonl", rows)
    choice = Choice(buckets=(30.0, 60.0))

    def asked(out: str, resume: bool = False) -> Settings:
        place = tmp_path / out
        return Settings(
            model, [str(data)], place, choice=choice, unique=True, near=0.95, resume=resume
        )

    whole = filter_corpus(asked("whole.jsonl"))
    step, calls = run._write, []

    def failing(*given: object) -> None:
        calls.append(given)
        if len(calls) == 12:
            raise KeyboardInterrupt
        step(*given)

    monkeypatch.setattr(run, "_write", failing)
    with pytest.raises(KeyboardInterrupt):
        filter_corpus(asked("cut.jsonl"))
    monkeypatch.setattr(run, "_write", step)
    with pytest.raises(InputError, match="--resume goes on"):
        filter_corpus(asked("cut.jsonl"))
    resumed = filter_corpus(asked("cut.jsonl", resume=True))
    assert (resumed.read, resumed.written, resumed.left_out) == (
        *(whole.read, whole.written, whole.left_out),
    )
    for name in ("head", "middle", "tail"):
        cut = tmp_path / f"cut.{name}.jsonl"
        assert cut.read_bytes() == (tmp_path / f"whole.{name}.jsonl").read_bytes()


def test_duplicates_are_left_out_at_their_second_place(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        "The dog sleeps 12",
        "a bird",
        "the dog sleeps 34\u2026",
        "A bird",
        "the cat",
        "a  bird",
    ]
    data, out = written(tmp_path / "data.txt", lines), tmp_path / "out.txt"
    found = run_json(capsys, str(model), str(data), "--unique", "-o", str(out))
    assert read(out) == ["The dog sleeps 12", "a bird", "the cat", "a  bird"]
    assert found["left_out"] == {"duplicate": 2}


def test_texts_are_normalised_as_ccnet_does() -> None:
    assert normalised([" \u201cA\u201d, B\u3002 1\u0663\x07 c. "]) == ["a, b 00 c."]


def test_near_texts_are_told_by_their_jaccard_similarity() -> None:
    draw = random.Random(0)
    words = [f"{draw.randrange(1 << 24):x}" for _ in range(400)]

    def shingles(text: str) -> set[str]:
        return {text[at : at + 5] for at in range(len(text) - 4)}

    wrong = 0
    for _ in range(300):
        first = draw.choices(words, k=40)
        second = list(first)
        for _ in range(draw.randrange(1, 16)):
            second[draw.randrange(40)] = draw.choice(words)
        pair = normalised([" ".join(first), " ".join(second)])
        own, other = map(shingles, pair)
        alike = len(own & other) / len(own | other)
        keys = NearTexts.keys(pair)
        estimate = (float((keys.bytes[0] == keys.bytes[1]).mean()) - 1 / 256) / (1 - 1 / 256)
        assert abs(estimate - alike) < 0.2
        if abs(alike - 0.8) > 0.1:
            wrong += bool(NearTexts(0.8).new(keys)[1]) == (alike > 0.8)
    assert wrong <= 3


def test_the_tables_of_duplicates_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("munmaek.filtering.duplicates._SIZE", 64)
    seen, near = SeenTexts(), NearTexts(0.8)
    texts = [chr(0xAC00 + 7 * number) * 9 for number in range(600)]
    assert seen.new(seen.keys(texts)).all()
    assert near.new(near.keys(texts)).all()
    assert not seen.new(seen.keys(texts)).any()
    assert not near.new(near.keys(texts)).any()


def test_standard_input_is_filtered_by_a_limit(
    model: Path,
    corpus: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = "".join(f"{line}\n" for line in corpus).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    out = tmp_path / "out.txt"
    run_json(capsys, str(model), "-", "--at-most", "12", "-o", str(out))
    values = perplexities(model, corpus)
    assert read(out) == [each for each, value in zip(corpus, values, strict=True) if value <= 12]


def test_classifiers_filter_by_the_probability_of_a_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{text}\t{label}" for text, label in [("good film", "pos"), ("bad film", "neg")] * 20]
    data = written(tmp_path / "data.tsv", ["text\tlabel", *rows])
    made = tmp_path / "model"
    train = ["train", "classify", str(data), "--model", "ngram", "-o", str(made)]
    assert main(train) == 0
    new = written(tmp_path / "new.txt", ["a good film", "bad bad", "good good"])
    out = tmp_path / "out.txt"
    options = ["--label", "pos", "--at-least", "0.5", "-o", str(out)]
    found = run_json(capsys, str(made), str(new), *options)
    assert read(out) == ["a good film", "good good"]
    assert found["left_out"] == {"probability beyond the limit": 1}
    assert main(["filter", str(made), str(new), "--label", "none", *options[2:], "--force"]) == 2
    assert "one of neg, pos is wanted, got 'none'" in capsys.readouterr().err


def test_encoders_filter_by_likeness_and_pseudo_perplexity(
    tmp_path: Path, corpus: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "bert.toml"
    config.write_text(
        "[model]\nhidden_size = 16\nnum_hidden_layers = 1\nnum_attention_heads = 2\n"
        "intermediate_size = 32\n[train]\nsteps = 2\n",
        encoding="utf-8",
    )
    made = tmp_path / "bert"
    train = ["train", "mlm", str(TEXT), "--model", "bert", "--config", str(config)]
    assert main([*train, "-o", str(made)]) == 0
    data = written(tmp_path / "data.txt", corpus[:40])
    out = tmp_path / "out.tsv"
    options = ["--write-scores", "-o", str(out), "--force"]
    run_json(capsys, str(made), str(data), "--like", corpus[7], "--keep", "0.1", *options)
    rows = [line.split("\t") for line in read(out)]
    assert rows[0] == ["text", "similarity"]
    assert corpus[7] in [row[0] for row in rows]
    assert len(rows) == 1 + 4
    run_json(capsys, str(made), str(data), "--keep", "50%", *options)
    assert read(out)[0] == "text\tpseudo_perplexity\ttokens"


REFUSED = {
    "is wanted, got none": [],
    "got --keep and --at-most": ["--keep", "20%", "--at-most", "3"],
    "rising percentiles are wanted": ["--buckets", "60,30"],
    "more than 0% and at most 100%": ["--keep", "200%"],
    "a number above 0 and up to 1": ["--near", "8"],
    "a share is wanted": ["--keep", "some"],
    "there are stop and skip": ["--keep", "20%", "--on-error", "go"],
    "plain text has no columns": ["--keep", "20%", "--write-scores"],
    "did you mean --buckets": ["--bucket", "30"],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_does_not_go_together_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    data, out = written(tmp_path / "data.txt", ["the dog"]), tmp_path / "out.txt"
    assert main(["filter", str(model), str(data), "-o", str(out), *REFUSED[reason]]) == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()


def test_bad_files_are_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["-o", str(tmp_path / "out.jsonl"), "--at-most", "99999"]
    damaged = written(tmp_path / "a.jsonl", ['{"text": "the dog"}', "{oh", '{"text": "a cat"}'])
    assert main(["filter", str(model), str(damaged), *out]) == 2
    assert "a.jsonl, line 2" in capsys.readouterr().err
    found = run_json(capsys, str(model), str(damaged), "--on-error", "skip", *out)
    assert found["left_out"] == {"unreadable": 1}
    table = written(tmp_path / "b.csv", ["id,text", "1,a cat"])
    other = written(tmp_path / "c.csv", ["text,label", "a cat,x"])
    csv = ["-o", str(tmp_path / "out.csv"), "--at-most", "99999"]
    assert main(["filter", str(model), str(table), str(other), *csv]) == 2
    assert "c.csv: columns text, label, where" in capsys.readouterr().err
    scored = written(tmp_path / "d.csv", ["text,perplexity", "a cat,x"])
    assert main(["filter", str(model), str(scored), *csv, "--write-scores"]) == 2
    assert "has a column perplexity" in capsys.readouterr().err
    limits = written(tmp_path / "limits.json", ["{}"])
    asked = ["--thresholds", str(limits), "-o", str(tmp_path / "o.txt")]
    assert main(["filter", str(model), str(table), *asked]) == 2
    assert "no file of thresholds" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["compact", "quantised"])
def test_unpacking_for_much_text_changes_no_score(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    packed = tmp_path / form
    assert main(["export", str(model), "--to", form, "-o", str(packed)]) == 0
    texts = read(TEXT)
    found = []
    for repaid in (10**9, 0):
        monkeypatch.setattr(compact, "_REPAID", repaid)
        measures = opened_measures(packed, MeasuredBy(text_bytes=1000))
        found.append(measures.of([text for text in texts if text]))
    for name, values in found[0].items():
        assert np.array_equal(values, found[1][name]), name


def test_packed_tables_are_unpacked_where_text_is_much_and_memory_plenty(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "packed"
    assert main(["export", str(model), "--to", "compact", "-o", str(packed)]) == 0
    tables = load(packed).model.tables
    ngrams = sum(tables.counts)
    assert isinstance(tables, compact.CompactTables)
    assert compact.for_much_text(tables, 0) is tables
    assert compact.for_much_text(tables, 4 * ngrams) is tables
    unpacked = compact.for_much_text(tables, 4 * ngrams + 1)
    assert isinstance(unpacked, NgramTables)
    assert compact.for_much_text(unpacked, 0) is unpacked
    monkeypatch.setattr(compact, "free_memory", lambda: 22 * ngrams)
    assert compact.for_much_text(tables, 1 << 40) is tables
