"""Characters spelled in bytes or jamo: generated whole, and shown as what they are."""

import unicodedata
import warnings

import numpy as np
import pytest
from tokenizers import Tokenizer as Pipeline
from tokenizers import decoders, models, pre_tokenizers

from munmaek.decode import Drawing, from_single, sample
from munmaek.errors import MunmaekWarning
from munmaek.pipeline import train_recipe
from munmaek.tasks.inside import Question
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.mlm.filling import filled
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.recipe import Recipe
from munmaek.text.checkpoint_tokenizer import CheckpointTokenizer
from munmaek.text.frames import Frame
from munmaek.text.spelling import readable, shown_tokens, spelling_of
from munmaek.text.tokenizers import KINDS, Tokenizer, train_tokenizer

LINES = [
    "나는 학교에 갔다",
    "너는 집에서 책을 읽었다",
    "우리는 저녁에 영화를 보았다",
    "친구가 나를 기다렸다",
    "나는 너를 만나서 기뻤다",
    "어제는 비가 많이 왔다",
    "오늘은 하늘이 맑고 바람이 분다",
    "어머니가 맛있는 밥을 지으셨다",
    "동생은 공원에서 축구를 했다",
    "나는 매일 아침 커피를 마신다",
    "선생님께서 질문에 대답하셨다",
    "우리 가족은 바다를 좋아한다",
]
SPELLED = ("bpe", "unigram", "jamo")
UNREADABLE = ("<0x", "\ufffd")


class Uniform:
    """Every token is as likely as any other, whatever stood before."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.vocab_size, self.eos = tokenizer.vocab_size, tokenizer.eos

    def start(self) -> int:
        return 0

    def logprobs(self, _: int) -> np.ndarray:
        return np.full(self.vocab_size, -np.log(self.vocab_size))

    def advance(self, state: int, _: int) -> int:
        return state + 1


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp(request.param.replace("+", "-"))
    (place / "text.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    recipe = Recipe.of(
        {"task": "lm", "stage": "ngram", "tokenizer": request.param, "vocab_size": 500}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MunmaekWarning)
        return train_recipe(recipe, [place / "text.txt"], folder=place / "model")


@pytest.mark.parametrize("kind", SPELLED)
@pytest.mark.parametrize("longest", [1, 2, 3, 4, 30])
def test_what_is_drawn_is_whole_characters_at_every_length(kind: str, longest: int) -> None:
    tokenizer = train_tokenizer(LINES, kind=kind, vocab_size=400)
    never = (tokenizer.pad, tokenizer.unk, tokenizer.bos, tokenizer.mask)
    drawn = sample(
        from_single(Uniform(tokenizer), rows=40),
        Drawing(np.random.default_rng(0), longest, banned=never, spelling=spelling_of(tokenizer)),
    )
    for each in drawn:
        spelled = bytes(token - 5 for token in each.tokens if 5 <= token < 261)
        if kind != "jamo":
            assert spelled.decode().isprintable()
        text = tokenizer.decode(each.tokens)
        if kind == "jamo":
            assert not any("\u1100" <= letter <= "\u11ff" for letter in text), ascii(text)
        assert "\ufffd" not in text


def test_only_characters_that_can_be_read_are_begun() -> None:
    assert readable("글".encode()[:2])
    assert readable("𝄞".encode()[:1])
    assert not any(readable(bytes([byte])) for byte in (0x07, 0x80, 0xC0, 0xC1, 0xF5, 0xFF))
    assert not readable(b"\xed\xa0")  # surrogates
    assert not readable(b"\xef\xbf\xbd")  # the replacement character itself


def test_texts_of_a_model_of_twelve_sentences_are_readable(model: TrainedLanguageModel) -> None:
    rng = np.random.default_rng(0)
    shown = model.generate("나는", rng=rng, count=20)
    shown += [each.token for each in model.next_tokens("나는", count=60)]
    scored = model.score(["나는 글을 썼다"])[0]
    shown += [each.token for each in scored.tokens]
    shown += [each.token for each in model.explain("나는 글을 썼다").tokens]
    seen = model.predictions(Question("나는 글을 썼다"))
    shown += [str(seen.answer["ngram"]), *seen.source.pieces]
    shown += [*model.look_up("글을 썼다").tokens]
    assert not [text for text in shown if any(mark in text for mark in UNREADABLE)]
    assert not [text for text in shown[:20] if unicodedata.normalize("NFC", text) != text]


def test_a_text_is_looked_up_as_it_is_spelled_there(model: TrainedLanguageModel) -> None:
    wanted = {"나는 너를": {5}, "너를": {5}, "나는": {1, 5, 10}, "밥을 지으셨다": {8}}
    for query, lines in wanted.items():
        found = model.look_up(query)
        assert {line.number for each in (found, *found.also) for line in each.lines} == lines
        assert found.count == len(lines)
        assert found.in_model or len(found.tokens) > model.model.config.order


def test_the_next_characters_have_the_probability_of_their_bytes(
    model: TrainedLanguageModel,
) -> None:
    if model.tokenizer.oov != "bytes":
        pytest.skip("only where characters are spelled in bytes")
    found = {each.token: each.logprob for each in model.next_tokens("나는", count=400)}
    before = model.tokenizer.encode("나는")
    for letter in ("é", "ж"):
        own = [5 + byte for byte in letter.encode()]
        wanted = model.model.score([*before, *own])[len(before) :].sum()
        if letter in found:
            assert found[letter] == pytest.approx(wanted)
    assert sorted(found.values(), reverse=True) == list(found.values())


def test_bytes_are_shown_as_the_part_of_their_character() -> None:
    tokenizer = train_tokenizer(LINES, kind="bpe", vocab_size=400)
    shown = shown_tokens(tokenizer, tokenizer.encode("글 é"))
    assert shown == ("글(1/3)", "글(2/3)", "글(3/3)", "▁", "é(1/2)", "é(2/2)")
    begun = [5 + byte for byte in "글".encode()[:2]]
    assert shown_tokens(tokenizer, begun) == ("…(1/3)", "…(2/3)")
    assert tokenizer.decode([*tokenizer.encode("나는"), *begun]) == "나는"


def test_pieces_of_byte_level_bpe_are_shown_as_their_characters() -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: number for number, letter in enumerate(letters)}
    pipeline = Pipeline(models.BPE(vocab, []))
    pipeline.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pipeline.decoder = decoders.ByteLevel()
    tokenizer = CheckpointTokenizer(pipeline, specials={}, frame=Frame.around(0, 0))
    ids = tokenizer.encode("a 글")
    assert shown_tokens(tokenizer, ids) == ("a", "Ġ", "글(1/3)", "글(2/3)", "글(3/3)")


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece"])
def test_a_filled_word_keeps_the_space_before_the_mask(kind: str) -> None:
    tokenizer = train_tokenizer(LINES * 20, kind=kind, vocab_size=500)
    encoder = Encoder(tokenizer, None, None)
    for text, wanted in (("우리는 <mask> 갔다", "우리는 나는 갔다"), ("<mask> 갔다", "나는 갔다")):
        own = tokenizer.encode("나는")
        if len(own) == 1:
            logprobs = np.full((1, tokenizer.vocab_size), -9.0)
            logprobs[0, own[0]] = 0.0
            found = filled(tokenizer, encoder.framed(text), (text, None), logprobs, top=1)
            assert [each.text for each in found] == [wanted]
