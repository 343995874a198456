import math
import sys
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.metrics import (
    IbmModel1,
    Score,
    Signature,
    TextCounts,
    accuracy,
    aer,
    alignment_scores,
    bits_per,
    bleu_tokenizer,
    bootstrap_sums,
    by_length,
    check_bleu_tokenizer,
    classification_scores,
    confusion,
    count_text,
    links_from_weights,
    lm_scores,
    macro_f1,
    measures,
    paired_bootstrap,
    perplexity,
    sign,
    weights_by_word,
    wilson_interval,
)
from munmaek.metrics.translation import (
    BLEU_TOKENIZERS,
    bleu_from_sums,
    chrf_from_sums,
)

SIGNATURE = sign(task="lm", stage="rnn", tokenizer="bpe-8000")


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _measure(name, hypotheses, references, tokenizer=None):
    return measures(hypotheses, references, with_ter=False, tokenizer=tokenizer)[name]


# --- Score and Signature ---------------------------------------------------------------------


def test_a_signature_reads_like_sacrebleus_and_ends_with_the_version():
    text = str(SIGNATURE.extended(("unit", "character")))
    assert text.startswith("task:lm|stage:rnn|tok:bpe-8000|oov:none|unit:character|munmaek:")
    assert Signature.parse(text) == SIGNATURE.extended(("unit", "character"))
    assert SIGNATURE.get("stage") == "rnn"
    assert SIGNATURE.get("beam") is None


def test_extending_a_signature_replaces_a_part_of_the_same_name():
    twice = SIGNATURE.extended(("unit", "byte")).extended(("unit", "word"))
    assert str(twice).count("unit:") == 1
    assert twice.get("unit") == "word"


def test_a_separator_inside_a_signature_part_is_refused():
    with pytest.raises(ValueError, match="separator"):
        sign(task="lm", stage="a|b")


def test_a_score_survives_json():
    score = Score("bleu", 41.5, "of 100", SIGNATURE, 40.0, 43.0)
    assert Score.from_json("bleu", score.to_json()) == score


def test_a_score_without_a_value_names_itself():
    with pytest.raises(InputError, match="score 'bleu' needs a number"):
        Score.from_json("bleu", {"unit": "of 100"})


# --- language models -------------------------------------------------------------------------


def test_a_uniform_choice_of_eight_has_perplexity_eight_and_three_bits():
    # 5 tokens, each of probability 1/8: log p = −5 ln 8; exp(ln 8) = 8, log2 8 = 3.
    logprob = -5 * math.log(8)
    assert perplexity(logprob, 5) == pytest.approx(8)
    assert bits_per(logprob, 5) == pytest.approx(3)


def test_an_impossible_text_has_infinite_perplexity():
    assert perplexity(-math.inf, 3) == math.inf
    assert perplexity(-1e6, 3) == math.inf


def test_a_positive_log_probability_is_refused_as_a_loss():
    with pytest.raises(ValueError, match="at most 0"):
        perplexity(12.0, 3)
    with pytest.raises(ValueError, match="at least one unit"):
        bits_per(-1.0, 0)


def test_a_line_end_is_one_word_one_character_and_one_byte():
    counts = count_text(["나는 가", ""])
    assert counts.words.tolist() == [3, 1]  # 나는, 가, end
    assert counts.characters.tolist() == [5, 1]  # 나 는 space 가 end
    assert counts.utf8_bytes.tolist() == [11, 1]  # 3+3+1+3+1


def test_lm_scores_count_each_unit():
    # 48 bits in all: over 12 tokens 2^4, over 6 words 2^8, over 24 characters 2, over 48 bytes 1.
    scores = lm_scores(
        -48 * math.log(2),
        12,
        TextCounts(*(np.array([units]) for units in (6, 24, 48))),
        unknown=2,
        signature=SIGNATURE,
    )
    values = {name: score.value for name, score in scores.items()}
    assert values == pytest.approx(
        {"perplexity": 16, "word_perplexity": 256, "bits_per_character": 2, "bits_per_byte": 1}
    )
    assert scores["bits_per_character"].signature.get("unit") == "character"
    assert scores["perplexity"].signature.get("unknown") == "2"
    assert scores["perplexity"].low is None


