"""One clause: a predicate with its subject, objects and adjuncts, worded in both languages.

Korean: subject, time, frequency, place, companion, recipient, object, manner, predicate; where the
place is a goal (학교에), companion and purpose come before it.
English: subject, frequency, predicate, object, recipient, companion, manner, place, time.
"""

from dataclasses import dataclass

from phrasebook.lexicon import Noun
from phrasebook.phrase import Nominal, Pair, Style, Words, mark
from phrasebook.predicate import (
    LINK,
    NEG,
    Form,
    Modal,
    Roles,
    Tense,
    english_predicate,
    korean_predicate,
)
from phrasebook.verbs import Verb

__all__ = ["TENSELESS", "Clause"]

TENSELESS = {"기 전에", "(으)ㄴ 후에", "(으)면서", "(으)러", "어서", "기 위해"}
"""Endings that take no tense of their own."""


@dataclass(slots=True)
class Clause:
    """A clause. A clause without subject is one whose subject both languages leave out."""

    verb: Verb
    first: int
    """Its first unit: the verb's, followed by those of auxiliary, negation and link."""
    subject: Nominal | None = None
    tense: Tense = Tense.PRESENT
    modal: Modal = Modal.NONE
    negative: bool = False
    obj: Nominal | None = None
    recipient: Nominal | None = None
    time: Pair | None = None
    frequency: Pair | None = None
    place: Pair | None = None
    companion: Pair | None = None
    manner: Pair | None = None
    purpose: Pair | None = None
    asked: Words | None = None
    """The question word that English puts first."""
    degree: Pair | None = None
    """Very, before an adjective."""
    forbidden: bool = False
    """Whether it is something not to do, which Korean says with its ending."""
    honored: bool = False
    """Whether Korean honours the subject that is not said: the hearer of a request."""
    case: str = ""
    """The subject's particle where the verb decides it: 날씨가 춥다, 누가 왔니?"""
    existential: bool = False
    """Whether the place comes before the subject in Korean: 방에 고양이가 있다."""
    noun: Noun | None = None
    """What its object is, for a reason that speaks of it again."""
    heavy: bool = False
    """Whether its object is so long that what follows would seem to belong to it."""
    outdoors: bool = False
    """Whether its place is under the open sky."""
    same_subject: bool = False
    """Whether Korean leaves the subject out, and English repeats it as a pronoun."""

    @property
    def link(self) -> int:
        """The unit of the ending that ties this clause to another."""
        return self.first + LINK

    def korean(
        self, ending: str, style: Style, *, case: str = "은/는", bare: bool = False
    ) -> Words:
        """The Korean words; ``case`` is the subject's particle, ``bare`` leaves the tense out."""
        return self.korean_subject(case) + self.korean_body(ending, style, bare=bare)

    def korean_body(self, ending: str, style: Style, *, bare: bool = False) -> Words:
        """Everything but the subject."""
        how = [word for pair in (self.manner, self.degree) if pair for word in pair[0]]
        predicate = self.korean_end(ending, style, bare=bare)
        if how and " " in self.verb.stem.text:  # 춤을 잘 춘다, 키가 아주 크다
            return self.korean_rest() + predicate[:1] + how + predicate[1:]
        return self.korean_rest() + how + predicate

    def korean_subject(self, case: str) -> Words:
        """The subject with its particle, unless it is left out."""
        if self.subject is None or self.same_subject:
            return []
        words = mark(self.subject, self.case or case)
        return self.place[0] + words if self.existential and self.place else words

    def korean_rest(self) -> Words:
        """Return the words between subject and manner."""
        words: Words = []
        place = None if self.existential else self.place
        where = (self.companion, self.purpose, place)
        if self.verb.where == "에서":
            where = (place, self.companion)
        for pair in (self.time, self.frequency, *where):
            if pair:
                words += pair[0]
        if self.recipient:
            words += mark(self.recipient, self.verb.recipient)
        if self.obj:
            words += mark(self.obj, self.verb.case)
        return words

    def korean_end(self, ending: str, style: Style, *, bare: bool = False) -> Words:
        """The predicate with its ending."""
        subject = self.subject
        tenseless = bare or ending in TENSELESS
        roles = korean_predicate(
            self.verb,
            ending,
            tense=Tense.PRESENT if tenseless else self.tense,
            modal=self.modal,
            negative=self.negative,
            honored=self.honored or (subject is not None and subject.honored),
            spoken=style in (Style.INFORMAL, Style.POLITE),
            other=subject is not None and subject.pronoun not in ("I", "you", "we"),
        )
        words = self._units(roles)
        if self.forbidden:
            words[-1] = (words[-1][0], (*words[-1][1], self.first + NEG))
        return words

    def english(self, form: Form = Form.FINITE, *, headless: bool = False) -> Words:
        """The English words; a question has its auxiliary and question word in front.

        ``headless`` leaves out the subject, with which the verb still agrees.
        """
        subject = self.subject
        front, rest = english_predicate(
            self.verb,
            form,
            agreement=subject.agreement if subject else 3,
            tense=self.tense,
            modal=self.modal,
            negative=self.negative or self.forbidden,
        )
        words = [*(self.asked or []), *self._units(front)]
        if subject and not headless and form in (Form.FINITE, Form.QUESTION):
            words += self._english_subject(subject)
        if self.frequency:
            words += self.frequency[1]
        return words + self._graded(self._units(rest)) + self._english_after()

    def _graded(self, predicate: Words) -> Words:
        """The predicate with very before its adjective."""
        if self.degree is None:
            return predicate
        before = len(predicate) - self.verb.english.count(" ")
        return predicate[:before] + self.degree[1] + predicate[before:]

    @property
    def size(self) -> int:
        """About how many English words it has, subject included."""
        words = 1 + self.verb.english.count(" ")
        if self.negative or self.modal is not Modal.NONE or self.tense is Tense.FUTURE:
            words += 1
        if self.subject:
            words += 1 if self.same_subject else len(self.subject.english)
        if self.obj:
            words += len(self.obj.english)
        if self.recipient:
            words += 1 + len(self.recipient.english)
        for pair in (self.time, self.frequency, self.place, self.companion, self.manner):
            if pair:
                words += len(pair[1])
        return words + (len(self.purpose[1]) if self.purpose else 0)

    def _english_subject(self, subject: Nominal) -> Words:
        if self.same_subject:
            return [(subject.pronoun, subject.units)]
        return subject.english

    def _english_after(self) -> Words:
        words: Words = []
        if self.obj:
            if self.verb.preposition:
                words.append((self.verb.preposition, self.obj.units))
            words += self.obj.as_object
        if self.recipient:
            words += [("to", self.recipient.units), *self.recipient.as_object]
        for pair in (self.manner, self.companion, self.place, self.purpose, self.time):
            if pair:
                words += pair[1]
        return words

    def _units(self, words: tuple[tuple[str, Roles], ...]) -> Words:
        first = self.first
        return [
            (word, (first + roles[0],) if len(roles) == 1 else tuple(first + r for r in roles))
            for word, roles in words
        ]
