"""The viewer in a browser: every view on a trained model, by pointer, by keys and by ear."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from munmaek.figures import record_figures
from munmaek.look.packing import pack_float16
from munmaek.tasks.inside import fold_weights
from munmaek.text.catalogue import TEXTS
from test_records import model
from viewer_support import (
    AXE,
    SENTENCE,
    Raw,
    Visit,
    chromium,
    records,
    served,
    served_alone,
    served_model,
    trained,
    write_page,
)

VIEWS = {
    "lm-ngram": ["Counted context", "Surprisal", "What each word is worth"],
    "lm-rnn": ["Surprisal", "Hidden states", "Reach", "Gates"],
    "lm-transformer": ["Self-attention, step by step", "Self-attention over the sentence"],
    "translate-seq2seq": ["Search", "Where translation looks", "What each word is worth", "Gates"],
    "translate-attention": ["Search", "Where translation looks", "Hypotheses", "Gates"],
    "translate-transformer": [
        "Search",
        "Where translation looks",
        "Hypotheses",
        "Self-attention, step by step",
        "Self-attention over the sentence",
        "Self-attention over what is written",
        "Attention to the source, head by head",
    ],
    "mlm-bert": ["What fills the gap", "Self-attention, step by step", "Hidden states"],
    "pair": ["What fills the gap", "Between two sentences"],
    "classify-attention": ["Attention pooling", "What each word is worth", "Gates"],
    "regress-bert": ["What each word is worth", "Self-attention over the sentence"],
    "tag-bert": ["Labels of the words", "What each word is worth", "Hidden states"],
    "embed-bert": ["What each word is worth", "Self-attention, step by step", "Hidden states"],
    "alike": ["What each word is worth", "Between two sentences", "Hidden states"],
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    with chromium():  # before anything is trained, since without it nothing is
        pass
    return trained(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def shown(folders: dict[str, Path]) -> dict[str, Any]:
    return records(folders)


@pytest.fixture(scope="module")
def browser(shown: dict[str, Any]) -> Iterator[Any]:
    assert shown  # made before a browser runs, which would else wait for it
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


def headings(visit: Visit) -> list[str]:
    return visit.page.locator("section.part > h3").all_inner_texts()


def figure(visit: Visit, title: str) -> Any:
    return visit.page.get_by_role("figure", name=title, exact=True).first


def axe(visit: Visit) -> list[str]:
    """What axe-core finds serious, in words."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in frontend/")
    visit.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = visit.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


