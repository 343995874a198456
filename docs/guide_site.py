"""Build the site of both languages with Zensical, and make it whole in itself.

Equations become MathML, so that no script draws them; every page leads to its twin in the other
language; nothing in it has an address outside.
"""

import html
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml
from latex2mathml.converter import convert

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
SITE = ROOT / "src" / "munmaek" / "guide" / "site"
LANGUAGES = {"en": "English", "ko": "한국어"}
PARTS = {
    "en": {"guide": "From the Markov chain to BERT", "howto": "How to", "reference": "Reference"},
    "ko": {"guide": "마르코프 연쇄에서 BERT까지", "howto": "하는 방법", "reference": "참고"},
}
REFERENCE = (
    "reference",
    "data",
    "evaluating",
    "planning",
    "living-page",
    "serving",
    "engines",
    "libraries",
    "architecture",
)
EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
SHIM = re.compile(r'<script[^>]*src="https://unpkg\.com[^"]*"[^>]*></script>|"https://unpkg[^"]*"')
FIGURE = re.compile(r'<p>(<img alt="([^"]*)" src="figures/[^>]*>)</p>')
LIVE = re.compile(r'<p><a href="(figures/[^"]+\.html)">(.*?)</a></p>')
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def build_site(place: Path = SITE) -> None:
    """Build the site of both languages into a folder, which is replaced."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for language in LANGUAGES:
            _stage(work / language, language)
            _build(work / language)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for language in LANGUAGES:
            shutil.copytree(work / language / "site", place / language)
    for page in pages_of(place):
        page.write_text(_finished(page, place), encoding="utf-8")
    for each in (*place.rglob("sitemap.xml*"), *place.rglob("404.html")):
        each.unlink()
    (place / "index.html").write_text(ENTRANCE, encoding="utf-8")
    _with_sources(place)


def pages_of(place: Path) -> list[Path]:
    """Return the pages of a built site, without those that stand in one as figures."""
    return [page for page in sorted(place.rglob("*.html")) if page.parent.name != "figures"]


def _stage(work: Path, language: str) -> None:
    """Lay out the pages of a language, and the configuration that builds them."""
    shutil.copytree(DOCS / language, work / "docs", ignore=shutil.ignore_patterns("*.json"))
    source = work / "docs"
    (source / "guide" / "index.md").rename(source / "index.md")
    (source / "guide" / "quick-start.md").rename(source / "quick-start.md")
    shutil.copy(DOCS / "guide.css", source)
    for page in source.rglob("*.md"):
        linked = partial(_link, page=page, source=source)
        page.write_text(LINK.sub(linked, page.read_text(encoding="utf-8")), encoding="utf-8")
    settings = yaml.safe_load((DOCS / "mkdocs.yml").read_text(encoding="utf-8"))
    settings["theme"]["language"] = language
    toggles = {"en": ("dark", "light"), "ko": ("어둡게", "밝게")}[language]
    for palette, toggle in zip(settings["theme"]["palette"], toggles, strict=True):
        palette["toggle"]["name"] = toggle
    settings["plugins"] = [{"search": {"lang": language}}, "offline"]
    settings["extra"]["alternate"] = [
        {"name": name, "link": f"/twin/{code}/", "lang": code} for code, name in LANGUAGES.items()
    ]
    settings["nav"] = _navigation(source, language)
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
    (work / "mkdocs.yml").write_text(text, encoding="utf-8")


def _navigation(source: Path, language: str) -> list[object]:
    parts = PARTS[language]
    howto = sorted((source / "guide" / "howto").glob("*.md"))
    chapters = [f"guide/{path.name}" for path in sorted(source.glob("guide/[0-9]*.md"))]
    ways = [f"guide/howto/{path.name}" for path in howto]
    sections = {"guide": chapters, "howto": ways, "reference": [f"{n}.md" for n in REFERENCE]}
    return [
        "index.md",
        "quick-start.md",
        *({parts[name]: there} for name, there in sections.items() if there),
    ]


MOVED = {"guide/index.md": "index.md", "guide/quick-start.md": "quick-start.md"}


def _link(found: re.Match[str], page: Path, source: Path) -> str:
    """Return a link to where its page is in the site, or only its text where that is no page."""
    text, target = found[1], found[2]
    address, _, part = target.partition("#")
    if "://" in target:
        return f"{text} ({target})"
    if not address:
        return found[0]
    here = page.relative_to(source).as_posix()
    old = {new: before for before, new in MOVED.items()}.get(here, here)
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(old), address))
    wanted = MOVED.get(wanted, wanted)
    if wanted.startswith("..") or not (source / wanted).exists():
        place = posixpath.normpath(posixpath.join("docs", source.parent.name, wanted))
        return f"{text} (`{place}`)"
    new = posixpath.relpath(wanted, posixpath.dirname(here) or ".")
    return f"[{text}]({new}{'#' + part if part else ''})"


def _build(work: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=work, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode:
        sys.exit(f"zensical: {run.stdout}\n{run.stderr}")


def _finished(page: Path, site: Path) -> str:
    """Return a page with its equations as MathML, links to its twins, and no address outside."""
    _, _, rest = page.relative_to(site).as_posix().partition("/")
    up = "../" * (rest.count("/") + 1)
    text = page.read_text(encoding="utf-8")
    for code in LANGUAGES:
        twin = rest if (site / code / rest).exists() else "index.html"
        text = re.sub(rf'href="[^"]*twin/{code}/?[^"]*"', f'href="{up}{code}/{twin}"', text)
    # The script of the pages would ask each for a site map, and there is none.
    text = re.sub(r'<link rel="alternate"[^>]*>', "", text)
    text = EQUATION.sub(_mathml, SHIM.sub("", text))
    text = FIGURE.sub(r"<figure>\1<figcaption>\2</figcaption></figure>", text)
    text = LIVE.sub(
        r'<figure><iframe class="live" src="\1" title="\2" loading="lazy"></iframe>'
        r"<figcaption>\2</figcaption></figure>",
        text,
    )
    return re.sub(r"\n\s*\n(?=\s*<)", "\n", text)


def _mathml(found: re.Match[str]) -> str:
    display = "inline" if found[1] == "span" else "block"
    return convert(html.unescape(found[2]).strip(), display=display)


def _with_sources(place: Path) -> None:
    """Put each chapter's Markdown beside its page, for ``munmaek teach``."""
    for language in LANGUAGES:
        for path in (DOCS / language / "guide").glob("[0-9]*.md"):
            shutil.copy(path, place / language / "guide")


ENTRANCE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>munmaek 문맥</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script>
const language = (navigator.languages ?? [navigator.language])[0]?.startsWith("ko") ? "ko" : "en";
location.replace(`${language}/index.html`);
</script></head>
<body><p><a href="en/index.html">English</a> · <a href="ko/index.html">한국어</a></p></body></html>
"""
