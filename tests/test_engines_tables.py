"""A model over a table of Spark says of each row what it says on one machine."""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from engines_support import configured, needs_spark
from munmaek.errors import ConfigError, InputError
from munmaek.pipeline import train
from munmaek.predicting import predict

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::ResourceWarning", "ignore::munmaek.errors.MunmaekWarning"
)

ROWS = [
    {"id": number, "body": text}
    for number, text in enumerate(
        ["좋은 영화 였다", "나쁜 날 이다", "", "  good film ", "나쁜 film"] * 9
    )
]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    needs_spark()
    from munmaek.engines.sessions import open_session

    with configured(tmp_path_factory.mktemp("local")):
        opened, _ = open_session("local[2]")
        yield opened
        opened.stop()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    rows = [(row["body"], "bad" if "나쁜" in row["body"] else "good") for row in ROWS]
    train("classify", rows, model="ngram", tokenizer="words", save=folder / "ngram")
    small = {"hidden_size": 8, "embedding_size": 8, "steps": 3, "vocab_size": 300}
    train("classify", rows, model="attention", save=folder / "network", **small)
    texts = [row["body"] for row in ROWS]
    train("lm", texts, model="ngram", order=2, tokenizer="words", save=folder / "lm")
    return {name: folder / name for name in ("ngram", "network", "lm")}


