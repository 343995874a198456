"""Figures as files: every one of a record and of a report, in each form, without a browser."""

import csv
import importlib.util
import io
import json
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from conftest import Run
from munmaek.comparison.report import render_report
from munmaek.figures import FORMATS, Figure, record_figures, report_figures, save_figures
from munmaek.text.catalogue import TEXTS
from test_records import TEXT, captured, model
from test_report import _results

pytest.importorskip("py_mini_racer", reason="the extra 'figures' is not installed")
pytest.importorskip("vl_convert", reason="the extra 'figures' is not installed")
pypdf: Any = pytest.importorskip("pypdf", reason="pypdf is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:discounts of order:UserWarning")

SVG = "{http://www.w3.org/2000/svg}"
SHOWN = [
    ("lm", "ngram"),
    ("lm", "rnn"),
    ("classify", "attention"),
    ("translate", "transformer"),
    ("mlm", "bert"),
    ("tag", "bert"),
    ("embed", "bert"),
]


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def check_files(figure: Figure, folder: Path) -> None:
    """Read every file of a figure by what reads its form."""
    root = ElementTree.fromstring((folder / f"{figure.name}.svg").read_bytes())
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    assert root.findtext(f"{SVG}title") == figure.title
    assert min(width, height) > 24
    assert "var(" not in figure.svg
    head = (folder / f"{figure.name}.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", head[16:24]) == (2 * width, 2 * height)
    page = pypdf.PdfReader(folder / f"{figure.name}.pdf").pages[0]
    ratio = float(page.mediabox.width) / float(page.mediabox.height)
    assert ratio == pytest.approx(width / height, rel=0.02)
    rows = table((folder / f"{figure.name}.csv").read_text(encoding="utf-8-sig"))
    assert rows == table(figure.csv)
    assert len({len(row) for row in rows}) == 1
    assert len(rows) > 1


@pytest.mark.parametrize(("task", "stage"), SHOWN)
def test_every_figure_of_a_record_is_written_in_each_form(
    task: str, stage: str, tmp_path: Path
) -> None:
    figures = record_figures([captured(task, stage).to_json(room=None)])
    assert len(figures) >= 3
    assert len({each.name for each in figures}) == len(figures)
    chosen = figures[:4]
    written = save_figures(chosen, tmp_path / "figures")
    assert len(written) == len(chosen) * len(FORMATS)
    assert all(path.is_file() for path in written)
    for each in chosen:
        check_files(each, tmp_path / "figures")
    for each in figures:
        ElementTree.fromstring(each.svg)


def test_korean_words_stand_in_svg_and_pdf(tmp_path: Path) -> None:
    figures = record_figures([captured("lm", "rnn").to_json(room=None)], language="ko")
    figure = next(each for each in figures if "surprisal" in each.name)
    assert figure.title == TEXTS["surprisal.title"][1]
    save_figures([figure], tmp_path)
    assert all(word in figure.svg for word in TEXT.split())
    assert "NanumGothic" in figure.svg
    text = pypdf.PdfReader(tmp_path / f"{figure.name}.pdf").pages[0].extract_text()
    if "집에서" not in text.replace(" ", ""):
        pytest.skip("no font with Hangul is installed")


def test_numbers_of_a_figure_are_those_of_the_record() -> None:
    record = captured("lm", "rnn")
    figures = {each.name.rsplit("-", 1)[-1]: each for each in record_figures([record.to_json()])}
    (_, *rows) = table(figures["surprisal"].csv)
    assert [row[0] for row in rows] == [*TEXT.split(), "</s>"]
    total = sum(float(row[1]) for row in rows if row[1])
    assert total == pytest.approx(-sum(record.logprobs) / math.log(2), rel=1e-6)
    head, *rows = table(figures["similarity"].csv)
    words, found = record.source.words, np.array([row[1:] for row in rows], dtype=float)
    alike = record.tensors["similarity"]
    first = [at for at, word in enumerate(words) if word == 0]
    assert head[1:] == [row[0] for row in rows] == TEXT.split()
    assert found[0, 0] == pytest.approx(alike[np.ix_(first, first)].mean(), abs=1e-3)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_figure_of_a_report_is_written_with_its_numbers(
    language: str, tmp_path: Path
) -> None:
    page = render_report(_results(), language=language)
    figures = report_figures(page, language=language)
    assert len(figures) == 4 + 1 + 2  # lengths, alignment, limits
    save_figures(figures, tmp_path)
    for each in figures:
        check_files(each, tmp_path)
    lines = next(each for each in figures if "polyline" in each.svg or 'class="line' in each.svg)
    head, *rows = table(lines.csv)
    given = next(each for each in placed(page) if each["title"] == lines.title)
    assert head == [str(each) for each in given["head"]]
    assert [row[0] for row in rows] == [row[0] for row in given["rows"]]
    for row, own in zip(rows, given["rows"], strict=True):
        values = [None if each == "" else float(each) for each in row[1:]]
        assert values == own[1:]


def placed(page: str) -> list[dict[str, Any]]:
    from munmaek.figures import _Placed

    found = _Placed()
    found.feed(page)
    return [json.loads(each) for each in found.figures]


def test_names_of_files_are_short_enough_for_a_disk_and_told_apart(tmp_path: Path) -> None:
    record = replace(captured("lm", "rnn"), model="가" * 200)
    figures = record_figures([record.to_json(), record.to_json()])
    names = {each.name for each in figures}
    assert len(names) == len(figures)
    assert max(len(name.encode()) for name in names) < 240
    save_figures(figures[:1], tmp_path)


def test_look_writes_figures_to_a_folder(tmp_path: Path, run: Run) -> None:
    model("lm", "ngram").save(tmp_path / "model")
    out = tmp_path / "figures"
    done = run("look", tmp_path / "model", TEXT, "--figures", out, "--language", "ko")
    assert (done.code, done.out) == (0, "")
    names = {path.stem for path in out.iterdir()}
    assert f"{out}: 그림 {len(names)}개를 SVG, PNG, PDF, CSV로 썼습니다" in done.err
    assert {path.suffix for path in out.iterdir()} == {".svg", ".png", ".pdf", ".csv"}
    assert run("look", tmp_path / "model", "--figures", out).code == 2
    assert run("look", tmp_path / "model", TEXT, "--figures", out, "--language", "fr").code == 2


def test_compare_writes_the_figures_of_an_earlier_comparison(tmp_path: Path, run: Run) -> None:
    made, out = tmp_path / "made", tmp_path / "figures"
    made.mkdir()
    (made / "results.json").write_text(json.dumps(_results()), "utf-8")
    assert run("compare", made, "--figures", out).code == 0
    assert len(list(out.glob("*.pdf"))) == 7
    missing = run("compare", tmp_path)
    assert (missing.code, missing.out) == (2, "")
    assert "Missing option '--models'" in missing.err
    assert run("compare", tmp_path, "--figures", out).code == 2


def test_a_missing_extra_is_one_line_with_its_command(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> Any:
        return None if name == "vl_convert" else importlib.util.find_spec(name)

    monkeypatch.setattr("munmaek.figures.find_spec", find)
    for args in (["look", tmp_path, TEXT], ["compare", tmp_path]):
        done = run(*args, "--figures", tmp_path / "out")
        assert done.code == 2
        assert "pip install 'munmaek[figures]'" in done.err
    assert not (tmp_path / "out").exists()
