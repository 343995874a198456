"""What language models train and predict with: softmaxes, dropout, documents, adaptation."""

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from munmaek.errors import ConfigError
from munmaek.fit.checkpoint import weights
from munmaek.fit.config import TrainConfig
from munmaek.fit.loop import fit
from munmaek.fit.running import Run
from munmaek.lm import fold_score
from munmaek.models.rnn import RnnClassifierNetwork, RnnConfig, RnnLanguageNetwork
from munmaek.models.rnn.adaptive_softmax import AdaptiveSoftmax, usual_cutoffs
from munmaek.models.rnn.networks import EmbeddingDropout
from munmaek.models.rnn.pooling import Pooling
from munmaek.nn.dropout import VariationalDropout
from munmaek.nn.embeddings import OutputLayer
from munmaek.nn.recurrent import Recurrent
from munmaek.nn.softmax import log_likelihood, sampled_log_likelihood
from munmaek.nn.tape import Tape
from munmaek.tasks.lm.adapting import trace_of
from munmaek.tasks.lm.cache import Cache, NeuralCache, cached_logprobs, tune_cache
from munmaek.tasks.lm.dynamic_evaluation import DynamicModel, Dynamics, mean_squares, tune_dynamics
from munmaek.tasks.lm.objective import (
    Activations,
    DocumentModelling,
    NeuralLanguageModel,
    stream_of,
)

pytestmark = pytest.mark.usefixtures("seeded")

V, BOS, EOS = 17, 2, 3


def network(**options):
    config = RnnConfig.of({"embedding": 8, "hidden": 10, "layers": 2, **options})
    return RnnLanguageNetwork(config, vocab_size=V)


def model(*, document=True, **options):
    return NeuralLanguageModel(network(**options).eval(), EOS if document else BOS, EOS, V)