def test_bits_and_perplexity_intervals_hold_their_point():
    logprob = -_rng().gamma(5, 4, 200)
    tokens = _rng().integers(3, 20, 200)
    scores = lm_scores(
        logprob,
        tokens,
        TextCounts(tokens, tokens * 4, tokens * 9),
        signature=SIGNATURE,
        rng=_rng(),
    )
    for score in scores.values():
        assert score.low is not None
        assert score.high is not None
        assert score.low < score.value < score.high


# --- bootstrap -------------------------------------------------------------------------------


def test_a_bootstrap_interval_of_a_mean_is_the_normal_one():
    # Standard error of a mean of 400 draws of deviation 2 is 2/√400 = 0.1.
    values = _rng().normal(10, 2, (400, 1))
    means = bootstrap_sums(values, rng=_rng(), resamples=2000)[:, 0] / 400
    assert means.std() == pytest.approx(values.std() / 20, rel=0.06)
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)


def test_the_same_generator_draws_the_same_resamples():
    values = _rng().normal(size=(50, 3))
    first = bootstrap_sums(values, rng=np.random.default_rng(1), resamples=20)
    second = bootstrap_sums(values, rng=np.random.default_rng(1), resamples=20)
    assert (first == second).all()


def _mean(sums):
    return sums[:, 0] / sums[:, 1]


def test_a_paired_bootstrap_tells_a_real_difference_from_none():
    rng = _rng()
    base = rng.normal(0, 1, 500)
    ones = np.ones(500)
    first = np.stack([base + 0.2 + rng.normal(0, 0.5, 500), ones], axis=1)
    second = np.stack([base + rng.normal(0, 0.5, 500), ones], axis=1)
    other = np.stack([base + rng.normal(0, 0.5, 500), ones], axis=1)
    real = paired_bootstrap(first, second, _mean, rng=rng)
    none = paired_bootstrap(second, other, _mean, rng=rng)
    assert real.p_value < 0.01
    assert real.low > 0
    assert none.p_value > 0.05
    assert none.low < 0 < none.high


def test_paired_systems_must_have_scored_the_same_sentences():
    with pytest.raises(ValueError, match="same statistics"):
        paired_bootstrap(np.ones((3, 2)), np.ones((4, 2)), _mean, rng=_rng())


# --- classification --------------------------------------------------------------------------


def test_accuracy_has_wilsons_interval():
    # 8 of 10: scipy's Wilson interval without continuity correction.
    expected = binomtest(8, 10).proportion_ci(method="wilson")
    score = accuracy(list("aaaaabbbbb"), list("aaaaabbbaa"), signature=SIGNATURE)
    assert score.value == 0.8
    assert (score.low, score.high) == pytest.approx((expected.low, expected.high))


@given(total=st.integers(1, 10_000), data=st.data())
def test_wilsons_interval_stays_within_nought_and_one_and_holds_its_share(total, data):
    right = data.draw(st.integers(0, total))
    low, high = wilson_interval(right, total)
    assert 0 <= low <= right / total <= high <= 1


def test_macro_f1_equals_scikit_learns():
    rng = _rng()
    gold, predicted = (list(rng.choice(list("abc"), 60)) for _ in range(2))
    assert macro_f1(predicted, gold, signature=SIGNATURE).value == pytest.approx(
        f1_score(gold, predicted, average="macro")
    )
    assert set(classification_scores(predicted, gold, signature=SIGNATURE)) == {
        "accuracy",
        "macro_f1",
    }


