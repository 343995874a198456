"""The laws that every model passes, each stated once and held for every stage of the lineage."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek import load
from munmaek.decode import Search, beam_search, force
from munmaek.folder.info import Info
from munmaek.folder.weights import make_network
from munmaek.lm import LanguageModel, fold_score
from munmaek.mixing import Mixture
from munmaek.models import LINEAGE, stage_named
from munmaek.models.ngram import NgramClassifier, NgramConfig, NgramModel
from munmaek.ngram.sequences import TokenIds
from munmaek.nn.tape import Tape
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.objective import DecoderRows
from munmaek.text.tokenizers import Tokenizer, train_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

V, BOS, EOS, PAD, UNK, MASK = 14, 2, 3, 0, 1, 4
WORDS = list(range(5, V))
# Tables of n-grams hold float32: a logarithm of 4 to 8 is rounded by up to 2**-22, several add up.
ROUNDING = 1e-6

SMALL: dict[str, dict[str, Any]] = {
    "ngram": {"order": 3},
    "rnn": {"embedding": 8, "hidden": 8},
    "seq2seq": {"embedding": 8, "hidden": 8},
    "attention": {"embedding": 8, "hidden": 8, "encoder_hidden": 4},
    "self_attention": {"dimension": 8},
    "transformer": {"dimension": 8, "heads": 2, "layers": 2, "feed_forward": 16},
    "bert": {
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 64,
    },
}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "ngram": [
        {},
        {"smoothing": "kneser-ney"},
        {"smoothing": "absolute"},
        {"smoothing": "witten-bell"},
        {"smoothing": "add-k:0.1"},
        {"smoothing": "maximum-likelihood"},
        {"prune": (0, 1)},
        {"prune_entropy": 1e-4},
    ],
    "rnn": [{"cell": "elman"}, {"cell": "gru"}, {"cell": "lstm"}],
    "bert": [{"norm_first": False}, {"norm_first": True}],
    "attention": [{"score": "additive"}, {"score": "dot"}, {"score": "general"}],
}


def cases(task: str) -> list[Any]:
    """Every stage that can do the task, in every variant, named for people."""
    return [
        pytest.param(stage.name, config, id="-".join([stage.name, *map(str, variant.values())]))
        for stage in LINEAGE
        if task in stage.networks
        for variant in VARIANTS.get(stage.name, [{}])
        for config in [{**SMALL[stage.name], **variant}]
    ]


def frozen(config: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(config.items()))


def network(stage: str, task: str, config: dict[str, Any], **sizes: int) -> Any:
    made = make_network(stage=stage, task=task, config=config, sizes=sizes, seed=3)
    return made.eval()


TEXT = [[int(word) for word in np.random.default_rng(row).choice(WORDS, 7)] for row in range(30)]


@cache
def language_model(stage: str, config: tuple[tuple[str, Any], ...]) -> LanguageModel[Any]:
    if stage == "ngram":
        return NgramModel.fit(
            TEXT,
            config=NgramConfig.of(dict(config)),
            vocabulary=TokenIds(vocab_size=V, bos=BOS, eos=EOS, unk=UNK, excluded=(PAD, MASK)),
        )
    return NeuralLanguageModel(network(stage, "lm", dict(config), vocab_size=V), BOS, EOS, V)


ids = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9)
lm_cases = pytest.mark.parametrize(("stage", "config"), cases("lm"))
few = settings(max_examples=12)


@lm_cases
@few
@given(context=ids)
def test_probabilities_sum_to_one_after_any_context(
    stage: str, config: dict[str, Any], context: list[int]
) -> None:
    model = language_model(stage, frozen(config))
    state = model.start()
    for token in context:
        state = model.advance(state, token)
    assert np.exp(model.logprobs(state)).sum() == pytest.approx(1.0, abs=ROUNDING)


@lm_cases
@few
@given(sentence=ids)
def test_a_score_is_the_fold_of_start_logprobs_and_advance(
    stage: str, config: dict[str, Any], sentence: list[int]
) -> None:
    model = language_model(stage, frozen(config))
    whole = [*sentence, EOS]
    np.testing.assert_allclose(model.score(whole), fold_score(model, whole), atol=2e-5)


@lm_cases
@few
@given(sentence=ids, future=ids)
def test_the_past_does_not_depend_on_the_future(
    stage: str, config: dict[str, Any], sentence: list[int], future: list[int]
) -> None:
    model = language_model(stage, frozen(config))
    longer = model.score([*sentence, *future])
    np.testing.assert_allclose(longer[: len(sentence)], model.score(sentence), atol=2e-5)


@lm_cases
@few
@given(sentences=st.lists(ids, min_size=1, max_size=5))
def test_many_at_once_score_as_each_alone_whatever_the_padding(
    stage: str, config: dict[str, Any], sentences: list[list[int]]
) -> None:
    model = language_model(stage, frozen(config))
    for together, alone in zip(model.score_many(sentences), sentences, strict=True):
        np.testing.assert_allclose(together, model.score(alone), atol=2e-5)


@few
@given(sentence=ids, weight=st.floats(0.0, 1.0))
def test_a_mixture_is_a_language_model_too(sentence: list[int], weight: float) -> None:
    counted = language_model("ngram", frozen(SMALL["ngram"]))
    neural = language_model("rnn", frozen({**SMALL["rnn"], "cell": "gru"}))
    mixture = Mixture((counted, neural), (weight, 1 - weight))
    np.testing.assert_allclose(mixture.score(sentence), fold_score(mixture, sentence), atol=2e-5)
    assert np.exp(mixture.logprobs(mixture.start())).sum() == pytest.approx(1.0, abs=ROUNDING)


# Networks: padding, tapes, seeds


def _arrays(rows: Sequence[Sequence[int]], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    table = torch.full((len(rows), width), PAD)
    for place, row in enumerate(rows):
        table[place, : len(row)] = torch.tensor(row)
    return table, torch.tensor([len(row) for row in rows])


ROWS = [[5, 6, 7], [8, 9, 10, 11, 12], [6]]


def run_classifier(made: Any, rows: Sequence[Sequence[int]], width: int, tape: Any) -> Any:
    return made(*_arrays(rows, width), tape=tape)


def run_masked(made: Any, rows: Sequence[Sequence[int]], width: int, tape: Any) -> Any:
    hidden = made.logits(made(*_arrays(rows, width), tape=tape))
    return [hidden[place, : len(row)] for place, row in enumerate(rows)]


def run_translator(made: Any, rows: Sequence[Sequence[int]], width: int, tape: Any) -> Any:
    memory = made.encode(*_arrays(rows, width), tape=tape)
    target = torch.tensor([[BOS, 5, 6, 7]] * len(rows))
    return made.logits(made.decode(memory, target, tape=tape))


def run_language(made: Any, rows: Sequence[Sequence[int]], width: int, tape: Any) -> Any:
    table, _ = _arrays(rows, width)
    hidden, _ = made(table, tape=tape)
    return [made.logits(hidden)[place, : len(row)] for place, row in enumerate(rows)]


RUNS: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
    "lm": (run_language, {"vocab_size": V}),
    "classify": (run_classifier, {"vocab_size": V, "label_count": 3}),
    "translate": (run_translator, {"source_vocab": V, "target_vocab": V}),
    "mlm": (run_masked, {"vocab_size": V}),
}
network_cases = pytest.mark.parametrize(
    ("task", "stage", "config"),
    [
        pytest.param(task, *case.values, id=f"{task}-{case.id}")
        for task in RUNS
        for case in cases(task)
        if case.values[0] != "ngram"
    ],
)


@network_cases
def test_padding_never_changes_an_output(task: str, stage: str, config: dict[str, Any]) -> None:
    run, sizes = RUNS[task]
    made = network(stage, task, config, **sizes)
    together = run(made, ROWS, 9, None)
    for place, row in enumerate(ROWS):
        alone = run(made, [row], len(row), None)
        torch.testing.assert_close(together[place], alone[0], atol=2e-5, rtol=1e-4)


@network_cases
def test_a_tape_changes_nothing(task: str, stage: str, config: dict[str, Any]) -> None:
    run, sizes = RUNS[task]
    made = network(stage, task, config, **sizes)
    tape = Tape()
    looked_at, unseen = run(made, ROWS, 6, tape), run(made, ROWS, 6, None)
    for first, second in zip(looked_at, unseen, strict=True):
        torch.testing.assert_close(first, second, atol=2e-5, rtol=1e-4)
    assert tape.records


@network_cases
def test_the_same_seed_makes_the_same_network(
    task: str, stage: str, config: dict[str, Any]
) -> None:
    _, sizes = RUNS[task]
    first, again = (network(stage, task, config, **sizes).state_dict() for _ in range(2))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize(("stage", "config"), cases("translate"))
def test_forcing_what_the_beam_found_scores_as_the_beam_did(
    stage: str, config: dict[str, Any]
) -> None:
    made = network(stage, "translate", config, source_vocab=V, target_vocab=V)
    rows = DecoderRows(made, [[*row, EOS] for row in ROWS], BOS, EOS, V)
    found = [each[0] for each in beam_search(rows, Search(6, beam=3))]
    forced = force(rows, [each.tokens for each in found])
    for one, other in zip(found, forced, strict=True):
        if one.finished:
            assert one.logprob == pytest.approx(other.logprob, abs=1e-4)


# Save and load


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    lines = ["나는 학교에서 공부한다", "너는 집에서 책을 읽는다", "I study at school", "we read"]
    return train_tokenizer(lines, kind="bpe", vocab_size=300)


def _info(task: str, stage: str, config: dict[str, Any], sizes: dict[str, int]) -> Info:
    resolved = stage_named(stage).config_class().of(config).model_dump()
    return Info(task, stage, stage, resolved, sizes, parameters=1)


TEXTS = ["나는 집에서 공부한다", "we study", ""]


@lm_cases
def test_a_loaded_language_model_scores_to_the_bit_as_the_saved_one(
    stage: str, config: dict[str, Any], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    sizes = {"vocab_size": tokenizer.vocab_size}
    if stage == "ngram":
        sizes |= {"bos": BOS, "eos": EOS, "unk": UNK}
        rows = tokenizer.encode_many(["나는 학교에서 공부한다", "너는 집에서 책을 읽는다"] * 3)
        model: Any = NgramModel.fit(
            rows, config=NgramConfig.of(config), vocabulary=TokenIds(excluded=(PAD, MASK), **sizes)
        )
    else:
        made = network(stage, "lm", config, **sizes)
        model = NeuralLanguageModel(made, BOS, EOS, tokenizer.vocab_size)
    saved = TrainedLanguageModel(tokenizer, model, _info("lm", stage, config, sizes))
    saved.save(tmp_path / "model")
    assert load(tmp_path / "model").score(TEXTS) == saved.score(TEXTS)


@pytest.mark.parametrize(("stage", "config"), cases("classify"))
def test_a_loaded_classifier_predicts_to_the_bit_as_the_saved_one(
    stage: str, config: dict[str, Any], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    sizes = {"vocab_size": tokenizer.vocab_size}
    if stage == "ngram":
        sizes |= {"bos": BOS, "eos": EOS, "unk": UNK}
        rows = tokenizer.encode_many(["나는 학교에서 공부한다", "we read books"] * 3)
        model: Any = NgramClassifier.fit(
            rows,
            [0, 1] * 3,
            config=NgramConfig.of(config),
            label_count=2,
            vocabulary=TokenIds(**sizes),
        )
    else:
        sizes |= {"label_count": 2}
        model = NeuralClassifier(network(stage, "classify", config, **sizes))
    info = _info("classify", stage, config, sizes)
    saved = Classifier(tokenizer, model, ("가", "나"), info, limit=32)
    saved.save(tmp_path / "model")
    assert load(tmp_path / "model").predict(TEXTS) == saved.predict(TEXTS)


@pytest.mark.parametrize(("stage", "config"), cases("translate"))
def test_a_loaded_translator_translates_to_the_bit_as_the_saved_one(
    stage: str, config: dict[str, Any], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    sizes = {"source_vocab": tokenizer.vocab_size, "target_vocab": tokenizer.vocab_size}
    made = network(stage, "translate", config, **sizes)
    info = _info("translate", stage, config, sizes)
    saved = Translator(tokenizer, tokenizer, made, info, limit=32)
    saved.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    for one, other in zip(saved.translate(TEXTS), loaded.translate(TEXTS), strict=True):
        assert (one.translation, one.logprob) == (other.translation, other.logprob)


def test_a_loaded_encoder_embeds_to_the_bit_as_the_saved_one(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    sizes = {"vocab_size": tokenizer.vocab_size}
    made = network("bert", "mlm", SMALL["bert"], **sizes)
    saved = Encoder(tokenizer, made, _info("mlm", "bert", SMALL["bert"], sizes), limit=32)
    saved.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.embed(TEXTS), saved.embed(TEXTS))
    assert loaded.fill("나는 <mask> 공부한다") == saved.fill("나는 <mask> 공부한다")
