"""What pre-training computes: masks, losses, Muon, and that a small BERT learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from munmaek.errors import ConfigError, MunmaekWarning, UnsupportedError
from munmaek.fit.config import TrainConfig
from munmaek.fit.loop import fit
from munmaek.fit.muon import Muon, orthogonal
from munmaek.fit.optimiser import make_optimiser
from munmaek.fit.precision import autocast
from munmaek.fit.running import Run
from munmaek.models.bert import BertConfig, BertMaskedNetwork
from munmaek.nn.tape import Tape
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.objective import MaskedModelling
from munmaek.tasks.publishing import export_huggingface, export_onnx
from munmaek.tasks.recipe import Recipe

TINY = BertConfig(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    hidden_dropout_prob=0.0, initializer_range=0.1, max_position_embeddings=32,
)  # fmt: skip
MODERN = {"norm_first": True, "positions": "rotary", "gated": True, "bias": False}
RNG = np.random.default_rng(0)
ROWS = [[2, *RNG.integers(5, 30, size).tolist(), 3] for size in RNG.integers(3, 12, 24)]


def network(config: BertConfig = TINY) -> BertMaskedNetwork:
    torch.manual_seed(0)
    return BertMaskedNetwork(config, vocab_size=30)


def task(rows: Any = ROWS, **more: Any) -> MaskedModelling:
    return MaskedModelling(train=rows, valid=rows, mask=4, first_word=5, vocab_size=30, **more)


def test_the_loss_of_masked_positions_is_that_of_all_with_the_others_ignored() -> None:
    model, some = network(), task()
    batch = some.epoch(0)[0]
    loss = some.loss(model, batch)
    logits = model.logits(model(torch.tensor(batch.ids), torch.tensor(batch.lengths)))
    wanted = torch.full((batch.ids.size,), -100)
    wanted[torch.tensor(batch.chosen)] = torch.tensor(batch.targets)
    full = F.cross_entropy(logits.flatten(0, 1), wanted, reduction="sum", ignore_index=-100)
    torch.testing.assert_close(loss.total, full)


def test_the_share_of_masked_words_follows_the_passes() -> None:
    some = task(rates=(0.5, 0.1))

    def share(number: int) -> float:
        batches = list(some.epoch(number))
        words = sum(batch.tokens - 2 * len(batch.ids) for batch in batches)
        return sum(len(batch.chosen) for batch in batches) / words

    shares = [share(number) for number in (0, 1, 7)]
    assert shares[0] == pytest.approx(0.5, abs=0.12)
    assert shares[1] == pytest.approx(0.1, abs=0.08)
    assert shares[2] == pytest.approx(0.1, abs=0.08)


def test_special_tokens_in_the_midst_of_a_vocabulary_are_never_hidden_or_put_in() -> None:
    special = frozenset({7, 8, 9})
    rows = [[7, 8, 9, 20, 21, 22]] * 40
    some = MaskedModelling(
        train=rows, valid=rows, mask=9, first_word=0, vocab_size=30, special=special
    )
    for batch in some.epoch(0):
        assert special.isdisjoint(batch.targets.tolist())
        changed = batch.ids[batch.ids != np.array(rows[: len(batch.ids)])]
        assert not {7, 8} & set(changed.tolist())


def test_orthogonal_has_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((24, 24), (12, 40), (40, 12)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.4
        assert values.max() < 1.3


def test_orthogonal_multiplies_in_what_training_multiplies_in() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(12, 40)
    exact = orthogonal(matrix.double()).float()
    assert (orthogonal(matrix) - exact).abs().max() < 1e-5
    with autocast("bfloat16", matrix.device):
        half = orthogonal(matrix)
    assert half.dtype == torch.float32
    assert 1e-4 < (half - exact).abs().max() < 0.1


def test_muon_takes_the_stacks_matrices_and_a_fused_projection_by_blocks() -> None:
    model = network()
    optimiser: Any = make_optimiser(model, TrainConfig(optimizer="muon", steps=1))
    assert isinstance(optimiser, Muon)
    where = {id(p): (g["adam"], g["blocks"]) for g in optimiser.param_groups for p in g["params"]}
    named = dict(model.named_parameters())
    assert where[id(named["encoder.layers.0.attention.qkv.weight"])] == (False, 3)
    assert where[id(named["encoder.layers.0.intermediate.weight"])] == (False, 1)
    assert where[id(named["encoder.word_embeddings.weight"])][0]
    assert where[id(named["encoder.layers.0.output.bias"])][0]
    assert len(where) == len(named)


def test_muon_of_whole_matrices_is_torchs_but_for_the_rounding_of_bfloat16() -> None:
    torch.manual_seed(0)
    one = [torch.nn.Parameter(torch.randn(size)) for size in ((6, 4), (4, 6), (5, 5))]
    other = [torch.nn.Parameter(each.detach().clone()) for each in one]
    before = [each.detach().clone() for each in one]
    mine = Muon([{"params": one, "weight_decay": 0.1}], lr=0.01)
    torchs = torch.optim.Muon(
        other, lr=0.01, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(5):
        for left, right in zip(one, other, strict=True):
            left.grad = torch.randn_like(left)
            right.grad = left.grad.clone()
        mine.step()
        torchs.step()
    for left, right, began in zip(one, other, before, strict=True):
        assert (left - right).norm().item() < 0.1 * (left - began).norm().item()


def test_muons_adam_is_torchs_adamw() -> None:
    torch.manual_seed(0)
    one = torch.nn.Parameter(torch.randn(5))
    two = torch.nn.Parameter(one.detach().clone())
    mine = Muon([{"params": [one], "adam": True, "weight_decay": 0.1}], lr=0.01)
    theirs = torch.optim.AdamW([two], lr=0.01, betas=(0.9, 0.98), weight_decay=0.1)
    for _ in range(5):
        one.grad = torch.randn(5)
        two.grad = one.grad.clone()
        mine.step()
        theirs.step()
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize(
    ("form", "optimiser"), [({}, "adamw"), (MODERN, "muon")], ids=["classic", "modern"]
)
def test_a_tiny_bert_memorises(form: dict[str, Any], optimiser: str) -> None:
    model = network(TINY.model_copy(update=form))
    some = task(ROWS[:6])
    before = some.validate(model.eval())
    config = TrainConfig(
        steps=300, learning_rate=1e-2, optimizer=optimiser, warmup=0.1, validations=1
    )
    fit(model, some, config=config)
    assert some.validate(model) < 0.5 * before


def test_passes_from_the_left_predict_every_next_token_before_masks_begin() -> None:
    some = task(causal_warmup_epochs=1.0, max_tokens=10_000)
    for batch in some.epoch(0):
        assert batch.causal
        rows = [row[:size] for row, size in zip(batch.ids, batch.lengths, strict=True)]
        assert batch.targets.tolist() == [token for row in rows for token in row[1:]]
        before = [token for row in rows for token in row[:-1]]
        assert batch.ids.flat[batch.chosen].tolist() == before
    (masked,) = some.epoch(1)
    (first,) = task(max_tokens=10_000).epoch(1)
    assert not masked.causal
    np.testing.assert_array_equal(masked.ids, first.ids)


def test_softmaxes_from_the_left_are_estimated_where_an_order_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = network()
    monkeypatch.setattr(
        "munmaek.tasks.mlm.objective.SAMPLED", 30
    )  # all there are, so nothing is left out
    order = np.random.default_rng(1).permutation(30)
    exact, estimated = task(causal_warmup_epochs=1.0), task(causal_warmup_epochs=1.0, order=order)
    for batch in (exact.epoch(0)[0], exact.epoch(1)[0]):
        wanted = exact.loss(model, batch).total
        torch.testing.assert_close(estimated.loss(model, batch).total, wanted)
    monkeypatch.setattr("munmaek.tasks.mlm.objective.SAMPLED", 10)
    causal, masked = exact.epoch(0)[0], exact.epoch(1)[0]
    assert not torch.equal(estimated.loss(model, causal).total, exact.loss(model, causal).total)
    torch.testing.assert_close(estimated.loss(model, masked).total, exact.loss(model, masked).total)


def test_a_part_of_a_pass_may_be_from_the_left() -> None:
    some = task(causal_warmup_epochs=1.5, max_tokens=24)
    for number, share in enumerate((1.0, 0.5, 0.0)):
        batches = list(some.epoch(number))
        assert len(batches) > 8
        wanted = [place < share * len(batches) for place in range(len(batches))]
        assert [batch.causal for batch in batches] == wanted


@pytest.mark.parametrize("form", [{}, MODERN], ids=["classic", "modern"])
def test_read_from_the_left_no_token_sees_a_later_one(form: dict[str, Any]) -> None:
    model = network(TINY.model_copy(update=form)).eval()
    ids = torch.randint(5, 30, (3, 7))
    lengths = torch.tensor([7, 4, 7])
    found = model(ids, lengths, causal=True)
    padded = model(ids, lengths, causal=True, tape=Tape())
    torch.testing.assert_close(found, padded, atol=1e-5, rtol=1e-5)
    changed = ids.clone()
    changed[:, 5:] = 6
    again = model(changed, lengths, causal=True)
    torch.testing.assert_close(again[:, :5], found[:, :5], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(again[0, 5:], found[0, 5:])


def test_passes_from_the_left_are_for_masked_words_alone() -> None:
    with pytest.raises(ConfigError, match="causal_warmup_epochs is for 'mlm', not for 'lm'"):
        Recipe(task="lm", stage="rnn", causal_warmup_epochs=1).stage_config()
    beside: list[dict[str, Any]] = [{"next_sentence": True}, {"train": {"patience": 2}}]
    for other in beside:
        with pytest.raises(ConfigError, match="do not go together"):
            Recipe(task="mlm", stage="bert", causal_warmup_epochs=1, **other).stage_config()


def test_a_run_that_ends_before_masks_begin_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    recipe = Recipe(
        task="mlm", stage="bert", vocab_size=300, model=TINY.model_dump(),
        train={"steps": 2}, causal_warmup_epochs=9,
    )  # fmt: skip
    with pytest.warns(MunmaekWarning, match="no word was masked"):
        train_recipe(recipe, [tmp_path / "text.txt"], folder=tmp_path / "bert")


TEXTS = ["나는 학교에 간다", "너는 집에 간다", "나는 집에 있다", "너는 학교에 있다"] * 12


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlm")
    (folder / "text.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    recipe = Recipe(
        task="mlm", stage="bert", vocab_size=300, model=TINY.model_dump(),
        train={"steps": 8}, mask_rates=(0.3, 0.15), causal_warmup_epochs=0.5,
    )  # fmt: skip
    train_recipe(recipe, [folder / "text.txt"], folder=folder / "bert")
    return folder


def test_pretraining_goes_on_from_a_checkpoint_with_its_sizes_and_tokenizer(trained: Path) -> None:
    recipe = Recipe(task="mlm", stage="bert", train={"steps": 2, "optimizer": "muon"})
    model = train_recipe(
        recipe, [trained / "text.txt"], folder=trained / "more", init=trained / "bert"
    )
    assert model.info.config["hidden_size"] == 32
    first: Any = load(trained / "bert")
    assert model.tokenizer.fingerprint == first.tokenizer.fingerprint


def test_an_exported_folder_opens_as_a_checkpoint_and_in_transformers(trained: Path) -> None:
    transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
    ours: Any = load(trained / "bert")
    export_huggingface(ours, trained / "theirs")
    again: Any = load(trained / "theirs")
    np.testing.assert_allclose(again.embed(TEXTS[:4]), ours.embed(TEXTS[:4]), atol=1e-6)
    model = transformers.AutoModelForMaskedLM.from_pretrained(trained / "theirs").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(trained / "theirs")
    ids = tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]
    assert ids == ours.tokenizer.encode(TEXTS[0])
    row = torch.tensor([[2, *ids, 3]])
    with torch.no_grad():
        want = model(input_ids=row).logits
        got = ours.network.logits(ours.network(row, torch.tensor([row.shape[1]])))
    torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def test_onnx_gives_the_same_scores_with_and_without_padding(trained: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    ours: Any = load(trained / "bert")
    export_onnx(ours, trained / "bert.onnx")
    session = runtime.InferenceSession(trained / "bert.onnx")
    ids = RNG.integers(5, ours.tokenizer.vocab_size, (3, 9))
    lengths = np.array([9, 4, 1])
    mask = (np.arange(9) < lengths[:, None]).astype(np.int64)
    (got,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    with torch.no_grad():
        want = ours.network.logits(ours.network(torch.tensor(ids), torch.tensor(lengths)))
    real = mask.astype(bool)
    np.testing.assert_allclose(got[real], want.numpy()[real], atol=1e-4)


def test_the_modern_form_is_not_written_under_a_name_that_computes_something_else(
    tmp_path: Path, trained: Path
) -> None:
    recipe = Recipe(
        task="mlm", stage="bert", vocab_size=300, train={"steps": 1},
        model={**TINY.model_dump(), **MODERN},
    )  # fmt: skip
    model: Any = train_recipe(recipe, [trained / "text.txt"], folder=tmp_path / "modern")
    with pytest.raises(UnsupportedError, match="modern form"):
        export_huggingface(model, tmp_path / "theirs")
    again: Any = load(tmp_path / "modern")
    np.testing.assert_array_equal(again.embed(TEXTS[:3]), model.embed(TEXTS[:3]))


@pytest.fixture
def by_the_mean(tmp_path: Path, trained: Path) -> Any:
    lines = [f"{text}\t{int('학교' in text)}" for text in TEXTS]
    (tmp_path / "labelled.tsv").write_text("\n".join(["text\tlabel", *lines]), encoding="utf-8")
    recipe = Recipe(
        task="classify", stage="bert", train={"steps": 2}, model={"classifier_pooling": "mean"}
    )
    paths = [tmp_path / "labelled.tsv"]
    return train_recipe(recipe, paths, folder=tmp_path / "mean", init=trained / "bert")


def test_the_mean_of_the_vectors_labels_alike_when_opened_again(
    tmp_path: Path, by_the_mean: Any
) -> None:
    assert by_the_mean.info.config["hidden_size"] == TINY.hidden_size
    again: Any = load(tmp_path / "mean")
    assert again.model.network.config.classifier_pooling == "mean"
    again_scores, scores = (each.logprobs(TEXTS[:3]) for each in (again, by_the_mean))
    np.testing.assert_array_equal(again_scores, scores)
    with pytest.raises(UnsupportedError, match="mean of its vectors"):
        export_huggingface(by_the_mean, tmp_path / "theirs")


def test_onnx_labels_by_the_mean_too(tmp_path: Path, by_the_mean: Any) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    export_onnx(by_the_mean, tmp_path / "bert.onnx")
    ids = RNG.integers(5, by_the_mean.tokenizer.vocab_size, (2, 6))
    mask = np.array([[1] * 6, [1] * 4 + [0] * 2])
    session = runtime.InferenceSession(tmp_path / "bert.onnx")
    (got,) = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
    with torch.no_grad():
        want = by_the_mean.model.network(torch.tensor(ids), torch.tensor(mask.sum(1)))
    np.testing.assert_allclose(got, want.numpy(), atol=1e-5)


def test_a_run_with_muon_goes_on_to_the_bit_after_an_interruption(tmp_path: Path) -> None:
    config = TrainConfig(steps=6, optimizer="muon", validations=1)
    whole, parts, asked = network(), network(), iter([False, False, True])
    fit(whole, task(), config=config)
    fit(parts, task(), config=config, run=Run(folder=tmp_path, should_stop=lambda: next(asked)))
    again = network()
    fit(again, task(), config=config, run=Run(folder=tmp_path, resume=True))
    for name, tensor in whole.state_dict().items():
        assert tensor.equal(again.state_dict()[name]), name
