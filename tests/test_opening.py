"""Folders that were damaged are never opened as something else: one line says what is wrong."""

import bz2
import errno
import gzip
import hashlib
import json
import lzma
import shutil
import tarfile
import tracemalloc
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Run
from munmaek.errors import MunmaekError
from munmaek.fit.running import Running
from munmaek.folder.manifest import MANIFEST, describe_file, render_manifest
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.publishing import export_huggingface
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.verifying import verify
from munmaek.text.corpora import read_text
from munmaek.text.unpacking import unpacked_streams

GOLDEN = Path(__file__).parent / "golden" / "0.1.0.tar.xz"
FLIPS = 4
"""Bytes of each file that are flipped, one after the other."""


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of every task and stage as version 0.1.0 saved them, without seals."""
    folder = tmp_path_factory.mktemp("earlier")
    with lzma.open(GOLDEN) as packed, tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / "0.1.0" / "models"


@pytest.fixture(scope="module")
def models(earlier: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as this version saves them."""
    folder = tmp_path_factory.mktemp("models")
    log = folder / "log.jsonl"
    log.write_text('{"step": 1}\n', encoding="utf-8")
    for place in sorted(earlier.iterdir()):
        model: Any = load(place)
        beside = {} if "mix" in place.name else {"beside": {"log.jsonl": log}}
        model.save(folder / place.name, **beside)
    log.unlink()
    return folder


def refusal(check: Callable[[], object]) -> str:
    """The one line that ``check`` fails with."""
    with pytest.raises(MunmaekError) as caught:
        check()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_every_file_of_a_model_is_listed_and_whole(models: Path) -> None:
    names = sorted(place.name for place in models.iterdir())
    assert len(names) >= 20
    for name in names:
        verify(models / name)
        listed = json.loads((models / name / MANIFEST).read_text(encoding="utf-8"))["files"]
        own = [path for path in files(models / name) if path.parent == models / name]
        assert {path.name for path in own} - {MANIFEST} <= listed.keys()


def test_verify_finds_any_flipped_byte_and_says_in_which_file(models: Path) -> None:
    rng = np.random.default_rng(7)
    for path in files(models):
        folder = models / path.relative_to(models).parts[0]
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, *rng.integers(len(whole), size=FLIPS).tolist()}:
            damaged = bytearray(whole)
            damaged[place] ^= int(rng.integers(1, 256))
            path.write_bytes(damaged)
            assert path.name in refusal(lambda folder=folder: verify(folder)), (path, place)
        path.write_bytes(whole)
    verify(next(models.iterdir()))


@pytest.mark.parametrize("name", ["lm-ngram", "classify-bert", "translate-transformer"])
def test_verify_names_a_file_that_is_cut_added_removed_or_swapped(
    models: Path, tmp_path: Path, name: str
) -> None:
    def damaged(change: Callable[[Path], object]) -> str:
        shutil.rmtree(tmp_path / "m", ignore_errors=True)
        shutil.copytree(models / name, tmp_path / "m")
        change(tmp_path / "m")
        return refusal(lambda: verify(tmp_path / "m"))

    for path in files(models / name):
        content = path.read_bytes()
        cut = damaged(lambda m, path=path, head=content[:-1]: (m / path.name).write_bytes(head))
        assert path.name in cut
        assert path.name in damaged(lambda m, path=path: (m / path.name).unlink())
    assert "notes.txt: not saved" in damaged(lambda m: (m / "notes.txt").write_text("x"))
    assert "a/b: not saved" in damaged(
        lambda m: ((m / "a").mkdir(), (m / "a" / "b").write_text("x"))
    )
    assert "config.json" in damaged(lambda m: shutil.copy(m / "tokenizer.json", m / "config.json"))
    assert "link" in damaged(
        lambda m: (
            (m / "config.json").unlink(),
            (m / "config.json").symlink_to(models / name / "config.json"),
        )
    )


def test_parts_of_a_mixture_are_verified_and_cannot_be_swapped(
    models: Path, tmp_path: Path
) -> None:
    mixtures = [place for place in models.iterdir() if (place / "part-0").is_dir()]
    assert mixtures
    for mixture in mixtures:
        copy = tmp_path / mixture.name
        shutil.copytree(mixture, copy)
        (copy / "part-1").rename(copy / "part-2")
        (copy / "part-0").rename(copy / "part-1")
        (copy / "part-2").rename(copy / "part-0")
        if (copy / "part-0" / MANIFEST).read_bytes() != (copy / "part-1" / MANIFEST).read_bytes():
            assert "part-0/munmaek.json" in refusal(lambda copy=copy: load(copy))
        (copy / "part-1" / "more").write_text("x", encoding="utf-8")
        assert "part-1/more" in refusal(lambda copy=copy: verify(copy))


