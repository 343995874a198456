"""The guide's site, walked in Chromium: every page in both languages, the switch, the search."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import guide_site
from munmaek.guide import site_folder
from munmaek.guide.serving import site_app
from viewer_support import AXE, chromium, serving

PAGES = [page.relative_to(site_folder()).as_posix() for page in guide_site.pages_of(site_folder())]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(lambda port: site_app(site_folder(), port=port)) as at:
        yield at


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def faults() -> list[str]:
    """What went wrong in a page, in words."""
    return []


@pytest.fixture
def visit(browser: Any, address: str, faults: list[str]) -> Iterator[Callable[..., Any]]:
    contexts: list[Any] = []

    def begin(name: str, **options: Any) -> Any:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda m: faults.append(f"{name}: {m.text}") if m.type == "error" else 0)
        page.on("pageerror", lambda error: faults.append(f"{name}: {error}"))
        page.on("request", lambda asked: _note(asked.url))
        page.on(
            "response", lambda r: faults.append(f"{r.status} {r.url}") if r.status >= 400 else 0
        )
        page.goto(address + name)
        return page

    def _note(url: str) -> None:
        if not url.startswith((address, "data:", "blob:", "about:")):
            faults.append(f"asked outside: {url}")

    yield begin
    for each in contexts:
        each.close()


def test_every_page_opens_without_an_error_and_asks_nobody_outside(
    visit: Callable[..., Any], address: str, faults: list[str]
):
    page = visit("en/index.html")
    for name in PAGES:
        page.goto(address + name)
        assert page.title(), name
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name}: {wide} pixels too wide"
    assert not faults, faults


def test_no_page_is_wider_than_a_phone(visit: Callable[..., Any], address: str, faults: list[str]):
    page = visit("ko/index.html", viewport={"width": 390, "height": 800})
    for name in PAGES:
        page.goto(address + name)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name}: {wide} pixels too wide"
    assert not faults, faults


@pytest.mark.parametrize(("here", "there"), [("en", "ko"), ("ko", "en")])
def test_the_language_switch_leads_to_the_twin(visit: Callable[..., Any], here: str, there: str):
    page = visit(f"{here}/guide/02-ngram.html")
    link = page.locator(f'.md-select__link[hreflang="{there}"]')
    with page.expect_navigation():
        link.evaluate("link => link.click()")
    assert page.url.endswith(f"/{there}/guide/02-ngram.html")
    assert page.evaluate("document.documentElement.lang") == there


@pytest.mark.parametrize(
    ("language", "word", "leads_to"),
    [
        ("ko", "평활화", "02-ngram"),
        ("ko", "은닉 상태", "03-rnn"),
        ("ko", "망각", "03-rnn"),
        ("en", "perplexity", "02-ngram"),
    ],
)
def test_search_finds_words_also_with_particles(
    visit: Callable[..., Any], language: str, word: str, leads_to: str, faults: list[str]
):
    page = visit(f"{language}/index.html")
    for _ in range(100):  # the page listens once its script has run
        page.keyboard.press("/")
        if page.locator("input:focus").count():
            break
        page.wait_for_timeout(100)
    page.keyboard.type(word)
    page.wait_for_selector(f'a[href*="{leads_to}"] mark, a[href*="{leads_to}"]:has(mark)')
    assert not faults, faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["en/guide/02-ngram.html", "ko/guide/07-attention.html"])
def test_axe_finds_nothing_serious(visit: Callable[..., Any], name: str, scheme: str):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in frontend/")
    page = visit(name, color_scheme=scheme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    asked = "axe.run({exclude: ['iframe']}, {resultTypes: ['violations']})"
    found = page.evaluate(asked)["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, [f"{x['id']}: {x['nodes'][0]['html'][:200]}" for x in serious]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_figure_computes_in_its_page(visit: Callable[..., Any], language: str, faults: list[str]):
    page = visit(f"{language}/guide/03-rnn.html")
    frame = page.frame_locator("iframe.live")
    page.locator("iframe.live").scroll_into_view_if_needed()
    box = frame.locator("input[type=text], textarea, input:not([type])").first
    box.wait_for()
    before = frame.locator("body").inner_text()
    box.fill({"en": "We will call my father", "ko": "우리는 책을 안 빌렸어"}[language])
    box.press("Enter")
    page.wait_for_timeout(500)
    assert frame.locator("body").inner_text() != before
    assert not faults, faults


def test_the_entrance_leads_to_the_readers_language(visit: Callable[..., Any]):
    page = visit("index.html", locale="ko-KR")
    page.wait_for_url("**/ko/index.html")
    page = visit("index.html", locale="de-DE")
    page.wait_for_url("**/en/index.html")
