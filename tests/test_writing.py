"""Files and folders that are written: whole, by one process, over nothing that is not ours."""

import errno
import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import Run
from munmaek.comparison.unfinished import made_aside
from munmaek.errors import DiskError, InputError
from munmaek.folder.ownership import check_free
from munmaek.folder.tensor_files import write_tensors
from munmaek.writing import (
    claim,
    move_into_place,
    scratch_folder,
    temporary_beside,
    write_text,
)

LINES = ["나는 학교에 간다", "너는 집에서 밥을 먹는다", "우리는 학교에서 공부한다"] * 12
NGRAM = ("--model", "ngram", "--tokenizer", "words", "--order", "3")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "text.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


@contextmanager
def umask(bits: int) -> Iterator[None]:
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir() if each.is_file()}


def held(path: Path) -> subprocess.Popen[str]:
    """Another process that writes to ``path`` until it is killed."""
    code = (
        "import sys, time; from pathlib import Path; from munmaek.writing import *\n"
        "with claim(Path(sys.argv[1])):\n"
        "    temporary_beside(Path(sys.argv[1]).absolute()).mkdir(); print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    made = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "held\n"
    return made


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(30)
    assert process.stdout is not None
    process.stdout.close()


# One process at a time


def test_a_second_run_is_told_at_its_start_and_the_one_after_a_kill_cleans_up(
    run: Run, text: Path, place: Path
) -> None:
    other = held(place / "model")
    try:
        told = run("train", "lm", text, *NGRAM, "-o", place / "model")
        assert told.code == 2
        assert f"another run (process {other.pid}) is writing there" in told.err
        assert told.err.count("\n") == 1
    finally:
        kill(other)
    assert len(list(place.iterdir())) == 2  # its lock, and what it had begun
    assert run("train", "lm", text, *NGRAM, "-o", place / "model").code == 0
    assert [each.name for each in place.iterdir()] == ["model"]


@pytest.mark.parametrize("verb", ["compare", "import", "export", "look"])
def test_every_command_that_writes_is_told(verb: str, run: Run, text: Path, place: Path) -> None:
    model = text.with_name("model")
    assert run("train", "lm", text, *NGRAM, "-o", model).code == 0
    output = place / ("a.html" if verb == "look" else "a")
    arguments = {
        "compare": ("compare", text, "--models", "ngram"),
        "import": ("import", "none.arpa"),
        "export": ("export", model, "--to", "arpa"),
        "look": ("look", model, "나는"),
    }[verb]
    with claim(output):
        failed: list[str] = []
        beside = threading.Thread(target=lambda: failed.append(run(*arguments, "-o", output).err))
        beside.start()
        beside.join()
    assert f"{output}: another run (process {os.getpid()}) is writing there" in failed[0]


def test_the_same_thread_may_claim_what_it_holds(place: Path) -> None:
    with claim(place / "a"), claim(place / "a"), claim(place / "b"):
        assert len(list(place.glob(".munmaek-*.lock"))) == 2
    assert list(place.iterdir()) == []


def test_what_belongs_to_others_is_left_alone(place: Path) -> None:
    strangers = [".munmaek-notes", ".munmaek-0123456789ab-short", ".model-abc", "model.partial"]
    for name in strangers:
        (place / name).write_text("mine", encoding="utf-8")
    write_text(place / "model", "ours")
    assert {each.name for each in place.iterdir()} == {*strangers, "model"}


def test_a_folder_that_was_on_its_way_out_comes_back(place: Path) -> None:
    with claim(place / "model"):
        name = temporary_beside(place / "model").name
    key, random = name.removeprefix(".munmaek-").split("-")
    old = place / f".munmaek-{key}-old-{random}"
    old.mkdir()
    (old / "a").write_text("old", encoding="utf-8")
    with claim(place / "model"):
        assert (place / "model" / "a").read_text(encoding="utf-8") == "old"


def test_a_scratch_folder_of_a_killed_process_is_removed_and_one_in_use_is_not(
    place: Path,
) -> None:
    def work(ready: Any) -> None:
        with scratch_folder(place):
            ready.set()
            time.sleep(60)

    context = multiprocessing.get_context("fork")
    ready = context.Event()
    other = context.Process(target=work, args=(ready,))
    other.start()
    ready.wait(30)
    with scratch_folder(place):
        assert len(list(place.glob(".munmaek-scratch-*.lock"))) == 2
    other.kill()
    other.join()
    with scratch_folder(place):
        assert len(list(place.glob(".munmaek-scratch-*.lock"))) == 1
    assert list(place.iterdir()) == []


# Whole or not at all


def test_a_folder_takes_the_place_of_another_even_where_two_names_cannot_be_exchanged(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(name: str, content: str) -> Path:
        (place / name).mkdir()
        (place / name / "a").write_text(content, encoding="utf-8")
        return place / name

    old = written("model", "1")
    for content, exchanges in (("2", True), ("3", False)):
        if not exchanges:
            monkeypatch.setattr("munmaek.writing._exchanged", lambda *_: False)
        move_into_place(written(".aside", content), old)
        assert (old / "a").read_text(encoding="utf-8") == content
        assert [each.name for each in place.iterdir()] == ["model"]


def test_a_place_that_cannot_be_written_is_one_line(place: Path) -> None:
    (place / "file").write_text("", encoding="utf-8")
    with pytest.raises(DiskError, match="cannot write: "):
        write_text(place / "file" / "below", "a")


def test_files_have_the_modes_that_the_umask_gives(run: Run, text: Path, place: Path) -> None:
    with umask(0o027):
        assert run("train", "lm", text, *NGRAM, "-o", place / "model").code == 0
        write_tensors(place / "a.safetensors", {"a": torch.zeros(2)})
    assert modes(place / "model") == {0o640}
    assert stat.S_IMODE((place / "model").stat().st_mode) == 0o750
    assert modes(place) == {0o640}


def test_tensors_are_written_as_the_library_writes_them(place: Path) -> None:
    tensors = {
        "half": torch.arange(6).to(torch.bfloat16).reshape(2, 3),
        "number": torch.tensor(3),
        "none": torch.zeros(0, 4),
        "bits": torch.tensor([True, False, True]),
        "가중치": torch.randn(3, 2).t(),
    }
    write_tensors(place / "ours", tensors, metadata={"format": "pt"})
    found = load_file(place / "ours")
    assert found.keys() == tensors.keys()
    for name, wanted in tensors.items():
        assert found[name].dtype == wanted.dtype
        assert torch.equal(found[name], wanted)
    save_file({name: each.contiguous() for name, each in tensors.items()}, place / "theirs")
    ours, theirs = ((place / name).stat().st_size for name in ("ours", "theirs"))
    assert abs(ours - theirs) < 64


# Links, pipes, devices


def test_an_output_that_is_a_link_is_written_through(run: Run, text: Path, place: Path) -> None:
    (place / "disk").mkdir()
    (place / "model").symlink_to(place / "disk" / "model")
    for force in ((), ("--force",)):
        assert run("train", "lm", text, *NGRAM, "-o", place / "model", *force).code == 0
        assert (place / "model").is_symlink()
        assert (place / "disk" / "model" / "munmaek.json").is_file()
    assert {each.name for each in place.iterdir()} == {"disk", "model"}
    (place / "a.arpa").symlink_to(place / "disk" / "b.arpa")
    for force in ((), ("--force",)):
        arguments = ("export", place / "model", "--to", "arpa", "-o", place / "a.arpa", *force)
        assert run(*arguments).code == 0
    assert (place / "a.arpa").is_symlink()
    assert (place / "disk" / "b.arpa").read_bytes().startswith(b"\\data\\")


def test_a_link_that_leads_nowhere_is_refused(run: Run, text: Path, place: Path) -> None:
    (place / "model").symlink_to(place / "gone" / "model")
    (place / "circle").symlink_to(place / "circle")
    for name in ("model", "circle"):
        told = run("train", "lm", text, *NGRAM, "-o", place / name)
        assert told.code == 2
        assert "is a link that" in told.err


def test_pipes_and_devices_are_written_where_they_are(run: Run, text: Path, place: Path) -> None:
    model = text.with_name("model")
    assert run("train", "lm", text, *NGRAM, "-o", model).code == 0
    os.mkfifo(place / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((place / "pipe").read_bytes()))
    reader.start()
    assert run("export", model, "--to", "arpa", "-o", place / "pipe").code == 0
    reader.join(30)
    assert read[0].startswith(b"\\data\\")
    assert read[0].endswith(b"\\end\\\n")
    assert stat.S_ISFIFO((place / "pipe").stat().st_mode)
    assert run("export", model, "--to", "arpa", "-o", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_standard_output_is_an_output(place: Path) -> None:
    code = (
        "from pathlib import Path; from munmaek.writing import *\n"
        "print('first', flush=True)\nwrite_text(Path('/dev/stdout'), 'second\\n')\nprint('third')"
    )
    with (place / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=out)
    assert (place / "out").read_text(encoding="utf-8") == "first\nsecond\nthird\n"


# What --force may replace


def stranger(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["notes.txt", ".git/HEAD", "sub/notes.txt", ".bashrc"])
def test_force_keeps_its_hands_off_a_model_that_holds_something_else(
    name: str, run: Run, text: Path, place: Path
) -> None:
    arguments = ("train", "lm", text, *NGRAM, "-o", place / "model")
    assert run(*arguments).code == 0
    mine = stranger(place / "model", name)
    told = run(*arguments, "--force")
    assert told.code == 2
    assert told.err.count("\n") == 1
    assert f"{name.split('/')[0]}" in told.err
    assert mine.read_text(encoding="utf-8") == "mine"


def test_force_replaces_what_munmaek_wrote_and_nothing_else(place: Path) -> None:
    home = place / "home"
    stranger(home, "thesis.txt")
    with pytest.raises(InputError, match=r"thesis.txt in it was not made by munmaek"):
        check_free(home, force=True)
    checkpoint = place / "published"
    stranger(checkpoint, "config.json")
    write_tensors(checkpoint / "model.safetensors", {"a": torch.zeros(1)})
    with pytest.raises(InputError, match="was not made by munmaek"):
        check_free(checkpoint, force=True)
    ours = {"format": "pt", "writer": "munmaek"}
    write_tensors(checkpoint / "model.safetensors", {"a": torch.zeros(1)}, metadata=ours)
    check_free(checkpoint, force=True)
    with pytest.raises(InputError, match="is not a folder"):
        check_free(checkpoint / "config.json", force=True)


@pytest.mark.parametrize("name", ["model.safetensors", "munmaek.json"])
def test_a_folder_that_cannot_be_read_is_not_called_a_strangers(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (place / "SHA256SUMS").write_text("", encoding="utf-8")
    (place / name).write_text("{}", encoding="utf-8")

    opened = Path.open

    def failing(path: Path, *how: Any) -> Any:
        if path.name == name:
            raise OSError(errno.EIO, "Input/output error")
        return opened(path, *how)

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(DiskError, match=rf"{name}: cannot be read: Input/output error"):
        check_free(place, force=True)


def test_force_replaces_only_files_of_the_kind_that_is_written(
    run: Run, text: Path, place: Path
) -> None:
    model = text.with_name("model")
    assert run("train", "lm", text, *NGRAM, "-o", model).code == 0
    mine = stranger(place, "lm.arpa")
    export = ("export", model, "--to", "arpa", "-o", mine)
    assert run(*export).code == 2
    told = run(*export, "--force")
    assert told.code == 2
    assert "--force does not replace it" in told.err
    assert mine.read_text(encoding="utf-8") == "mine"
    mine.unlink()
    assert run(*export).code == 0
    assert run(*export, "--force").code == 0
    page = stranger(place, "page.html")
    assert run("look", model, "나는", "-o", page, "--force").code == 2
    page.write_text("", encoding="utf-8")
    assert run("look", model, "나는", "-o", page, "--force").code == 0
    assert run("look", model, "너는", "-o", page, "--force").code == 0


# Comparisons


def test_an_option_that_is_none_now_and_was_not_there_before_is_the_same(tmp_path: Path) -> None:
    def made(recipe: dict[str, Any], *, resume: bool) -> None:
        with made_aside(tmp_path / "c", asked={"recipe": recipe}, force=False, resume=resume) as at:
            (at / "models" / "one").mkdir(parents=True, exist_ok=True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made({"train": {"steps": 5}}, resume=False)
    with pytest.raises(KeyboardInterrupt):
        made({"train": {"steps": 5, "clip": None}, "limit": None}, resume=True)
    with pytest.raises(InputError, match=r"recipe\.train\.steps = 5, now 6"):
        made({"train": {"steps": 6}}, resume=True)


def test_a_lock_that_could_not_be_removed_does_not_come_along_into_a_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def failing(path: Path, **options: bool) -> None:
        if path.suffix == ".lock":
            monkeypatch.undo()
            raise OSError(errno.EIO, "Input/output error")
        unlink(path, **options)

    with made_aside(tmp_path / "c", asked=None, force=False) as at:
        (at / "models").mkdir()
        monkeypatch.setattr(Path, "unlink", failing)
        write_text(at / "models" / "m", "a model\n")
        assert [path.suffix for path in (at / "models").iterdir() if path.name != "m"] == [".lock"]
    assert [path.name for path in (tmp_path / "c" / "models").iterdir()] == ["m"]


def test_a_comparison_goes_on_with_the_same_and_with_nothing_else(
    run: Run, text: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = text.with_name("c.toml")
    config.write_text("[train]\nsteps = 1\n", encoding="utf-8")
    both = ("compare", text, "--models", "ngram,rnn", "--config", config, "-o", place / "c")
    with monkeypatch.context() as patch:

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("munmaek.fit.loop.Store.save", interrupted)
        assert run(*both).code == 130
    assert sorted(each.name for each in (place / "c.partial" / "models").iterdir())[0] == "lm-ngram"
    assert not (place / "c").exists()
    assert "an interrupted comparison is there" in run(*both).err
    other = ("compare", text, "--models", "rnn", "--config", config, "-o", place / "c")
    told = run(*other, "--resume")
    assert (told.code, "the interrupted comparison had" in told.err) == (2, True)
    before = (place / "c.partial" / "models" / "lm-ngram" / "munmaek.json").stat().st_mtime_ns
    assert run(*both, "--resume").code == 0
    assert (place / "c" / "models" / "lm-ngram" / "munmaek.json").stat().st_mtime_ns == before
    results = json.loads((place / "c" / "results.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in results["models"]][:2] == ["lm-ngram", "lm-rnn"]
    assert [each.name for each in place.iterdir()] == ["c"]
    assert "nothing to resume" in run(*both, "--resume").err
    with text.open("a", encoding="utf-8") as file:
        file.write("또 한 줄\n")
    assert run(*both, "--force").code == 0


# Signals, and code that cannot be kept


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_a_command_leaves_nothing_behind(
    number: signal.Signals, place: Path
) -> None:
    command = [sys.executable, "-m", "munmaek", "train", "lm", "-", *NGRAM, "-o", "model"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=place, text=True, **pipes)
    for _ in range(1200):
        if list(place.glob(".munmaek-*.lock")):
            break
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "munmaek: interrupted"
    assert list(place.iterdir()) == []


def test_code_that_cannot_be_kept_is_compiled_anew_with_one_note(place: Path) -> None:
    package = place / "kept"
    package.mkdir()
    (package / "some.py").write_text(
        "from munmaek.compiling import kept\n"
        "@kept(nogil=True)\ndef double(x):\n    return 2 * x\n"
        "@kept(nogil=True)\ndef triple(x):\n    return 3 * x\n"
        "print(double(2), triple(2))\n",
        encoding="utf-8",
    )
    # No folder of these can be written, not even by root: each is below a file.
    (package / "__pycache__").write_text("", encoding="utf-8")
    (place / "file").write_text("", encoding="utf-8")
    below = str(place / "file" / "below")
    environment = {**os.environ, "NUMBA_CACHE_DIR": below, "XDG_CACHE_HOME": below, "HOME": below}
    command = [sys.executable, "-B", "some.py"]
    found = subprocess.run(
        command, cwd=package, env=environment, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "4 6\n"), found.stderr
    assert found.stderr.count("compiled code cannot be kept") == 1
    del environment["NUMBA_CACHE_DIR"]
    good = {**environment, "NUMBA_CACHE_DIR": str(place / "cache")}
    for damage in (False, True, False):
        if damage:
            for each in (place / "cache").rglob("*.nbi"):
                each.write_bytes(b"\x80damaged")
        found = subprocess.run(
            command, cwd=package, env=good, capture_output=True, text=True, check=False
        )
        assert (found.returncode, found.stdout, found.stderr) == (0, "4 6\n", "")