def test_confusion_has_gold_rows_and_predicted_columns():
    table = confusion(list("abbb"), list("aabb"), ["a", "b"])
    assert table.tolist() == [[1, 1], [0, 2]]


def test_a_missing_prediction_is_refused():
    with pytest.raises(ValueError, match="got 1 for 2"):
        accuracy(["a"], ["a", "b"], signature=SIGNATURE)


# --- translation -----------------------------------------------------------------------------

ENGLISH = ["the", "a", "house", "book", "is", "was", "red", "big", "runs", "and", "sees", ",", "."]
KOREAN = ["나는", "너를", "사랑해", "학교에서", "공부한다", "집에", "갔다", "책을", "읽는다", "."]


def _corpus(words, size, seed=3):
    rng = np.random.default_rng(seed)
    references = [" ".join(rng.choice(words, rng.integers(1, 25))) for _ in range(size)]
    hypotheses = [" ".join(w for w in line.split() if rng.random() > 0.2) for line in references]
    return hypotheses, references


@pytest.mark.parametrize(("words", "tokenizer"), [(ENGLISH, "13a"), (KOREAN, "char")])
def test_bleu_and_chrf_equal_sacrebleus(words, tokenizer):
    hypotheses, references = _corpus(words, 60)
    made = measures(hypotheses, references, with_ter=False)
    scores = {name: measure.score(SIGNATURE) for name, measure in made.items()}
    theirs = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=tokenizer, force=True)
    assert scores["bleu"].value == theirs.score
    assert scores["chrf"].value == sacrebleu.corpus_chrf(hypotheses, [references]).score
    assert f"tok.{tokenizer}" in str(scores["bleu"].signature)


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(0, 10_000), st.floats(0, 1))
def test_scores_from_sums_equal_sacrebleus(size, seed, kept):
    rng = np.random.default_rng(seed)
    references = [" ".join(rng.choice(ENGLISH, rng.integers(1, 7))) for _ in range(size)]
    hypotheses = [" ".join(w for w in line.split() if rng.random() < kept) for line in references]
    sums = _measure("bleu", hypotheses, references, "13a").statistics.sum(0)[None].astype(float)
    theirs = sacrebleu.corpus_bleu(hypotheses, [references], force=True).score
    assert bleu_from_sums(sums)[0] == pytest.approx(theirs, abs=1e-9)
    sums = _measure("chrf", hypotheses, references).statistics.sum(0)[None].astype(float)
    theirs = sacrebleu.corpus_chrf(hypotheses, [references]).score
    assert chrf_from_sums(sums)[0] == pytest.approx(theirs, abs=1e-9)


def test_bleu_of_a_sentence_worked_by_hand():
    # "a b c d" against "a b c d e", five-gram-free: every n-gram matches, so BLEU = BP = e^(1−5/4).
    score = _measure("bleu", ["a b c d"], ["a b c d e"], "13a").score(SIGNATURE)
    assert score.value == pytest.approx(100 * math.exp(1 - 5 / 4))


def test_translation_intervals_hold_their_point():
    hypotheses, references = _corpus(ENGLISH, 120)
    for name in ("bleu", "chrf"):
        score = _measure(name, hypotheses, references).score(SIGNATURE, rng=_rng())
        assert score.low is not None
        assert score.high is not None
        assert score.low < score.value < score.high
        assert score.high - score.low < 10


def test_length_buckets_cover_every_sentence_once():
    hypotheses, references = _corpus(ENGLISH, 90)
    buckets = by_length(
        references, hypotheses, references, signature=SIGNATURE, edges=(5, 10, 20), rng=_rng()
    )
    assert sum(bucket.count for bucket in buckets) == 90
    assert [(bucket.low, bucket.high) for bucket in buckets] == [
        (1, 5),
        (6, 10),
        (11, 20),
        (21, 24),
    ]
    rows = [n for n, line in enumerate(references) if 6 <= len(line.split()) <= 10]
    chosen = sacrebleu.corpus_bleu(
        [hypotheses[n] for n in rows], [[references[n] for n in rows]], force=True
    )
    assert buckets[1].bleu.value == chosen.score
    assert buckets[1].bleu.signature.get("words") == "6-10"
    assert set(buckets[1].to_json()) == {"low", "high", "count", "bleu", "chrf"}


