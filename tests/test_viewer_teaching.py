"""The viewer where it teaches: every number, presenting, correcting, several models, one figure."""

from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munmaek
from munmaek.errors import InputError
from munmaek.look import Record, capture, show
from munmaek.look.notebook import PARTS
from munmaek.text.catalogue import TEXTS
from test_viewer_browser import axe, figure
from viewer_support import Raw, Visit, chromium, served, served_alone, write_page

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

SENTENCE = "나는 책을 읽는다"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with chromium():  # before anything is trained, since without it nothing is
        pass
    folder = tmp_path_factory.mktemp("small")
    book = munmaek.phrasebook(pairs=300, valid=20, test=20).train
    korean, english = [each.korean for each in book], [each.english for each in book]
    small: dict[str, Any] = {"small_enough_to_see": True, "steps": 5, "hold_out": 10}
    pairs = {"source": korean, "target": english}
    return {
        "ngram": munmaek.train("lm", korean, model="ngram", tokenizer="words", keep_text=True),
        "elman": munmaek.train("lm", korean, model="elman", **small),
        "transformer": munmaek.train("lm", korean, model="transformer", **small),
        "translate": munmaek.train(
            "translate", pairs, model="attention", save=folder / "translate", **small
        ),
        "folder": folder / "translate",
    }


@pytest.fixture(scope="module")
def records(models: dict[str, Any]) -> dict[str, Record]:
    names = [name for name in models if name != "folder"]
    return {name: capture(models[name], SENTENCE, name=name) for name in names}


@pytest.fixture(scope="module")
def browser(records: dict[str, Record]) -> Iterator[Any]:
    assert records
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    made: list[Visit] = []

    def begin(**options: Any) -> Visit:
        made.append(Visit(browser, **options))
        return made[-1]

    yield begin
    for each in made:
        each.close()


# Every number


def test_the_table_of_a_derivation_has_the_numbers_of_the_record(
    visit: Callable[..., Visit], records: dict[str, Record], tmp_path: Path
) -> None:
    record = records["translate"]
    seen = visit().open(write_page(tmp_path / "a.html", record)).all_drawn()
    part = next(each for each in record.steps if each.name == "attention")
    drawn = seen.page.get_by_role("figure").filter(has=seen.page.locator("svg.steps")).first
    drawn.get_by_text("The numbers as a table").click()
    cells = [each.split("\t") for each in drawn.locator("table").inner_text().splitlines()]
    rows = [each for each in cells[1:] if each[0] == "c_i"]
    line = next(each for each in part.lines if each.symbol == "c_i")
    found = [float(value.replace("−", "-")) for value in rows[0][4:]]
    np.testing.assert_allclose(found, record.tensors[line.tensor][0], atol=2e-3)
    scores = [each for each in cells[1:] if each[0] == "α_{ij}"]
    assert sum(float(each[4]) for each in scores) == pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("name", ["translate", "elman", "transformer", "ngram"])
@pytest.mark.parametrize(("theme", "width"), [("dark", 390), ("light", 1120)])
def test_every_part_is_drawn_and_can_be_used_by_all(
    name: str,
    theme: str,
    width: int,
    visit: Callable[..., Visit],
    records: dict[str, Record],
    tmp_path: Path,
) -> None:
    seen = visit(color_scheme=theme, width=width, locale="ko")
    seen.open(write_page(tmp_path / "a.html", records[name])).all_drawn()
    parts = [each.name for each in records[name].steps]
    for part in parts if len(parts) > 1 and width == 390 else []:
        seen.page.locator("label.choice", has_text="부분").locator("select").select_option(part)
        assert seen.page.locator("svg.steps text").count() > 10
    assert axe(seen) == []
    wide = seen.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    assert not wide
    shown = seen.page.evaluate("document.body.innerText")
    english = [
        texts[0]
        for key, texts in TEXTS.items()
        if len(texts[0]) > 14 and "{" not in texts[0] and texts[0] != texts[1]
        if texts[0] in shown and not key.startswith("source.")
    ]
    assert english == []


def test_an_ngrams_orders_stand_in_a_figure(
    visit: Callable[..., Visit], records: dict[str, Record], tmp_path: Path
) -> None:
    seen = visit().open(write_page(tmp_path / "a.html", records["ngram"])).all_drawn()
    seen.page.get_by_role("toolbar").first.get_by_text("책을", exact=True).click()
    drawn = figure(seen, "The probability of ‘책을’, order by order")
    assert drawn.locator("svg text").filter(has_text="γ(h)").count() == 1
    assert seen.page.get_by_text("lines of the training text, also when it is saved").is_visible()


# One figure, large; one figure alone; several models


def test_figures_are_presented_one_by_one_with_values_in_cells(
    visit: Callable[..., Visit], records: dict[str, Record], tmp_path: Path
) -> None:
    seen = visit().open(write_page(tmp_path / "a.html", records["translate"]))
    seen.page.get_by_role("button", name="Present").click()
    slides = seen.page.locator("dialog.slides")
    slides.locator("svg").wait_for()
    place = slides.get_by_role("status")
    first = place.inner_text()
    for _ in range(3):
        seen.page.keyboard.press("ArrowRight")
    assert place.inner_text() != first
    seen.page.keyboard.press("Home")
    assert place.inner_text() == first
    title = slides.locator("h2")
    for _ in range(40):
        if title.inner_text() == "Alignment as each word is written":
            break
        slides.get_by_role("button", name="Next").click()
    values = [each for each in slides.locator("svg text").all_text_contents() if each[:1] == "."]
    assert values or slides.locator("svg text").count() > 4
    slides.get_by_role("button", name="Before").click()
    assert axe(seen) == []
    slides.get_by_role("button", name="End").click()
    assert slides.count() == 0
    seen.page.get_by_role("button", name="Present").click()
    slides.locator("svg").wait_for()
    seen.page.keyboard.press("Escape")
    slides.wait_for(state="detached")


