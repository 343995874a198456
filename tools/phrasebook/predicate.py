"""Tense, modality, negation and honour laid around a verb, in both languages.

Every word of a predicate has *roles*, small numbers that say which part of its meaning it carries:
the verb itself, the auxiliary, the negation, or the link to another clause (because, and, please).
Words of the two languages that share a role are linked.
"""

from dataclasses import replace
from enum import IntEnum, auto
from functools import cache

from phrasebook.english import THIRD, be, gerund, past, third
from phrasebook.korean import Kind, Stem, attach, deny_copula, finish, honorific
from phrasebook.korean import past as past_stem
from phrasebook.verbs import Verb

__all__ = [
    "AUX",
    "LINK",
    "NEG",
    "VERB",
    "Form",
    "Modal",
    "Roles",
    "Tense",
    "english_predicate",
    "korean_predicate",
]

VERB, AUX, NEG, LINK = 0, 1, 2, 3
Roles = tuple[int, ...]
Word = tuple[str, Roles]


class Tense(IntEnum):
    """When."""

    PAST = auto()
    PRESENT = auto()
    FUTURE = auto()


class Modal(IntEnum):
    """What is said about the event: that it is, is going on, can, should or is wished to be."""

    NONE = auto()
    PROGRESSIVE = auto()
    """-고 있다, is drinking."""
    CAN = auto()
    """-(으)ㄹ 수 있다, can drink."""
    COULD_NOT = auto()
    """못, could not drink."""
    WANT = auto()
    """-고 싶다, wants to drink."""
    MUST = auto()
    """-어야 하다, has to drink."""


class Form(IntEnum):
    """The shape of the English predicate."""

    FINITE = auto()
    """Drinks."""
    QUESTION = auto()
    """Does … drink."""
    BASE = auto()
    """Drink."""
    SHARED = auto()
    """Drink, under the auxiliary of the verb before it."""
    GERUND = auto()
    """Drinking."""


THING = Stem("것이", Kind.COPULA, adjective=True)
THING_SPOKEN = Stem("거이", Kind.COPULA, adjective=True)
EXIST = Stem("있", adjective=True)
LACK = Stem("없", adjective=True)
STAY = Stem("계시", Kind.HONORIFIC)
WISH = Stem("싶", adjective=True)
DO = Stem("하", Kind.HA)
FAIL = Stem("못하", Kind.HA)
SPOKEN_FUTURE = {"어", "어요", "니"}


@cache
def korean_predicate(
    verb: Verb,
    ending: str,
    *,
    tense: Tense = Tense.PRESENT,
    modal: Modal = Modal.NONE,
    negative: bool = False,
    honored: bool = False,
    spoken: bool = False,
    other: bool = False,
) -> tuple[Word, ...]:
    """The Korean words of a predicate.

    Args:
        verb: the verb.
        ending: the last ending, in the notation of ``korean``.
        tense: past, present or future.
        modal: modality; ``FUTURE`` goes with ``NONE`` only.
        negative: whether it is denied.
        honored: whether its subject is honoured (-(으)시-).
        spoken: whether denial is short (안 가) rather than long (가지 않는다).
        other: whether the subject is a third person, whose wish is 싶어 하다.
    """
    words, stem, role = _modality(verb, modal, honored=honored, spoken=spoken, other=other)
    if negative and modal is not Modal.CAN:
        words, stem, role = _deny(words, stem, role, spoken=spoken)
    elif negative:
        stem = replace(LACK)
    ending = _adnominal_ending(stem, ending, tense)
    if tense is Tense.PAST and not ending.startswith("(으)ㄴ"):
        stem = past_stem(stem)
    if tense is Tense.FUTURE and ending != "(으)ㄹ":
        words = [*words, *_spread(attach(stem, "(으)ㄹ"), role)]
        stem, role = (THING_SPOKEN if ending in SPOKEN_FUTURE else THING), AUX
    return (*words, *_end(stem, ending, role))


def _end(stem: Stem, ending: str, role: int) -> list[Word]:
    done = finish(stem, ending)
    extra = len(ending.split(" ")) - 1
    head = done[: len(done) - extra]
    words: list[Word] = [(word, (role,)) for word in head]
    if extra:
        return words + [(word, (LINK,)) for word in done[len(head) :]]
    words[-1] = (words[-1][0], (role, LINK))
    return words


def _spread(text: str, role: int) -> list[Word]:
    return [(word, (role,)) for word in text.split(" ")]


def _adnominal_ending(stem: Stem, ending: str, tense: Tense) -> str:
    """Before a noun the tense is in the ending: 읽는, 읽은, 읽을."""
    if ending != "는" or tense is Tense.PRESENT:
        return ending
    if tense is Tense.FUTURE:
        return "(으)ㄹ"
    return "던" if stem.adjective else "(으)ㄴ"


def _plain_stem(verb: Verb, *, honored: bool) -> Stem:
    if not honored:
        return verb.stem
    return verb.honorific or honorific(verb.stem)


def _modality(
    verb: Verb, modal: Modal, *, honored: bool, spoken: bool, other: bool
) -> tuple[list[Word], Stem, int]:
    """Words before the last stem, that stem, and its role."""
    direct = _plain_stem(verb, honored=honored)
    partly = verb.honorific or verb.stem if honored else verb.stem
    if modal is Modal.PROGRESSIVE:
        return _spread(attach(partly, "고"), VERB), STAY if honored else EXIST, AUX
    if modal is Modal.CAN:
        return [*_spread(attach(direct, "(으)ㄹ"), VERB), ("수", (AUX,))], EXIST, AUX
    if modal is Modal.MUST:
        return _spread(attach(direct, "어야"), VERB), DO, AUX
    if modal is Modal.WANT:
        return _wish(partly, honored=honored, other=other)
    if modal is Modal.COULD_NOT and not (spoken and _short(verb.stem)):
        return _spread(attach(partly, "지"), VERB), honorific(FAIL) if honored else FAIL, NEG
    return [("못", (NEG,))] if modal is Modal.COULD_NOT else [], direct, VERB


