"""The command line of n-gram models: smoothing, look-up, next words, mixtures, added text."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Run
from munmaek.cli import main

SUBJECTS = ("나는", "너는", "우리는", "그는")
PLACES = ("학교에서", "집에서", "공원에서", "방에서")
VERBS = ("공부한다", "잔다", "논다", "읽는다")
LINES = [f"{s} {p} {v}" for s in SUBJECTS for p in PLACES for v in VERBS]
TEST = [*LINES[40:44], "나는 강에서 논다"]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def train(folder: Path, name: str, *options: object) -> Path:
    arguments = ["train", "lm", folder / "train.txt", "--model", "ngram", "--valid"]
    arguments += [folder / "test.txt", "-o", folder / name, "--keep-text", *options]
    assert main([str(each) for each in arguments]) == 0
    return folder / name


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ngram")
    write(folder / "train.txt", LINES[:40])
    write(folder / "more.txt", LINES[40:])
    write(folder / "both.txt", LINES)
    write(folder / "test.txt", TEST)
    train(folder, "words", "--tokenizer", "words", "--order", 3, "--smoothing", "witten-bell")
    shared = ("--tokenizer", folder / "words", "--order", 2)
    train(folder, "bigram", *shared)
    train(folder, "stupid", *shared, "--smoothing=stupid-backoff")
    train(folder, "bpe", "--tokenizer", "bpe", "--vocab-size", 400, "--order", 3)
    return folder


# Training


def test_smoothing_and_pruning_are_chosen_and_kept_with_the_model(run: Run, home: Path) -> None:
    out = home / "chosen"
    done = run(
        *("train", "lm", home / "train.txt", "--model", "ngram", "--tokenizer", "words"),
        *("--order", 3, "--smoothing", "absolute:0.5", "--prune", "0 0 1"),
        *("--valid", home / "test.txt", "-o", out, "--no-keep-text"),
    )
    assert done.code == 0, done.err
    assert "3-gram (absolute, pruned)" in done.out
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert config["smoothing"] == {"name": "absolute", "discount": 0.5}
    assert config["prune"] == [0, 0, 1]
    assert not (out / "text.safetensors").exists()


def test_a_rare_word_is_unknown_with_min_count(run: Run, home: Path) -> None:
    text = write(home / "rare.txt", [*LINES, "드문 말"])
    out = home / "rare"
    done = run(
        *("train", "lm", text, "--model", "ngram", "--tokenizer", "words", "--min-count", 2),
        *("--valid", home / "test.txt", "-o", out, "--order", 2, "--keep-text"),
    )
    assert done.code == 0, done.err
    row = run("lookup", out, "드문", "--json").rows[0]
    assert row["tokens"] == ["<unk>"]
    assert row["count"] == 2
    assert row["logprob"] > -10


def test_the_vocabulary_limit_keeps_the_most_frequent_words(run: Run, home: Path) -> None:
    text = write(home / "zipf.txt", ["가 " * 5 + "나 " * 4 + "다 " * 3 + "라 마"] * 3)
    out = home / "limited"
    done = run(
        *("train", "lm", text, "--model", "ngram", "--tokenizer", "words", "--vocab-size", 8),
        *("--valid", home / "test.txt", "-o", out, "--order", 2),
    )
    assert done.code == 0, done.err
    tokens = [row["token"] for row in run("lookup", out, "--json").rows]
    assert tokens[5:] == ["가", "나", "다"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--smoothing", "good-turing"], "there are modified-kneser-ney"),
        (["--prune", "0 x"], "prune = '0 x': wanted whole numbers"),
        (["--prune", "1"], "begins with the unigrams"),
        (["--prune", "0 2 1"], "falls"),
        (["--prune-entropy", "2"], "less than 1"),
        (["--min-count", "0"], "--min-count"),
    ],
)
def test_options_that_cannot_be_are_one_line_and_two(
    run: Run, home: Path, options: list[str], said: str
) -> None:
    done = run(
        "train", "lm", home / "train.txt", "--model", "ngram", "-o", home / "never", *options
    )
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert said in done.err
    assert not (home / "never").exists()


@pytest.mark.parametrize(
    "option", [["--smoothing", "add-k"], ["--prune", "0"], ["--keep-text"], ["--kenlm-compatible"]]
)
def test_a_network_has_no_use_for_n_gram_options(run: Run, home: Path, option: list[str]) -> None:
    done = run("train", "lm", home / "train.txt", "--model", "rnn", "-o", home / "never", *option)
    assert done.code == 2
    assert f"{option[0]} is for ngram" in done.err


# Scores


def test_a_sentence_has_its_perplexity_with_and_without_unknown_words(run: Run, home: Path) -> None:
    rows = run("score", home / "words", home / "test.txt", "--json").rows
    last = rows[-1]
    logs = [token["logprob"] for token in last["tokens"]]
    known = [token["logprob"] for token in last["tokens"] if not token["unknown"]]
    assert last["unknown"] == 1
    assert len(known) == len(logs) - 1
    assert last["perplexity"] == pytest.approx(math.exp(-sum(logs) / len(logs)))
    assert last["perplexity_known"] == pytest.approx(math.exp(-sum(known) / len(known)))
    assert rows[0]["unknown"] == 0


def test_the_total_of_a_file_is_the_sum_of_its_sentences(run: Run, home: Path) -> None:
    rows = run("score", home / "words", home / "test.txt", "--json").rows
    (total,) = run("score", home / "words", home / "test.txt", "--total", "--json").rows
    assert total["sentences"] == len(TEST)
    assert total["tokens"] == sum(len(row["tokens"]) for row in rows) == 4 * len(TEST)
    assert total["unknown"] == 1
    assert total["logprob"] == pytest.approx(sum(row["logprob"] for row in rows))
    assert total["perplexity"] == pytest.approx(math.exp(-total["logprob"] / total["tokens"]))
    characters = sum(len(line) + 1 for line in TEST)
    bits = -total["logprob"] / math.log(2) / characters
    assert total["bits_per_character"] == pytest.approx(bits)
    shown = run("score", home / "words", home / "test.txt", "--total").out
    assert "20, 1 of them unknown" in shown


def test_an_explanation_shows_the_order_and_each_backoff(run: Run, home: Path) -> None:
    rows = run("score", home / "words", home / "test.txt", "--explain", "--json").rows
    for row in rows:
        assert math.fsum(token["logprob"] for token in row["tokens"]) == pytest.approx(
            row["logprob"]
        )
    subject, place, verb, _ = rows[0]["tokens"]
    assert (subject["order"], subject["context"], subject["backoffs"]) == (2, ["<s>"], [])
    assert (place["order"], place["context"]) == (1, [])
    assert [paid["context"] for paid in place["backoffs"]] == [["<s>", "우리는"], ["우리는"]]
    assert verb["order"] == 2
    text = run("score", home / "words", home / "test.txt", "--explain").out
    assert "2-gram '<s> 우리는'" in text
    assert "for leaving '<s> 우리는'" in text


def test_evaluating_tells_perplexity_with_and_without_unknown_words(run: Run, home: Path) -> None:
    (found,) = run("evaluate", home / "words", home / "test.txt", "--json").rows
    scores = found["scores"]
    (total,) = run("score", home / "words", home / "test.txt", "--total", "--json").rows
    for name in ("perplexity", "perplexity_known", "bits_per_character", "bits_per_byte"):
        assert scores[name]["value"] == pytest.approx(total[name])
        assert "stage:ngram" in scores[name]["signature"]
    assert scores["unknown_tokens"]["value"] == 1
    (spelled,) = run("evaluate", home / "bpe", home / "test.txt", "--json").rows
    assert "unknown_tokens" not in spelled["scores"]


def test_stupid_backoff_gives_scores_and_no_perplexity(run: Run, home: Path) -> None:
    scored = run("score", home / "stupid", home / "test.txt")
    assert scored.code == 0
    assert "no probabilities" in scored.err
    refused = run("evaluate", home / "stupid", home / "test.txt")
    assert refused.code == 2
    assert "no perplexity" in refused.err
    assert run("mix", home / "words", home / "stupid", "--weights=1,0", "-o", home / "x").code == 2


def test_only_one_way_to_score_at_a_time(run: Run, home: Path) -> None:
    done = run("score", home / "words", home / "test.txt", "--total", "--explain")
    assert done.code == 2
    assert "choose one" in done.err


# Next words and look-up


@pytest.mark.parametrize("model", ["words", "bpe"])
def test_next_words_come_best_first_with_their_probability(
    run: Run, home: Path, model: str
) -> None:
    (found,) = run("next", home / model, "나는 집에서", "-k", 3, "--json").rows
    logprobs = [each["logprob"] for each in found["next"]]
    assert len(logprobs) == 3
    assert logprobs == sorted(logprobs, reverse=True)
    assert {each["token"].lstrip("▁") for each in found["next"]} <= set(VERBS)
    plain = run("next", home / model, "나는 집에서", "-k", 3).lines
    assert [line.split("\t")[1] for line in plain] == [each["token"] for each in found["next"]]
    assert run("next", home / model, "-k", 1).lines[0].split("\t")[1] in SUBJECTS


@pytest.mark.parametrize("model", ["words", "bpe"])
def test_look_up_tells_counts_and_the_lines(run: Run, home: Path, model: str) -> None:
    (found,) = run("lookup", home / model, "집에서 잔다", "--json").rows
    wanted = [n for n, line in enumerate(LINES[:40], start=1) if line.endswith("집에서 잔다")]
    assert found["in_model"] is True
    assert found["count"] == len(wanted) == 3
    assert found["adjusted_count"] == 3
    assert found["followers"] == 1
    assert [line["number"] for line in found["lines"]] == wanted
    assert [line["text"] for line in found["lines"]] == [LINES[n - 1] for n in wanted]


def test_look_up_of_what_is_not_there_shows_its_longest_end(run: Run, home: Path) -> None:
    (found,) = run("lookup", home / "words", "그는 집에서 잔다", "--json").rows
    assert (found["in_model"], found["count"]) == (False, 0)
    assert found["longest"] == ["집에서", "잔다"]
    assert found["longest_count"] == 3
    text = run("lookup", home / "words", "그는 집에서 잔다").out
    assert "not in the model" in text
    assert "'집에서 잔다', 3 times" in text


def test_look_up_goes_beyond_the_order_and_to_the_ends_of_sentences(run: Run, home: Path) -> None:
    (found,) = run("lookup", home / "bigram", "<s> 나는 집에서 잔다 </s>", "--json").rows
    assert found["tokens"] == ["<s>", "나는", "집에서", "잔다", "</s>"]
    assert (found["count"], found["adjusted_count"]) == (1, None)
    assert found["lines"] == [{"number": 6, "text": "나는 집에서 잔다"}]
    (start,) = run("lookup", home / "bigram", "<s> 나는", "--json", "--lines", 2).rows
    assert start["count"] == start["adjusted_count"] == 16
    assert len(start["lines"]) == 2


def test_look_up_takes_tokens_as_the_vocabulary_writes_them(run: Run, home: Path) -> None:
    (found,) = run("lookup", home / "bpe", "▁집에서 ▁잔다", "--tokens", "--json").rows
    assert found["count"] == 3
    refused = run("lookup", home / "bpe", "▁없는말", "--tokens")
    assert refused.code == 2
    assert "no token '▁없는말'" in refused.err


def test_without_text_look_up_lists_the_vocabulary(run: Run, home: Path) -> None:
    rows = {row["token"]: row for row in run("lookup", home / "words", "--json").rows}
    assert rows["집에서"]["count"] == 12
    assert rows["<s>"]["logprob"] is None
    assert rows["</s>"]["count"] == 40
    assert len(run("lookup", home / "words").lines) == len(rows)


def test_a_model_without_its_text_says_how_to_keep_it(run: Run, home: Path) -> None:
    bare = home / "bare"
    shutil.rmtree(bare, ignore_errors=True)
    done = run(
        *("train", "lm", home / "train.txt", "--model", "ngram", "--no-keep-text", "--order", 2),
        *("--valid", home / "test.txt", "-o", bare, "--tokenizer", home / "words"),
    )
    assert done.code == 0, done.err
    assert "--keep-text" in run("lookup", bare, "집에서").out
    refused = run("add", bare, home / "more.txt", "-o", home / "never")
    assert refused.code == 2
    assert "--keep-text" in refused.err


def test_an_empty_query_is_refused(run: Run, home: Path) -> None:
    assert run("lookup", home / "words", "  ").code == 2
    assert run("lookup", home / "words", " ", "--tokens").code == 2


# Mixtures


@pytest.mark.parametrize("way", [[], ["--log-linear"]])
def test_a_mixture_is_tuned_saved_and_no_worse_than_its_parts(
    run: Run, home: Path, way: list[str]
) -> None:
    out = home / f"mixed{len(way)}"
    parts = (home / "words", home / "bigram")
    done = run("mix", *parts, "--tune", home / "test.txt", "-o", out, "--json", *way)
    assert done.code == 0, done.err
    weights = done.rows[0]["weights"]
    assert list(weights) == [str(part) for part in parts]
    if not way:
        assert sum(weights.values()) == pytest.approx(1)

    def perplexity(model: Path) -> float:
        found = run("evaluate", model, home / "test.txt", "--json").rows[0]
        return float(found["scores"]["perplexity"]["value"])

    assert perplexity(out) <= min(map(perplexity, parts)) * (1 + 1e-4)
    assert run("generate", out, "나는", "--seed", 1).code == 0
    (found,) = run("next", out, "나는 집에서", "-k", 2, "--json").rows
    assert len(found["next"]) == 2


def test_given_weights_mix_to_the_weighted_mean_of_probabilities(run: Run, home: Path) -> None:
    out = home / "given"
    done = run("mix", home / "words", home / "bigram", "--weights", "0.25,0.75", "-o", out)
    assert done.code == 0, done.err

    def probability(model: Path) -> dict[str, float]:
        rows = run("next", model, "나는", "-k", 50, "--json").rows[0]["next"]
        return {row["token"]: math.exp(row["logprob"]) for row in rows}

    first, second, both = map(probability, (home / "words", home / "bigram", out))
    for token, value in both.items():
        assert value == pytest.approx(0.25 * first[token] + 0.75 * second[token])


def test_counted_models_are_mixed_without_torch(home: Path, tmp_path: Path) -> None:
    asked = ["mix", str(home / "words"), str(home / "bigram"), "--weights", "0.5,0.5"]
    code = (
        "import sys\n"
        "from munmaek.cli import main\n"
        f"assert main({[*asked, '-o', str(tmp_path / 'mixed')]!r}) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


def test_a_mixture_is_compared_with_its_parts(run: Run, home: Path) -> None:
    out, parts = home / "part-mix", (home / "words", home / "bigram")
    assert run("mix", *parts, "--weights", "0.5,0.5", "-o", out).code == 0
    models = f"{parts[0]},{out}"
    done = run("compare", home / "test.txt", "--models", models, "-o", home / "compared", "--json")
    assert done.code == 0, done.err
    first, mixed, *_ = done.rows[0]["models"]
    assert mixed["stage"] == "mixture"
    assert mixed["context"] == first["context"]
    assert mixed["bytes"] > first["bytes"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--weights", "0.5,0.6"], "sum to 1"),
        (["--weights", "1"], "a weight for each model: 2 against 1"),
        (["--weights", "a,b"], "wanted numbers"),
        ([], "give either --tune FILE or --weights"),
    ],
)
def test_weights_that_cannot_be_are_refused(
    run: Run, home: Path, options: list[str], said: str
) -> None:
    done = run("mix", home / "words", home / "bigram", "-o", home / "never", *options)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (home / "never").exists()


def test_models_of_different_tokenizers_do_not_mix(run: Run, home: Path) -> None:
    done = run("mix", home / "words", home / "bpe", "--weights=0.5,0.5", "-o", home / "never")
    assert done.code == 2
    assert "another tokenizer" in done.err


def test_look_up_and_add_need_an_n_gram_model(run: Run, home: Path) -> None:
    out = home / "again"
    run("mix", home / "words", home / "bigram", "--weights", "0.5,0.5", "-o", out)
    for arguments in (("lookup", out, "집에서"), ("add", out, home / "more.txt", "-o", "x")):
        done = run(*arguments)
        assert done.code == 2
        assert "'ngram'" in done.err


# Added text


@pytest.mark.parametrize("model", ["words", "bigram", "bpe"])
def test_adding_text_gives_the_model_of_both_texts_to_the_bit(
    run: Run, home: Path, model: str
) -> None:
    added, anew = home / f"{model}-added", home / f"{model}-anew"
    done = run("add", home / model, home / "more.txt", "-o", added, "--valid", home / "test.txt")
    assert done.code == 0, done.err
    config = json.loads((home / model / "config.json").read_text(encoding="utf-8"))
    smoothing = config["smoothing"]["name"]
    done = run(
        *("train", "lm", home / "both.txt", "--model", "ngram", "--order", config["order"]),
        *("--tokenizer", home / model, "--smoothing", smoothing, "--keep-text", "-o", anew),
        *("--valid", home / "test.txt"),
    )
    assert done.code == 0, done.err
    for name in ("model.safetensors", "text.safetensors"):
        assert (added / name).read_bytes() == (anew / name).read_bytes()
    row = run("lookup", added, LINES[42], "--json").rows[0]
    assert row["lines"] == [{"number": 43, "text": LINES[42]}]


@pytest.mark.parametrize("verb", ["next", "lookup", "mix", "add", "score"])
def test_help_has_an_example(run: Run, verb: str) -> None:
    done = run(verb, "--help")
    assert done.code == 0
    assert f"munmaek {verb} " in done.out.split("Example")[1]
