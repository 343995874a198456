"""Transformer translators in CTranslate2: the same words with the same scores."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Run
from munmaek.errors import UnsupportedError
from munmaek.pipeline import train_recipe
from munmaek.tasks.publishing import export_ctranslate2
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.translate.translation import longest_target

pytestmark = pytest.mark.usefixtures("one_thread_throughout")

ctranslate2: Any = pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")

SIZES = {"dimension": 24, "heads": 4, "layers": 2, "feed_forward": 32}
FORMS: dict[str, dict[str, Any]] = {
    "pre-norm": {"model": {**SIZES, "encoder_layers": 3, "decoder_layers": 1}},
    "post-norm, learned positions": {
        "model": {**SIZES, "norm_first": False, "learned_positions": 256, "tie_embeddings": False}
    },
    "shared": {"model": {**SIZES, "share_embeddings": True}, "joint_vocabulary": True},
    "words": {"model": SIZES, "tokenizer": "words"},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[str]]:
    folder = tmp_path_factory.mktemp("pairs")
    words = {
        "나는": "i",
        "너는": "you",
        "집에": "home",
        "간다": "go",
        "온다": "come",
        "지금": "now",
    }
    rng = np.random.default_rng(1)
    rows = [[str(each) for each in rng.choice(list(words), rng.integers(1, 5))] for _ in range(200)]
    paths = [folder / "ko.txt", folder / "en.txt"]
    paths[0].write_text("".join(f"{' '.join(row)}\n" for row in rows), encoding="utf-8")
    lines = [" ".join(words[word] for word in row) for row in rows]
    paths[1].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return paths, [" ".join(row) for row in rows[:16]]


def trained(paths: list[Path], form: dict[str, Any], *, stage: str = "transformer") -> Any:
    train = {"steps": 120, "learning_rate": 5e-3, "validations": 1}
    options = {"task": "translate", "stage": stage, "vocab_size": 400, "train": train, **form}
    return train_recipe(Recipe.of(options), paths, folder=None)


@pytest.mark.parametrize("form", FORMS)
def test_greedy_and_beam_write_the_same_with_the_same_scores(
    form: str, files: tuple[list[Path], list[str]], tmp_path: Path
) -> None:
    ours = trained(files[0], FORMS[form])
    export_ctranslate2(ours, tmp_path / "theirs")
    theirs = ctranslate2.Translator(str(tmp_path / "theirs"), intra_threads=1)
    said = json.loads((tmp_path / "theirs" / "translator.json").read_text("utf-8"))
    texts = files[1]
    source, target = ours.source_tokenizer, ours.target_tokenizer
    rows = [[source.token(each) for each in source.encode(text)] for text in texts]
    forced = target.encode_many(
        [found.translation for found in ours.translate(texts, beam=1, links=False)]
    )
    scored = theirs.score_batch(rows, [[target.token(each) for each in ids] for ids in forced])
    again = ours.align(texts, [target.decode(ids) for ids in forced])
    for theirs_of, own in zip(scored, again, strict=True):
        assert sum(theirs_of.log_probs) == pytest.approx(own.logprob, abs=1e-4)
    never = [[each] for each in said["never_written"]]
    for beam in (1, 4):
        same = scored = 0
        for text, row in zip(texts, rows, strict=True):
            own = ours.search(text, beam=beam)[0].hypothesis
            options = {
                "beam_size": beam, "min_decoding_length": 0, "return_scores": True,
                "max_decoding_length": longest_target(len(row) + 1),
            }  # fmt: skip
            (found,) = theirs.translate_batch(
                [row], disable_unk=True, suppress_sequences=never, **options
            )
            ids = [target.id(each) for each in found.hypotheses[0]]
            same += ids == list(own.tokens)
            # What is never written has a probability: without it theirs would be higher.
            (plain,) = theirs.translate_batch([row], **options)
            if [target.id(each) for each in plain.hypotheses[0]] == list(own.tokens):
                mean = own.logprob / (len(own.tokens) + own.finished)
                assert plain.scores[0] == pytest.approx(mean, abs=1e-4)
                scored += 1
        assert same >= (len(texts) if beam == 1 else len(texts) - 2)
        assert scored > len(texts) // 2


def test_the_program_beside_it_translates(
    files: tuple[list[Path], list[str]], tmp_path: Path, run: Run
) -> None:
    ours = trained(files[0], FORMS["pre-norm"])
    ours.save(tmp_path / "model")
    out = tmp_path / "theirs"
    assert run("export", tmp_path / "model", "--to", "ctranslate2", "-o", out).code == 0
    assert run("export", tmp_path / "model", "--to", "ctranslate2", "-o", out).code == 2
    assert run("export", tmp_path / "model", "--to", "ctranslate2", "-o", out, "--force").code == 0
    program = (out / "run.py").read_text("utf-8")
    assert program in (out / "README.md").read_text("utf-8")
    assert "munmaek" not in program
    texts = [*files[1][:6], "집에 <s> 온다"]
    done = subprocess.run(
        [sys.executable, "run.py"], cwd=out, input="\n".join(texts), text=True, check=True,
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    wanted = [each.translation for each in ours.translate(texts)]
    same = sum(a == b for a, b in zip(done.stdout.splitlines(), wanted, strict=True))
    assert same >= len(texts) - 1


def test_translators_that_it_does_not_know_are_refused_in_a_line(
    files: tuple[list[Path], list[str]], tmp_path: Path
) -> None:
    ours = trained(
        files[0],
        {"model": {"embedding": 8, "hidden": 8}, "train": {"steps": 1}},
        stage="attention",
    )
    with pytest.raises(UnsupportedError, match="ctranslate2 is a form of Transformer translators"):
        export_ctranslate2(ours, tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()