def test_a_notebook_shows_one_part_alone(
    visit: Callable[..., Visit], records: dict[str, Record], tmp_path: Path
) -> None:
    made = show(records["elman"], "steps")
    content = made.html.partition('srcdoc="')[2].partition('" sandbox')[0]
    at = tmp_path / "a.html"
    at.write_text(unescape(content), encoding="utf-8")
    seen = visit().open(at.as_uri()).all_drawn()
    assert seen.page.locator("svg.steps").count() == 1
    assert seen.page.locator("h1, h2").count() == 0
    assert repr(records["elman"]) == "<Record of Elman RNN (lm): '나는 책을 읽는다'; 1 steps>"
    with pytest.raises(InputError, match="no part 'arrows' of a record; there are ngram"):
        show(records["elman"], "arrows")
    keys = (Path(__file__).parent.parent / "frontend/src/record.js").read_text(encoding="utf-8")
    assert [part for part in PARTS if part != "heads" and f'["{part}",' not in keys] == []


def test_three_models_stand_in_one_figure_and_each_beside_the_first(
    visit: Callable[..., Visit], records: dict[str, Record], tmp_path: Path
) -> None:
    three = [records[name] for name in ("ngram", "elman", "transformer")]
    seen = visit().open(write_page(tmp_path / "a.html", *three)).all_drawn()
    assert figure(seen, "3 models, word by word: bits").is_visible()
    assert figure(seen, "Difference of surprisal, in bits").is_visible()


def test_a_small_page_is_drawn_without_scrolling(
    visit: Callable[..., Visit], records: dict[str, Record], tmp_path: Path
) -> None:
    seen = visit().open(write_page(tmp_path / "a.html", records["elman"]))
    seen.page.wait_for_function("!document.querySelector('.waiting')")
    assert seen.page.locator("svg.steps").count() == 1


# Correcting


def test_links_and_translations_are_corrected_where_they_are_read(
    visit: Callable[..., Visit], models: dict[str, Any], tmp_path: Path
) -> None:
    marks = tmp_path / "m.marks.jsonl"
    with served(models["folder"], marks) as address:
        seen = visit().open(address)
        seen.page.get_by_role("link", name="Answering back").click()
        chosen = seen.page.locator("table.list button.plain").first
        chosen.click()
        panel = seen.page.locator("tr.panel")
        panel.get_by_role("application").wait_for()
        panel.get_by_role("button", name="Save marks").click()
        panel.get_by_text("No link is marked: the sentence counts as unmarked; 0").wait_for()
        assert seen.page.get_by_role("button", name="Start the guided run").is_disabled()
        panel.get_by_label("Right translation").fill("I read a book")
        panel.get_by_role("button", name="Keep this translation").click()
        panel.get_by_text("Kept; 1 translations to train on.").wait_for()
        panel.get_by_role("application").focus()
        seen.page.keyboard.press("ArrowRight")
        seen.page.keyboard.press("s")
        panel.get_by_role("button", name="Save marks").click()
        panel.get_by_text("Saved; 1 sentences are marked.").wait_for()
        seen.page.get_by_role("link", name="Correct links and translation").first.click()
        assert seen.page.locator("section[id$=-correct]").first.is_visible()
        assert axe(seen) == []
    kept = (tmp_path / "m.corrected.tsv").read_text(encoding="utf-8")
    assert kept.endswith("\tI read a book\n")
    assert marks.read_text(encoding="utf-8").count("I read a book") == 1


# Bad input


@pytest.mark.parametrize(
    "text", ["가" * 5000, "책을 " * 1666, "שלום לך 나는 مرحبا", "👩‍👩‍👧‍👦 나는 🏳️‍🌈 ㅎㅎ"]
)
def test_any_sentence_is_drawn_or_refused_in_one_line(
    text: str, visit: Callable[..., Visit], models: dict[str, Any]
) -> None:
    with served_alone(models["folder"]) as address:
        seen = visit(locale="ko").open(address)
        seen.page.locator("article.record").first.wait_for()
        seen.page.get_by_label("문장").fill(text)
        seen.page.get_by_role("button", name="들여다보기").click()
        seen.page.get_by_role("status").filter(has_text="…").wait_for(state="detached")
        wide = seen.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
        assert not wide
        answered = seen.page.locator("article.record").count() > 1
        assert answered or seen.page.get_by_role("alert").count() == 1
        seen.page.get_by_label("문장").fill("   ")
        seen.page.get_by_role("button", name="들여다보기").click()
        seen.page.get_by_role("alert").filter(has_text="볼 글이 없습니다").wait_for()
        seen.problems.clear()  # the browser tells of the refusal


def test_notices_are_in_the_readers_language(
    visit: Callable[..., Visit], records: dict[str, Record], tmp_path: Path
) -> None:
    import json

    data = json.loads(records["elman"].to_json())
    data["notices"] = ["The text has 900 tokens; what is shown is its beginning of at most 512."]
    at = write_page(tmp_path / "a.html", Raw(json.dumps(data, ensure_ascii=False)))
    seen = visit(locale="ko").open(at)
    assert seen.page.get_by_text("텍스트는 900토큰입니다. 처음 512토큰까지만").is_visible()