# Softmaxes


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("rows", [1, 7, 300])
def test_the_fused_log_likelihood_is_cross_entropy_and_so_are_its_gradients(
    rows, smoothing, monkeypatch
):
    monkeypatch.setattr("munmaek.nn.softmax._PART", 40 * V)
    hidden = torch.randn(rows, 6, requires_grad=True)
    weight, bias = torch.randn(V, 6, requires_grad=True), torch.randn(V, requires_grad=True)
    gold = torch.randint(V, (rows,))
    logits = F.linear(hidden, weight, bias)
    wanted = -F.cross_entropy(logits, gold, reduction="sum", label_smoothing=smoothing)
    found = log_likelihood(hidden, weight, bias, gold, smoothing=smoothing)
    torch.testing.assert_close(found, wanted)
    for one, other in zip(
        torch.autograd.grad(found * 3, (hidden, weight, bias)),
        torch.autograd.grad(wanted * 3, (hidden, weight, bias)),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        again = log_likelihood(hidden, weight, bias, gold, smoothing=smoothing)
        torch.testing.assert_close(again, wanted)


def test_the_fused_log_likelihood_bears_scores_of_any_size():
    hidden = torch.tensor([[1000.0], [-1000.0]])
    weight, bias = torch.tensor([[1.0], [-1.0]]), torch.zeros(2)
    # Row 1 gives (1000, −1000), row 2 (−1000, 1000); the gold token 0 gets 0 and −2000 nats.
    assert float(log_likelihood(hidden, weight, bias, torch.tensor([0, 0]))) == -2000.0


@pytest.mark.parametrize("rows", [3, 40, 97])
def test_products_in_bfloat16_change_the_log_likelihood_little(rows, monkeypatch):
    # Parts of 8 rows, three of them held for one product.
    monkeypatch.setattr("munmaek.nn.softmax._PART", 8 * V)
    monkeypatch.setattr("munmaek.nn.softmax._HELD", 3 * 8 * V)
    hidden = torch.randn(rows, 8, requires_grad=True)
    weight, bias = torch.randn(V, 8, requires_grad=True), torch.zeros(V, requires_grad=True)
    gold = torch.randint(V, (rows,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = log_likelihood(hidden, weight, bias, gold)
    exact = log_likelihood(hidden, weight, bias, gold)
    torch.testing.assert_close(low, exact, rtol=0.01, atol=0.1)
    for one, other in zip(
        torch.autograd.grad(low, (hidden, weight, bias)),
        torch.autograd.grad(exact, (hidden, weight, bias)),
        strict=True,
    ):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=0.02, atol=0.1)


def test_a_sample_that_leaves_nothing_out_is_exact():
    hidden, weight, bias = torch.randn(9, 6), torch.randn(V, 6), torch.randn(V)
    gold = torch.randint(V, (9,))
    found = sampled_log_likelihood(hidden, weight, bias, gold, kept=5, sampled=V - 5)
    torch.testing.assert_close(found, log_likelihood(hidden, weight, bias, gold))


def test_tokens_sampled_in_an_order_of_their_own_are_those_renumbered():
    hidden, weight, bias = torch.randn(9, 6), torch.randn(V, 6), torch.randn(V)
    order, gold = torch.randperm(V), torch.randint(V, (9,))
    torch.manual_seed(1)
    found = sampled_log_likelihood(hidden, weight, bias, gold, kept=4, sampled=5, order=order)
    torch.manual_seed(1)
    renumbered = order.argsort()[gold]
    wanted = sampled_log_likelihood(
        hidden, weight[order], bias[order], renumbered, kept=4, sampled=5
    )
    torch.testing.assert_close(found, wanted)


def test_sampled_normalisers_are_right_in_the_mean():
    hidden, weight, bias = torch.randn(6, 4) / 3, torch.randn(V, 4), torch.zeros(V)
    gold = torch.tensor([0, 1, 5, 9, 14, 16])
    own = F.linear(hidden, weight)[torch.arange(6), gold].sum()
    exact = torch.exp((own - log_likelihood(hidden, weight, bias, gold)) / 6)
    drawn = [
        torch.exp((own - sampled_log_likelihood(hidden, weight, bias, gold, kept=4, sampled=6)) / 6)
        for _ in range(300)
    ]
    assert float(torch.stack(drawn).mean()) == pytest.approx(float(exact), rel=0.03)


def test_embeddings_are_read_as_they_are_where_they_are_not_scaled():
    plain, scaled = network(scaled_embeddings=False), network()
    ids = torch.tensor([[4, 5]])
    torch.testing.assert_close(plain.embedding(ids), plain.embedding.weight[ids])
    torch.testing.assert_close(scaled.embedding(ids), 8**0.5 * scaled.embedding.weight[ids])


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("adaptive", [False, True])
def test_an_output_layer_begins_as_a_unigram_model(tied, adaptive):
    layer = OutputLayer(8, V, tied=tied)
    if adaptive:
        layer = AdaptiveSoftmax(8, V, cutoffs=(4, 9), tied=tied)
    counts = torch.arange(V).flip(0) * 3
    layer.begin_with(counts)
    found = layer(torch.zeros(1, 8), torch.randn(V, 8)).softmax(-1)[0]
    # A count more for each: (48 + 1) / (3 · (0 + … + 16) + 17) and so on.
    torch.testing.assert_close(found, (counts + 1) / (3 * 136 + 17))


@pytest.mark.parametrize("tied", [True, False])
def test_the_adaptive_softmax_sums_to_one_and_its_likelihood_is_its_own(tied):
    layer, embedding = AdaptiveSoftmax(8, V, cutoffs=(4, 9), tied=tied), torch.randn(V, 8)
    nn.init.normal_(layer.clusters)
    nn.init.normal_(layer.bias)
    hidden, gold = torch.randn(3, 5, 8), torch.randint(V, (15,))
    scores = layer(hidden, embedding)
    torch.testing.assert_close(scores.exp().sum(-1), torch.ones(3, 5))
    wanted = scores.flatten(0, 1).gather(1, gold[:, None]).sum()
    torch.testing.assert_close(layer.log_likelihood(hidden.flatten(0, 1), gold, embedding), wanted)


def test_usual_cutoffs_leave_something_in_every_cluster():
    for size in (10, 5000, 33_278, 267_735):
        first, second = usual_cutoffs(size)
        assert 0 < first < second < size


def test_a_large_vocabulary_is_predicted_in_two_steps_and_a_small_one_in_one():
    # The networks are only made to be looked at.
    with torch.device("meta"):
        small = RnnLanguageNetwork(RnnConfig(), vocab_size=99_999)
        large = RnnLanguageNetwork(RnnConfig(), vocab_size=100_000)
    assert not isinstance(small.output, AdaptiveSoftmax)
    assert isinstance(large.output, AdaptiveSoftmax)


@pytest.mark.parametrize(
    "options",
    [{"softmax": "adaptive", "cutoffs": (5, 11)}, {"sampled": 6}, {"weight_dropout": 0.5}],
)
@pytest.mark.parametrize("document", [True, False])
def test_probabilities_sum_to_one_and_scores_are_the_fold(options, document):
    made = model(document=document, **options)
    ids = [5, 9, 16, 5, EOS, 7, 7, EOS]
    state = made.start()
    for token in ids:
        assert np.exp(made.logprobs(state)).sum() == pytest.approx(1.0)
        state = made.advance(state, token)
    np.testing.assert_allclose(made.score(ids), fold_score(made, ids), atol=1e-5)
    together = np.concatenate(made.score_document([ids[:5], ids[5:]]))
    np.testing.assert_allclose(together, fold_score(made, ids), atol=1e-5)


# Dropout


def test_a_dropout_mask_is_constant_over_time():
    ones = torch.ones(4, 9, 30)
    dropped = VariationalDropout(0.5)(ones)
    assert (dropped == dropped[:, :1]).all()
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert not (dropped[0] == dropped[1]).all()


def test_a_dropped_word_is_dropped_wherever_it_stands():
    ids = torch.randint(V, (4, 30))
    kept = EmbeddingDropout(0.5, vocab_size=V)(torch.ones(4, 30, 3), ids)
    for word in range(V):
        assert len(kept[ids == word].unique()) <= 1
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    layer = EmbeddingDropout(0.5, vocab_size=V).eval()
    assert (layer(torch.ones(4, 30, 3), ids) == 1).all()


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_dropped_recurrent_weights_are_the_same_at_every_step(cell):
    stack = Recurrent(cell, 5, 6, weight_dropout=0.5)
    inputs = torch.randn(2, 7, 5)
    torch.manual_seed(3)
    outputs, _ = stack(inputs)
    torch.manual_seed(3)
    layer = stack.stack[0]
    kept = F.dropout(layer.weights().hidden.detach(), 0.5)
    layer.weights().hidden.data.copy_(kept)
    torch.testing.assert_close(stack.eval()(inputs)[0], outputs)
    assert 0.2 < float((kept == 0).float().mean()) < 0.8


def test_every_weight_gets_a_gradient_through_dropped_weights():
    made = network(weight_dropout=0.4, embedding_dropout=0.1, dropout=0.3)
    hidden, _ = made(torch.randint(V, (3, 6)))
    made.log_likelihood(hidden.flatten(0, 1), torch.randint(V, (18,))).backward()
    assert all(p.grad is not None and p.grad.any() for p in made.parameters())


def test_activations_are_penalised_by_size_and_by_change():
    hidden = torch.tensor([[[1.0, 3.0], [3.0, 3.0], [9.0, 9.0]]])
    real = torch.tensor([[True, True, False]])
    # Sizes (1 + 9 + 9 + 9) / 4 = 7; changes (4 + 0) / 2 = 2; two predictions.
    assert float(Activations(0.5, 0.0).penalty(hidden, real, 2)) == 7.0
    assert float(Activations(0.0, 0.5).penalty(hidden, real, 2)) == 2.0
    assert Activations().penalty(hidden, real, 2) is None


# Documents


def document(rows=3, **options):
    rng = np.random.default_rng(0)
    sentences = [((rng.integers(5) + 2 * np.arange(6)) % 12 + 4).tolist() for _ in range(60)]
    stream = stream_of(sentences, EOS)
    return DocumentModelling(
        train=stream, valid=stream[:150], eos=EOS, rows=rows, length=12, **options
    )


def test_a_document_is_read_whole_and_in_order():
    task = document()
    for number in range(3):
        batches = list(task.epoch(number))
        assert [batch.first for batch in batches] == [True] + [False] * (len(batches) - 1)
        for one, other in pairwise(batches):
            assert (one.ids[:, -1] == other.ids[:, 0]).all()
        read = np.concatenate([batch.ids[:, 1:] for batch in batches], 1)
        assert (read.ravel() == task.train[: read.size]).all()
        assert read.size > len(task.train) - 3
        # Each row begins with what stands before it.
        assert batches[0].ids[:, 0].tolist() == [EOS, *read[:-1, -1].tolist()]
    sizes = [[batch.ids.shape[1] for batch in task.epoch(number)] for number in (0, 0, 1)]
    assert sizes[0] == sizes[1] != sizes[2]


def test_the_state_is_carried_from_stretch_to_stretch():
    made, task = network(dropout=0.0), document()
    batches = list(task.epoch(0))
    total = sum(float(task.loss(made, batch).total.detach()) for batch in batches)
    whole = np.concatenate([batches[0].ids, *(batch.ids[:, 1:] for batch in batches[1:])], 1)
    ids = torch.from_numpy(whole)
    hidden, _ = made(ids[:, :-1])
    wanted = -made.log_likelihood(hidden.flatten(0, 1), ids[:, 1:].flatten())
    assert total == pytest.approx(float(wanted.detach()), rel=1e-5)


@pytest.mark.parametrize("averaging", ["none", "triggered"])
def test_an_interrupted_document_goes_on_to_the_same_weights_to_the_bit(tmp_path, averaging):
    options = {"weight_dropout": 0.2, "embedding_dropout": 0.1, "sampled": 8}
    config = TrainConfig(steps=12, learning_rate=0.02, validations=4, averaging=averaging)

    def run(steps, **more):
        torch.manual_seed(0)
        made, left = network(**options), [steps]

        def stop():
            left[0] -= 1
            return left[0] == 0

        task = document(activations=Activations(2.0, 1.0))
        fit(made, task, config=config, run=Run(should_stop=stop, **more))
        return made.state_dict()

    wanted = run(0)
    for steps in (1, 4, 3):
        run(steps, folder=tmp_path, resume=True)
    found = run(0, folder=tmp_path, resume=True)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def child(folder, seconds):
    """Train in this process until it is killed, or to the end without ``seconds``."""
    torch.set_num_threads(1)
    if seconds:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, seconds)
    torch.manual_seed(0)
    made = network(weight_dropout=0.2, embedding_dropout=0.1, sampled=8)
    config = TrainConfig(
        steps=20, optimiser="sgd", momentum=0.9, learning_rate=0.3, schedule="one-cycle",
        averaging="triggered", trigger=1, validations=8, checkpoint_every=0.02,
    )  # fmt: skip
    task = document(activations=Activations(2.0, 1.0))
    fit(made, task, config=config, run=Run(folder=folder, resume=True))
    save_file(weights(made), folder / "result.safetensors")


KILLS = """
import os, random, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import test_language_networks
folder, killed = Path(sys.argv[2]), 0
(folder / "whole").mkdir()
(folder / "parts").mkdir()
def run(name, seconds):
    process = os.fork()
    if not process:
        test_language_networks.child(folder / name, seconds)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])
began = time.perf_counter()
run("whole", None)
lasted = time.perf_counter() - began
# The first comes early: on a busy machine a run may be shorter than the one that was timed.
for share in [0.1] + [random.uniform(0.1, 0.6) for _ in range(3)]:
    killed += run("parts", lasted * share)
run("parts", None)
print(killed)
"""


def test_a_document_killed_at_any_moment_goes_on_to_the_same_weights_to_the_bit(tmp_path):
    out = subprocess.run(
        [sys.executable, "-c", KILLS, str(Path(__file__).parent), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    assert int(out.stdout) >= 1
    wanted, found = (
        load_file(tmp_path / name / "result.safetensors") for name in ("whole", "parts")
    )
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_document_divides_into_rows_of_each_process():
    task = document(rows=4)
    parts = [task.part(rank, 2) for rank in (0, 1)]
    for whole, *shares in zip(*(each.epoch(1) for each in (task, *parts)), strict=True):
        assert (shares[0].ids == whole.ids[0::2]).all()
        assert (shares[1].ids == whole.ids[1::2]).all()
    with pytest.raises(ConfigError, match="4 cannot be divided evenly among 3 shards"):
        task.part(0, 3)


# Adapting to the text

TEXT = [[5, 9, 5, 9, EOS], [9, 5, 16, EOS], [5, 9, 5, EOS]]
FLAT = [token for ids in TEXT for token in ids]


@pytest.mark.parametrize("document", [True, False])
def test_a_cache_sums_to_one_and_its_scores_are_the_fold(document):
    cache = NeuralCache(model(document=document), Cache(size=5, sharpness=2.0, share=0.3), document)
    state = cache.start()
    for token in FLAT:
        assert np.exp(cache.logprobs(state)).sum() == pytest.approx(1.0)
        state = cache.advance(state, token)
    assert len(state.tokens) == 5
    np.testing.assert_allclose(cache.score(FLAT), fold_score(cache, FLAT), atol=1e-5)


def test_a_cache_remembers_what_followed():
    cache = NeuralCache(model(), Cache(share=0.5))
    state = cache.start()
    for token in (5, 9):
        state = cache.advance(state, token)
    plain = np.exp(cache.model.logprobs(state.inner))
    gained = np.exp(cache.logprobs(state)) - 0.5 * plain
    assert gained[[5, 9]].sum() == pytest.approx(0.5)


def test_a_cache_is_tuned_to_what_repeats_and_left_out_where_nothing_does():
    made = model()
    repeats = trace_of(made, [[5, 9, 12, 7] * 30], document=True)
    tuned = tune_cache(repeats, size=50)
    assert tuned.share == 0.3
    assert cached_logprobs(repeats, tuned).sum() > repeats.logprobs.sum()
    once = trace_of(made, [list(range(4, V))], document=True)
    assert tune_cache(once, size=50).share == 0.0


@pytest.mark.parametrize("document", [True, False])
def test_dynamic_evaluation_sums_to_one_and_its_scores_are_the_fold(document):
    made = model(document=document)
    before = {name: p.clone() for name, p in made.network.named_parameters()}
    squares = mean_squares(made, TEXT, document=document, length=3)
    dynamic = DynamicModel(made, squares, Dynamics(rate=0.01, back=0.1, length=3), document)
    state = dynamic.start()
    for token in FLAT:
        assert np.exp(dynamic.logprobs(state)).sum() == pytest.approx(1.0)
        state = dynamic.advance(state, token)
    np.testing.assert_allclose(dynamic.score(FLAT), fold_score(dynamic, FLAT), atol=1e-5)
    assert not np.allclose(dynamic.score(FLAT), made.score(FLAT))
    assert all(torch.equal(p, before[name]) for name, p in made.network.named_parameters())


def test_dynamic_evaluation_learns_what_repeats():
    made = model()
    text = [[5, 9, 12, 7] * 15]
    squares = mean_squares(made, text, document=True, length=5)
    dynamic = DynamicModel(made, squares, Dynamics(rate=0.0, back=0.0, length=5))
    np.testing.assert_allclose(dynamic.score(text[0]), made.score(text[0]), atol=1e-5)
    tuned = tune_dynamics(dynamic, text)
    assert tuned.rate == 1e-2
    better = DynamicModel(made, squares, tuned).score(text[0])
    assert better.sum() > made.score(text[0]).sum()


# The classifier

LENGTHS = torch.tensor([6, 2, 4])


def test_pooling_takes_what_its_name_says_and_no_padding():
    outputs, last = torch.randn(3, 6, 4), torch.randn(3, 4)
    assert torch.equal(Pooling("last", 4)(outputs, last, LENGTHS), last)
    highest = Pooling("max", 4)(outputs, last, LENGTHS)
    mean = Pooling("mean", 4)(outputs, last, LENGTHS)
    torch.testing.assert_close(highest[1], outputs[1, :2].amax(0))
    torch.testing.assert_close(mean[1], outputs[1, :2].mean(0))
    concat = Pooling("concat", 4)
    assert concat.size == 12
    torch.testing.assert_close(concat(outputs, last, LENGTHS), torch.cat([last, highest, mean], 1))
    tape = Tape()
    Pooling("attention", 4)(outputs, last, LENGTHS, tape=tape)
    torch.testing.assert_close(tape["pool.weights"].sum(1), torch.ones(3))
    assert (tape["pool.weights"][1, 2:] == 0).all()


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_classifier_begins_from_a_language_model(bidirectional):
    config = RnnConfig(embedding=8, hidden=10, layers=2, bidirectional=bidirectional)
    lm = RnnLanguageNetwork(config, vocab_size=V)
    classifier = RnnClassifierNetwork(config, vocab_size=V, label_count=3)
    classifier.begin_from(lm)
    assert torch.equal(classifier.embedding.weight, lm.embedding.weight)
    for own, other in zip(classifier.recurrent.onward(), lm.recurrent.stack, strict=True):
        assert torch.equal(own.weights().hidden, other.weights().hidden)
        width = other.weights().inputs.shape[1]
        assert torch.equal(own.weights().inputs[:, :width], other.weights().inputs)
    named = [id(p) for layer in classifier.layers() for p in layer]
    assert sorted(named) == sorted(id(p) for p in classifier.parameters())
    assert len(classifier.layers()) == 4
    shallow = RnnLanguageNetwork(RnnConfig(embedding=8, hidden=10), vocab_size=V)
    with pytest.raises(RuntimeError, match="another number of layers"):
        classifier.begin_from(shallow)
