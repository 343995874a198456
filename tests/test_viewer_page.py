"""The viewer's page as a file: whole, closed to the outside, in two languages."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import munmaek
from munmaek.look import page
from munmaek.text.catalogue import TEXTS

SOURCE = Path(__file__).parent.parent / "frontend" / "src"
CATALOGUE = Path(munmaek.__file__).parent / "text" / "catalogue.json"
STATIC = Path(munmaek.__file__).parent / "web" / "static"


class Written:
    """A record with a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_json(self) -> str:
        return json.dumps({"id": "1", "text": self._text}, ensure_ascii=False)


class Reading(HTMLParser):
    """Every start tag with its attributes, and what stands in each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", {}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            name = self.tags[-1][1].get("id") or ""
            self.scripts[name] = self.scripts.get(name, "") + data


def drawn(*texts: str, **options: Any) -> str:
    records: Any = [Written(text) for text in texts]
    return page(records, title=options.pop("title", "models/ko-en"), **options)


def policy(text: str) -> str:
    (found,) = [attrs["content"] for tag, attrs in Reading(text).tags if "http-equiv" in attrs]
    return found or ""


def test_a_page_loads_nothing_and_runs_only_its_own_script() -> None:
    text = drawn("나는 잔다")
    assert not [attrs for _, attrs in Reading(text).tags if "src" in attrs or "href" in attrs]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", text)
    script = Reading(text).scripts["viewer"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy(text)
    assert "default-src 'none'" in policy(text)
    assert "connect-src" not in policy(text)


def test_a_page_of_a_server_may_ask_that_server_alone() -> None:
    text = drawn(boot={"live": True, "api": "/api"})
    assert "connect-src 'self';" in policy(text)
    assert json.loads(Reading(text).scripts["boot"]) == {
        "title": "models/ko-en",
        "live": True,
        "api": "/api",
    }


@pytest.mark.parametrize(
    "evil", ["</script><script>alert(1)</script>", "<!--<script>", "\u2028'\"&"]
)
def test_no_text_can_leave_its_element(evil: str) -> None:
    read = Reading(drawn(evil, title=evil))
    assert [tag for tag, _ in read.tags].count("script") == 3
    assert json.loads(read.scripts["records"]) == [{"id": "1", "text": evil}]
    assert json.loads(read.scripts["boot"])["title"] == evil


def test_the_bundle_is_shipped_and_names_no_address() -> None:
    script = (STATIC / "viewer.js").read_text(encoding="utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}[\w/.-]*", script))
    assert {address.split("//")[1].split("/")[0] for address in addresses} <= {"www.w3.org"}
    assert "뒤집어 보기" in script  # Hangul is kept as it is, not as escapes


def test_every_text_that_is_used_stands_in_both_languages() -> None:
    used: set[str] = set()
    for path in SOURCE.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'\btx?\("([\w.-]+)"', text))
        used |= set(re.findall(r'\? "([a-z]+\.\w+)" : "', text))
        used |= set(re.findall(r'\? "[a-z]+\.\w+" : "([a-z]+\.\w+)"', text))
    assert len(used) > 150
    assert used - set(TEXTS) == set()
    assert all(text.strip() for texts in TEXTS.values() for text in texts)


def test_colours_and_fonts_stand_in_one_place() -> None:
    for path in SOURCE.glob("*.css"):
        style = path.read_text(encoding="utf-8")
        assert bool(re.search(r"#[0-9a-f]{6}|sans-serif", style)) == (path.name == "base.css"), path
    scripts = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.js"))
    assert not re.search(r"#[0-9a-f]{6}\b", scripts)


def test_no_text_stands_in_two_parts_of_the_catalogue() -> None:
    parts = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    assert sum(map(len, parts.values())) == len(TEXTS)