def test_length_edges_must_rise():
    with pytest.raises(ValueError, match="rise"):
        by_length(["a"], ["a"], ["a"], signature=SIGNATURE, edges=(10, 5))


def test_the_tokenizer_of_bleu_follows_the_script_of_the_references():
    assert bleu_tokenizer(["나는 NMT를 공부한다"]) == "char"
    assert bleu_tokenizer(["I study 한국어 at school"]) == "13a"
    assert bleu_tokenizer(["我爱你"]) == "char"


def test_another_tokenizer_of_bleu_counts_what_sacrebleu_counts():
    outputs = ["나는 학교에 갔다", "그는 어제 새 책을 읽었다"]
    references = ["나는 학교에서 공부했다", "그는 어제 그 책을 읽었습니다"]
    for name in BLEU_TOKENIZERS:
        if name == "ja-mecab":
            continue  # its analyser is not among what the tests install
        check_bleu_tokenizer(name)
        found = measures(outputs, references, tokenizer=name)["bleu"].score(SIGNATURE)
        wanted = sacrebleu.BLEU(tokenize=name).corpus_score(outputs, [references])
        assert found.value == pytest.approx(wanted.score), name
        assert f"tok.{name}" in str(found.signature)
    by_morpheme = _measure("bleu", outputs, references, "ko-mecab").score(SIGNATURE).value
    by_syllable = _measure("bleu", outputs, references).score(SIGNATURE).value
    assert by_morpheme != pytest.approx(by_syllable)


def test_a_tokenizer_of_bleu_that_cannot_be_had_is_told_with_what_helps(
    monkeypatch: pytest.MonkeyPatch,
):
    with pytest.raises(ConfigError, match="no tokenizer 'mecab'; there are 13a, char"):
        check_bleu_tokenizer("mecab")
    monkeypatch.setitem(sys.modules, "mecab_ko", None)
    monkeypatch.delitem(sys.modules, "sacrebleu.tokenizers.tokenizer_ko_mecab", raising=False)
    with pytest.raises(UnsupportedError, match=r"pip install 'sacrebleu\[ko\]'"):
        check_bleu_tokenizer("ko-mecab")


# --- alignment -------------------------------------------------------------------------------


def test_aer_follows_och_and_ney():
    # A = {00, 11, 22, 31}, S = {00, 11}, P = S ∪ {22}:
    # |A∩S| = 2, |A∩P| = 3, |A| = 4, |S| = 2 → 1 − 5/6 = 1/6; precision 3/4, recall 2/2.
    scores = alignment_scores(
        [{(0, 0), (1, 1), (2, 2), (3, 1)}],
        [{(0, 0), (1, 1)}],
        possible=[{(2, 2)}],
        signature=SIGNATURE,
    )
    assert scores["aer"].value == pytest.approx(1 / 6)
    assert scores["precision"].value == 3 / 4
    assert scores["recall"].value == 1


def test_without_possible_links_aer_is_one_minus_f1():
    # |A∩S| = 1, |A| = 2, |S| = 3: F1 = 2/5.
    score = aer([{(0, 0), (1, 2)}], [{(0, 0), (1, 1), (2, 2)}], signature=SIGNATURE)
    assert score.value == pytest.approx(1 - 2 / 5)


def test_the_alignment_interval_holds_its_point():
    rng = _rng()
    gold = [{(n, n) for n in range(6)} for _ in range(80)]
    found = [{(n, n if rng.random() < 0.8 else 0) for n in range(6)} for _ in range(80)]
    score = aer(found, gold, signature=SIGNATURE, rng=rng)
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high


