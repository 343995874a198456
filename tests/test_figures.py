"""What the report's script draws: in Chromium as a reader sees it, and its scales in node."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from munmaek.comparison.report import render_report
from test_report import _results
from viewer_support import chromium

SCALES = Path(__file__).parent.parent / "frontend" / "src" / "scales.js"
NODE = shutil.which("node")


def _scales(call: str, cases: list[list[object]]) -> list[list[float]]:
    """Return what ``call`` of the scales says to each case."""
    if NODE is None:
        pytest.skip("node is not installed")
    script = (
        f"import {{ {call} }} from {json.dumps(SCALES.as_uri())};"
        f"console.log(JSON.stringify({json.dumps(cases)}.map((each) => {call}(...each))));"
    )
    run = subprocess.run(
        [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def test_labels_never_touch_and_keep_their_order():
    rng = np.random.default_rng(0)
    cases = [rng.uniform(0, 200, size=int(rng.integers(1, 14))).tolist() for _ in range(300)]
    cases += [[0.0] * 12, [200.0] * 12, [100.0] * 13]
    for wanted, placed in zip(
        cases, _scales("spread", [[c, 15, 0, 200] for c in cases]), strict=True
    ):
        order = sorted(range(len(wanted)), key=wanted.__getitem__)
        assert (np.diff([placed[index] for index in order]) >= 15 - 1e-6).all()
        assert min(placed) >= -1e-6
        assert max(placed) <= 200 + 1e-6


def test_labels_with_room_stay_where_they_belong():
    assert _scales("spread", [[[10, 100, 50], 15, 0, 200]]) == [[10, 100, 50]]


def test_ticks_are_round_and_cover_the_range():
    rng = np.random.default_rng(1)
    cases = [[low, low + span] for low, span in 10 ** rng.uniform(-3, 6, size=(300, 2))]
    for (low, high), ticks in zip(cases, _scales("niceTicks", cases), strict=True):
        assert ticks[0] <= low + 1e-6 * (high - low)
        assert ticks[-1] >= high - 1e-6 * (high - low)
        assert 2 <= len(ticks) <= 8


def test_powers_of_ten_are_marked_within_their_ends():
    near, far = _scales("levels", [[3, 5], [-21, -1]])
    assert [text for _, text in sorted(near)] == [
        f"{factor}\u2009000" for factor in (1, 2, 5, 10, 20, 50, 100)
    ]
    assert [text for _, text in far] == ["0.1", "10⁻⁵", "10⁻⁹", "10⁻¹³", "10⁻¹⁷", "10⁻²¹"]
    assert [value for value, _ in far] == pytest.approx([10.0**-power for power in range(1, 22, 4)])


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser, tmp_path):
    """Open a report as a reader would; nothing may be asked of a network or go wrong."""
    contexts, problems = [], []

    def open_(results=None, *, language="en", **options):
        path = tmp_path / "report.html"
        page = render_report(results or _results(), language=language)
        path.write_text(page, encoding="utf-8")
        contexts.append(browser.new_context(offline=True, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda told: told.type == "error" and problems.append(told.text))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_figure_is_drawn_with_its_name_its_sentence_and_its_numbers(opened, language):
    page = opened(language=language)
    assert page.locator("html").get_attribute("lang") == language
    places = page.locator("[data-figure]")
    assert places.count() == 3 + 4 + 1 + 2  # sparks, lengths, alignment, limits
    for place in places.all():
        assert place.locator("svg, canvas").count() >= 1
        assert place.locator(":scope > table, :scope > figure > .scroll > table").count() == 0
        given = json.loads(place.get_attribute("data-figure"))
        if given["kind"] != "spark":
            assert place.locator("h3").inner_text() == given["title"]
            assert given["caption"] in place.inner_text()
            place.locator("summary").click()
            place.locator("tbody").wait_for()
            assert place.locator("tbody tr").count() == len(given["rows"])


def test_lines_are_named_at_their_ends_and_only_one_stands_out(opened):
    page = opened()
    limits = page.locator("#limits svg").first
    assert limits.locator("text.name").all_text_contents() == ["RNN", "self"]
    assert limits.locator("path.line.hot").count() == 1
    assert limits.locator("text.name.hot").text_content() == "self"
    boxes = [each.bounding_box() for each in limits.locator("text.name").all()]
    assert all(b["y"] >= a["y"] + 10 for a, b in pairwise(sorted(boxes, key=lambda x: x["y"])))


def test_small_multiples_accent_each_model_in_turn_with_its_interval(opened):
    drawing = opened().locator("#translate [data-figure] svg").first
    assert drawing.locator("text.strong:not(.value)").all_text_contents() == [
        "fixed vector", "attention model",
    ]  # fmt: skip
    assert drawing.locator("path.line.hot").count() == drawing.locator("path.ghost").count() == 2
    assert drawing.locator("path.band").count() == 2
    assert drawing.locator("text.value").all_text_contents() == ["50.0", "5.0", "52.0", "45.0"]
    assert "bleu = 50 [48, 52]" in drawing.locator("circle title").first.text_content()


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1200)])
def test_a_report_fits_its_window_in_either_theme(opened, scheme, width):
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    page = opened(**options)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(24, 23, 20)" if scheme == "dark" else "rgb(251, 249, 244)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_can_be_used_by_all(opened, scheme):
    axe = SCALES.parent.parent / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed: npm ci in frontend/")
    page = opened(color_scheme=scheme)
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert not [each["id"] for each in found if each["impact"] in ("serious", "critical")]


def test_what_was_drawn_in_the_dark_is_printed_in_the_light(opened):
    drawn = "document.querySelector('#alignment canvas').toDataURL()"
    light = opened(color_scheme="light").evaluate(drawn)
    page = opened(color_scheme="dark")
    dark = page.evaluate(drawn)
    assert dark != light
    after = "addEventListener('beforeprint', () => Promise.resolve().then(() => 0).then(() => {"
    page.evaluate(f"{after} window.printed = {drawn}; }}))")
    page.pdf()
    assert page.evaluate("window.printed") == light
    assert page.evaluate(drawn) == dark


def test_without_a_script_the_report_is_whole(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("[data-figure] table").count() == 4 + 1 + 2
    assert page.locator("svg").count() == 7  # the stages' pictures
    assert page.locator(".track").count() > 5


def test_numbers_that_are_not_finite_draw_no_line(opened):
    results = _results()
    results["influence"][0]["norm"] = [0.0, None, None]
    results["alignments"][0]["weights"] = [[None, 1.0], [None, 0.0]]
    results["work"] = [{"label": "RNN", "length": [8], "multiplications": [5.0]}]
    page = opened(results)
    assert page.locator("#limits svg").first.locator("text.name").all_text_contents() == ["self"]
    assert "NaN" not in page.content().partition('<script id="report">')[0]
