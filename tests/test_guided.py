"""Guided alignment: the loss, its gradient, and what it does to a translator."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from munmaek.align import AlignmentSupervision, MarkedPair, append_marks, parse_gold, tokenizer_hash
from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.metrics import aer, sign
from munmaek.models.attention import AttentionConfig, AttentionTranslatorNetwork
from munmaek.models.attention.additive_decoder import AdditiveDecoderWeights, decode_additive
from munmaek.models.seq2seq import FixedVectorTranslatorNetwork, Seq2SeqConfig
from munmaek.models.transformer import TransformerConfig, TransformerTranslatorNetwork
from munmaek.nn.tape import Tape
from munmaek.phrases import phrasebook
from munmaek.pipeline import train_recipe
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.translate.guided import guide_loss, piece_guide
from munmaek.tasks.translate.model import Translator

SIZES = {"source_vocab": 7, "target_vocab": 5}
SMALL = {"embedding": 6, "hidden": 6, "encoder_hidden": 3}


def _network(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    if name == "transformer":
        config = TransformerConfig(dimension=8, heads=2, layers=3, feed_forward=8, alignment_head=1)
        return TransformerTranslatorNetwork(config, **SIZES).double().eval()
    options = {"feeding": ("dot", True), "parallel": ("general", False)}
    score, feeding = options.get(name, ("additive", True))
    config = AttentionConfig(**SMALL, score=score, input_feeding=feeding)
    return AttentionTranslatorNetwork(config, **SIZES).double().eval()


# The loss


def test_the_loss_of_a_pair_worked_by_hand() -> None:
    # Two target pieces of word 0 and one of word 1; source words 0 and 1, the second in two pieces.
    # 0-0 is wanted: both pieces of target word 0 want source piece 0. 1-1 is wanted: target piece 2
    # wants source pieces 1 and 2, half each. 1-0 is forbidden: pieces 1 and 2 for targets 0 and 1.
    guide = AlignmentSupervision(frozenset({(0, 0), (1, 1)}), frozenset({(1, 0)}))
    given = piece_guide(guide, source_words=[0, 1, 1], target_words=[0, 0, 1])
    weights = torch.tensor([[[0.7, 0.1, 0.1, 0.1], [0.4, 0.2, 0.3, 0.1], [0.0, 0.5, 0.25, 0.25]]])
    wanted = math.log(0.7) + math.log(0.4) + 0.5 * (math.log(0.5) + math.log(0.25))
    forbidden = math.log(0.9) + math.log(0.9) + math.log(0.8) + math.log(0.7)
    found = float(guide_loss(weights, [given]))
    assert found == pytest.approx(-wanted - forbidden, rel=1e-6)


def test_rows_and_pairs_without_links_are_left_to_themselves() -> None:
    weights = torch.full((2, 2, 3), 1 / 3, requires_grad=True)
    given = piece_guide(
        AlignmentSupervision(frozenset({(1, 0)})), source_words=[0, 1], target_words=[0, 1]
    )
    guide_loss(weights, [None, given]).backward()
    assert weights.grad is not None
    assert weights.grad.nonzero().tolist() == [[1, 0, 1]]
    assert float(guide_loss(weights, [None, None])) == 0.0


def test_an_attention_of_zero_has_a_finite_loss() -> None:
    given = piece_guide(
        AlignmentSupervision(frozenset({(0, 0)}), frozenset({(1, 0)})),
        source_words=[0, 1],
        target_words=[0],
    )
    weights = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    loss = guide_loss(weights, [given])
    loss.backward()
    assert math.isfinite(loss.item())
    assert weights.grad is not None
    assert torch.isfinite(weights.grad).all()


# Its way into the networks


def test_the_fused_decoder_passes_gradients_on_its_attention() -> None:
    torch.manual_seed(0)
    T, B, S, H, D, A = 3, 2, 4, 3, 4, 5

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    inputs = draw(T, B, 3 * H), draw(B, H), draw(B, S, A), draw(B, S, D)
    weights = draw(A, H), draw(A), draw(3 * H, D), draw(3 * H, H), draw(3 * H)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])

    def attention(*values: Tensor) -> Tensor:
        return decode_additive(*values[:4], mask, AdditiveDecoderWeights(*values[4:]))[2]

    assert torch.autograd.gradcheck(attention, (*inputs, *weights))


@pytest.mark.parametrize("name", ["additive", "feeding", "parallel", "transformer"])
def test_decoding_with_alignment_equals_a_taped_decode_in_values_and_gradients(name: str) -> None:
    network = _network(name)
    source, target = torch.randint(0, 7, (2, 5)), torch.randint(0, 5, (2, 4))
    memory = network.encode(source, torch.tensor([5, 3]))
    hidden, weights = network.decode_with_alignment(memory, target)
    tape = Tape()
    taped = network.decode(memory, target, tape=tape)
    torch.testing.assert_close(hidden, taped)
    torch.testing.assert_close(weights, network.alignment(tape))
    used = [each for key, each in network.named_parameters() if "embedding" in key][:1]
    fast = torch.autograd.grad(weights[..., 0].sum() + hidden.sum(), used, retain_graph=True)
    slow = torch.autograd.grad(network.alignment(tape)[..., 0].sum() + taped.sum(), used)
    torch.testing.assert_close(fast, slow)


def test_a_fixed_vector_has_no_weights_to_guide() -> None:
    config = Seq2SeqConfig(embedding=4, hidden=4)
    network = FixedVectorTranslatorNetwork(config, **SIZES)
    memory = network.encode(torch.ones(1, 2, dtype=torch.int64), torch.tensor([2]))
    assert network.decode_with_alignment(memory, torch.ones(1, 2, dtype=torch.int64))[1] is None


def test_only_one_head_of_the_transformer_is_guided() -> None:
    network = _network("transformer")
    memory = network.encode(torch.ones(1, 4, dtype=torch.int64), torch.tensor([4]))
    tape = Tape()
    network.decode(memory, torch.ones(1, 3, dtype=torch.int64), tape=tape)
    alignment = network.alignment(tape)
    torch.testing.assert_close(alignment, tape["decoder.layer.1.cross.weights"][:, 1])
    with pytest.raises(ConfigError, match=r"alignment_head.*must be below heads = 4"):
        TransformerConfig.of({"alignment_head": 4})


# Training


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short pairs; validation has few, since they are translated after each training."""
    folder = tmp_path_factory.mktemp("book")
    made = phrasebook(pairs=700, valid=60, test=60)
    for part, most in (("train", 300), ("valid", 4), ("test", 60)):
        rows = [row for row in getattr(made, part) if len(row.english.split()) <= 6][:most]
        columns = {
            "ko": [row.korean for row in rows],
            "en": [row.english for row in rows],
            "links": [" ".join(f"{s}-{t}" for s, t in row.links) for row in rows],
        }
        for name, lines in columns.items():
            text = "".join(f"{line}\n" for line in lines)
            (folder / f"{part}.{name}").write_text(text, encoding="utf-8")
    return folder


