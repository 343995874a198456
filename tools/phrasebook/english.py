"""Inflection of the English words of the phrasebook: verbs, plurals, a and an."""

from functools import cache

__all__ = ["FIRST", "PLURAL", "THIRD", "article", "be", "gerund", "past", "plural", "third"]

FIRST, PLURAL, THIRD = 1, 2, 3
"""Agreement of a subject: I; you, we and they; he, she and it."""

PASTS = {
    "bake": "baked",
    "be": "was",
    "borrow": "borrowed",
    "bring": "brought",
    "build": "built",
    "buy": "bought",
    "choose": "chose",
    "come": "came",
    "cut": "cut",
    "do": "did",
    "draw": "drew",
    "drink": "drank",
    "eat": "ate",
    "feel": "felt",
    "find": "found",
    "forget": "forgot",
    "get": "got",
    "give": "gave",
    "go": "went",
    "grow": "grew",
    "have": "had",
    "hear": "heard",
    "know": "knew",
    "leave": "left",
    "lie": "lay",
    "lose": "lost",
    "make": "made",
    "meet": "met",
    "read": "read",
    "ride": "rode",
    "run": "ran",
    "say": "said",
    "sell": "sold",
    "send": "sent",
    "sing": "sang",
    "sit": "sat",
    "sleep": "slept",
    "swim": "swam",
    "take": "took",
    "teach": "taught",
    "tell": "told",
    "think": "thought",
    "wear": "wore",
    "write": "wrote",
}
DOUBLED = {"cut", "forget", "get", "plan", "run", "sit", "stop", "swim"}
PLURALS = {"child": "children", "fish": "fish", "person": "people"}
VOWELS = "aeiou"


@cache
def past(lemma: str) -> str:
    """The simple past: wrote, studied, cleaned."""
    if lemma in PASTS:
        return PASTS[lemma]
    if lemma.endswith("e"):
        return lemma + "d"
    if _consonant_y(lemma):
        return lemma[:-1] + "ied"
    return (lemma + lemma[-1] if lemma in DOUBLED else lemma) + "ed"


@cache
def third(lemma: str) -> str:
    """The third person singular present: goes, studies, watches."""
    if lemma == "have":
        return "has"
    return _with_s(lemma)


@cache
def gerund(lemma: str) -> str:
    """The -ing form: writing, swimming, lying."""
    if lemma == "lie":
        return "lying"
    if lemma.endswith("e") and not lemma.endswith("ee"):
        return ("be" if lemma == "be" else lemma[:-1]) + "ing"
    return (lemma + lemma[-1] if lemma in DOUBLED else lemma) + "ing"


def be(agreement: int, *, was: bool) -> str:
    """The finite form of be."""
    if was:
        return "were" if agreement == PLURAL else "was"
    return {FIRST: "am", PLURAL: "are", THIRD: "is"}[agreement]


@cache
def plural(noun: str) -> str:
    """The plural of a noun or a compound: cups, diaries, watches, comic books."""
    return PLURALS.get(noun) or _with_s(noun)


def article(word: str) -> str:
    """A or an, by the sound that ``word`` begins with."""
    return "an" if word[0] in VOWELS and not word.startswith("uni") else "a"


def _with_s(word: str) -> str:
    if _consonant_y(word):
        return word[:-1] + "ies"
    if word.endswith(("s", "sh", "ch", "x", "z", "o")) and word not in {"photo", "piano", "radio"}:
        return word + "es"
    return word + "s"


def _consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in VOWELS
