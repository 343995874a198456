"""Hand-written forms of Korean and English against what the phrasebook's morphology makes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phrasebook import english
from phrasebook.hangul import final, join, particle, split, with_final
from phrasebook.korean import Kind, Stem, attach, deny_copula, finish, honorific, past
from phrasebook.predicate import (
    Form,
    Modal,
    Tense,
    english_predicate,
    korean_predicate,
)
from phrasebook.qualities import is_a
from phrasebook.verbs import Verb

# Stem, kind, verb or adjective; then -어, -어요, plain present, plain past, -니, -ㅂ니다,
# -(으)면, -(으)세요, and the form before a noun.
TABLE = """
마시 REGULAR v 마셔 마셔요 마신다 마셨다 마시니 마십니다 마시면 마시세요 마시는
먹 REGULAR v 먹어 먹어요 먹는다 먹었다 먹니 먹습니다 먹으면 먹으세요 먹는
가 REGULAR v 가 가요 간다 갔다 가니 갑니다 가면 가세요 가는
오 REGULAR v 와 와요 온다 왔다 오니 옵니다 오면 오세요 오는
배우 REGULAR v 배워 배워요 배운다 배웠다 배우니 배웁니다 배우면 배우세요 배우는
보내 REGULAR v 보내 보내요 보낸다 보냈다 보내니 보냅니다 보내면 보내세요 보내는
켜 REGULAR v 켜 켜요 켠다 켰다 켜니 켭니다 켜면 켜세요 켜는
쉬 REGULAR v 쉬어 쉬어요 쉰다 쉬었다 쉬니 쉽니다 쉬면 쉬세요 쉬는
되 REGULAR v 돼 돼요 된다 됐다 되니 됩니다 되면 되세요 되는
앉 REGULAR v 앉아 앉아요 앉는다 앉았다 앉니 앉습니다 앉으면 앉으세요 앉는
닫 REGULAR v 닫아 닫아요 닫는다 닫았다 닫니 닫습니다 닫으면 닫으세요 닫는
웃 REGULAR v 웃어 웃어요 웃는다 웃었다 웃니 웃습니다 웃으면 웃으세요 웃는
좋 REGULAR a 좋아 좋아요 좋다 좋았다 좋니 좋습니다 좋으면 좋으세요 좋은
듣 D v 들어 들어요 듣는다 들었다 듣니 듣습니다 들으면 들으세요 듣는
걷 D v 걸어 걸어요 걷는다 걸었다 걷니 걷습니다 걸으면 걸으세요 걷는
돕 B_WA v 도와 도와요 돕는다 도왔다 돕니 돕습니다 도우면 도우세요 돕는
굽 B v 구워 구워요 굽는다 구웠다 굽니 굽습니다 구우면 구우세요 굽는
춥 B a 추워 추워요 춥다 추웠다 춥니 춥습니다 추우면 추우세요 추운
덥 B a 더워 더워요 덥다 더웠다 덥니 덥습니다 더우면 더우세요 더운
짓 S v 지어 지어요 짓는다 지었다 짓니 짓습니다 지으면 지으세요 짓는
붓 S v 부어 부어요 붓는다 부었다 붓니 붓습니다 부으면 부으세요 붓는
낫 S v 나아 나아요 낫는다 나았다 낫니 낫습니다 나으면 나으세요 낫는
모르 REU v 몰라 몰라요 모른다 몰랐다 모르니 모릅니다 모르면 모르세요 모르는
고르 REU v 골라 골라요 고른다 골랐다 고르니 고릅니다 고르면 고르세요 고르는
부르 REU v 불러 불러요 부른다 불렀다 부르니 부릅니다 부르면 부르세요 부르는
빠르 REU a 빨라 빨라요 빠르다 빨랐다 빠르니 빠릅니다 빠르면 빠르세요 빠른
쓰 REGULAR v 써 써요 쓴다 썼다 쓰니 씁니다 쓰면 쓰세요 쓰는
끄 REGULAR v 꺼 꺼요 끈다 껐다 끄니 끕니다 끄면 끄세요 끄는
모으 REGULAR v 모아 모아요 모은다 모았다 모으니 모읍니다 모으면 모으세요 모으는
예쁘 REGULAR a 예뻐 예뻐요 예쁘다 예뻤다 예쁘니 예쁩니다 예쁘면 예쁘세요 예쁜
바쁘 REGULAR a 바빠 바빠요 바쁘다 바빴다 바쁘니 바쁩니다 바쁘면 바쁘세요 바쁜
크 REGULAR a 커 커요 크다 컸다 크니 큽니다 크면 크세요 큰
살 REGULAR v 살아 살아요 산다 살았다 사니 삽니다 살면 사세요 사는
만들 REGULAR v 만들어 만들어요 만든다 만들었다 만드니 만듭니다 만들면 만드세요 만드는
길 REGULAR a 길어 길어요 길다 길었다 기니 깁니다 길면 기세요 긴
빨갛 H a 빨개 빨개요 빨갛다 빨갰다 빨갛니 빨갛습니다 빨가면 빨가세요 빨간
하얗 H a 하얘 하얘요 하얗다 하얬다 하얗니 하얗습니다 하야면 하야세요 하얀
하 HA v 해 해요 한다 했다 하니 합니다 하면 하세요 하는
착하 HA a 착해 착해요 착하다 착했다 착하니 착합니다 착하면 착하세요 착한
있 REGULAR a 있어 있어요 있다 있었다 있니 있습니다 있으면 있으세요 있는
맛있 REGULAR a 맛있어 맛있어요 맛있다 맛있었다 맛있니 맛있습니다 맛있으면 맛있으세요 맛있는
"""
ENDINGS = ("어", "어요", "ㄴ다", None, "니", "ㅂ니다", "(으)면", "(으)세요", "는")


@pytest.mark.parametrize("row", TABLE.strip().splitlines())
def test_every_class_of_stem_takes_every_kind_of_ending(row: str):
    text, kind, sort, *wanted = row.split()
    stem = Stem(text, Kind[kind], adjective=sort == "a")
    made = [attach(stem, end) if end else attach(past(stem), "ㄴ다") for end in ENDINGS]
    assert made == wanted


@pytest.mark.parametrize(
    ("word", "pair", "wanted"),
    [
        ("학생", "은/는", "학생은"),
        ("의사", "은/는", "의사는"),
        ("책", "이/가", "책이"),
        ("커피", "이/가", "커피가"),
        ("빵", "을/를", "빵을"),
        ("물", "을/를", "물을"),
        ("우유", "을/를", "우유를"),
        ("동민", "과/와", "동민과"),
        ("수지", "과/와", "수지와"),
        ("손", "으로/로", "손으로"),
        ("버스", "으로/로", "버스로"),
        ("서울", "으로/로", "서울로"),
        ("지영", "아/야", "지영아"),
        ("수지", "아/야", "수지야"),
        ("친구", "에게", "친구에게"),
    ],
)
def test_particles_fit_the_final_consonant(word: str, pair: str, wanted: str):
    assert particle(word, pair) == wanted


@given(st.integers(0xAC00, 0xD7A3).map(chr))
def test_every_syllable_comes_apart_and_together_again(syllable: str):
    assert join(*split(syllable)) == syllable
    assert with_final(syllable, final(syllable)) == syllable


def test_what_is_no_syllable_is_refused():
    with pytest.raises(ValueError, match="Hangul syllable"):
        split("a")


@pytest.mark.parametrize(
    ("stem", "ending", "wanted"),
    [
        (Stem("의사이", Kind.COPULA, adjective=True), "ㄴ다", ("의사다",)),
        (Stem("학생이", Kind.COPULA, adjective=True), "ㄴ다", ("학생이다",)),
        (Stem("의사이", Kind.COPULA, adjective=True), "어", ("의사야",)),
        (Stem("학생이", Kind.COPULA, adjective=True), "어", ("학생이야",)),
        (Stem("의사이", Kind.COPULA, adjective=True), "어요", ("의사예요",)),
        (Stem("학생이", Kind.COPULA, adjective=True), "어요", ("학생이에요",)),
        (Stem("의사이", Kind.COPULA, adjective=True), "ㄴ다고", ("의사라고",)),
        (Stem("학생이", Kind.COPULA, adjective=True), "ㄴ다고", ("학생이라고",)),
        (past(Stem("의사이", Kind.COPULA)), "ㄴ다", ("의사였다",)),
        (past(Stem("학생이", Kind.COPULA)), "ㄴ다", ("학생이었다",)),
        (Stem("읽"), "ㄴ다고", ("읽는다고",)),
        (Stem("읽"), "기 때문에", ("읽기", "때문에")),
        (Stem("읽"), "어 주세요", ("읽어", "주세요")),
        (Stem("살"), "(으)ㄹ 때", ("살", "때")),
        (Stem("듣", Kind.D), "(으)ㄴ 후에", ("들은", "후에")),
        (Stem("굽", Kind.B), "(으)ㅂ시다", ("구웁시다",)),
        (Stem("만들"), "(으)ㅂ시다", ("만듭시다",)),
        (Stem("놀"), "(으)ㄹ까요", ("놀까요",)),
        (Stem("배가 고프", adjective=True), "어서", ("배가", "고파서")),
        (past(honorific(Stem("의사이", Kind.COPULA))), "고", ("의사셨고",)),
        (honorific(Stem("읽")), "어요", ("읽으세요",)),
        (honorific(Stem("살")), "ㄴ다", ("사신다",)),
        (honorific(Stem("돕", Kind.B_WA)), "(으)ㅂ시오", ("도우십시오",)),
        (past(honorific(Stem("가"))), "어요", ("가셨어요",)),
    ],
)
def test_copula_honorific_and_compound_endings(stem: Stem, ending: str, wanted: tuple[str, ...]):
    assert finish(stem, ending) == wanted


def test_the_copula_is_denied_with_a_verb_of_its_own():
    noun, stem = deny_copula(Stem("의사이", Kind.COPULA))
    assert (noun, attach(stem, "ㄴ다"), attach(stem, "어요")) == ("의사가", "아니다", "아니에요")


def words(verb: Verb, ending: str, **options: object) -> str:
    return " ".join(word for word, _ in korean_predicate(verb, ending, **options))


DRINK = Verb("drink", Stem("마시"), honorific=Stem("드시", Kind.HONORIFIC))
STUDY = Verb("study", Stem("공부하", Kind.HA))
KIND = Verb("be kind", Stem("친절하", Kind.HA, adjective=True))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"tense": Tense.FUTURE}, "마실 것이다"),
        ({"tense": Tense.FUTURE, "negative": True}, "마시지 않을 것이다"),
        ({"negative": True}, "마시지 않는다"),
        ({"negative": True, "tense": Tense.PAST}, "마시지 않았다"),
        ({"modal": Modal.PROGRESSIVE}, "마시고 있다"),
        ({"modal": Modal.CAN}, "마실 수 있다"),
        ({"modal": Modal.CAN, "negative": True}, "마실 수 없다"),
        ({"modal": Modal.WANT}, "마시고 싶다"),
        ({"modal": Modal.WANT, "other": True}, "마시고 싶어 한다"),
        ({"modal": Modal.MUST}, "마셔야 한다"),
        ({"modal": Modal.COULD_NOT, "tense": Tense.PAST}, "마시지 못했다"),
        ({"honored": True}, "드신다"),
        ({"honored": True, "modal": Modal.PROGRESSIVE}, "드시고 계신다"),
        ({"honored": True, "tense": Tense.PAST}, "드셨다"),
    ],
)
def test_tense_modality_denial_and_honour_build_up(options: dict[str, object], wanted: str):
    assert words(DRINK, "ㄴ다", **options) == wanted


def test_spoken_denial_is_short_but_never_splits_a_noun_with_hada():
    assert words(DRINK, "어", negative=True, spoken=True) == "안 마셔"
    assert words(STUDY, "어", negative=True, spoken=True) == "공부하지 않아"
    assert words(DRINK, "어", modal=Modal.COULD_NOT, tense=Tense.PAST, spoken=True) == "못 마셨어"


def test_adjectives_stay_adjectives_when_denied():
    assert words(KIND, "ㄴ다", negative=True) == "친절하지 않다"
    assert words(is_a("학생", "be a student"), "ㄴ다", negative=True) == "학생이 아니다"


def english_words(verb: Verb, form: Form, **options: object) -> str:
    front, rest = english_predicate(verb, form, **options)
    return " ".join(word for word, _ in (*front, ("…", ()), *rest))


@pytest.mark.parametrize(
    ("form", "options", "wanted"),
    [
        (Form.FINITE, {}, "… drinks"),
        (Form.FINITE, {"agreement": english.PLURAL}, "… drink"),
        (Form.FINITE, {"tense": Tense.PAST}, "… drank"),
        (Form.FINITE, {"negative": True}, "… does not drink"),
        (Form.FINITE, {"negative": True, "tense": Tense.PAST}, "… did not drink"),
        (Form.FINITE, {"tense": Tense.FUTURE, "negative": True}, "… will not drink"),
        (Form.FINITE, {"modal": Modal.PROGRESSIVE, "agreement": english.FIRST}, "… am drinking"),
        (Form.FINITE, {"modal": Modal.WANT}, "… wants to drink"),
        (Form.FINITE, {"modal": Modal.MUST, "tense": Tense.PAST}, "… had to drink"),
        (Form.QUESTION, {}, "does … drink"),
        (Form.QUESTION, {"tense": Tense.PAST}, "did … drink"),
        (Form.QUESTION, {"modal": Modal.CAN}, "can … drink"),
        (Form.QUESTION, {"modal": Modal.WANT}, "does … want to drink"),
        (Form.BASE, {"negative": True}, "… do not drink"),
        (Form.GERUND, {}, "… drinking"),
    ],
)
def test_english_verbs_agree_and_take_do(form: Form, options: dict[str, object], wanted: str):
    assert english_words(DRINK, form, **options) == wanted


def test_english_inflection_follows_spelling():
    assert [english.past(w) for w in ("study", "play", "bake", "clean", "write", "lie")] == [
        "studied", "played", "baked", "cleaned", "wrote", "lay",
    ]  # fmt: skip
    assert [english.gerund(w) for w in ("write", "swim", "lie", "study")] == [
        "writing", "swimming", "lying", "studying",
    ]  # fmt: skip
    assert [english.third(w) for w in ("go", "watch", "study", "play", "have")] == [
        "goes", "watches", "studies", "plays", "has",
    ]  # fmt: skip
    assert [english.article(w) for w in ("apple", "university", "book", "umbrella")] == [
        "an", "a", "a", "an",
    ]  # fmt: skip