def _wish(stem: Stem, *, honored: bool, other: bool) -> tuple[list[Word], Stem, int]:
    """-고 싶다 of oneself, -고 싶어 하다 of others."""
    words = _spread(attach(stem, "고"), VERB)
    if other:
        return [*words, ("싶어", (AUX,))], honorific(DO) if honored else DO, AUX
    return words, honorific(WISH) if honored else WISH, AUX


def _short(stem: Stem) -> bool:
    """Whether 안 and 못 stand before it: not in the middle of 배가 고프다 or 공부하다."""
    return " " not in stem.text and stem.kind is not Kind.HA and len(stem.text) <= 2


def _deny(
    words: list[Word], stem: Stem, role: int, *, spoken: bool
) -> tuple[list[Word], Stem, int]:
    if stem.kind is Kind.COPULA:
        noun, denied = deny_copula(stem)
        return [*words, *_spread(noun, role)], denied, NEG
    if spoken and not words and _short(stem) and stem not in (EXIST, STAY):
        return [*words, ("안", (NEG,))], stem, role
    negation = Stem("않", adjective=stem.adjective)
    if stem.kind is not Kind.HONORIFIC:
        return [*words, *_spread(attach(stem, "지"), role)], negation, NEG
    if stem.text.endswith(("드시", "주무시", "계시")):
        return [*words, *_spread(attach(stem, "지"), role)], honorific(negation), NEG
    return [*words, *_spread(attach(stem, "지"), role)], negation, NEG


@cache
def english_predicate(
    verb: Verb,
    form: Form = Form.FINITE,
    *,
    agreement: int = THIRD,
    tense: Tense = Tense.PRESENT,
    modal: Modal = Modal.NONE,
    negative: bool = False,
) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The English words of a predicate: what a question puts before the subject, and the rest."""
    lemma, *tail = verb.english.split(" ")
    rest = [(word, (VERB,)) for word in tail]
    if form in (Form.BASE, Form.SHARED, Form.GERUND):
        head = _bare(lemma, form, negative=negative)
        return (), (*head, *rest)
    operator, main = _operator(lemma, agreement, tense, modal, negative=negative)
    if form is Form.QUESTION and not operator:
        operator = [(_do(agreement, tense), (VERB,))]
    if form is Form.QUESTION:
        return tuple(operator[:1]), (*operator[1:], *main, *rest)
    if not operator:
        main[0] = (_finite(main[0][0], agreement, tense), main[0][1])
    return (), (*operator, *main, *rest)


def _bare(lemma: str, form: Form, *, negative: bool) -> list[Word]:
    if form is Form.GERUND:
        return [(gerund(lemma), (VERB,))]
    if negative and form is Form.BASE:
        return [("do", (NEG,)), ("not", (NEG,)), (lemma, (VERB,))]
    return [(lemma, (VERB,))]


def _operator(
    lemma: str, agreement: int, tense: Tense, modal: Modal, *, negative: bool
) -> tuple[list[Word], list[Word]]:
    """The auxiliary words, ``not`` among them, and the verb after them."""
    main: list[Word] = [(lemma, (VERB,))]
    denial: list[Word] = [("not", (NEG,))] if negative else []
    was = tense is Tense.PAST
    if modal is Modal.PROGRESSIVE:
        return [(be(agreement, was=was), (AUX,)), *denial], [(gerund(lemma), (VERB,))]
    if modal is Modal.COULD_NOT:
        return [("could", (NEG,)), ("not", (NEG,))], main
    if modal is Modal.CAN:
        return [_can(was=was, negative=negative)], main
    if modal in (Modal.WANT, Modal.MUST):
        auxiliary = "want" if modal is Modal.WANT else "have"
        return _with_do(auxiliary, agreement, tense, denial, main)
    if tense is Tense.FUTURE:
        return [("will", (AUX,)), *denial], main
    return _simple_operator(lemma, agreement, tense, denial, main)


def _simple_operator(
    lemma: str, agreement: int, tense: Tense, denial: list[Word], main: list[Word]
) -> tuple[list[Word], list[Word]]:
    """Past and present: only be and denial have an auxiliary."""
    negative = bool(denial)
    was = tense is Tense.PAST
    if lemma == "be":
        role = NEG if negative else VERB
        return [(be(agreement, was=was), (role,)), *denial], []
    if negative:
        return [(_do(agreement, tense), (NEG,)), *denial], main
    return [], main


def _can(*, was: bool, negative: bool) -> Word:
    if was:
        return "could", (AUX,)
    return "cannot" if negative else "can", (AUX,)


def _with_do(
    auxiliary: str, agreement: int, tense: Tense, denial: list[Word], main: list[Word]
) -> tuple[list[Word], list[Word]]:
    """Want to and have to: full verbs, so denial takes do and a question asks with do."""
    if denial:
        start = [(_do(agreement, tense), (NEG,)), *denial]
        return start, [(auxiliary, (AUX,)), ("to", (AUX,)), *main]
    return [], [(auxiliary, (AUX,)), ("to", (AUX,)), *main]


def _do(agreement: int, tense: Tense) -> str:
    if tense is Tense.PAST:
        return "did"
    return "does" if agreement == THIRD else "do"


def _finite(lemma: str, agreement: int, tense: Tense) -> str:
    if lemma == "be":
        return be(agreement, was=tense is Tense.PAST)
    if tense is Tense.PAST:
        return past(lemma)
    return third(lemma) if agreement == THIRD else lemma
