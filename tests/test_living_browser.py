"""The living page in a browser: typed into, changed by hand, without a script, for everyone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from munmaek.look.living import living_html
from munmaek.text.catalogue import TEXTS
from test_records import TEXT, model
from test_viewer_browser import axe
from viewer_support import Visit, chromium

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

OTHER = "너는 학교에서 밥을 먹는다"
PAGES: dict[str, list[tuple[str, str]]] = {
    "counted": [("lm", "ngram"), ("lm", "rnn")],
    "translated": [("translate", "attention")],
    "labelled": [("classify", "bert"), ("classify", "attention")],
    "masked": [("mlm", "bert")],
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    folder = tmp_path_factory.mktemp("pages")

    def written(name: str) -> str:
        path = folder / f"{name}.html"
        if not path.is_file():
            models = [model(*each) for each in PAGES[name]]
            names = [stage for _, stage in PAGES[name]]
            path.write_text(living_html(models, TEXT, title=name, names=names), encoding="utf-8")
        return path.as_uri()

    return written


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Any, pages: Callable[[str], str]) -> Iterator[Callable[..., Visit]]:
    made: list[Visit] = []

    def begin(name: str, **options: Any) -> Visit:
        made.append(Visit(browser, **options).open(pages(name)))
        if options.get("java_script_enabled", True):
            made[-1].page.wait_for_selector("form.ask")
        return made[-1]

    yield begin
    for each in made:
        each.close()


def type_into(seen: Visit, text: str) -> None:
    seen.page.locator("form.ask textarea").fill(text)


def by_hand(seen: Visit, place: int = 0) -> Any:
    hand = seen.page.locator("details.hand").nth(place)
    hand.locator("> summary").click()
    return hand


@pytest.mark.parametrize("name", PAGES)
def test_another_sentence_is_drawn_anew_and_everyone_can_use_it(
    name: str, visit: Callable[..., Visit]
) -> None:
    dark, korean = name in ("counted", "masked"), name in ("translated", "masked")
    options = {"color_scheme": "dark" if dark else "light", "locale": "ko" if korean else "en"}
    seen = visit(name, **options)
    type_into(seen, OTHER)
    seen.page.locator("article.record h2", has_text=OTHER).first.wait_for()
    assert seen.page.locator("article.record").count() == len(PAGES[name])
    assert TEXT not in seen.page.locator("main").inner_text()
    for place in range(len(PAGES[name])):
        by_hand(seen, place)
    seen.all_drawn()
    figures = seen.page.locator("article.record figure")
    assert figures.count() > 0
    assert axe(seen) == []


def test_a_line_that_is_drawn_sets_a_weight_and_the_prediction_changes(
    visit: Callable[..., Visit],
) -> None:
    seen = visit("translated")
    before = seen.page.locator("p.outcome").first.inner_text()
    hand = by_hand(seen)
    drawing = hand.locator("svg.drag")
    drawing.scroll_into_view_if_needed()
    words = drawing.locator("text")
    start = words.nth(0).bounding_box()
    end = words.nth(words.count() - 2).bounding_box()
    assert start is not None
    assert end is not None
    seen.page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    seen.page.mouse.down()
    seen.page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)
    seen.page.mouse.up()
    hand.locator(".sliders output", has_text="1.00").wait_for()
    seen.page.locator(".change").first.wait_for()
    assert seen.page.locator("p.outcome").first.inner_text() != before
    hand.get_by_role("button", name=TEXTS["live.undo"][0]).click()
    seen.page.locator(".change").first.wait_for(state="detached")
    assert seen.page.locator("p.outcome").first.inner_text() == before


def test_a_head_switched_off_and_a_word_hidden_change_the_label(
    visit: Callable[..., Visit],
) -> None:
    seen = visit("labelled").all_drawn()
    seen.page.get_by_role("button", name=TEXTS["switch.off"][0]).first.click()
    seen.page.locator(".switch .change").first.wait_for()
    hand = by_hand(seen)
    hand.get_by_role("button", name="집에서", exact=True).click()
    seen.page.locator("article.record > .change").first.wait_for()


def test_a_count_set_to_nothing_and_two_models_side_by_side(visit: Callable[..., Visit]) -> None:
    seen = visit("counted")
    assert seen.page.locator("section.record h2").inner_text() == TEXT
    before = seen.page.locator("p.outcome").first.inner_text()
    hand = by_hand(seen)
    grams = hand.get_by_role("group", name=TEXTS["live.counts"][0])
    grams.get_by_role("button").first.click()
    seen.page.locator("article.record > .change").first.wait_for()
    assert seen.page.locator("p.outcome").first.inner_text() != before
    seen.page.locator("details.next > summary").first.click()
    seen.page.get_by_role("button", name=TEXTS["live.write"][0]).first.click()
    written = seen.page.locator("details.next p.outcome").first.inner_text()
    assert written.startswith("나는")


def test_texts_that_are_long_empty_right_to_left_or_emoji_are_read(
    visit: Callable[..., Visit],
) -> None:
    seen = visit("counted", width=390)
    for text in ("שלום עולם مرحبا", "👩‍👩‍👧‍👦 🇰🇷 \ud83d 👍🏽"):
        type_into(seen, text)
        seen.page.locator("article.record h2", has_text=text.split()[0]).first.wait_for()
    type_into(seen, "  ")
    seen.page.get_by_role("alert").first.wait_for()
    assert TEXTS["live.empty"][0] in seen.page.get_by_role("alert").first.inner_text()
    type_into(seen, "나는 학교에서 책을 " * 500)
    seen.page.get_by_role("note").first.wait_for(timeout=60_000)
    wide = seen.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    assert not wide


def test_without_a_script_the_figures_are_there_as_they_were(visit: Callable[..., Visit]) -> None:
    pytest.importorskip("vl_convert", reason="the extra 'figures' is not installed")
    seen = visit("translated", java_script_enabled=False)
    text = seen.page.locator("main").inner_text()
    assert TEXTS["live.noScript"][0] in text
    assert seen.page.locator("main.still figure svg").count() >= 3
    assert seen.page.locator("textarea").count() == 0