def test_each_target_word_links_to_its_heaviest_source_word():
    weights = np.array([[0.1, 0.9], [0.5, 0.5], [0.0, 0.0]])
    assert links_from_weights(weights) == {(1, 0), (0, 1)}


def test_piece_weights_add_over_source_words_and_average_over_target_words():
    # Source pieces: word 0, 0, 1, none. Target pieces: word 0, 0, none.
    weights = np.array([[0.2, 0.3, 0.4, 0.1], [0.6, 0.0, 0.2, 0.2], [0.0, 0.0, 0.0, 1.0]])
    merged = weights_by_word(weights, target_words=[0, 0, -1], source_words=[0, 0, 1, -1])
    # Word 0: (0.2+0.3 + 0.6+0.0)/2 = 0.55; word 1: (0.4+0.2)/2 = 0.3.
    assert merged == pytest.approx(np.array([[0.55, 0.3]]))
    with pytest.raises(ValueError, match="weights need the shape"):
        weights_by_word(weights, target_words=[0], source_words=[0])


TOY = (
    [["das", "Haus"], ["das", "Buch"], ["ein", "Buch"]],
    [["the", "house"], ["the", "book"], ["a", "book"]],
)


def _slow_em(iterations):
    """The textbook's loops, in fractions; None is the empty word."""
    pairs = list(zip(*TOY, strict=True))
    theta = defaultdict(lambda: Fraction(1))
    for _ in range(iterations):
        counts, totals = defaultdict(Fraction), defaultdict(Fraction)
        for source, target in pairs:
            for word in target:
                norm = sum(theta[word, giver] for giver in [None, *source])
                for giver in [None, *source]:
                    share = theta[word, giver] / norm
                    counts[word, giver] += share
                    totals[giver] += share
        theta = defaultdict(
            Fraction, {key: count / totals[key[1]] for key, count in counts.items()}
        )
    return theta


def test_one_pass_of_ibm_model_1_is_the_one_worked_by_hand():
    # Uniform start: every source word takes 1/3 of each target word of its sentences.
    # das: the 1/3 + 1/3, house 1/3, book 1/3, of 4/3 → 1/2, 1/4, 1/4.
    # ein: a 1/3, book 1/3 → 1/2, 1/2. Empty word: the 2/6, book 2/6, house 1/6, a 1/6.
    model = IbmModel1.fit(*TOY, iterations=1)
    assert model.probability("the", "das") == pytest.approx(1 / 2)
    assert model.probability("house", "das") == pytest.approx(1 / 4)
    assert model.probability("a", "ein") == pytest.approx(1 / 2)
    assert model.probability("book", None) == pytest.approx(1 / 3)
    assert model.probability("house", "ein") == 0


@pytest.mark.parametrize("iterations", [2, 5, 8])
def test_ibm_model_1_equals_its_slow_twin(iterations):
    model = IbmModel1.fit(*TOY, iterations=iterations)
    for (target, source), theta in _slow_em(iterations).items():
        assert model.probability(target, source) == pytest.approx(float(theta), abs=1e-12)


def test_ibm_model_1_finds_the_toys_links():
    model = IbmModel1.fit(*TOY, iterations=10)
    assert model.align(["das", "Haus"], ["the", "house"]) == {(0, 0), (1, 1)}
    assert model.align(["ein", "Buch"], ["a", "book"]) == {(0, 0), (1, 1)}
    assert model.align(["das"], ["unseen"]) == frozenset()
    assert model.align([], ["the"]) == frozenset()


def test_a_pass_of_ibm_model_1_never_lowers_the_likelihood():
    def loglik(model):
        return sum(
            math.log(sum(model.probability(word, giver) for giver in [None, *source]))
            for source, target in zip(*TOY, strict=True)
            for word in target
        )

    values = [loglik(IbmModel1.fit(*TOY, iterations=n)) for n in range(1, 8)]
    assert values == sorted(values)
