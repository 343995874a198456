"""Commands that write, while the disk is full, fails, or the process is killed.

A few of every kind of fault for a few commands; ``benchmarks/faults.py`` tries every call of all.
"""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults_support import Server, Sweep, Verb, chosen, served
from faults_verbs import IMPORTS, Verbs

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

FAULTS = (
    ("write", errno.ENOSPC, True),
    ("open", errno.EMFILE, True),
    ("rename", errno.EIO, False),
    ("sync", errno.EIO, False),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server"), imports=IMPORTS) as found:
        if found is None:
            pytest.skip("faults are injected with a C compiler, on Linux")
        yield found


@pytest.fixture(scope="module")
def verbs(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Verbs:
    assert server  # else nothing is trained
    return Verbs(tmp_path_factory.mktemp("made"))


def counted(verbs: Verbs) -> Verb:
    return verbs.model("ngram", *verbs.ngram)


def packed(verbs: Verbs) -> Verb:
    model = str(verbs.made("ngram", *verbs.ngram))
    return verbs.file("lm.arpa.gz", "export", model, "--to", "arpa")


def network(verbs: Verbs) -> Verb:
    config = verbs.at("rnn.toml")
    return verbs.model(
        "lm-rnn", "train", "lm", verbs.at("ko.txt"), "--model", "rnn", "--config", config
    )


def published(verbs: Verbs) -> Verb:
    return next(verbs.written(str(verbs.made("mlm", *verbs.mlm))))


def fetched(verbs: Verbs) -> Verb:
    return verbs.fetched()


def marked(verbs: Verbs) -> Verb:
    return next(verbs.marked())


def printed(verbs: Verbs) -> Verb:
    return verbs.text(
        "score", "score", str(verbs.made("ngram", *verbs.ngram)), verbs.at("many.txt")
    )


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (counted, 9),
        (packed, 9),
        (network, 9),
        (published, 9),
        (fetched, 9),
        (marked, 8),
        (printed, 5),
    ],
)
def test_whatever_fails_the_old_or_the_new_is_whole_and_one_line_says_why(
    make: object, least: int, server: Server, verbs: Verbs, tmp_path: Path
) -> None:
    assert callable(make)
    found = Sweep(server, make(verbs), tmp_path).run(FAULTS, most=2, kills=3)
    assert found.wrong == []
    assert found.tried >= least


def test_a_case_ends_the_same_from_its_call_on_and_from_the_beginning(
    server: Server, verbs: Verbs, tmp_path: Path
) -> None:
    if not server.branches:
        pytest.skip("a process may not mount folders here")
    verb = published(verbs)
    shortcut, whole = (
        Sweep(server, verb, tmp_path, branching).run(FAULTS, most=3, kills=3)
        for branching in (True, False)
    )
    assert (shortcut.branched > 9, whole.branched) == (True, 0)
    assert shortcut.codes.pop("with all that branched off") == 0
    assert shortcut.codes == whole.codes
    assert {0, 1, -9} <= {*whole.codes.values()}


def test_a_sweep_finds_what_is_wrong(server: Server, verbs: Verbs, tmp_path: Path) -> None:
    def never(_: Path) -> None:
        raise AssertionError("as if it were half")

    careless = Verb("none", ["lookup", str(verbs.made("ngram", *verbs.ngram)), "나는"], "out")
    half = Verb("half", counted(verbs).arguments, "out", verbs.made("ngram"), never)
    found = [
        Sweep(server, each, tmp_path).run((), most=0, kills=0).wrong for each in (careless, half)
    ]
    assert "nothing is there" in found[0][0]
    assert "as if it were half" in found[1][0]


def test_numbers_are_chosen_from_the_first_to_the_last() -> None:
    assert chosen(3, None) == chosen(3, 5) == [1, 2, 3]
    assert chosen(101, 3) == [1, 51, 101]
    assert chosen(9, 1) == [1]
    assert chosen(0, 3) == []
