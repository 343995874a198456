"""Model folders of n-grams: mapped, checked at once or on request, in and out of other forms."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.cli import main
from munmaek.errors import ArtefactError, InputError, UnsupportedError
from munmaek.folder import manifest as manifests
from munmaek.folder.tables import load_tables, save_tables
from munmaek.ngram import CompactTables, NgramTables, read_arpa
from munmaek.ngram.filling import PendingArray, UnfilledError
from munmaek.tasks.loading import load
from munmaek.tasks.verifying import verify

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

LINES = [f"{s} {v}" for s in ("나는", "너는", "우리는") for v in ("잔다", "논다", "읽는다")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    text = place / "text.txt"
    text.write_text("\n".join(LINES * 3) + "\n", encoding="utf-8")
    arguments = ["train", "lm", text, "--model", "ngram", "--order", 3, "--tokenizer", "words"]
    assert main([str(each) for each in [*arguments, "--valid", text, "-o", place / "m"]]) == 0
    return place / "m"


def run(*arguments):
    return main([str(each) for each in arguments])


def test_tables_are_memory_mapped_and_not_copied(trained):
    array = load_tables(trained / "model.safetensors")["words"]
    while not isinstance(array, np.memmap) and array.base is not None:
        array = array.base
    assert isinstance(array, np.memmap) or type(array).__name__ == "mmap"


def test_arrays_of_every_type_come_back_from_a_file(tmp_path):
    given_arrays = {
        "a": np.arange(5, dtype=np.int32),
        "b": np.array([[1.5, -np.inf]], dtype=np.float32),
        "c": np.zeros((0, 3)),
        "d": np.array([1 << 63], dtype=np.uint64),
    }
    save_tables(given_arrays, tmp_path / "t.safetensors")
    found = load_tables(tmp_path / "t.safetensors")
    assert found.keys() == given_arrays.keys()
    for name, array in given_arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def announced(arrays):
    return {
        name: PendingArray(array.shape, array.dtype)
        if name in ("discounts", "logprobs", "index")
        else array
        for name, array in arrays.items()
    }


@pytest.mark.parametrize("odd", [0, 1])
def test_arrays_may_be_filled_while_they_are_written(tmp_path, odd):
    arrays = {
        "index": np.arange(64, dtype=np.uint64),
        "words": np.arange(6 + odd, dtype=np.int32),
        "starts": np.arange(3),
        "logprobs": np.arange(100, dtype=np.float32),
        "discounts": np.ones((2, 3)),
    }
    digest = save_tables(arrays, tmp_path / "whole.safetensors")
    late = announced(arrays)
    with ThreadPoolExecutor(1) as beside:
        written = beside.submit(save_tables, late, tmp_path / "late.safetensors")
        late["logprobs"].reach(arrays["logprobs"], 40)
        for name in ("discounts", "logprobs", "index"):
            late[name].reach(arrays[name])
        assert written.result() == digest
    contents = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("whole", "late")]
    assert contents[0] == contents[1]
    found = load_tables(tmp_path / "late.safetensors")
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)
    # What is large lies so that it need not be copied.
    assert found["index"].base is not None


def test_an_array_that_is_never_filled_ends_the_writing(tmp_path):
    late = announced({"words": np.zeros(3, np.int32), "logprobs": np.zeros(9, np.float32)})
    with ThreadPoolExecutor(1) as beside:
        written = beside.submit(save_tables, late, tmp_path / "late.safetensors")
        late["logprobs"].reach(np.zeros(9, np.float32), 4)
        late["logprobs"].stop()
        with pytest.raises(UnfilledError):
            written.result()


@settings(max_examples=150)
@given(
    at=st.integers(0, 400),
    new=st.binary(max_size=8) | st.just(b"9" * 40),
    cut=st.integers(0, 300) | st.none(),
)
def test_an_altered_or_cut_file_is_refused_or_gives_arrays_within_it(
    tmp_path_factory, at, new, cut
):
    path = tmp_path_factory.getbasetemp() / "altered.safetensors"
    save_tables({"a": np.arange(9, dtype=np.int32), "b": np.ones((2, 3), np.float32)}, path)
    content = bytearray(path.read_bytes())
    content[at : at + len(new)] = new
    path.unlink()
    path.write_bytes(bytes(content[: len(content) - cut] if cut else content))
    try:
        found = load_tables(path)
    except ArtefactError:
        return
    assert sum(array.nbytes for array in found.values()) <= 2 * len(content)
    assert all(array.sum() is not None for array in found.values())


def test_a_small_altered_model_is_refused_when_it_is_opened(trained, tmp_path):
    copy = copied(trained, tmp_path)
    flip(copy / "model.safetensors")
    with pytest.raises(ArtefactError, match="altered: its sha256"):
        load(copy)


def test_a_large_one_opens_and_verifying_finds_it(trained, tmp_path, monkeypatch):
    copy = copied(trained, tmp_path)
    flip(copy / "model.safetensors")
    monkeypatch.setattr(manifests, "_HASHED_AT_ONCE", 100)
    load(copy)
    with pytest.raises(ArtefactError, match="altered: its sha256"):
        verify(copy)
    assert run("verify", copy) == 2


def test_a_truncated_model_is_refused_however_large(trained, tmp_path, monkeypatch):
    copy = copied(trained, tmp_path)
    monkeypatch.setattr(manifests, "_HASHED_AT_ONCE", 100)
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtefactError, match="truncated or altered"):
        load(copy)


def test_tables_that_do_not_fit_are_found_even_under_a_right_hash(trained, tmp_path):
    tensors = {
        name: array.copy() for name, array in load_tables(trained / "model.safetensors").items()
    }
    tensors["links"][-1] = len(tensors["links"])
    copy = copied(trained, tmp_path)
    save_tables(tensors, copy / "model.safetensors")
    manifest = json.loads((copy / "munmaek.json").read_text(encoding="utf-8"))
    manifest["files"]["model.safetensors"] = manifests.describe_file(copy / "model.safetensors")
    (copy / "munmaek.json").write_text(manifests.render_manifest(manifest), encoding="utf-8")
    with pytest.raises(ArtefactError, match="'links' is damaged"):
        verify(copy)


def copied(trained, tmp_path):
    target = tmp_path / "copy"
    target.mkdir()
    for file in trained.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 64
    path.write_bytes(bytes(content))


# In and out


@pytest.mark.parametrize("name", ["m.arpa", "m.arpa.gz"])
@pytest.mark.parametrize("form", ["fast", "compact"])
def test_a_model_goes_out_as_arpa_and_comes_back_with_the_same_scores(
    trained, tmp_path, name, form
):
    assert run("export", trained, "--to", "arpa", "-o", tmp_path / name) == 0
    assert run("import", tmp_path / name, "-o", tmp_path / "back", "--form", form) == 0
    one, other = load(trained), load(tmp_path / "back")
    assert isinstance(other.model.tables, CompactTables if form == "compact" else NgramTables)
    wanted = [each.logprob for each in one.score([*LINES, "나는 모른다"])]
    assert [each.logprob for each in other.score([*LINES, "나는 모른다"])] == wanted
    assert run("export", tmp_path / "back", "--to", "arpa", "-o", tmp_path / f"again-{name}") == 0
    assert (tmp_path / f"again-{name}").read_bytes() == (tmp_path / name).read_bytes()
    assert run("verify", tmp_path / "back") == 0


@pytest.mark.parametrize("form", ["compact", "quantised", "fast"])
def test_a_model_in_another_form_scores_generates_and_explains(trained, tmp_path, form, capsys):
    assert run("export", trained, "--to", form, "-o", tmp_path / form) == 0
    one, other = load(trained), load(tmp_path / form)
    for first, second in zip(one.score(LINES), other.score(LINES), strict=True):
        assert second.logprob == pytest.approx(first.logprob, abs=0.5 * (form == "quantised"))
    texts = (model.generate(rng=np.random.default_rng(0)) for model in (one, other))
    if form != "quantised":
        assert next(texts) == next(texts)
    assert len(other.model.explain(other.tokenizer.encode(LINES[0]))) == 2
    capsys.readouterr()
    assert run("export", trained, "--to", form, "-o", tmp_path / "json", "--json") == 0
    assert json.loads(capsys.readouterr().out)["to"] == form


def test_an_imported_model_knows_the_words_of_the_file_and_no_others(trained, tmp_path):
    assert run("export", trained, "--to", "arpa", "-o", tmp_path / "m.arpa") == 0
    assert run("import", tmp_path / "m.arpa", "-o", tmp_path / "back") == 0
    model = load(tmp_path / "back")
    words = set(read_arpa(tmp_path / "m.arpa").words) - {"<s>", "</s>", "<unk>"}
    assert {model.tokenizer.token(i) for i in range(5, model.tokenizer.vocab_size)} == words
    assert model.model.logprobs(()).max() < 0


def test_wrong_forms_and_files_are_refused_in_one_line(trained, tmp_path, capsys):
    assert run("export", trained, "--to", "onyx", "-o", tmp_path / "x") == 2
    assert "there are arpa, compact, quantised, fast" in capsys.readouterr().err
    assert run("import", tmp_path / "none.arpa", "-o", tmp_path / "x") == 2
    assert "cannot be read" in capsys.readouterr().err
    (tmp_path / "bad.arpa").write_text("\\data\\\nngram 1=x\n", encoding="utf-8")
    assert run("import", tmp_path / "bad.arpa", "-o", tmp_path / "x") == 2
    assert "bad.arpa, line 2: wanted 'ngram 1=COUNT'" in capsys.readouterr().err
    assert run("import", tmp_path / "bad.arpa", "-o", tmp_path / "x", "--form", "tiny") == 2
    assert not (tmp_path / "x").exists()


def test_only_n_gram_models_have_these_forms(trained):
    from dataclasses import replace

    from munmaek.tasks.lm.exchange import export_arpa

    other = replace(load(trained), model=object())
    with pytest.raises(UnsupportedError, match="no n-gram model"):
        export_arpa(other, Path("never.arpa"))
    with pytest.raises(InputError):
        read_arpa(Path("never.arpa"))
