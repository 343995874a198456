"""Look-up: places in the training text, entries of the tables, and every kind of unit."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.errors import ArtefactError, InputError, UnsupportedError
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import flatten
from munmaek.ngram.lookup import places
from munmaek.ngram.sequences import TokenIds
from munmaek.pipeline import train_recipe
from munmaek.tasks.lm.adding import add_text
from munmaek.tasks.lm.look_up import query_ids
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.scoring import total, total_of_tokens
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import KINDS, train_tokenizer

PAD, UNK, BOS, EOS = 0, 1, 2, 3
token = st.integers(4, 6)
sentences = st.lists(st.lists(token, max_size=5), min_size=1, max_size=6)
query = st.builds(
    lambda head, body, tail: [*[BOS] * head, *body, *[EOS] * tail],
    st.booleans(),
    st.lists(token, max_size=4),
    st.booleans(),
).filter(len)


def naive(text, wanted):
    """Sentence, token before and token after of every occurrence, one by one."""
    found = []
    for index, sentence in enumerate(text):
        bounded = [BOS, *sentence, EOS]
        for start in range(len(bounded) - len(wanted) + 1):
            if bounded[start : start + len(wanted)] == wanted:
                end = start + len(wanted)
                before = bounded[start - 1] if start else -1
                after = bounded[end] if end < len(bounded) else -1
                found.append((index, before, after))
    return found


@settings(max_examples=200)
@given(text=sentences, wanted=query)
def test_the_longest_end_is_found_with_all_its_places(text, wanted):
    ids, offsets = flatten(text)
    found = places(ids.astype(np.uint16), offsets, wanted, bos=BOS, eos=EOS)
    length = next((k for k in range(len(wanted), 0, -1) if naive(text, wanted[-k:])), 0)
    assert found.length == length
    if length:
        rows = zip(found.sentences, found.before, found.after, strict=True)
        assert [tuple(map(int, row)) for row in rows] == naive(text, wanted[-length:])


def test_a_text_of_a_million_tokens_is_searched_in_a_few_milliseconds():
    rng = np.random.default_rng(0)
    ids = rng.integers(4, 5000, size=1_000_000).astype(np.uint16)
    offsets = np.arange(0, len(ids) + 1, 20)
    began = time.process_time()
    for _ in range(5):
        places(ids, offsets, ids[500:504].tolist(), bos=BOS, eos=EOS)
    assert (time.process_time() - began) / 5 < 0.1


def test_an_entry_has_its_probability_backoff_and_continuations():
    model = NgramModel.fit(
        [[4, 5], [4, 5, 5]],
        config=NgramConfig.of({"order": 2, "smoothing": "witten-bell"}),
        vocabulary=TokenIds(vocab_size=7, bos=BOS, eos=EOS, unk=UNK),
    )
    entry = model.find([4, 5])
    assert entry is not None
    assert entry.logprob == pytest.approx(model.logprobs((4,))[5])
    assert (entry.backoff, entry.continuations) == (None, 0)
    single = model.find([5])
    assert single is not None
    assert single.continuations == 2
    # N_1+(5 ·) / (c(5 ·) + N_1+(5 ·)) = 2 / (3 + 2)
    assert np.exp(single.backoff) == pytest.approx(2 / 5)
    assert model.find([5, 4]) is None
    assert model.find([4, 5, 5]) is None
    assert model.find([]) is None
    with pytest.raises(InputError, match="outside the vocabulary"):
        model.find([99])


def test_the_text_is_held_in_as_few_bytes_as_its_ids_need():
    rows = [[4, 5], [], [6]]
    narrow = TrainingText.of(rows, lines=[1, 2, 4], vocab_size=1 << 16)
    wide = TrainingText.of(rows, lines=[1, 2, 4], vocab_size=(1 << 16) + 1)
    assert narrow.ids.dtype == np.uint16
    assert wide.ids.dtype == np.int32
    assert [narrow.sentence(index) for index in range(3)] == rows
    more = narrow.extended([[5, 5]])
    assert more.sentence(3) == [5, 5]
    assert more.lines.tolist() == [1, 2, 4, 5]
    assert more.ids.dtype == np.uint16


def test_a_text_whose_tensors_do_not_fit_is_refused():
    tensors = TrainingText.of([[4, 5]], lines=[1], vocab_size=9).tensors()
    with pytest.raises(ArtefactError, match="'ids' is missing"):
        TrainingText.from_tensors({})
    with pytest.raises(ArtefactError, match="do not fit one another"):
        TrainingText.from_tensors({**tensors, "ids": tensors["ids"][:1]})


# Every kind of unit

LINES = [
    f"{subject} {place} {verb}"
    for subject in ("나는", "너는", "우리는")
    for place in ("학교에서", "집에서", "공원에서")
    for verb in ("공부한다", "잔다", "논다")
]


@pytest.fixture(scope="module", params=KINDS)
def trained(request, tmp_path_factory):
    if request.param.startswith("morphemes"):
        pytest.importorskip("kiwipiepy", reason="morphemes need the extra 'ko'")
    folder = tmp_path_factory.mktemp(request.param.replace("+", "-"))
    path = folder / "text.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    recipe = Recipe.of(
        {
            "task": "lm",
            "stage": "ngram",
            "tokenizer": request.param,
            "vocab_size": 400,
            "keep_text": True,
            "model": {"order": 3, "smoothing": "absolute"},
        }
    )
    train_recipe(recipe, [path], folder=folder / "model", valid=[path])
    model = load(folder / "model")
    assert isinstance(model, TrainedLanguageModel)
    return model


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_every_unit_trains_scores_generates_and_looks_up(trained):
    kind = trained.tokenizer.kind
    total = trained.total(LINES)
    assert total.unknown == 0
    assert total.sentences == len(LINES)
    assert total.logprob == pytest.approx(sum(each.logprob for each in trained.score(LINES)))
    assert trained.info.scores["perplexity"]["value"] == pytest.approx(total.perplexity)
    state = trained.model.start()
    for word in trained.tokenizer.encode("나는 집에서"):
        state = trained.model.advance(state, word)
        assert np.exp(trained.model.logprobs(state)).sum() == pytest.approx(1, abs=1e-5)
    found = trained.look_up("집에서 잔다")
    assert found.count == 3, kind
    assert [line.text for line in found.lines] == [x for x in LINES if x.endswith("집에서 잔다")]
    assert [line.number for line in found.lines] == [5, 14, 23]
    (text,) = trained.generate("나는", rng=np.random.default_rng(1))
    assert text.startswith("나는")
    likeliest = trained.next_tokens("나는 집에서", count=4)
    row = trained.model.logprobs(state)
    assert likeliest[0].logprob == pytest.approx(row.max())
    assert len(likeliest) == 4
    explained = trained.explain("나는 집에서 잔다")
    assert explained.logprob == pytest.approx(trained.score(["나는 집에서 잔다"])[0].logprob)


@settings(max_examples=60)
@given(
    texts=st.lists(
        st.text(
            "가나다 \t\x0b\x1c\x85\xa0\u2003\u3000\u200b\ufeff<s>/unkpad\n\rᄀ\u1161e\u0301",
            max_size=12,
        ),
        max_size=5,
    )
)
def test_the_fast_total_of_words_is_that_of_their_tokens(texts):
    tokenizer = train_tokenizer(["가 나 <unk> é", "나 다 <s>"], kind="words")
    for smoothing in ("witten-bell", "maximum-likelihood"):
        model = NgramModel.fit(
            tokenizer.encode_many(["가 나 다", "나 나"]),
            config=NgramConfig.of({"order": 2, "smoothing": smoothing}),
            vocabulary=TokenIds(
                vocab_size=tokenizer.vocab_size,
                bos=tokenizer.bos,
                eos=tokenizer.eos,
                unk=tokenizer.unk,
                excluded=(tokenizer.pad, tokenizer.mask),
            ),
        )
        fast = total(model, tokenizer, texts).to_json()
        slow = total_of_tokens(model, tokenizer, texts).to_json()
        assert fast == pytest.approx(slow, nan_ok=True)


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_text_added_to_every_unit_counts_at_once(trained):
    before = trained.look_up("집에서 잔다").count
    added = add_text(trained, Corpus("more", ("우리는 집에서 잔다",) * 2))
    assert added.look_up("집에서 잔다").count == before + 2
    assert added.look_up("집에서 잔다").lines[-1].number == len(LINES) + 2
    assert added.info.scores == {}
    assert added.info.data["added"][0]["rows"] == 2


def test_a_query_from_within_a_sentence_has_the_space_before_it(trained):
    tokenizer = trained.tokenizer
    inside, begins = query_ids(tokenizer, "나는"), query_ids(tokenizer, "<s> 나는")
    assert begins[0] == tokenizer.bos
    assert begins[1:] == tokenizer.encode("나는")
    spaceless = tokenizer.kind in ("words", "characters", "jamo")
    assert (inside == begins[1:]) == spaceless
    assert query_ids(tokenizer, "</s>") == [tokenizer.eos]
    with pytest.raises(InputError, match="nothing to look up"):
        query_ids(tokenizer, " ")


def test_without_its_text_a_model_tells_what_its_tables_know(trained):
    bare = TrainedLanguageModel(trained.tokenizer, trained.model, trained.info)
    found = bare.look_up("나는")
    assert found.count is None
    assert found.longest is None
    assert found.logprob < 0
    with pytest.raises(InputError, match="without its training text"):
        add_text(bare, Corpus("more", ("나는",)))


def test_a_network_has_no_n_grams_to_look_up(trained):
    from munmaek.mixing import Mixture

    mixed = TrainedLanguageModel(
        trained.tokenizer, Mixture((trained.model, trained.model), (0.5, 0.5)), trained.info
    )
    for use in (lambda: mixed.look_up("나는"), lambda: mixed.explain("나는"), mixed.vocabulary):
        with pytest.raises(UnsupportedError, match="stage 'ngram'"):
            use()
    assert mixed.next_tokens("나는", count=2)