def alike(one: Any, other: Any) -> bool:
    """Return whether values are the same, floats of networks to rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-5)
    return bool(one == other)


@pytest.mark.parametrize("name", ["ngram", "network", "lm"])
def test_a_frame_gets_the_columns_that_predict_gives(
    session: Any, models: dict[str, Path], name: str
) -> None:
    from munmaek.spark import apply

    frame = session.createDataFrame([(row["id"], row["body"]) for row in ROWS], ["id", "body"])
    made = apply(models[name], frame.repartition(3), text="body")
    found = [row.asDict() for row in made.orderBy("id").collect()]
    wanted = predict(models[name], [dict(row) for row in ROWS], text_column="body")
    assert [list(row) for row in found] == [list(row) for row in wanted]
    for one, other in zip(found, wanted, strict=True):
        exact = name != "network"
        same = [one[key] == other[key] if exact else alike(one[key], other[key]) for key in other]
        assert all(same), (one, other)


def test_a_stream_is_answered(session: Any, models: dict[str, Path], tmp_path: Path) -> None:
    from munmaek.spark import apply

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("나쁜 날 이다\n좋은 영화 였다\n", encoding="utf-8")
    frame = session.readStream.text(f"file://{tmp_path / 'in'}")
    made = apply(models["ngram"], frame, text="value")
    query = made.writeStream.format("memory").queryName("answered").outputMode("append").start()
    try:
        query.processAllAvailable()
    finally:
        query.stop()
    found = {row["value"]: row["label"] for row in session.table("answered").collect()}
    assert found == {"나쁜 날 이다": "bad", "좋은 영화 였다": "good"}


def test_what_the_frame_has_not_is_one_line(session: Any, models: dict[str, Path]) -> None:
    from munmaek.spark import apply

    frame = session.createDataFrame([(1, "a")], ["id", "words"])
    with pytest.raises(ConfigError, match="the frame has the columns 'id', 'words'"):
        apply(models["ngram"], frame)
    with pytest.raises(ConfigError, match="'body'"):
        apply(models["ngram"], frame, text="body")


def parts(folder: Path) -> list[str]:
    """Return the lines that Spark wrote."""
    found = sorted(folder.glob("part-*"))
    return [line for part in found for line in part.read_text(encoding="utf-8").splitlines()]


def test_commands_write_what_they_write_on_one_machine(
    session: Any, models: dict[str, Path], tmp_path: Path, run: Run
) -> None:
    del session  # the command takes the session that is there
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "b.txt").write_text("\r\n".join(row["body"] for row in ROWS), encoding="utf-8")
    spark = ["--engine", "local[2]"]
    for source, options, output in (
        ("a.jsonl", ["--text-column", "body"], "out.jsonl"),
        ("b.txt", [], "out2.txt"),
        ("b.txt", ["--skip-empty"], "out3.jsonl"),
    ):
        command = ["classify", models["ngram"], tmp_path / source, *options, "-o"]
        assert run(*command, tmp_path / f"one-{output}").code == 0
        done = run(*command, tmp_path / output, *spark)
        assert done.code == 0, done.err
        wanted = (tmp_path / f"one-{output}").read_text(encoding="utf-8").splitlines()
        assert parts(tmp_path / output) == wanted
    again = run(*command, tmp_path / output, *spark)
    assert (again.code, "already exists" in again.err) == (2, True)
    assert run(*command, tmp_path / output, *spark, "--force").code == 0
    bad = run("classify", models["ngram"], tmp_path / "b.txt", "-o", tmp_path / "o.csv", *spark)
    assert "a name in .jsonl, .txt or .parquet is wanted" in bad.err


def test_parquet_goes_in_and_comes_out(
    session: Any, models: dict[str, Path], tmp_path: Path, run: Run
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    place = tmp_path / "out.parquet"
    command = ["classify", models["ngram"], tmp_path / "a.parquet", "--text-column", "body"]
    done = run(*command, "-o", place, "--engine", "local[2]")
    assert done.code == 0, done.err
    found = session.read.parquet(f"file://{place}").orderBy("id").collect()
    wanted = predict(models["ngram"], [dict(row) for row in ROWS], text_column="body")
    assert [row.asDict() for row in found] == wanted


def test_filter_keeps_what_it_keeps_on_one_machine(
    session: Any, models: dict[str, Path], tmp_path: Path, run: Run
) -> None:
    del session
    (tmp_path / "b.txt").write_text("\n".join(row["body"] for row in ROWS), encoding="utf-8")
    command = ["filter", models["lm"], tmp_path / "b.txt", "--at-most", "6", "--write-scores"]
    assert run(*command, "-o", tmp_path / "one.jsonl").code == 0
    done = run(*command, "-o", tmp_path / "out.jsonl", "--engine", "local[2]")
    assert done.code == 0, done.err
    wanted = (tmp_path / "one.jsonl").read_text(encoding="utf-8").splitlines()
    assert 0 < len(wanted) < len(ROWS)
    assert parts(tmp_path / "out.jsonl") == wanted
    refused = run(*command[:3], "--keep", "20%", "-o", tmp_path / "n.txt", "--engine", "local[2]")
    assert "--keep and --engine do not go together" in refused.err


def test_a_row_that_cannot_be_read_stops_or_is_left_out(
    session: Any, models: dict[str, Path], tmp_path: Path, run: Run
) -> None:
    del session
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"other": 1}\n', encoding="utf-8")
    command = ["classify", models["ngram"], tmp_path / "a.jsonl", "--engine", "local[2]", "-o"]
    stopped = run(*command, tmp_path / "out.jsonl")
    assert (stopped.code, stopped.out) == (2, "")
    assert "no key 'text'" in stopped.err
    assert len(stopped.err.splitlines()) == 1
    shutil.rmtree(tmp_path / "out.jsonl", ignore_errors=True)
    assert run(*command, tmp_path / "out.jsonl", "--on-error", "skip").code == 0
    assert len(parts(tmp_path / "out.jsonl")) == 1


def test_rows_of_a_frame_that_cannot_be_read_are_named(
    session: Any, models: dict[str, Path]
) -> None:
    from munmaek.engines.sessions import explaining
    from munmaek.spark import apply

    frame = session.createDataFrame([(1, "a"), (2, None)], "id int, body string")
    with pytest.raises(InputError, match="'body' is None"), explaining("here"):
        apply(models["ngram"], frame, text="body").collect()
    assert apply(models["ngram"], frame, text="body", on_error="skip").count() == 1