# Every view.


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_drawn_and_can_be_used_by_all(
    name: str, visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    theme = "dark" if name.startswith("lm") else "light"
    seen = visit(color_scheme=theme).open(write_page(tmp_path / "a.html", shown[name])).all_drawn()
    assert set(VIEWS[name]) <= set(headings(seen))
    empty = seen.page.evaluate(
        """[...document.querySelectorAll("figure .drawn")].filter((each) => {
          const box = each.firstElementChild?.getBoundingClientRect();
          return !(box?.width > 20 && box?.height > 10);
        }).map((each) => each.closest("figure").ariaLabel)"""
    )
    assert empty == []
    assert axe(seen) == []


def test_every_text_is_there_in_korean(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    at = write_page(tmp_path / "a.html", shown["translate-transformer"])
    seen = visit(locale="ko", color_scheme="dark").open(at).all_drawn()
    assert "번역이 보는 곳" in headings(seen)
    assert seen.page.locator("html").get_attribute("lang") == "ko"
    picture = seen.page.locator("article").screenshot(path=tmp_path / "korean.png")
    assert len(picture) > 50_000  # not an empty page
    seen.page.get_by_label("언어").select_option("en")
    assert "Where translation looks" in headings(seen)


def test_korean_is_drawn_with_glyphs_and_not_with_boxes(visit: Callable[..., Visit]) -> None:
    seen = visit()
    widths = seen.page.evaluate(
        """() => {
          const pen = document.createElement("canvas").getContext("2d");
          const dots = (text) => {
            pen.fillStyle = "#fff"; pen.fillRect(0, 0, 60, 40);
            pen.fillStyle = "#000"; pen.font = "28px sans-serif"; pen.fillText(text, 4, 30);
            return pen.getImageData(0, 0, 60, 40).data.reduce((sum, value) => sum + value, 0);
          };
          return [dots("가"), dots("뷁"), dots("一")];
        }"""
    )
    assert len(set(widths)) == 3, "no Korean font: apt-get install fonts-nanum"


def test_a_matrix_holds_the_weights_folded_to_words(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    record = shown["translate-attention"]
    seen = visit().open(write_page(tmp_path / "a.html", record)).all_drawn()
    drawn = figure(seen, "Alignment as each word is written")
    path = seen.download(drawn.get_by_role("button", name="CSV").click, tmp_path)
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    weights = record.tensors[record.attentions[0].tensor][0].astype(np.float16).astype(np.float64)
    folded = fold_weights(weights, rows=record.output.words, columns=record.source.words)
    assert rows[0][1:] == list(record.source.surface)
    assert [row[0] for row in rows[1:]] == list(record.output.surface)
    written = np.array([[float(each) for each in row[1:]] for row in rows[1:]])
    np.testing.assert_allclose(written, folded, atol=1e-5)


def test_special_tokens_and_pieces_are_shown_when_asked_for(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    record = shown["translate-attention"]
    seen = visit().open(write_page(tmp_path / "a.html", record)).all_drawn()
    seen.page.get_by_label("Special tokens").check()
    seen.page.get_by_label("Words instead of subwords").uncheck()
    drawn = figure(seen, "Alignment as each word is written")
    drawn.get_by_text("The numbers as a table").click()
    drawn.locator(".tools table").wait_for()
    head = drawn.locator(".tools thead th").all_inner_texts()
    assert head[1:] == list(record.source.pieces)
    row = [
        float(each)
        for each in drawn.locator(".tools tbody tr").first.locator("td").all_inner_texts()
    ]
    assert sum(row) == pytest.approx(1, abs=0.002 * len(row))


def test_the_stepper_shows_the_arithmetic_of_the_recorded_weights(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    record = shown["lm-transformer"]
    seen = visit().open(write_page(tmp_path / "a.html", record)).all_drawn()
    words = seen.page.get_by_role("toolbar", name="Choose the word whose new vector is made")
    words.get_by_role("button").nth(3).click()
    drawn = seen.page.locator("figure", has=seen.page.locator("svg.stepper"))
    drawn.get_by_text("The numbers as a table").click()
    drawn.locator("table").wait_for()
    rows = drawn.locator("tbody tr").all()
    table = [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]
    weights = record.tensors[record.attentions[0].tensor][0][3]
    shown_weights = [float(row[3]) for row in table[:-1]]
    np.testing.assert_allclose(shown_weights, weights, atol=2e-3)
    assert [row[2] for row in table[:-1]] == [""] * 4 + ["−∞"] * (len(weights) - 4)
    context = record.tensors[record.attentions[0].stepper.context][0][3]
    summed = [float(each.replace("−", "-")) for each in table[-1][4:]]
    np.testing.assert_allclose(summed, context[: len(summed)], atol=5e-3)


def test_two_models_stand_side_by_side_with_their_difference(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    pair = [shown["lm-rnn"], shown["lm-transformer"]]
    seen = visit().open(write_page(tmp_path / "a.html", *pair)).all_drawn()
    assert figure(seen, "Difference of surprisal, in bits").is_visible()


# Files.


def test_figures_and_pages_can_be_saved_and_opened_again(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    at = write_page(tmp_path / "a.html", shown["translate-attention"])
    seen = visit(locale="ko").open(at).all_drawn()
    for drawn in seen.page.get_by_role("figure").all()[:6]:
        svg = seen.download(drawn.get_by_role("button", name="SVG").click, tmp_path)
        root = ElementTree.parse(svg).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert float(root.get("width", "0")) > 20
        assert "var(" not in svg.read_text(encoding="utf-8")
    drawn = figure(seen, "단어를 쓸 때의 정렬")
    png = seen.download(drawn.get_by_role("button", name="PNG").click, tmp_path)
    width, height, least, most = pixels(seen, png.read_bytes())
    assert min(width, height) > 50  # one word high at least
    assert least < 60  # words in ink
    assert most > 240  # on paper
    page = seen.download(seen.page.get_by_role("button", name="HTML").click, tmp_path)
    again = visit(java_script_enabled=True).open(page.as_uri()).all_drawn()
    assert set(VIEWS["translate-attention"]) <= set(headings(again))


@pytest.mark.parametrize("name", ["lm-rnn", "translate-attention", "tag-bert", "alike"])
def test_files_of_the_command_line_are_the_figures_of_the_page(
    name: str, visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("py_mini_racer", reason="the extra 'figures' is not installed")
    at = write_page(tmp_path / "a.html", shown[name])
    seen = visit(color_scheme="dark").open(at).all_drawn()
    figures = record_figures([shown[name].to_json()])
    drawn = seen.page.locator("figure.fig").all()
    assert [each.get_attribute("aria-label") for each in drawn] == [each.title for each in figures]
    for mine, theirs in zip(figures[:4], drawn, strict=False):
        saved = seen.download(theirs.get_by_role("button", name="CSV").click, tmp_path)
        assert saved.stem == mine.name
        assert_same_table(saved.read_text("utf-8-sig"), mine.csv)
        # In the dark too, a file has the colours of paper.
        svg = seen.download(theirs.get_by_role("button", name="SVG").click, tmp_path)
        root, own = ElementTree.parse(svg).getroot(), ElementTree.fromstring(mine.svg)
        tags = [[each.tag for each in one.iter()] for one in (root, own)]
        assert tags[0] == tags[1]
        assert 'fill="#fbf9f4"' in svg.read_text("utf-8")


def assert_same_table(one: str, other: str) -> None:
    """Check that two tables say the same; engines differ in a number's last digit."""
    rows = [list(csv.reader(text.splitlines())) for text in (one, other)]
    for first, second in zip(*rows, strict=True):
        for cell, wanted in zip(first, second, strict=True):
            if cell != wanted:
                assert float(cell) == pytest.approx(float(wanted), rel=1e-12)


def test_a_figure_is_printed_alone_on_a_sheet_of_its_size(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    pypdf: Any = pytest.importorskip("pypdf", reason="pypdf is not installed")
    at = write_page(tmp_path / "a.html", shown["translate-attention"])
    seen = visit(locale="ko").open(at).all_drawn()
    seen.page.evaluate("window.print = () => { window.printed = document.title; }")
    drawn = figure(seen, "단어를 쓸 때의 정렬")
    drawn.get_by_role("button", name="PDF").click()
    assert seen.page.evaluate("window.printed").endswith("alignment")
    size = seen.page.evaluate(
        """[...document.querySelectorAll(".sheet svg")].map((each) =>
          [Number(each.getAttribute("width")), Number(each.getAttribute("height"))])[0]"""
    )
    content = seen.page.pdf(prefer_css_page_size=True)
    (page,) = pypdf.PdfReader(io.BytesIO(content)).pages
    found = float(page.mediabox.width) / 0.75, float(page.mediabox.height) / 0.75
    assert found == pytest.approx(size, abs=2)
    seen.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator(".sheet").count() == 0
    assert drawn.is_visible()


def test_a_page_is_printed_whole(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    at = write_page(tmp_path / "a.html", shown["translate-transformer"])
    seen = visit().open(at)
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    seen.page.wait_for_timeout(200)
    assert seen.page.locator(".waiting").count() == 0
    matrices = seen.page.locator("figure.fig .matrix").count()
    assert seen.page.locator("figure.fig .printed svg").count() == matrices > 5
    seen.page.emulate_media(media="print")
    wide = seen.page.evaluate(
        """[...document.querySelectorAll("figure.fig svg")].filter((each) =>
          each.getBoundingClientRect().right > document.body.clientWidth + 1).length"""
    )
    assert wide == 0


def pixels(visit: Visit, png: bytes) -> list[int]:
    """Width, height, darkest and lightest channel of a PNG as the browser decodes it."""
    given = base64.b64encode(png).decode()
    return visit.page.evaluate(
        """async (given) => {
          const image = new Image();
          image.src = `data:image/png;base64,${given}`;
          await image.decode();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.width, image.height];
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          const { data } = pen.getImageData(0, 0, image.width, image.height);
          let [least, most] = [255, 0];
          for (let at = 0; at < data.length; at += 4) {
            if (data[at] < least) least = data[at];
            if (data[at] > most) most = data[at];
          }
          return [image.width, image.height, least, most];
        }""",
        given,
    )


# Keys.


def test_a_page_can_be_used_with_keys_alone(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    at = write_page(tmp_path / "a.html", shown["translate-attention"])
    seen = visit().open(at).all_drawn()
    reached, hidden = [], []
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        name, outline = seen.page.evaluate(
            """() => {
              const at = document.activeElement;
              const name = at.ariaLabel ?? at.innerText ?? at.tagName;
              return [name, getComputedStyle(at).outlineStyle];
            }"""
        )
        reached.append(name)
        if outline == "none":
            hidden.append(name)
        if name.startswith("Alignment as each word"):
            break
    assert reached[-1].startswith("Alignment as each word"), reached
    assert hidden == []
    output = figure(seen, "Alignment as each word is written").locator("output")
    seen.page.keyboard.press("ArrowRight")
    first = output.inner_text()
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("End")
    record = shown["translate-attention"]
    assert first.startswith(f"{record.output.surface[0]} ← {record.source.surface[0]}")
    assert record.source.surface[-1] in output.inner_text()
    seen.page.keyboard.press("Escape")
    assert output.inner_text() == ""


def test_heads_are_one_stop_and_arrows_choose_among_them(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    at = write_page(tmp_path / "a.html", shown["mlm-bert"])
    seen = visit().open(at).all_drawn()
    grid = seen.page.get_by_role("toolbar", name="Heads")
    assert grid.locator("button[tabindex='0']").count() == 1
    grid.locator("button[tabindex='0']").focus()
    seen.page.keyboard.press("ArrowDown")
    assert figure(seen, "layer 2, head 1").is_visible()
    seen.page.get_by_label("Sorted by").select_option("entropy")
    bits = [float(each.split()[1]) for each in grid.locator("small").all_inner_texts()]
    assert bits == sorted(bits)


# Bad input.


def test_markup_is_shown_as_text_and_never_run(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    mixed = "שלום \u202eabc\u202c e\u0301 \u1100\u1161"
    text = json.dumps(json.loads(shown["translate-attention"].to_json()), ensure_ascii=False)
    for word in shown["translate-attention"].source.surface[:1]:
        text = text.replace(word, json.dumps(evil)[1:-1])
    for word in shown["translate-attention"].source.surface[1:2]:
        text = text.replace(word, mixed)
    seen = visit().open(write_page(tmp_path / "a.html", Raw(text), title=evil)).all_drawn()
    assert seen.page.locator("img").count() == 0
    assert evil in seen.page.locator("article h2").inner_text()
    assert evil in seen.page.locator("h1").inner_text()
    svg = seen.download(
        figure(seen, "Alignment as each word is written").get_by_role("button", name="SVG").click,
        tmp_path,
    )
    assert ElementTree.parse(svg).getroot().find(".//{*}script") is None


def long_record(record: Any, length: int) -> str:
    """``record`` of a recurrent model, stretched to ``length`` words."""
    raw = json.loads(record.to_json())
    names = [f"w{at}" for at in range(length)]
    side = {
        "pieces": names,
        "words": list(range(length)),
        "special": [False] * length,
        "surface": names,
    }
    similarity = np.tile(np.linspace(0, 1, length, dtype=np.float32), (length, 1))
    cut = pack_float16(similarity).to_json() if length <= 1000 else None
    raw |= {"text": " ".join(names), "source": side, "output": side, "gates": []}
    raw |= {"logprobs": [-1.0] * length, "tensors": {"similarity": cut} if cut else {}}
    raw["measures"] = {"similarity": "similarity"} if cut else {}
    return json.dumps(raw)


def test_five_thousand_words_are_drawn_through_a_window_that_moves(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    at = write_page(tmp_path / "a.html", Raw(long_record(shown["lm-rnn"], 5000)))
    seen = visit().open(at).all_drawn()
    assert "5000" in seen.page.locator(".notice").inner_text()
    strip = figure(seen, "Surprisal of each word")
    assert strip.locator("rect").count() == 128
    seen.page.get_by_label("Tokens shown").press("End")
    strip.get_by_text("w4999", exact=True).wait_for()
    assert strip.locator("rect").count() == 128


def test_what_is_far_down_waits_until_it_comes_near(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    raw = json.loads(shown["translate-transformer"].to_json())
    raw["attentions"] = [
        {**each, "name": f"{each['name']}.{number}"}
        for number in range(12)
        for each in raw["attentions"]
    ]
    seen = visit().open(write_page(tmp_path / "a.html", Raw(json.dumps(raw))))
    before = seen.page.locator("canvas").count()
    seen.all_drawn()
    assert seen.page.locator("canvas").count() > max(before, 10)


# With a server.


def test_a_word_is_masked_by_a_click_and_filled(
    visit: Callable[..., Visit], folders: dict[str, Path]
) -> None:
    with served_alone(folders["mlm-bert"]) as address:
        seen = visit().open(address)
        words = seen.page.get_by_role("toolbar", name="Click a word to mask it")
        words.get_by_role("button", name="책을").click()
        gap = figure(seen, "Gap 1")
        gap.wait_for()
        assert "The text had 책을" in gap.inner_text()
        assert gap.locator("svg g").count() == 8


def test_what_decides_the_label_of_a_word_is_shown_when_it_is_chosen(
    visit: Callable[..., Visit], shown: dict[str, Any], tmp_path: Path
) -> None:
    record = shown["tag-bert"]
    seen = visit().open(write_page(tmp_path / "a.html", record)).all_drawn()
    words = seen.page.get_by_role("toolbar", name="Choose a word to see what decides its label")
    words.get_by_role("button").nth(2).click()
    tag = record.tags[2]
    told = figure(seen, f"What decides {tag['label']} of ‘{tag['word']}’, in nats")
    told.get_by_text("The numbers as a table").click()
    told.locator("table").wait_for()
    rows = [row.locator("th, td").all_inner_texts() for row in told.locator("tbody tr").all()]
    assert [row[0] for row in rows] == list(record.source.surface)
    worth = record.tensors["source_influence"][2]
    found = [float(row[1].replace("−", "-")) for row in rows]
    assert found == pytest.approx(worth.tolist(), abs=2e-3)


def test_two_texts_of_an_embedder_are_asked_for_and_their_likeness_is_said(
    visit: Callable[..., Visit], folders: dict[str, Path]
) -> None:
    with served_alone(folders["embed-bert"]) as address:
        seen = visit().open(address)
        seen.page.get_by_label("Second sentence (or leave empty)").fill("너는 온다")
        seen.page.get_by_role("button", name="Look inside").click()
        seen.page.locator("p.second", has_text="너는 온다").wait_for()
        assert "The two texts are" in seen.page.locator("p.outcome").first.inner_text()
        assert "Between two sentences" in headings(seen.all_drawn())


def test_tensors_too_large_to_send_along_are_fetched_when_drawn(
    visit: Callable[..., Visit], folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munmaek.look.workbench.INLINE_EACH", 0)
    with served_alone(folders["lm-transformer"]) as address:
        seen = visit()
        fetched: list[str] = []
        seen.page.on("request", lambda request: fetched.append(request.url))
        seen.open(address)
        seen.page.get_by_label("Sentence", exact=True).fill("나는 학교에서 공부한다")
        seen.page.get_by_role("button", name="Look inside").click()
        matrix = seen.page.get_by_role("application").first
        matrix.scroll_into_view_if_needed()
        matrix.wait_for()
        tensors = [url for url in fetched if "/tensors/" in url]
        assert tensors
        assert len(tensors) == len(set(tensors))
        assert all(url.startswith(address) for url in fetched)


def test_next_words_follow_what_is_typed(
    visit: Callable[..., Visit], folders: dict[str, Path]
) -> None:
    with served_alone(folders["lm-ngram"]) as address:
        seen = visit().open(address)
        seen.page.get_by_label("Sentence", exact=True).fill("나는")
        seen.page.wait_for_selector(".next svg")
        assert seen.page.locator(".next svg g").count() > 3


def test_a_head_is_switched_off_and_a_refusal_is_said(
    visit: Callable[..., Visit], folders: dict[str, Path]
) -> None:
    with served_alone(folders["lm-transformer"]) as address:
        seen = visit().open(address)
        seen.page.wait_for_selector("article")
        seen.all_drawn()
        seen.page.get_by_role("button", name="Switch this head off").click()
        figure(seen, "What changes").wait_for()
        seen.page.get_by_role("button", name="Switch this head on again").click()
        figure(seen, "What changes").wait_for(state="detached")
        seen.page.get_by_label("Sentence", exact=True).fill("   ")
        seen.page.get_by_role("button", name="Look inside").click()
        seen.page.get_by_role("alert").wait_for()
        seen.problems.clear()  # the browser itself logs an answer of 400


def test_a_model_of_pairs_is_given_two_texts_and_says_a_number(
    visit: Callable[..., Visit],
) -> None:
    with served_model(replace(model("regress", "bert"), pairs=True)) as address:
        seen = visit().open(address)
        seen.page.wait_for_selector("article")
        seen.all_drawn()
        assert {"What each word is worth", "Between two sentences"} <= set(headings(seen))
        assert axe(seen) == []
        seen.page.get_by_label("Second sentence").fill("너는 온다")
        seen.page.get_by_role("button", name="Look inside").click()
        seen.page.locator("article p.second", has_text="너는 온다").wait_for()
        said = seen.page.locator(".outcome").first.inner_text()
        assert re.fullmatch(r"The model says −?\d+\.\d{3}\.", said)
        seen.all_drawn()
        figure(seen, "How much higher the value is for each word").wait_for()
        seen.page.get_by_role("button", name="Switch this head off").first.click()
        seen.page.locator(".change p").first.wait_for()


def test_links_are_marked_by_click_and_by_keys_and_kept(
    visit: Callable[..., Visit], folders: dict[str, Path], tmp_path: Path
) -> None:
    marks = tmp_path / "marks.jsonl"
    with served(folders["translate-attention"], marks) as address:
        seen = visit().open(address)
        seen.page.locator("table.list button.plain").first.click()
        panel = seen.page.locator("tr.panel")
        drawn = panel.get_by_role("figure", name="Mark the links", exact=True)
        drawn.wait_for()
        matrix = drawn.get_by_role("application")
        matrix.focus()
        for key in ("ArrowRight", "s", "ArrowRight", "p", "ArrowDown", "f"):
            seen.page.keyboard.press(key)
        links = panel.get_by_role("figure", name="Or link word to word", exact=True)
        links.locator("g[aria-label='words that look'] text").nth(2).click()
        links.locator("g[aria-label='words looked at'] text").nth(2).click()
        seen.page.locator("tr.panel").get_by_role("button", name="Save marks").click()
        seen.page.get_by_text("Saved; 1 sentences are marked.").wait_for()
        assert axe(seen) == []
        seen.page.get_by_text("Start the guided run").wait_for()
    (kept,) = [json.loads(line) for line in marks.read_text(encoding="utf-8").splitlines()]
    assert sorted(map(list, kept["sure"])) == [[0, 0], [2, 2]]
    assert [list(each) for each in kept["possible"]] == [[1, 0]]
    assert [list(each) for each in kept["forbidden"]] == [[1, 1]]


def test_a_run_on_the_marks_is_started_watched_and_reported(
    visit: Callable[..., Visit], folders: dict[str, Path], tmp_path: Path
) -> None:
    with served(folders["translate-attention"], tmp_path / "marks.jsonl") as address:
        seen = visit().open(address)
        for row in range(4):
            chosen = seen.page.locator("table.list button.plain").nth(row)
            chosen.click()
            opened = seen.page.locator(".marking h3").filter(has_text=chosen.inner_text())
            opened.wait_for()
            seen.page.locator("tr.panel").get_by_role("application").focus()
            seen.page.keyboard.press("ArrowRight")
            seen.page.keyboard.press("s")
            seen.page.locator("tr.panel").get_by_role("button", name="Save marks").click()
            seen.page.get_by_text(f"Saved; {row + 1} sentences are marked.").wait_for()
        seen.page.get_by_label("Steps").fill("2")
        seen.page.get_by_role("button", name="Start the guided run").click()
        seen.page.get_by_text("On held-out marks and sentences").wait_for()
        report = seen.page.locator("section.guide table")
        heads = report.get_by_role("rowheader").all_inner_texts()
        assert heads == ["before", "with marks", "control"]
        before = report.get_by_role("row").nth(1).get_by_role("cell").all_inner_texts()
        assert 0 <= float(before[0]) <= 1
        assert axe(seen) == []


def mark(seen: Visit, rows: int) -> None:
    """Mark the first link of as many pairs."""
    for row in range(rows):
        chosen = seen.page.locator("table.list button.plain").nth(row)
        chosen.click()
        seen.page.locator(".marking h3").filter(has_text=chosen.inner_text()).wait_for()
        seen.page.locator("tr.panel").get_by_role("application").focus()
        seen.page.keyboard.press("ArrowRight")
        seen.page.keyboard.press("s")
        seen.page.locator("tr.panel").get_by_role("button", name="Save marks").click()
        seen.page.get_by_text(f"Saved; {row + 1} sentences are marked.").wait_for()


def test_a_run_that_is_cancelled_stops_and_another_may_begin(
    visit: Callable[..., Visit], folders: dict[str, Path], tmp_path: Path
) -> None:
    with served(folders["translate-attention"], tmp_path / "marks.jsonl") as address:
        seen = visit().open(address)
        mark(seen, 4)
        begin = seen.page.get_by_role("button", name="Start the guided run")
        seen.page.get_by_label("Steps").fill("100000")
        begin.click()
        seen.page.locator("section.guide progress").wait_for()
        assert begin.is_disabled()
        seen.page.get_by_role("button", name="Cancel").click()
        seen.page.get_by_role("button", name="Cancel").wait_for(state="detached")
        status = seen.page.locator("section.guide [role=status]")
        status.wait_for(state="detached", timeout=120_000)
        assert begin.is_enabled()
        assert seen.page.locator("section.guide table").count() == 0


def test_the_list_of_pairs_is_turned_page_by_page(
    visit: Callable[..., Visit], folders: dict[str, Path], tmp_path: Path
) -> None:
    with served(folders["translate-attention"], tmp_path / "marks.jsonl", count=25) as address:
        seen = visit().open(address)
        rows = seen.page.locator("table.list tbody tr")
        before = seen.page.get_by_role("button", name="← before")
        after = seen.page.get_by_role("button", name="after →")
        seen.page.get_by_text("1 – 20 of 25").wait_for()
        rows.nth(19).wait_for()
        assert before.is_disabled()
        after.click()
        seen.page.get_by_text("21 – 25 of 25").wait_for()
        rows.nth(5).wait_for(state="detached")
        assert rows.count() == 5
        assert after.is_disabled()
        before.click()
        seen.page.get_by_text("1 – 20 of 25").wait_for()


def test_every_button_that_has_a_name_is_clicked_here() -> None:
    frontend = Path(__file__).parent.parent / "frontend" / "src"
    sources = [path.read_text(encoding="utf-8") for path in frontend.rglob("*.js")]
    buttons = [
        each for source in sources for each in re.findall(r"<button.*?</button>", source, re.S)
    ]
    keys = {
        key for each in buttons for key in re.findall(r'"(\w+\.\w+)"', each.rpartition(">$")[2])
    }
    place = Path(__file__).parent
    tests = [each for kind in ("viewer", "living") for each in place.glob(f"test_{kind}_*.py")]
    here = "".join(each.read_text(encoding="utf-8") for each in tests)
    assert len(keys) >= 8, keys
    assert keys == {key for key in keys if TEXTS[key][0] in here or f'TEXTS["{key}"]' in here}


def test_a_page_saved_from_a_server_needs_none(
    visit: Callable[..., Visit], folders: dict[str, Path], tmp_path: Path
) -> None:
    with served_alone(folders["lm-transformer"]) as address:
        seen = visit().open(address)
        seen.page.wait_for_selector("article")
        path = seen.download(
            seen.page.get_by_role("button", name="Save page as HTML").click, tmp_path
        )
        seen.page.close()  # a request under way would find no server any more
    again = visit().open(path.as_uri()).all_drawn()
    assert SENTENCE in again.page.locator("article h2").inner_text()
    assert set(VIEWS["lm-transformer"]) <= set(headings(again))
