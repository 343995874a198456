"""How clauses join: several verbs of one subject, subordination, coordination, reported speech.

Each structure words itself in both languages. English puts a subordinate clause after the main one,
Korean before it; a subject that is said again is a pronoun in English and nothing in Korean.
"""

from dataclasses import dataclass, field
from typing import Protocol

from phrasebook.clause import Clause
from phrasebook.phrase import Style, Words
from phrasebook.predicate import AUX, Form, Modal, Tense

__all__ = ["Complex", "Coordinated", "Reported", "Structure", "Subordinate"]

TOPIC, SUBJECT = "은/는", "이/가"


class Structure(Protocol):
    """Anything that can stand as a sentence."""

    @property
    def link(self) -> int:
        """The unit of its last Korean ending."""
        ...

    def korean(self, ending: str, style: Style, *, case: str) -> Words:
        """The Korean words with this last ending; ``case`` is the particle of its subject."""
        ...

    def english(self, form: Form) -> Words:
        """The English words."""
        ...


@dataclass(slots=True)
class Subordinate:
    """A clause with its conjunction: -기 때문에, because."""

    clause: Clause
    ending: str
    conjunction: str
    form: Form = Form.FINITE

    @property
    def shared(self) -> bool:
        """Return true where the subject is the main clause's, and so left out in Korean."""
        return self.clause.same_subject or self.clause.subject is None

    def korean(self, style: Style) -> Words:
        """The Korean words, the conjunction being the ending."""
        return self.clause.korean(self.ending, style, case=SUBJECT)

    def english(self) -> Words:
        """The conjunction and the English words."""
        words = [(word, (self.clause.link,)) for word in self.conjunction.split(" ")]
        return [*words, *self.clause.english(self.form)]


@dataclass(slots=True)
class Complex:
    """One or more verbs of one subject, with subordinate clauses around them."""

    chain: list[Clause]
    subordinates: list[Subordinate] = field(default_factory=lambda: list[Subordinate]())
    """In the English order; Korean has them the other way round."""
    cause: Clause | None = None
    """A state that leads to it, said before it in both languages: -어서, so."""

    @property
    def link(self) -> int:
        """The unit of the last verb's ending."""
        return self.chain[-1].link

    def korean(self, ending: str, style: Style, *, case: str = TOPIC) -> Words:
        """Subject first where a subordinate clause shares it, else after those clauses."""
        subject = (self.cause or self.chain[0]).korean_subject(case)
        words: Words = []
        for subordinate in reversed(self.subordinates):
            if subordinate.shared and subject:
                words, subject = words + subject, []
            words += subordinate.korean(style)
        words += subject
        if self.cause:
            words += self.cause.korean_body("어서", style)
        for clause in self.chain[:-1]:
            words += clause.korean_body("고", style, bare=True)
        return words + self.chain[-1].korean_body(ending, style)

    def english(self, form: Form) -> Words:
        """Cause, verbs, subordinate clauses."""
        first = self.chain[0]
        words: Words = []
        if self.cause:
            words = [*self.cause.english(), ("so", (self.cause.link,))]
        words += self._auxiliary_last(first.english(form))
        bare = form is not Form.FINITE or first.tense is Tense.FUTURE
        for before, clause in zip(self.chain, self.chain[1:], strict=False):
            words.append(("and", (before.link,)))
            words += clause.english(Form.SHARED) if bare else clause.english(headless=True)
        for subordinate in self.subordinates:
            words += subordinate.english()
        return words

    def _auxiliary_last(self, words: Words) -> Words:
        """English says will with the first verb, Korean -(으)ㄹ 것이다 with the last."""
        if len(self.chain) == 1:
            return words
        said, meant = self.chain[0].first + AUX, self.chain[-1].first + AUX
        return [(word, (meant,) if units == (said,) else units) for word, units in words]

    @property
    def size(self) -> int:
        """About how many English words it has."""
        words = sum(clause.size for clause in self.chain) + len(self.chain) - 1
        if len(self.chain) > 1 and self.chain[0].subject:  # said once, counted each time
            words -= (len(self.chain) - 1) * len(self.chain[0].subject.english)
        words += sum(1 + subordinate.clause.size for subordinate in self.subordinates)
        return words + (1 + self.cause.size if self.cause else 0)

    @property
    def simple(self) -> bool:
        """Return true where further verbs may share the first one's subject and auxiliary."""
        return self.chain[0].modal is Modal.NONE and not self.chain[0].negative


@dataclass(slots=True)
class Coordinated:
    """Two sentences joined by and (-고) or but (-지만)."""

    left: Structure
    right: Structure
    ending: str
    conjunction: str

    @property
    def link(self) -> int:
        """The unit of the right one's ending."""
        return self.right.link

    def korean(self, ending: str, style: Style, *, case: str = TOPIC) -> Words:
        """Left with the joining ending, then right."""
        left = self.left.korean(self.ending, style, case=case)
        return left + self.right.korean(ending, style, case=case)

    def english(self, form: Form) -> Words:
        """Left, conjunction, right."""
        right = self.right.english(form)
        return [*self.left.english(form), (self.conjunction, (self.left.link,)), *right]


@dataclass(slots=True)
class Reported:
    """What someone says, thinks, knows: 민수는 …-다고 말한다, Minsu says that …."""

    speaker: Clause
    inner: Structure
    ending: str = "ㄴ다고"

    @property
    def link(self) -> int:
        """The unit of the reporting verb's ending."""
        return self.speaker.link

    def korean(self, ending: str, style: Style, *, case: str = TOPIC) -> Words:
        """Return who says it, what, and the reporting verb."""
        words = [*self.speaker.korean_subject(case), *self.speaker.korean_rest()]
        words += self.inner.korean(self.ending, style, case=SUBJECT)
        return words + self.speaker.korean_end(ending, style)

    def english(self, form: Form) -> Words:
        """Return who says it, that, what."""
        words = [*self.speaker.english(form), ("that", (self.inner.link,))]
        return words + self.inner.english(Form.FINITE)
