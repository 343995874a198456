"""Help and messages in Korean: every text of help, and the messages that people meet first."""

import importlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from conftest import Run
from munmaek.cli.app import VERBS
from munmaek.cli.language import LANGUAGE, chosen_language, in_language, meaning
from munmaek.errors import ConfigError
from munmaek.tasks import tasks

HANGUL = re.compile("[가-힣]")
MESSAGES: dict[str, str] = json.loads(
    files("munmaek.text").joinpath("messages.json").read_text(encoding="utf-8")
)


@pytest.fixture
def korean() -> Iterator[None]:
    before = LANGUAGE.set("ko")
    yield
    LANGUAGE.reset(before)


def commands() -> Iterator[tuple[str, Any]]:
    """Every verb's command, and that of each task."""
    for name, verb in VERBS.items():
        made = verb.command(name)
        yield name, made
        if hasattr(made, "home"):
            home = importlib.import_module(made.home).BY_TASK
            yield from ((f"{name} {task}", home.command([task])[1]) for task in tasks())


def texts(command: Any) -> Iterator[str]:
    yield from (command.help or "").split("\n\n")
    for each in command.params:
        yield getattr(each, "help", None) or ""


def test_all_of_help_is_there_in_korean(korean: None) -> None:
    assert korean is None
    english = {
        (name, " ".join(text.split()))
        for name, command in commands()
        for text in texts(command)
        if text.strip() and text != "Show this message and exit."
        if not HANGUL.search(meaning(text))
    }
    assert not english, "write them into src/munmaek/cli/paragraphs.json or meanings.json"
    written = json.loads(
        files("munmaek.cli").joinpath("paragraphs.json").read_text(encoding="utf-8")
    )
    used = {" ".join(text.split()) for _, command in commands() for text in texts(command)}
    purposes = {f"{each.purpose[0].upper()}{each.purpose[1:]}." for each in tasks().values()}
    root = {key for key in written if key.startswith(("Train, evaluate", "Show the version"))}
    assert written.keys() - used - purposes - root == set(), "no longer used"


def test_help_is_in_the_language_of_the_system_or_of_the_option(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert "사용법: munmaek" in run("--help").out
    assert "Usage: munmaek" in run("--language", "en", "--help").out
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert "Usage: munmaek" in run("--help").out
    korean = run("train", "lm", "--language=ko", "--help").out
    assert "[기본값: (bpe)]" in korean
    assert "[필수]" in korean
    assert all(sum(1 + (letter > "ᄀ") for letter in line) <= 100 for line in korean.splitlines())
    assert run("--language", "fr", "--help").code == 2


def test_results_are_the_same_in_both_languages(run: Run) -> None:
    assert (
        run("--language", "ko", "config", "lm", "--model", "rnn").out
        == run("config", "lm", "--model", "rnn").out
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("trian", "'trian' 명령은 없습니다. 'train'인가요? 'munmaek --help'를 보십시오"),
        ("train lm", "'DATA' 인자가 필요합니다"),
        ("train lm nothing.txt --model lstm -o m", "nothing.txt: 그런 파일이 없습니다"),
        ("train lm a.txt -o m", "어느 단계입니까?"),
        ("train lm a.txt --model lstn -o m", "'lstn' 단계는 없습니다"),
        ("train lm a.txt --model rnn --ordre 3 -o m", "--ordre 옵션은 없습니다. --order인가요?"),
        ("info nothing", "nothing: munmaek 모델이 아닙니다"),
    ],
)
def test_common_errors_are_said_in_korean(run: Run, command: str, said: str) -> None:
    done = run("--language", "ko", *command.split())
    assert done.code == 2
    assert said in done.err
    assert not HANGUL.search(run(*command.split()).err)


def test_messages_keep_what_they_name_in_both_languages() -> None:
    for english, korean in MESSAGES.items():
        places = [sorted(set(re.findall(r"\{(\w+)\}", each))) for each in (english, korean)]
        assert places[0] == places[1], english
        assert HANGUL.search(korean), english


def test_a_message_without_korean_is_shown_as_it_is(korean: None) -> None:
    assert korean is None
    assert in_language("nobody has translated this: {x}") == "nobody has translated this: {x}"
    assert in_language("a/{b}: no such file") == "a/{b}: 그런 파일이 없습니다"


def test_messages_within_a_message_are_said_in_korean_too(korean: None) -> None:
    assert korean is None
    held = "the vocabulary of 4,000 tokens that is read; 1.2 MB of int8 weights"
    told = in_language(f"lstm: the file holds {held}; whoever has it can read them")
    assert told.startswith("lstm: 파일에 읽는 토큰 4,000개의 어휘; int8 가중치 1.2 MB")


def test_a_verb_with_the_option_for_itself_keeps_it() -> None:
    given = ["look", "m", "--language", "ko", "--", "--language", "x"]
    language, rest = chosen_language(given, {}, kept=lambda verb: verb == "look")
    assert (language, rest) == ("ko", given)
    assert chosen_language(["info", "m", "--language=ko"], {}, kept=lambda _: False) == (
        "ko",
        ["info", "m"],
    )
    with pytest.raises(ConfigError, match="one of en, ko is wanted"):
        chosen_language(["--language"], {}, kept=lambda _: False)
