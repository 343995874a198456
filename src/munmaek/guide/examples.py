"""Files to try everything on: short sentences of the phrasebook, for each task.

They are few and of few words, so that small models learn them in seconds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from munmaek.phrases import Phrase, Phrasebook, phrasebook
from munmaek.writing import write_text

__all__ = ["FILES", "example_files", "write_examples"]

WORDS = 120
"""English words, the commonest, that every sentence is made of."""
LONGEST = 8
"""English words of a sentence at most."""
FILES: Mapping[str, str] = {
    "corpus.txt": "sentences, one a line: for lm, mlm and embed",
    "corpus-test.txt": "other sentences, to test on",
    "labels.tsv": "sentences with what they are, statement, question …: for classify",
    "labels-test.tsv": "others, to test on",
    "train.ko": "Korean sentences: for translate",
    "train.en": "the same sentences in English",
    "test.ko": "others, to test on",
    "test.en": "the same in English",
    "links.txt": "which word of the guide's own language in train.* belongs to which of the other",
    "lengths.tsv": "sentences with the number of their words: for regress",
    "roles.tsv": "a word and its role a line, sentences apart: for tag",
}
"""The files, and what is in each."""
ROLES = {
    "을": "object", "를": "object", "은": "subject", "는": "subject", "이": "subject",
    "가": "subject", "에서": "place", "에게": "receiver", "께": "receiver",
}  # fmt: skip
"""Roles of Korean words by their particles; the English words linked with them have the same."""


def write_examples(folder: Path, *, language: str = "en") -> list[Path]:
    """Write the example files into a folder, which is made where it is not there.

    Args:
        folder: where.
        language: ``en`` or ``ko``, of the sentences outside ``train.*`` and ``test.*``.

    Raises:
        DiskError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = example_files(language)
    for name, text in made.items():
        write_text(folder / name, text)
    return [folder / name for name in made]


def example_files(language: str) -> dict[str, str]:
    """Return the content of every example file by its name."""
    book = _short(phrasebook(pairs=10_000, valid=300, test=1_000, longest=12))
    korean = language == "ko"

    def texts(phrases: Sequence[Phrase]) -> list[str]:
        return [each.korean if korean else each.english for each in phrases]

    labelled = [
        zip(texts(part), (each.label for each in part), strict=True)
        for part in (book.train, book.test)
    ]
    return {
        "corpus.txt": _lines(texts(book.train)),
        "corpus-test.txt": _lines(texts(book.test)),
        "labels.tsv": _table("label", labelled[0]),
        "labels-test.tsv": _table("label", labelled[1]),
        "train.ko": _lines(each.korean for each in book.train),
        "train.en": _lines(each.english for each in book.train),
        "test.ko": _lines(each.korean for each in book.test),
        "test.en": _lines(each.english for each in book.test),
        "links.txt": _lines(_links(each, korean=korean) for each in book.train),
        "lengths.tsv": _table(
            "value", ((text, str(len(text.split()))) for text in texts(book.train))
        ),
        "roles.tsv": "\n".join(_roles(each, korean=korean) for each in book.train),
    }


def _short(book: Phrasebook) -> Phrasebook:
    """Return the sentences of few words that are made of the commonest words alone."""
    counts = Counter(word for each in book.train for word in _words(each))
    order = sorted(counts, key=lambda word: (-counts[word], word))
    common = set(order[:WORDS])

    def kept(phrases: Sequence[Phrase]) -> tuple[Phrase, ...]:
        return tuple(
            each
            for each in phrases
            if len(each.english.split()) <= LONGEST and common.issuperset(_words(each))
        )

    return Phrasebook(kept(book.train), kept(book.valid), kept(book.test))


def _links(phrase: Phrase, *, korean: bool) -> str:
    """Return the links of a pair as Pharaoh writes them, from the guide's language."""
    ordered = sorted(link if korean else link[::-1] for link in phrase.links)
    return " ".join(f"{source}-{target}" for source, target in ordered)


def _words(phrase: Phrase) -> list[str]:
    return [word.strip(",?").lower() for word in phrase.english.split()]


def _roles(phrase: Phrase, *, korean: bool) -> str:
    """Return a sentence with a word and its role a line."""
    words = phrase.korean.split()
    roles = [_role(word) for word in words]
    if not korean:
        linked = {j: roles[i] for i, j in phrase.links if roles[i] != "other"}
        words = phrase.english.split()
        roles = [linked.get(place, "other") for place in range(len(words))]
    return "".join(f"{word}\t{role}\n" for word, role in zip(words, roles, strict=True))


def _role(word: str) -> str:
    found = next((each for each in sorted(ROLES, key=len, reverse=True) if word.endswith(each)), "")
    return ROLES[found] if found and len(word) > len(found) else "other"


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def _table(column: str, rows: Iterable[tuple[str, str]]) -> str:
    return f"text\t{column}\n" + "".join(f"{text}\t{value}\n" for text, value in rows)