def _recipe(stage: str, *, steps: int = 3, **options: Any) -> Recipe:
    sizes = {
        "attention": {"embedding": 24, "hidden": 24, "encoder_hidden": 12},
        "transformer": {"dimension": 24, "heads": 2, "layers": 2, "feed_forward": 48},
        "seq2seq": {"embedding": 16, "hidden": 16},
    }
    return Recipe(
        task="translate",
        stage=stage,
        tokenizer="words",
        model=sizes[stage],
        train={"steps": steps, "learning_rate": 1e-2, "validations": 1},
        max_tokens=500,
        **options,
    )


def _train(book: Path, folder: Path, recipe: Recipe, **options: Any) -> Translator:
    paths = [book / "train.ko", book / "train.en"]
    valid = [book / "valid.ko", book / "valid.en"]
    extra = Extra(alignment_supervision=options.pop("guide", None))
    model = train_recipe(recipe, paths, folder=folder, valid=valid, extra=extra, **options)
    assert isinstance(model, Translator)
    return model


def _rows(book: Path, part: str) -> list[tuple[str, str, frozenset[tuple[int, int]]]]:
    columns = [
        (book / f"{part}.{name}").read_text(encoding="utf-8").splitlines()
        for name in ("ko", "en", "links")
    ]
    return [(ko, en, parse_gold(links).sure) for ko, en, links in zip(*columns, strict=True)]


def _error(book: Path, model: Translator, part: str) -> float:
    rows = _rows(book, part)
    aligned = model.align([row[0] for row in rows], [row[1] for row in rows])
    signature = sign(task="align", stage="x", tokenizer="words")
    found = [each.alignment or () for each in aligned]
    return aer(found, [row[2] for row in rows], signature=signature).value


@pytest.mark.parametrize("stage", ["attention", "transformer"])
def test_guidance_lowers_the_alignment_error(stage: str, book: Path, tmp_path: Path) -> None:
    plain = _train(book, tmp_path / "plain", _recipe(stage, steps=60))
    recipe = _recipe(stage, steps=60, alignment_weight=1.0)
    guided = _train(book, tmp_path / "guided", recipe, guide=book / "train.links")
    assert guided.info.data["guide"] == {
        "pairs": len(_rows(book, "train")),
        "weight": 1.0,
        "repeat": 1,
    }
    assert _error(book, guided, "train") < 0.8 * _error(book, plain, "train")
    assert _error(book, guided, "test") < _error(book, plain, "test")


