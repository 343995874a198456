"""What self-attention, the Transformer and BERT hold, each against its own slow twin."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munmaek.errors import ArtefactError, ConfigError, InputError
from munmaek.models.bert import BertClassifierNetwork, BertConfig, BertMaskedNetwork, load_encoder
from munmaek.models.bert.huggingface import from_huggingface, to_huggingface
from munmaek.models.bert.huggingface_config import bert_config, huggingface_config
from munmaek.models.self_attention import (
    SelfAttentionClassifierNetwork,
    SelfAttentionConfig,
    SelfAttentionLanguageNetwork,
)
from munmaek.models.transformer import (
    TransformerClassifierNetwork,
    TransformerConfig,
    TransformerLanguageNetwork,
    TransformerTranslatorNetwork,
)
from munmaek.nn.embeddings import sinusoids
from munmaek.nn.state import select_rows
from munmaek.nn.tape import Tape

pytestmark = pytest.mark.usefixtures("seeded")

V = 23
SELF = SelfAttentionConfig(dimension=16)
PRE = TransformerConfig(dimension=16, heads=4, layers=2, feed_forward=32)
POST = PRE.model_copy(update={"norm_first": False, "tie_embeddings": False})
BERT = BertConfig(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=32,
    max_position_embeddings=12,
    initializer_range=0.3,
)

LANGUAGE = {
    "self-attention": lambda: SelfAttentionLanguageNetwork(SELF, vocab_size=V),
    "pre-norm": lambda: TransformerLanguageNetwork(PRE, vocab_size=V),
    "post-norm": lambda: TransformerLanguageNetwork(POST, vocab_size=V),
}
CLASSIFY = {
    "self-attention": lambda: SelfAttentionClassifierNetwork(SELF, vocab_size=V, label_count=3),
    "pre-norm": lambda: TransformerClassifierNetwork(PRE, vocab_size=V, label_count=3),
    "post-norm": lambda: TransformerClassifierNetwork(POST, vocab_size=V, label_count=3),
    "bert": lambda: BertClassifierNetwork(BERT, vocab_size=V, label_count=3),
}
TRANSLATE = {
    "pre-norm": lambda: TransformerTranslatorNetwork(PRE, source_vocab=V, target_vocab=V + 2),
    "post-norm": lambda: TransformerTranslatorNetwork(POST, source_vocab=V, target_vocab=V + 2),
}

language = pytest.mark.parametrize("make", LANGUAGE.values(), ids=LANGUAGE)
classify = pytest.mark.parametrize("make", CLASSIFY.values(), ids=CLASSIFY)
translate = pytest.mark.parametrize("make", TRANSLATE.values(), ids=TRANSLATE)


def tokens(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(0, V, shape, generator=torch.Generator().manual_seed(seed))


def ready(make: Callable[[], Any]) -> Any:
    """A network in evaluation mode, its biases and norms away from their first values."""
    network: nn.Module = make()
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.05 * torch.randn_like(weight)
    return network.eval()


def close(one: Tensor, two: Tensor, within: float = 1e-5) -> None:
    torch.testing.assert_close(one, two, atol=within, rtol=1e-5)


# --- language models ---


@language
def test_step_by_step_equals_one_long_call(make: Callable[[], Any]) -> None:
    network, ids = ready(make), tokens(3, 7)
    whole, last = network(ids)
    state, columns = network.begin(3), []
    for column in ids.split(1, dim=1):
        hidden, state = network(column, state)
        columns.append(hidden)
    close(torch.cat(columns, dim=1), whole)
    first, middle = network(ids[:, :3])
    close(network(ids[:, 3:], middle)[0], whole[:, 3:])
    close(torch.cat([first, whole[:, 3:]], dim=1), whole)
    assert network.logits(whole).shape == (3, 7, V)
    close(network(ids[:, :1], state)[0], network(ids[:, :1], last)[0])


@language
def test_the_past_does_not_depend_on_the_future(make: Callable[[], Any]) -> None:
    network, ids = ready(make), tokens(2, 8)
    changed = ids.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % V
    before, after = network(ids)[0], network(changed)[0]
    close(before[:, :5], after[:, :5], 1e-6)
    assert not torch.allclose(before[:, 5:], after[:, 5:])


@language
def test_every_token_reaches_the_last_prediction(make: Callable[[], Any]) -> None:
    network, ids, tape = ready(make), tokens(1, 6), Tape()
    hidden, _ = network(ids, tape=tape)
    (grad,) = torch.autograd.grad(network.logits(hidden[:, -1]).square().sum(), tape["embedding"])
    assert (grad.norm(dim=-1) > 0).all()


@language
def test_a_batch_of_sentences_equals_each_alone(make: Callable[[], Any]) -> None:
    network, ids = ready(make), tokens(4, 6)
    whole, _ = network(ids)
    for row in range(4):
        close(network(ids[row : row + 1])[0], whole[row : row + 1])


@language
def test_rows_of_a_state_can_be_chosen(make: Callable[[], Any]) -> None:
    network, ids = ready(make), tokens(3, 4)
    rows, more = torch.tensor([2, 2, 0, 1]), tokens(4, 2, seed=1)
    _, state = network(ids)
    got, _ = network(more, select_rows(state, rows))
    close(got, network(torch.cat([ids[rows], more], dim=1))[0][:, 4:])


@language
def test_the_tape_changes_no_hidden_state(make: Callable[[], Any]) -> None:
    network, ids, tape = ready(make), tokens(3, 6), Tape()
    quiet, looked = network(ids)[0], network(ids, tape=tape)[0]
    assert quiet.shape == looked.shape
    close(quiet, looked, 2e-6)
    names = tape.names("self.weights")
    assert names
    for name in names:
        weights = tape[name]
        assert weights.shape[0] == 3
        assert weights.shape[2:] == (6, 6)
        close(weights.sum(-1), torch.ones(weights.shape[:3]))
        assert not weights.triu(1).any()


@language
def test_bf16_autocast_stays_near_and_keeps_the_state_usable(make: Callable[[], Any]) -> None:
    network, ids = ready(make), tokens(2, 6)
    whole, _ = network(ids)
    with torch.autocast("cpu", torch.bfloat16):
        low, state = network(ids)
        first, state = network(ids[:, :1], network.begin(2))
        second, state = network(ids[:, 1:2], state)
        network(ids, tape=Tape())
    assert (low.float() - whole).abs().max() < 0.15
    close(torch.cat([first, second], dim=1).float(), whole[:, :2], 0.15)
    after, _ = network(ids[:, 2:3], state)  # a state made in bf16 goes on in float32
    close(after, whole[:, 2:3], 0.15)


@language
def test_a_text_longer_than_the_ready_positions_still_goes_through(
    make: Callable[[], Any],
) -> None:
    network, ids = ready(make), tokens(1, 600)
    with torch.no_grad():
        whole, _ = network(ids)
        _, state = network(ids[:, :520])
        close(network(ids[:, 520:], state)[0], whole[:, 520:], 1e-4)


# --- classifiers ---


@classify
def test_padding_and_company_change_no_label_score(make: Callable[[], Any]) -> None:
    network, lengths = ready(make), torch.tensor([7, 3, 1, 5])
    ids = tokens(4, 7)
    whole = network(ids, lengths)
    assert whole.shape == (4, 3)
    for row, length in enumerate(lengths.tolist()):
        alone = network(ids[row : row + 1, :length], lengths[row : row + 1])
        close(alone, whole[row : row + 1])
    changed = ids.clone()
    changed[1, 3:] = 0
    close(network(changed, lengths), whole)


@classify
def test_the_tape_changes_no_label_score(make: Callable[[], Any]) -> None:
    network, lengths, tape = ready(make), torch.tensor([6, 2]), Tape()
    ids = tokens(2, 6)
    close(network(ids, lengths), network(ids, lengths, tape=tape), 2e-6)
    for name in tape.names("self.weights"):
        close(tape[name].sum(-1), torch.ones(tape[name].shape[:3]))
        assert not tape[name][1, :, :, 2:].any()


@classify
def test_an_empty_row_has_finite_scores_and_gradients(make: Callable[[], Any]) -> None:
    network = ready(make)
    scores = network(tokens(2, 3), torch.tensor([3, 0]))
    scores.square().sum().backward()
    assert scores.isfinite().all()
    grads = [weight.grad for weight in network.parameters() if weight.grad is not None]
    assert all(grad.isfinite().all() for grad in grads)


@classify
def test_word_order_matters(make: Callable[[], Any]) -> None:
    network, ids = ready(make), torch.tensor([[1, 2, 3, 4]])
    size = torch.tensor([4])
    assert not torch.allclose(network(ids, size), network(ids.flip(1), size), atol=1e-5)


# --- translators ---


@translate
def test_a_step_equals_a_column_of_decode(make: Callable[[], Any]) -> None:
    network, lengths = ready(make), torch.tensor([5, 2, 4])
    memory, target = network.encode(tokens(3, 5), lengths), tokens(3, 6, seed=1)
    whole = network.decode(memory, target)
    state = network.begin(memory)
    for column in range(6):
        hidden, state = network.step(memory, state, target[:, column])
        close(hidden, whole[:, column])
    assert network.logits(whole).shape == (3, 6, V + 2)


@translate
def test_padding_of_the_source_changes_nothing(make: Callable[[], Any]) -> None:
    network, lengths = ready(make), torch.tensor([5, 2, 4])
    source, target = tokens(3, 5), tokens(3, 4, seed=1)
    whole = network.decode(network.encode(source, lengths), target)
    for row, length in enumerate(lengths.tolist()):
        memory = network.encode(source[row : row + 1, :length], lengths[row : row + 1])
        close(network.decode(memory, target[row : row + 1]), whole[row : row + 1])


@translate
def test_memory_and_state_follow_chosen_rows(make: Callable[[], Any]) -> None:
    network, lengths, rows = ready(make), torch.tensor([5, 2]), torch.tensor([1, 0, 1])
    memory, target = network.encode(tokens(2, 5), lengths), tokens(2, 3, seed=1)
    state = network.begin(memory)
    for column in range(2):
        _, state = network.step(memory, state, target[:, column])
    kept = select_rows(memory, rows), select_rows(state, rows)
    got, _ = network.step(*kept, target[rows, 2])
    close(got, network.decode(memory, target)[rows, 2])


@translate
def test_alignment_rows_sum_to_one_and_leave_padding_out(make: Callable[[], Any]) -> None:
    network, lengths, tape = ready(make), torch.tensor([5, 2]), Tape()
    memory = network.encode(tokens(2, 5), lengths, tape=tape)
    target = tokens(2, 4, seed=1)
    close(network.decode(memory, target, tape=tape), network.decode(memory, target), 2e-6)
    alignment = network.alignment(tape)
    assert alignment.shape == (2, 4, 5)
    close(alignment.sum(-1), torch.ones(2, 4))
    assert not alignment[1, :, 2:].any()
    step = Tape()
    network.step(memory, network.begin(memory), target[:, 0], tape=step)
    close(network.alignment(step), alignment[:, :1])
    assert tape.names("encoder.layer.1.self.weights")


@translate
def test_the_target_past_does_not_depend_on_its_future(make: Callable[[], Any]) -> None:
    network, target = ready(make), tokens(2, 6, seed=1)
    memory = network.encode(tokens(2, 5), torch.tensor([5, 2]))
    changed = target.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % V
    close(network.decode(memory, target)[:, :4], network.decode(memory, changed)[:, :4], 1e-6)


def test_the_alignment_layer_is_the_last_but_one_unless_chosen() -> None:
    def aligned(**options: int) -> Tensor:
        network = TransformerTranslatorNetwork(
            PRE.model_copy(update=options), source_vocab=V, target_vocab=V
        ).eval()
        tape = Tape()
        network.decode(network.encode(tokens(1, 4), torch.tensor([4])), tokens(1, 3), tape=tape)
        depth = len(network.decoder.layers)
        layers = [tape[f"decoder.layer.{n}.cross.weights"].mean(dim=1) for n in range(depth)]
        found = [n for n, layer in enumerate(layers) if layer.equal(network.alignment(tape))]
        return torch.tensor(found)

    assert aligned(decoder_layers=3).tolist() == [1]
    assert aligned(decoder_layers=1).tolist() == [0]
    assert aligned(decoder_layers=3, alignment_layer=-1).tolist() == [2]


def test_a_post_norm_layer_equals_torch() -> None:
    """Weights copied into ``torch.nn.TransformerEncoderLayer``, output compared."""
    network = ready(LANGUAGE["post-norm"])
    layer = network.stack.layers[0]
    twin = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True).eval()
    theirs = {
        "self_attn.in_proj_weight": layer.attention.qkv.weight,
        "self_attn.in_proj_bias": layer.attention.qkv.bias,
        "self_attn.out_proj.weight": layer.attention.output.weight,
        "self_attn.out_proj.bias": layer.attention.output.bias,
        "linear1.weight": layer.feed_forward.inner.weight,
        "linear1.bias": layer.feed_forward.inner.bias,
        "linear2.weight": layer.feed_forward.outer.weight,
        "linear2.bias": layer.feed_forward.outer.bias,
        "norm1.weight": layer.attention_residual.norm.weight,
        "norm1.bias": layer.attention_residual.norm.bias,
        "norm2.weight": layer.feed_forward_residual.norm.weight,
        "norm2.bias": layer.feed_forward_residual.norm.bias,
    }
    twin.load_state_dict(theirs)
    x = torch.randn(2, 5, 16)
    close(layer(x)[0], twin(x))
    for part in (layer.attention_residual, layer.feed_forward_residual):
        part.norm_first = True
    twin.norm_first = True
    twin.train()  # the fast path of evaluation knows no pre-norm; without dropout it is the same
    close(layer(x)[0], twin(x))


def test_positions_can_be_learned_and_have_an_end() -> None:
    config = PRE.model_copy(update={"learned_positions": 6})
    network = ready(lambda: TransformerTranslatorNetwork(config, source_vocab=V, target_vocab=V))
    memory, target = network.encode(tokens(2, 5), torch.tensor([5, 3])), tokens(2, 6, seed=1)
    whole, state = network.decode(memory, target), network.begin(memory)
    for column in range(6):
        hidden, state = network.step(memory, state, target[:, column])
        close(hidden, whole[:, column])
    with pytest.raises(InputError, match="text of 7 tokens is longer than the model's 6 positions"):
        network.step(memory, state, target[:, 0])


# --- BERT ---


def masked() -> BertMaskedNetwork:
    return ready(lambda: BertMaskedNetwork(BERT, vocab_size=V))


def test_chosen_positions_score_as_they_do_among_all() -> None:
    network, lengths = masked(), torch.tensor([6, 4])
    hidden = network(tokens(2, 6), lengths)
    everywhere = network.logits(hidden)
    chosen = torch.tensor([1, 3, 8])
    close(network.logits(hidden.flatten(0, 1)[chosen]), everywhere.flatten(0, 1)[chosen])


def test_bert_sees_both_sides_and_no_padding() -> None:
    network, ids, tape = masked(), tokens(2, 6), Tape()
    hidden = network(ids, torch.tensor([6, 4]), tape=tape)
    close(network(ids[1:, :4], torch.tensor([4])), hidden[1:, :4])
    close(network(ids, torch.tensor([6, 4])), hidden, 2e-6)
    weights = tape["layer.1.self.weights"]
    assert (weights[0] > 0).all()
    assert not weights[1, :, :, 4:].any()
    close(weights.sum(-1), torch.ones(2, 4, 6))


def test_fresh_weights_have_the_configured_deviation_and_positions_begin_as_sinusoids() -> None:
    network = BertMaskedNetwork(
        BERT.model_copy(update={"hidden_size": 64, "max_position_embeddings": 64}), vocab_size=200
    )
    assert network.encoder.word_embeddings.weight.std().item() == pytest.approx(0.3, rel=0.05)
    positions = network.encoder.position_embeddings.table.weight
    # The mean square of a sine and its cosine is 1/2, so √2 gives deviation 1, then times 0.3.
    close(positions, sinusoids(0, 64, 64) * 2**0.5 * 0.3)
    assert positions.square().mean().sqrt().item() == pytest.approx(0.3, rel=1e-4)


def test_segments_change_the_vectors_and_segment_zero_is_the_default() -> None:
    network, ids, size = masked(), tokens(1, 4), torch.tensor([4])
    none, zeros = torch.zeros_like(ids), network.encoder(ids, size)
    close(network.encoder(ids, size, types=none), zeros)
    assert not torch.allclose(network.encoder(ids, size, types=none + 1), zeros, atol=1e-4)


def test_a_text_longer_than_berts_positions_is_refused() -> None:
    with pytest.raises(InputError, match="text of 13 tokens is longer than the model's 12"):
        masked()(tokens(1, 13), torch.tensor([13]))


def test_a_pre_trained_encoder_moves_to_the_classifier() -> None:
    pretrained, classifier = masked(), ready(CLASSIFY["bert"])
    load_encoder(classifier, pretrained.state_dict())
    ids, size = tokens(2, 5), torch.tensor([5, 3])
    close(classifier.encoder(ids, size), pretrained(ids, size), 0.0)


def test_an_encoder_of_another_shape_is_refused_by_name_and_changes_nothing() -> None:
    other = BertMaskedNetwork(BERT, vocab_size=V + 1).state_dict()
    classifier = ready(CLASSIFY["bert"])
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    with pytest.raises(ArtefactError, match=r"word_embeddings.weight' has shape \(24, 16\), \(23,"):
        load_encoder(classifier, other)
    deeper = BertMaskedNetwork(BERT.model_copy(update={"num_hidden_layers": 3}), vocab_size=V)
    with pytest.raises(ArtefactError, match=r"layers\.2\..* is not part of this configuration"):
        load_encoder(classifier, deeper.state_dict())
    with pytest.raises(ArtefactError, match="is missing"):
        load_encoder(classifier, {})
    assert all(before[name].equal(value) for name, value in classifier.state_dict().items())


@pytest.mark.parametrize("make", [masked, CLASSIFY["bert"]], ids=["mlm", "classify"])
def test_weights_come_back_from_hugging_faces_names(make: Callable[[], Any]) -> None:
    ours = make().state_dict()
    theirs = to_huggingface(ours)
    query = theirs["bert.encoder.layer.1.attention.self.query.weight"]
    assert query.equal(ours["encoder.layers.1.attention.qkv.weight"][:16])
    back = from_huggingface(theirs)
    assert back.keys() == ours.keys()
    assert all(back[name].equal(ours[name]) for name in ours)


def test_checkpoints_of_other_forms_are_read() -> None:
    ours = masked().state_dict()
    theirs = to_huggingface(ours)
    tied = {
        **theirs,
        "cls.predictions.decoder.weight": theirs["bert.embeddings.word_embeddings.weight"].clone(),
        "cls.seq_relationship.weight": torch.zeros(2, 16),
        "bert.embeddings.position_ids": torch.arange(12)[None],
    }
    assert from_huggingface(tied).keys() == ours.keys()
    old = {
        name.removeprefix("bert.").replace("LayerNorm.weight", "LayerNorm.gamma"): value
        for name, value in theirs.items()
        if name.startswith("bert.")
    }
    encoder = {name for name in ours if name.startswith("encoder.")}
    assert from_huggingface(old).keys() == encoder


def test_checkpoints_that_do_not_fit_are_refused_by_name() -> None:
    theirs = to_huggingface(masked().state_dict())
    with pytest.raises(ArtefactError, match=r"bert\.extra\.weight' belongs to no Bert"):
        from_huggingface({**theirs, "bert.extra.weight": torch.zeros(1)})
    with pytest.raises(ArtefactError, match="does not say tie_word_embeddings"):
        from_huggingface({**theirs, "cls.predictions.decoder.weight": torch.zeros(V, 16)})
    key = "bert.encoder.layer.0.attention.self.key.bias"
    partial = {name: value for name, value in theirs.items() if name != key}
    with pytest.raises(ArtefactError, match=r"layer\.0\.attention\.self\.key\.bias' is missing"):
        from_huggingface(partial)


def test_the_configuration_goes_to_hugging_faces_form_and_back() -> None:
    values = huggingface_config(
        BERT, vocab_size=V, architecture="BertForSequenceClassification", labels=["no", "yes"]
    )
    assert values["id2label"] == {"0": "no", "1": "yes"}
    assert values["model_type"] == "bert"
    assert bert_config(values) == BERT
    with pytest.raises(ArtefactError, match=r"x\.json: model_type 'gpt2' is not one"):
        bert_config({"model_type": "gpt2"}, where="x.json")
    assert bert_config({"model_type": "bert"}).num_hidden_layers == 12


# --- configurations ---


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ConfigError, match="heads = 3: must divide dimension = 256"):
        TransformerConfig.of({"heads": 3})
    with pytest.raises(ConfigError, match="must divide hidden_size = 256"):
        BertConfig.of({"num_attention_heads": 7})
    with pytest.raises(ConfigError, match=r"alignment_layer = 3: .*within -3 and 2"):
        TransformerConfig.of({"alignment_layer": 3})
    with pytest.raises(ConfigError, match="dropout"):
        SelfAttentionConfig.of({"dropout": 1.0})


# --- learning ---


def train(network: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float) -> float:
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate)
    value = torch.tensor(0.0)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 20)
        optimiser.zero_grad()
        value = loss()
        value.backward()
        optimiser.step()
    return value.item()


def still(config: Any, **more: Any) -> Any:
    """The configuration without dropout."""
    return config.model_copy(
        update={name: 0.0 for name in type(config).model_fields if "dropout" in name} | more
    )


@pytest.mark.parametrize("stage", ["self-attention", "pre-norm", "post-norm"])
def test_a_language_network_memorises(stage: str) -> None:
    made: Any = {
        "self-attention": lambda: SelfAttentionLanguageNetwork(still(SELF), vocab_size=V),
        "pre-norm": lambda: TransformerLanguageNetwork(still(PRE), vocab_size=V),
        "post-norm": lambda: TransformerLanguageNetwork(still(POST), vocab_size=V),
    }[stage]()
    ids = tokens(4, 9)
    ids[:, 0] = torch.arange(4)

    def loss() -> Tensor:
        logits = made.logits(made(ids[:, :-1])[0])
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    assert train(made, loss, 150, 0.01) < 0.05


def test_a_translator_learns_to_reverse() -> None:
    network = TransformerTranslatorNetwork(
        still(PRE, dimension=32, feed_forward=64), source_vocab=V, target_vocab=V
    )
    generator = torch.Generator().manual_seed(0)

    def batch() -> tuple[Tensor, Tensor]:
        source = torch.randint(1, 10, (32, 4), generator=generator)
        return source, F.pad(source.flip(1), (1, 0))

    def loss() -> Tensor:
        source, target = batch()
        memory = network.encode(source, torch.full((32,), 4))
        logits = network.logits(network.decode(memory, target[:, :-1]))
        return F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten())

    assert train(network, loss, 400, 0.005) < 0.1


def test_bert_fills_a_mask_from_both_sides() -> None:
    """A masked word equals its left neighbour plus its right one, so neither side suffices."""
    network = BertMaskedNetwork(
        still(BERT, initializer_range=0.1, hidden_size=32, intermediate_size=64), vocab_size=V
    )
    generator = torch.Generator().manual_seed(0)

    def loss() -> Tensor:
        sides = torch.randint(0, 5, (64, 2), generator=generator)
        ids = torch.stack([sides[:, 0], torch.full((64,), V - 1), 10 + sides[:, 1]], dim=1)
        hidden = network(ids, torch.full((64,), 3))
        return F.cross_entropy(network.logits(hidden[:, 1]), sides.sum(1))

    assert train(network, loss, 300, 0.003) < 0.05