def test_the_seal_guards_the_temperature_the_labels_and_the_list(
    models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(models / "classify-bert", folder)
    path = folder / MANIFEST
    text = path.read_text(encoding="utf-8")
    values = json.loads(text)
    for name, other in {
        "temperature": 0.5,
        "labels": values["labels"][::-1],
        "files": {},
        "limit": 7,
    }.items():
        path.write_text(json.dumps({**values, name: other}, indent=2) + "\n", encoding="utf-8")
        assert "altered: its own sha256" in refusal(lambda: load(folder))
    path.write_text(text.replace('"sha256": "' + values["sha256"], '"sha999": "'), encoding="utf-8")
    assert "altered: its own sha256" in refusal(lambda: load(folder))
    path.write_text(render_manifest(values), encoding="utf-8")
    load(folder)


# What a manifest may say


def resealed(models: Path, name: str, folder: Path, change: Callable[[Any], object]) -> Path:
    """A copy of a model whose manifest says something else, under a right seal."""
    shutil.copytree(models / name, folder / name)
    path = folder / name / MANIFEST
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(render_manifest(values), encoding="utf-8")
    return folder / name


ODD: list[tuple[str, Callable[[Any], object], str]] = [
    ("classify-bert", lambda m: m.pop("labels"), "no 'labels' in it"),
    ("classify-bert", lambda m: m.update(labels=[]), "labels = []"),
    ("classify-bert", lambda m: m.update(labels=["a", "a"]), "a label twice"),
    ("classify-bert", lambda m: m.update(temperature=float("nan")), "temperature = nan"),
    ("classify-bert", lambda m: m.update(temperature="1"), "temperature = '1'"),
    ("classify-bert", lambda m: m.update(temperature=-1.0), "greater than 0"),
    ("classify-bert", lambda m: m.update(limit=10**30), "limit = 1000000"),
    ("classify-bert", lambda m: m.update(limit=True), "limit = True"),
    ("classify-bert", lambda m: m.update(task=7), "task = 7"),
    ("classify-bert", lambda m: m.update(task="x" * 100), "knows no task"),
    ("classify-bert", lambda m: m.update(stage="x"), "unknown stage 'x'"),
    ("classify-bert", lambda m: m.update(sizes=[]), "sizes = []"),
    ("classify-bert", lambda m: m["sizes"].update(vocab_size="9"), "sizes.vocab_size"),
    ("classify-bert", lambda m: m["sizes"].update(vocab_size=None), "vocab_size = None"),
    ("classify-bert", lambda m: m["sizes"].update(vocab_size=True), "vocab_size = True"),
    ("classify-bert", lambda m: m["sizes"].update(more=1), "sizes.more is not known"),
    ("classify-bert", lambda m: m["sizes"].pop("vocab_size"), "sizes.vocab_size is missing"),
    ("classify-bert", lambda m: m["config"].update(hidden_size=[1]), "hidden_size"),
    ("classify-bert", lambda m: m["config"].update(no_such=1), "unknown option 'no_such'"),
    ("classify-bert", lambda m: m.update(scores={"accuracy": 1}), "scores.accuracy"),
    ("classify-bert", lambda m: m.update(training=None), "training = None"),
    ("classify-bert", lambda m: m.update(data={"train": {"rows": "x"}}), "data.train.rows"),
    ("classify-bert", lambda m: m["tokenizer"].update(kind=None), "tokenizer.kind"),
    ("classify-bert", lambda m: m["tokenizer"].update(kind="nope"), "no tokenizer 'nope'"),
    ("classify-bert", lambda m: m["tokenizer"].update(vocab_size=7), "tokens, 7 wanted"),
    ("classify-bert", lambda m: m["files"].update({"../x": {}}), "inside the folder"),
    ("classify-bert", lambda m: m["files"].update({"/etc/passwd": {}}), "inside the folder"),
    ("classify-bert", lambda m: m["files"].update({"a\\..\\b": {}}), "inside the folder"),
    ("classify-bert", lambda m: m["files"]["config.json"].update(bytes=-1), "files.config.json"),
    ("classify-bert", lambda m: m["files"]["config.json"].update(sha256="x"), "files.config.json"),
    ("lm-ngram", lambda m: m["sizes"].update(bos=10**9), "no id of a vocabulary"),
    ("lm-ngram", lambda m: m["sizes"].update(vocab_size=10**9), "tables"),
    ("lm-ngram", lambda m: m["sizes"].pop("eos"), "sizes has"),
    ("lm-ngram", lambda m: m["config"].update(order=10**9), "order"),
    ("lm-ngram", lambda m: m["config"].update(order=4), "tables"),
    ("regress-bert", lambda m: m.update(range=[1.0, 0.0]), "ends before it begins"),
    ("regress-bert", lambda m: m.update(range=[0.0]), "range"),
    ("translate-transformer", lambda m: m.pop("source_tokenizer"), "source_tokenizer"),
    ("tag-bert", lambda m: m.update(labels=["O"]), "labels"),
]


@pytest.mark.parametrize(("name", "change", "said"), ODD)
def test_a_field_that_cannot_be_is_named_in_one_line(
    models: Path, tmp_path: Path, name: str, change: Callable[[Any], object], said: str
) -> None:
    folder = resealed(models, name, tmp_path, change)
    assert said in refusal(lambda: load(folder))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "an object wanted"),
        (b"null", "an object wanted"),
        (b"{", "not JSON"),
        (b"\xef\xbb\xbf{}", "byte-order mark"),
        (b'{"format": 1, "format": 2}', "'format' stands twice"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "nested more than 64 deep"),
        (b'{"format": 1, "a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"format": "\\ud800"}', "half a character"),
        (b'{"format": 1, "label": "\xff"}', "not UTF-8"),
        (b'{"format": 3}', "newer than 2"),
        (b'{"format": 1e999}', "no known format"),
        (b'{"format": true}', "no known format"),
        (b'{"format": 0}', "no known format"),
        (b"{}", "no known format"),
        (b'{"format": 1}', "no 'task' in it"),
        (b'{"format": 2}', "its own sha256"),
    ],
)
def test_a_manifest_that_is_none_is_refused_in_one_line(
    models: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    shutil.copytree(models / "lm-ngram", tmp_path / "m")
    (tmp_path / "m" / MANIFEST).write_bytes(content)
    assert said in refusal(lambda: load(tmp_path / "m"))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("classify-bert", {"hidden_size": 1 << 30, "num_attention_heads": 1}),
        ("classify-bert", {"num_hidden_layers": 10**9}),
        ("classify-bert", {"intermediate_size": 10**9}),
        ("classify-bert", {"max_position_embeddings": 10**12}),
        ("lm-rnn", {"layers": 10**9}),
        ("lm-rnn", {"hidden": 10**12}),
        ("translate-transformer", {"feed_forward": 10**9}),
        ("translate-transformer", {"layers": 10**9, "encoder_layers": None}),
    ],
)
def test_a_network_far_larger_than_its_weights_is_refused_before_it_is_made(
    models: Path, tmp_path: Path, name: str, change: dict[str, Any]
) -> None:
    folder = resealed(models, name, tmp_path, lambda m: m["config"].update(change))
    said = refusal(lambda: load(folder))
    assert "these files are not of one model" in said
    assert "model.safetensors" in said


