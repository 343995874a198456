"""N-grams sorted on disk by a process that is killed, and by the next that goes on from there."""

import hashlib
import multiprocessing
import os
import signal

import numpy as np
import pytest

from munmaek.errors import DiskError
from munmaek.ngram import journal
from munmaek.ngram.counting import bound
from munmaek.ngram.external import estimate_on_disk
from munmaek.ngram.journal import Journal
from munmaek.ngram.scratch import Buckets, Scratch
from munmaek.ngram.sequences import TokenIds

ORDER, WORDS, BOS, EOS = 3, 300, 2, 3


def text_of(seed):
    """Sentences of words of which some are far more frequent than others."""
    draw = np.random.default_rng(seed)
    ids = np.minimum(5 + draw.geometric(0.02, 30_000), WORDS - 1)
    offsets = np.arange(0, 30_001, 12)
    return bound(ids, offsets, bos=BOS, eos=EOS)


def estimated(place, text):
    """Estimate in the least memory; the sum over the tables."""
    with Scratch(place, output=place / "model") as scratch:
        column = scratch.column("text", np.int32)
        column.append(text)
        tables = estimate_on_disk(
            column,
            order=ORDER,
            vocabulary=TokenIds(WORDS, BOS, EOS, excluded=(0, 4)),
            scratch=scratch,
            memory=1,
        ).estimate.tables
        digest = hashlib.sha256()
        for array in (tables.words, tables.links, tables.first, tables.logprobs, tables.backoffs):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def estimated_until(place, text, calls):
    """Estimate, and be killed when rows have been put away so often."""
    left, add = [calls], Buckets.add

    def counted(*given):
        add(*given)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    Buckets.add, journal._EVERY = counted, 0.0
    estimated(place, text)


def killed(place, text, calls):
    """Estimate in a process of its own that is killed when it has put rows away so often.

    A process that has threads, as of Spark or torch, must not be forked: a server of its own is.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=estimated_until, args=(place, text, calls))
    process.start()
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.fixture
def entries(monkeypatch):
    """What each run finds of one that was killed; entries are written wherever they can be."""
    found, look = [], Journal.found

    def looked(self):
        entry = look(self)
        found.append(entry)
        return entry

    monkeypatch.setattr(journal, "_EVERY", 0.0)
    monkeypatch.setattr(Journal, "found", looked)
    return found


needs_boots = pytest.mark.skipif(journal.boot() is None, reason="starts of the system have no name")


@needs_boots
@pytest.mark.parametrize("calls", [12, 16, 24, 30, 32, 48])
def test_a_killed_run_is_gone_on_with_and_gives_the_same_bits(tmp_path, entries, calls):
    text = text_of(1)
    wanted = estimated(tmp_path, text)
    assert not list(tmp_path.iterdir())
    assert killed(tmp_path, text, calls)
    assert len(list(tmp_path.glob(".munmaek-counting-*"))) == 2
    assert estimated(tmp_path, text) == wanted
    assert not list(tmp_path.iterdir())
    assert entries[0] is None
    assert entries[-1] is not None
    assert entries[-1]["order"] >= 1


@needs_boots
@pytest.mark.usefixtures("entries")
def test_a_run_that_is_killed_again_and_again_gives_the_same_bits(tmp_path):
    text = text_of(1)
    wanted, times = estimated(tmp_path, text), 0
    while killed(tmp_path, text, 12) and times < 5:
        times += 1
    assert times > 1
    assert estimated(tmp_path, text) == wanted


@needs_boots
def test_what_a_run_on_another_text_left_is_not_used(tmp_path, entries):
    wanted = estimated(tmp_path, text_of(2))
    assert killed(tmp_path, text_of(1), 28)
    assert estimated(tmp_path, text_of(2)) == wanted
    assert entries[-1] is None
    assert not list(tmp_path.iterdir())


@needs_boots
@pytest.mark.usefixtures("entries")
def test_files_that_are_smaller_than_a_run_left_them_are_refused(tmp_path):
    text = text_of(1)
    assert killed(tmp_path, text, 36)
    (folder,) = (each for each in tmp_path.glob(".munmaek-counting-*") if each.is_dir())
    os.truncate(folder / "links", 100)
    with pytest.raises(DiskError, match="links: is not as a killed run left it"):
        estimated(tmp_path, text)


@needs_boots
def test_entries_of_another_start_of_the_system_are_not_used(tmp_path, monkeypatch, entries):
    text = text_of(1)
    wanted = estimated(tmp_path, text)
    assert killed(tmp_path, text, 28)
    monkeypatch.setattr(journal, "boot", lambda: "another")
    assert estimated(tmp_path, text) == wanted
    assert entries[-1] is None