def test_the_statistical_guide_and_a_guide_in_hand_train_too(book: Path, tmp_path: Path) -> None:
    model = _train(book, tmp_path / "one", _recipe("attention"), guide="statistical")
    assert model.info.data["guide"]["pairs"] > len(_rows(book, "train")) // 2
    guides = [AlignmentSupervision(frozenset({(0, 0)})), *[None] * (len(_rows(book, "train")) - 1)]
    recipe = _recipe("attention", alignment_repeat=5)
    told = _train(book, tmp_path / "two", recipe, guide=guides).info.data["guide"]
    assert told == {"pairs": 1, "weight": 1.0, "repeat": 5}


def test_marks_tune_a_trained_model_beside_a_control(book: Path, tmp_path: Path) -> None:
    first = _train(book, tmp_path / "first", _recipe("attention", steps=20))
    marks = tmp_path / "marks.jsonl"
    pairs = [MarkedPair(*row) for row in _rows(book, "train")[:30]]
    hashed = tokenizer_hash(first.source_tokenizer, first.target_tokenizer)
    append_marks(marks, pairs, tokenizer=hashed)
    recipe = _recipe("attention", steps=60, alignment_weight=5.0, alignment_repeat=10)
    tuned = _train(book, tmp_path / "tuned", recipe, init=tmp_path / "first", guide=marks)
    plain = recipe.model_copy(update={"alignment_weight": 0.0})
    control = _train(book, tmp_path / "control", plain, init=tmp_path / "first", guide=marks)
    assert tuned.info.data["guide"]["pairs"] == control.info.data["guide"]["pairs"] == 30
    assert _error(book, tuned, "train") < _error(book, control, "train")


def test_marks_of_another_model_are_refused(book: Path, tmp_path: Path) -> None:
    _train(book, tmp_path / "first", _recipe("attention"))
    marks = tmp_path / "marks.jsonl"
    append_marks(marks, [MarkedPair("a", "b")], tokenizer="0" * 64)
    with pytest.raises(InputError, match="line 1: marks were made with tokenizer 0000"):
        _train(book, tmp_path / "next", _recipe("attention"), init=tmp_path / "first", guide=marks)


def test_what_cannot_be_guided_is_refused_and_leaves_nothing(book: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="'seq2seq' has no attention to guide"):
        _train(book, tmp_path / "x", _recipe("seq2seq"), guide=book / "train.links")
    with pytest.raises(InputError, match="need a line of links for each of"):
        _train(book, tmp_path / "x", _recipe("attention"), guide=book / "test.links")
    with pytest.raises(InputError, match="no such file"):
        _train(book, tmp_path / "x", _recipe("attention"), guide=book / "none.links")
    assert not list(tmp_path.iterdir())


# Readings


def test_the_input_step_is_the_output_step_one_later(book: Path, tmp_path: Path) -> None:
    model = _train(book, tmp_path / "x", _recipe("attention"))
    source, target = "나는 책을 읽는다", "I read a book"
    (emitting,) = model.align([source], [target])
    (reading,) = model.align([source], [target], reading="input")
    assert emitting.weights is not None
    assert reading.weights is not None
    np.testing.assert_allclose(reading.weights[:-1], emitting.weights[1:], rtol=1e-5)
    assert reading.logprob == emitting.logprob
    with pytest.raises(ConfigError, match="no layers of heads"):
        model.align([source], [target], layer=0)


def test_a_layer_and_a_head_can_be_asked_for(book: Path, tmp_path: Path) -> None:
    model = _train(book, tmp_path / "x", _recipe("transformer"))
    pair = ["나는 책을 읽는다"], ["I read a book"]
    (usual,) = model.align(*pair)
    (first,) = model.align(*pair, layer=0)
    np.testing.assert_array_equal(usual.weights, first.weights)
    heads = [model.align(*pair, layer=-1, head=head)[0].weights for head in (0, 1)]
    (mean,) = model.align(*pair, layer=1)
    np.testing.assert_allclose((heads[0] + heads[1]) / 2, mean.weights, atol=0.05)
    with pytest.raises(ConfigError, match="no decoder layer 2; there are 0 to 1"):
        model.align(*pair, layer=2)
    with pytest.raises(ConfigError, match="no head 2; layer 0 has 0 to 1"):
        model.align(*pair, head=2)