@pytest.mark.parametrize("name", ["classify-bert", "lm-rnn", "translate-attention"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_by_their_tensors_name(
    models: Path, tmp_path: Path, name: str, value: float
) -> None:
    from safetensors.numpy import load_file, save_file

    shutil.copytree(models / name, tmp_path / name)
    place = tmp_path / name / "model.safetensors"
    weights = load_file(place)
    changed = sorted(weights)[-1]
    weights[changed].reshape(-1)[-1] = value
    save_file(weights, place)
    seal(tmp_path / name)
    assert f"'{changed}' has 1 numbers of" in refusal(lambda: load(tmp_path / name))


def seal(folder: Path) -> None:
    """Make the manifest say what is there."""
    path = folder / MANIFEST
    values = json.loads(path.read_text(encoding="utf-8"))
    values["files"] = {name: describe_file(folder / name) for name in values["files"]}
    path.write_text(render_manifest(values), encoding="utf-8")


@pytest.mark.parametrize("name", ["classify-bert", "mlm-bert", "lm-rnn", "lm-ngram"])
def test_a_folder_without_its_manifest_is_not_opened_as_a_published_one(
    models: Path, earlier: Path, tmp_path: Path, name: str
) -> None:
    for kind, source in (("new", models), ("old", earlier)):
        shutil.copytree(source / name, tmp_path / kind / name)
        (tmp_path / kind / name / MANIFEST).unlink()
        assert MANIFEST in refusal(lambda kind=kind: load(tmp_path / kind / name))


def test_what_stands_beside_a_model_without_being_listed_is_not_read(
    models: Path, tmp_path: Path
) -> None:
    plain = next(place for place in models.iterdir() if "compact" in place.name)
    shutil.copytree(plain, tmp_path / "m")
    (tmp_path / "m" / "text.safetensors").write_bytes(b"not tensors")
    assert load(tmp_path / "m").text is None


def test_a_tokenizer_that_the_library_would_hang_or_panic_on_or_with_odd_ids_is_refused(
    models: Path, tmp_path: Path
) -> None:
    for number, change in enumerate(
        [
            lambda t: t["model"]["vocab"].update({next(iter(t["model"]["vocab"])): 1 << 31}),
            lambda t: t["added_tokens"].append({**t["added_tokens"][0], "content": "x" * 2000}),
            lambda t: t.update(model={"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "?",
                                      "continuing_subword_prefix": "##",
                                      "max_input_chars_per_word": 9}),
            lambda t: t.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
            lambda t: t.update(post_processor={
                "type": "TemplateProcessing", "special_tokens": {}, "pair": [],
                "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}],
            }),
            lambda t: t["model"]["vocab"].update({list(t["model"]["vocab"])[-1]: 477}),
            lambda t: t["model"]["vocab"].update({list(t["model"]["vocab"])[-1]: 7}),
        ]
    ):  # fmt: skip
        folder = tmp_path / str(number)
        shutil.copytree(models / "lm-ngram", folder)
        path = folder / "tokenizer.json"
        values = json.loads(path.read_text(encoding="utf-8"))
        change(values)
        path.write_text(json.dumps(values), encoding="utf-8")
        seal(folder)
        assert "tokenizer.json" in refusal(lambda folder=folder: load(folder))


def test_messages_are_one_short_line_whatever_they_quote() -> None:
    said = str(MunmaekError("a\nb\x1b[2J\ud800\u2028" + "9" * 100_000 + "; do this"))
    assert said.startswith("a\\nb\\x1b[2J\\ud800\\u2028999")
    assert said.endswith("; do this")
    assert len(said) < 1100


# Streams of any ratio


def packed_zeros(suffix: str, size: int) -> bytes:
    import zstandard

    content = bytes(1 << 20)
    makers: dict[str, Any] = {
        ".gz": lambda: zlib.compressobj(wbits=31),
        ".xz": lzma.LZMACompressor,
        ".bz2": bz2.BZ2Compressor,
        ".zst": lambda: zstandard.ZstdCompressor().compressobj(),
    }
    stream = makers[suffix]()
    return b"".join([*(stream.compress(content) for _ in range(size >> 20)), stream.flush()])


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_a_file_that_unpacks_to_far_more_than_text_is_refused_before_it_fills_the_memory(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"zeros.txt{suffix}"
    path.write_bytes(packed_zeros(suffix, 96 << 20))
    blocks = unpacked_blocks(path, suffix)
    tracemalloc.start()
    said = refusal(lambda: [len(block) for block in blocks])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to over 300 times its size" in said
    assert peak < 100 << 20  # what a slice of Zstandard may hold at most, and some blocks


def unpacked_blocks(path: Path, suffix: str) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from unpacked_streams(file.read, file.read(1 << 20), name=path.name, suffix=suffix)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_several_streams_of_any_size_unpack_to_what_was_packed(tmp_path: Path, suffix: str) -> None:
    import zstandard

    packers: dict[str, Any] = {
        ".gz": gzip.compress,
        ".xz": lzma.compress,
        ".bz2": bz2.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }
    rng = np.random.default_rng(3)
    parts = [
        rng.integers(97, 123, size=size, dtype=np.uint8).tobytes() for size in (0, 1, 1_500_000, 7)
    ]
    path = tmp_path / f"parts{suffix}"
    path.write_bytes(b"".join(packers[suffix](part) for part in parts))
    assert b"".join(unpacked_blocks(path, suffix)) == b"".join(parts)
    path.write_bytes(path.read_bytes()[:-3])
    said = refusal(lambda: list(unpacked_blocks(path, suffix)))
    assert "truncated" in said or "damaged" in said


def test_a_line_without_end_is_refused_and_old_line_ends_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munmaek.text.files.LONGEST", 3 << 20)
    path = tmp_path / "long.txt"
    path.write_bytes(b"short\n" + b"a" * (5 << 20))
    said = refusal(lambda: read_text([path]))
    assert "long.txt, line 2: over 3,145,728 bytes without an end of line" in said
    path.write_bytes(b"a b c\r" * 1_000_000)
    assert len(read_text([path]).lines) == 1_000_000


@pytest.mark.parametrize("line", ["[" * 100_000, '{"text": ' + "[" * 300 + "]" * 300 + "}"])
def test_deep_json_lines_are_refused_by_their_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text('{"text": "a"}\n' + line + "\n", encoding="utf-8")
    assert "line 2: not JSON" in refusal(lambda: read_text([path]))


# Going on with a run of which a byte was flipped


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, bytes]:
    """A run that was stopped after four steps, its data, and the weights it comes to at eight."""
    folder = tmp_path_factory.mktemp("run")
    text = folder / "text.txt"
    text.write_text("나는 책을 읽는다\n우리는 간다\n너는 노래를 듣는다\n" * 20, encoding="utf-8")
    whole = going_on(folder / "whole", text, steps=8, resume=False)
    going_on(folder / "m", text, steps=4, resume=False, stop=True)
    return folder, text, whole


def going_on(folder: Path, text: Path, *, steps: int, resume: bool, stop: bool = False) -> bytes:
    """Train; a run is stopped by its eyes so that ``DIR.partial`` stays."""
    recipe = Recipe(
        task="lm",
        stage="rnn",
        tokenizer="characters",
        vocab_size=60,
        model={"embedding": 8, "hidden": 8},
        train={"steps": 8, "validations": 4, "checkpoint_every": 1e-9, "log_every": 1e-9},
    )
    seen: list[int] = []
    train_recipe(
        recipe,
        [text],
        folder=folder,
        running=Running(
            resume=resume,
            report=lambda now: seen.append(now.step),
            should_stop=(lambda: bool(seen) and seen[-1] >= steps) if stop else None,
        ),
    )
    return (folder / "model.safetensors").read_bytes()


def test_one_flipped_byte_in_a_run_is_a_note_or_a_line_and_never_other_training(
    interrupted: tuple[Path, Path, bytes], tmp_path: Path
) -> None:
    folder, text, whole = interrupted
    partial = folder / "m.partial"
    names = sorted(path.relative_to(partial) for path in partial.rglob("*") if path.is_file())
    assert {name.name for name in names} >= {"recipe.json", "data.json", "state.json", "log.jsonl"}
    steps = sorted({name.parts[1] for name in names if name.parts[0] == "checkpoints"})
    assert len(steps) == 2
    rng = np.random.default_rng(5)
    came: Counter[str] = Counter()
    for name in names:
        for trial in range(2):
            place = tmp_path / f"{name.name}-{name.parent.name}-{trial}"
            shutil.copytree(partial, place / "m.partial")
            path = place / "m.partial" / name
            content = bytearray(path.read_bytes())
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(content)
            with warnings.catch_warnings(record=True) as notes:
                warnings.simplefilter("always")
                try:
                    weights = going_on(place / "m", text, steps=8, resume=True)
                except MunmaekError:
                    came["refused"] += 1
                    continue
            assert weights == whole, name
            told = any("last whole checkpoint" in str(note.message) for note in notes)
            came["noted" if told else "went on"] += 1
            assert told == (name.parts[:2] == ("checkpoints", steps[-1])), name
    assert came["noted"] >= 6
    assert came["refused"] >= 1


def test_a_run_without_a_whole_checkpoint_and_one_of_other_data_are_refused(
    interrupted: tuple[Path, Path, bytes], tmp_path: Path
) -> None:
    folder, text, _ = interrupted
    shutil.copytree(folder / "m.partial", tmp_path / "m.partial")
    other = tmp_path / "text.txt"
    other.write_text(text.read_text(encoding="utf-8").replace("책", "밥", 1), encoding="utf-8")
    said = refusal(lambda: going_on(tmp_path / "m", other, steps=8, resume=True))
    assert "--resume" in said
    assert "not what the interrupted run read" in said
    for path in tmp_path.rglob("state.json"):
        path.write_bytes(b"{}")
    said = refusal(lambda: going_on(tmp_path / "m", text, steps=8, resume=True))
    assert "none of its 2 checkpoints is whole; --force starts over" in said


# Published folders


@pytest.fixture(scope="module")
def exported(models: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("exported")
    places = [folder / name for name in ("classify-bert", "embed-bert") if (models / name).exists()]
    for place in places:
        export_huggingface(load(models / place.name), place)
    return places


def test_verify_finds_any_fault_in_a_folder_that_was_exported(
    exported: list[Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(11)
    for source in exported:
        found = verify(source)
        assert found.unknown == ()
        assert found.checked == len(files(source)) - 1
        copy = tmp_path / source.name
        shutil.copytree(source, copy)
        for path in files(copy):
            whole = path.read_bytes()
            for _ in range(FLIPS):
                damaged = bytearray(whole)
                damaged[int(rng.integers(len(whole)))] ^= 1 << int(rng.integers(8))
                path.write_bytes(damaged)
                refusal(lambda copy=copy: verify(copy))
            path.unlink()
            if path.name != "SHA256SUMS":
                said = refusal(lambda copy=copy: verify(copy))
                assert str(path.relative_to(copy)) in said
            path.write_bytes(whole)
        (copy / "more.txt").write_text("x", encoding="utf-8")
        assert "more.txt: not in SHA256SUMS" in refusal(lambda copy=copy: verify(copy))


def test_verify_knows_the_checksums_that_huggingface_hub_keeps(
    exported: list[Path], tmp_path: Path
) -> None:
    snapshot, blobs = tmp_path / "snapshots" / "main", tmp_path / "blobs"
    local = tmp_path / "local"
    for folder in (snapshot, blobs, local / ".cache" / "huggingface" / "download"):
        folder.mkdir(parents=True)
    for path in files(exported[0]):
        if path.name == "SHA256SUMS":
            continue
        content = path.read_bytes()
        name = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        if path.suffix == ".safetensors":
            name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        (snapshot / path.name).symlink_to(Path("..", "..", "blobs", name))
        shutil.copy(path, local / path.name)
        record = local / ".cache" / "huggingface" / "download" / f"{path.name}.metadata"
        record.write_text(f"main\n{name}\n1.0\n", encoding="utf-8")
    for folder in (snapshot, local):
        assert verify(folder).unknown == ()
        path = folder / "config.json"
        path.write_bytes(path.read_bytes().replace(b"\n", b" ", 1))
        assert "config.json: altered" in refusal(lambda folder=folder: verify(folder))


def test_verify_says_of_which_files_no_checksum_is_known(
    exported: list[Path], tmp_path: Path, run: Run
) -> None:
    shutil.copytree(exported[0], tmp_path / "m")
    (tmp_path / "m" / "SHA256SUMS").unlink()
    assert "model.safetensors" in verify(tmp_path / "m").unknown
    assert "no checksum is known of config.json" in run("verify", tmp_path / "m").err
    assert "whole" in run("verify", exported[0]).err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_size": "8"}, "hidden_size = '8'"),
        ({"hidden_size": 10**9}, "far larger than"),
        ({"num_hidden_layers": 10**9}, "far larger than"),
        ({"vocab_size": 10**12}, "vocab_size"),
        ({"vocab_size": True}, "vocab_size"),
        ({"num_labels": 10**9, "id2label": None}, "num_labels"),
        ({"id2label": []}, "id2label"),
        ({"architectures": 3}, "architectures"),
        ({"max_position_embeddings": 10**9}, "far larger than"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps"),
    ],
)
def test_a_published_configuration_of_any_content_is_refused_in_one_line(
    exported: list[Path], tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    shutil.copytree(exported[0], tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    values = {**json.loads(path.read_text(encoding="utf-8")), **change}
    path.write_text(json.dumps(values), encoding="utf-8")
    assert said in refusal(lambda: load(tmp_path / "m"))


@pytest.mark.parametrize("name", ["lm-ngram", "lm-rnn"])
def test_weights_that_may_not_be_read_are_not_called_damaged(
    models: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(np, "memmap", refused)
    monkeypatch.setattr("safetensors.torch.load_file", refused)
    said = refusal(lambda: load(models / name))
    assert said == f"{models / name}/model.safetensors: cannot be read: Too many open files"


def test_weights_for_which_there_is_no_room_are_not_called_damaged(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    def unmapped(*_: object, **__: object) -> None:
        message = "unable to mmap 9 bytes from file <m>: Cannot allocate memory (12)"
        raise RuntimeError(message)

    monkeypatch.setattr(np, "memmap", full)
    with pytest.raises(MemoryError):
        load(models / "lm-ngram")
    monkeypatch.setattr("safetensors.torch.load_file", unmapped)
    with pytest.raises(MemoryError):
        load(models / "lm-rnn")
