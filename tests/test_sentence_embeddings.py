"""Embeddings trained contrastively: the loss, the data, the command, and long texts."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munmaek.cli import main
from munmaek.errors import ConfigError, InputError
from munmaek.metrics import sign
from munmaek.metrics.retrieval import retrieval_ranks, retrieval_scores
from munmaek.models.bert import BertBaseNetwork, BertConfig
from munmaek.pipeline import train_recipe
from munmaek.tasks.embed.objective import Contrastive, PairRows, cosines
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.model import Encoded
from munmaek.tasks.publishing import export_huggingface
from munmaek.tasks.recipe import Recipe
from munmaek.text.pairs import PairCorpus, are_scored, read_pairs

TINY = BertConfig(
    hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48,
    initializer_range=0.1, max_position_embeddings=32,
)  # fmt: skip
ROWS = [[2, *range(5 + n, 8 + n + n % 3), 3] for n in range(12)]
OTHERS = [[2, 20 + n, 3] for n in range(12)]


def network(dropout: float = 0.0) -> BertBaseNetwork:
    torch.manual_seed(0)
    config = TINY.model_copy(update={"hidden_dropout_prob": dropout})
    return BertBaseNetwork(config, vocab_size=40, pooled=False)


def task(seconds: Any = OTHERS, **more: Any) -> Contrastive:
    data = PairRows(ROWS, seconds)
    return Contrastive(data, data, batch=5, **more)


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_the_loss_is_that_of_each_own_second_among_all(pooling: Any) -> None:
    model, some = network().eval(), task(pooling=pooling)
    batch = some.epoch(0)[0]

    def vector(row: np.ndarray, length: int) -> torch.Tensor:
        hidden = model(torch.tensor(row[None, :length]), torch.tensor([length]))[0]
        chosen = hidden.mean(0) if pooling == "mean" else hidden[0]
        return chosen / chosen.norm()

    vectors = [vector(r, int(n)) for r, n in zip(batch.ids, batch.lengths, strict=True)]
    first, second = torch.stack(vectors[:5]), torch.stack(vectors[5:])
    wanted = -(first @ second.T / 0.05).log_softmax(1).diagonal().sum()
    torch.testing.assert_close(some.loss(model, batch).total, wanted, atol=1e-4, rtol=1e-4)


def test_texts_without_pairs_are_their_own_seconds_under_other_dropout() -> None:
    some = task(None)
    batch = some.epoch(0)[0]
    assert np.array_equal(batch.ids[:5], batch.ids[5:])
    model = network(dropout=0.3)
    hidden = model.train()(torch.tensor(batch.ids), torch.tensor(batch.lengths))
    assert not torch.allclose(hidden[:5], hidden[5:])
    # Validated under dropout, yet always alike, and the generator goes on as if nothing was.
    model.eval()
    torch.manual_seed(7)
    one, two = some.validate(model), some.validate(model)
    drawn = torch.rand(1)
    torch.manual_seed(7)
    assert one == two
    assert drawn == torch.rand(1)
    assert not model.training


def test_equal_second_texts_are_no_negatives_of_each_other() -> None:
    alike = [OTHERS[0]] * 12
    model = network().eval()
    some = task(alike)
    assert float(some.loss(model, some.epoch(0)[0]).total.detach()) == pytest.approx(0.0, abs=1e-5)


def test_every_pair_comes_once_a_pass_and_a_last_one_alone_is_left_out() -> None:
    data = PairRows(ROWS[:11], OTHERS[:11])
    batches = list(Contrastive(data, data, batch=5).epoch(3))
    assert [len(batch.kinds) for batch in batches] == [5, 5]
    seen = [
        tuple(row[:n]) for b in task().epoch(1) for row, n in zip(b.ids, b.lengths, strict=True)
    ]
    assert sorted(seen) == sorted(map(tuple, [*ROWS, *OTHERS]))


def test_validation_pairs_with_values_are_ranked() -> None:
    model = network().eval()
    found = cosines(model, PairRows(ROWS, OTHERS), "mean")
    best = Contrastive(PairRows(ROWS), PairRows(ROWS, OTHERS, found))
    worst = Contrastive(PairRows(ROWS), PairRows(ROWS, OTHERS, -found))
    assert best.validate(model) == pytest.approx(0.0, abs=1e-12)
    assert worst.validate(model) == pytest.approx(2.0, abs=1e-12)


def test_the_rank_of_the_own_text_counts_what_is_nearer_but_not_its_twins() -> None:
    texts = np.array([[1, 0], [0, 1], [0.9, 0.1], [1, 0]], dtype=np.float32)
    queries = np.array([[1, 0], [1, 0], [1, 0], [0.9, 0]], dtype=np.float32)
    kinds = np.array([0, 1, 2, 0])
    ranks = retrieval_ranks(queries, texts, kinds, block=3)
    assert ranks.tolist() == [1, 4, 3, 1]
    scores = retrieval_scores(ranks, signature=sign(task="embed", stage="bert"))
    assert scores["retrieval_accuracy"].value == 0.5
    assert scores["mean_reciprocal_rank"].value == pytest.approx((1 + 1 / 4 + 1 / 3 + 1) / 4)
    assert scores["retrieval_accuracy"].signature.get("among") == "4"


def test_pairs_are_read_with_and_without_values(tmp_path: Path) -> None:
    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    sts = written("sts.tsv", "id\tscore\tsentence1\tsentence2\n1\t4.5\t가\t나\n2\t1\t다\t라\n")
    assert are_scored(sts)
    both = read_pairs([sts])
    assert (both.firsts, both.seconds, both.values) == (("가", "다"), ("나", "라"), (4.5, 1.0))
    assert both.at_least(4) == PairCorpus("sts.tsv", ("가",), ("나",))
    with pytest.raises(InputError, match="no pair has a score of 6"):
        both.at_least(6)
    three = written("three.csv", '가,"나,나",3\n다,라,1\n')
    assert read_pairs([three]).values == (3.0, 1.0)
    two = written("two.tsv", "가\t나\n다\t라\n")
    assert not are_scored(two)
    assert read_pairs([two]) == PairCorpus("two.tsv", ("가", "다"), ("나", "라"))
    with pytest.raises(InputError, match="has no column score"):
        read_pairs([two]).at_least(1)
    lines = written("pairs.jsonl", '{"query": "가", "positive": "나"}\n')
    assert read_pairs([lines]).seconds == ("나",)
    with pytest.raises(InputError, match="line 2: one text of the pair is empty"):
        read_pairs([written("empty.tsv", "가\t나\n\t라\n")])
    with pytest.raises(InputError, match="a number is wanted as the value, got 'x'"):
        read_pairs([written("bad.tsv", "score\tsentence1\tsentence2\nx\t가\t나\n")])


def test_a_fingerprint_of_pairs_is_of_their_content_alone() -> None:
    pairs = PairCorpus("a.tsv", ("가", "나"), ("다", "라"), (1.0, 0.5))
    # Each column is its number of rows, a line end, and the rows with line ends between them.
    content = "2\n가\n나" + "2\n다\n라" + "2\n1.0\n0.5"
    assert pairs.fingerprint == hashlib.sha256(content.encode()).hexdigest()
    assert replace(pairs, name="b.csv").fingerprint == pairs.fingerprint
    others = [
        replace(pairs, values=None),
        replace(pairs, values=(1.0, 0.25)),
        replace(pairs, firsts=pairs.seconds, seconds=pairs.firsts),
        pairs.chosen([1, 0], name="a.tsv"),
    ]
    assert len({pairs.fingerprint, *(each.fingerprint for each in others)}) == 5


NOUNS = ["학교", "집", "산", "바다", "시장", "공원", "가게", "도서관"]
TEXTS = [f"{who} {noun}에 {verb}" for noun in NOUNS for who in ("나는", "너는") for verb in
         ("간다", "있다", "산다")]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedding")
    (folder / "text.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    pairs = [f"나는 {noun}에 간다\t{noun}에 내가 있다" for noun in NOUNS]
    (folder / "pairs.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    sts = [
        f"{5 if a == b else 1}\t나는 {a}에 간다\t너는 {b}에 산다" for a in NOUNS for b in NOUNS[:3]
    ]
    (folder / "sts.tsv").write_text(
        "score\tsentence1\tsentence2\n" + "\n".join(sts) + "\n", encoding="utf-8"
    )
    (folder / "short.toml").write_text(
        "batch_size = 8\n[train]\nsteps = 40\nlearning_rate = 3e-3\n", encoding="utf-8"
    )
    recipe = Recipe(  # of 256 tokens, though there are positions for 32
        task="mlm", stage="bert", vocab_size=300, model=TINY.model_dump(), train={"steps": 2}
    )
    train_recipe(recipe, [folder / "text.txt"], folder=folder / "bert")
    return folder


def test_texts_alone_train_embeddings_that_search_and_embed_use(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(place / "texts")
    command = ["train", "embed", str(place / "text.txt"), "--model", "bert", "--init",
               str(place / "bert"), "--valid", str(place / "sts.tsv"), "-o", out,
               "--config", str(place / "short.toml"), "--json"]  # fmt: skip
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    score = found["scores"]["spearman"]
    assert found["task"] == "embed"
    assert score["value"] > 0.3
    assert score.pop("role") == "validation, which also chose the weights"
    assert score.pop("roles") == ["validation", "weights"]
    assert "pooling:mean" in score["signature"]
    assert main(["evaluate", out, str(place / "sts.tsv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["spearman"] == score
    model: Any = load(out)
    assert model.normalised
    vectors = model.embed(TEXTS[:3])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert main(["search", out, str(place / "text.txt"), TEXTS[5], "--top", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == TEXTS[5]
    assert main(["embed", out, str(place / "text.txt"), "-o", str(place / "v.npy")]) == 0
    np.testing.assert_allclose(np.load(place / "v.npy")[:3], vectors, atol=1e-6)
    export_huggingface(model, place / "theirs")
    again: Any = load(place / "theirs")
    assert (again.pooling, again.normalised, again.limit) == ("mean", True, model.limit)
    np.testing.assert_allclose(again.embed(TEXTS[:3]), vectors, atol=1e-6)
    theirs: Any = pytest.importorskip("sentence_transformers")
    their_model = theirs.SentenceTransformer(str(place / "theirs"), device="cpu")
    texts = [*TEXTS[:6], "", " ".join(TEXTS)]
    np.testing.assert_allclose(model.embed(texts), their_model.encode(texts), atol=1e-5)


def test_pairs_train_embeddings_and_go_on_from_them(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = str(place / "pairs"), str(place / "more")
    short = ["--model", "bert", "--config", str(place / "short.toml"), "--json"]
    command = ["train", "embed", str(place / "pairs.tsv"), "--pairs", *short]
    assert main([*command, "--valid", str(place / "pairs.tsv"), "--init", str(place / "bert"),
                 "-o", first]) == 0  # fmt: skip
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["retrieval_accuracy"]["value"] > 0.8
    pairs = read_pairs([place / "pairs.tsv"])
    told = {"name": "pairs.tsv", "rows": len(NOUNS), "sha256": pairs.fingerprint}
    assert load(first).info.data == {"train": told, "valid": told}
    command = ["train", "embed", str(place / "sts.tsv"), "--pairs", *short, "--init", first]
    assert main([*command, "-o", second]) == 2
    assert "--min-score" in capsys.readouterr().err
    assert (
        main([*command, "--min-score", "4", "--valid", str(place / "sts.tsv"), "-o", second]) == 0
    )
    assert json.loads(capsys.readouterr().out)["scores"]["spearman"]["value"] > 0.5
    config = json.loads((place / "more" / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["BertModel"]


# Long texts


def test_windows_give_the_mean_of_what_they_read(place: Path) -> None:
    model: Any = load(place / "bert")
    text = " ".join(TEXTS)
    ids = model.tokenizer.encode(text)
    room, seen = model.limit - 2, []
    assert len(ids) > 2 * room
    found = model.embed([TEXTS[0], text, "산"], overlap=6)
    parts, at = [], 0
    while not parts or at + 6 < len(ids):
        parts.append(ids[at : at + room])
        at += room - 6
    for part in parts:
        row = [model.tokenizer.bos, *part, model.tokenizer.eos]
        with torch.no_grad():
            hidden = model.network(torch.tensor([row]), torch.tensor([len(row)]))[0]
        seen.append((hidden.mean(0).numpy(), len(row)))
    wanted = sum(v * n for v, n in seen) / sum(n for _, n in seen)
    np.testing.assert_allclose(found[1], wanted, atol=2e-5)
    np.testing.assert_allclose(found[[0, 2]], model.embed([TEXTS[0], "산"]), atol=2e-6)
    told: list[Encoded] = []
    list(model.embed_blocks([text, "산", text], block=2, report=told.append))
    assert told == [Encoded(2, 1), Encoded(3, 2)]
    with pytest.raises(ConfigError, match=f"share 0 to {model.limit - 3}, not {model.limit}"):
        model.embed([text], overlap=model.limit)


def test_a_cut_is_said_and_windows_or_lines_are_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "long.txt").write_text(" ".join(TEXTS) + "\n산\n", encoding="utf-8")
    command = ["embed", str(place / "bert"), str(place / "long.txt")]
    assert main([*command, "-o", str(place / "cut.npy")]) == 0
    assert "1 lines were cut at" in capsys.readouterr().err
    assert main([*command, "-o", str(place / "whole.jsonl"), "--window"]) == 0
    assert "cut" not in capsys.readouterr().err
    rows = [json.loads(line) for line in (place / "whole.jsonl").read_text("utf-8").splitlines()]
    cut = np.load(place / "cut.npy")
    assert [row["text"] for row in rows] == [" ".join(TEXTS), "산"]
    np.testing.assert_allclose(rows[1]["embedding"], cut[1], atol=1e-5)
    assert not np.allclose(rows[0]["embedding"], cut[0], atol=1e-3)
    assert main([*command]) == 0
    assert "1 lines were cut at" in capsys.readouterr().err
    search = ["search", str(place / "bert"), str(place / "long.txt"), "산"]
    assert main(search) == 0
    assert "cut at" in capsys.readouterr().err
    assert main([*search, "--window"]) == 0
    assert "cut at" not in capsys.readouterr().err
    assert main([*command, "-o", str(place / "x.doc")]) == 2
    assert ".xlsx, .npy is wanted" in capsys.readouterr().err
