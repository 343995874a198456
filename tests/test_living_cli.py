"""``munmaek look --live``: what it writes, what it says before, and what it refuses."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import munmaek
from conftest import Run
from test_records import model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A chain and a recurrent network, each in its folder."""
    folder = tmp_path_factory.mktemp("models")
    made = {name: folder / name for name in ("ngram", "rnn")}
    for name, path in made.items():
        model("lm", name).save(path)
    return made


def test_a_page_of_two_models_says_what_it_holds_and_begins_with_the_sentence(
    models: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    found = run("look", models["ngram"], models["rnn"], "나는 간다", "--live", "-o", page)
    assert found.code == 0, found.err
    assert re.search(r"ngram: the file holds the vocabulary of [\d,]+ tokens .* n-grams", found.err)
    assert "weights; whoever has it can read them" in found.err
    text = page.read_text(encoding="utf-8")
    assert '"example": "나는 간다"' in text
    assert 'id="model-0"' in text
    assert 'id="model-1"' in text
    assert not re.search(r"(src|href)=\"?https?:", text)
    again = run("look", models["rnn"], "--live", "-o", page)
    assert again.code == 2
    assert "already exists" in again.err
    assert run("look", models["rnn"], "--live", "-o", page, "--force").code == 0


def test_a_module_computes_in_other_pages(
    models: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    module = tmp_path / "model.mjs"
    assert run("look", models["rnn"], "--live", "-o", module).code == 0
    script = (
        f"import {{ load, weights, model }} from '{module.as_uri()}';"
        "const text = '나는 학교에 간다';"
        "console.log(load(weights).predict(text).logprob, model.predict(text).logprob);"
        "console.log(model.tokens(text).length > 2, model.next('나는', 3).length);"
    )
    done = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    wanted = munmaek.load(models["rnn"]).score(["나는 학교에 간다"])[0]
    assert [float(each) for each in first.split()] == pytest.approx([wanted.logprob] * 2, abs=1e-4)
    assert second == "true 3"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--live"], "give its name with -o FILE.html"),
        (["--weights", "int8"], "--weights is for the page of --live"),
        (["--live", "-o", "p.html", "--weights", "int4"], "one of float32, float16, int8"),
        (["--live", "-o", "p.html", "--language", "fr"], "one of en, ko"),
        (["--live", "-o", "p.html", "--json"], "--json does not go with --live"),
        (["--live", "-o", "p.html", "a b", "c d"], "begins with one sentence"),
        (["--live", "-o", "p.mjs", "--with", "{ngram}"], "a module holds one model"),
    ],
)
def test_options_that_do_not_go_together_are_refused_in_one_line(
    given: list[str],
    said: str,
    models: dict[str, Path],
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("look", models["rnn"], *(each.format(**models) for each in given))
    assert found.code == 2
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
