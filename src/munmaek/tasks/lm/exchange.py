"""N-gram models out of and into other forms: ARPA files, and tables that take less room."""

import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from munmaek.errors import InputError, MunmaekWarning, UnsupportedError
from munmaek.folder.info import Info
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import (
    ArpaModel,
    NgramTables,
    Tables,
    compress,
    fast,
    quantise,
    read_arpa,
    write_arpa,
)
from munmaek.ngram.kenlm_file import is_kenlm
from munmaek.ngram.kenlm_reading import read_kenlm
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.text.spaces import ASCII_SPACE, ascii_words
from munmaek.text.tokenizers import SPECIALS, Tokenizer, word_tokenizer

__all__ = ["FORMS", "export_arpa", "import_ngrams", "in_form"]


_SHOWN = 5
"""Words that a warning names."""


def _keep(tables: NgramTables, *, threads: int = 1) -> Tables:
    del threads
    return tables


FORMS: Mapping[str, Callable[..., Tables]] = {
    "fast": _keep,
    "compact": compress,
    "quantised": quantise,
}
"""Forms of a model's tables on disk and in memory; all answer the same questions."""


def export_arpa(trained: TrainedLanguageModel, path: Path, *, threads: int = 1) -> None:
    """Write an n-gram model as an ARPA file, gzipped when its name ends in ``.gz``.

    Raises:
        UnsupportedError: the model is no n-gram model.
        InputError: its tokens hold white space, which ARPA cannot write.
    """
    model, tokenizer = _counted(trained), trained.tokenizer
    names = [tokenizer.token(token) for token in range(model.vocab_size)]
    write_arpa(
        path,
        fast(model.tables),
        names,
        bos=model.bos,
        eos=model.eos,
        unk=model.unk,
        threads=threads,
    )


def import_ngrams(path: Path, *, threads: int = 1) -> TrainedLanguageModel:
    """Return the model of an ARPA file or of KenLM's binary, with its words as the vocabulary.

    Text is cut into words at ASCII white space, as KenLM does.

    Raises:
        InputError: the file cannot be used; names the line and the reason.
        UnsupportedError: hash tables of too many n-grams to recover their words.
    """
    read_file = read_kenlm if is_kenlm(path) else read_arpa
    read = read_file(path, reserved=SPECIALS, threads=threads)
    tokenizer = word_tokenizer(read.words[len(SPECIALS) :], space=ASCII_SPACE)
    if tokenizer.vocab_size != len(read.words):
        message = (
            f"{path}: {len(read.words)} words, of which the tokenizer took {tokenizer.vocab_size}"
        )
        raise InputError(message)
    sizes = {
        "vocab_size": tokenizer.vocab_size,
        "bos": tokenizer.bos,
        "eos": tokenizer.eos,
        "unk": tokenizer.unk,
    }
    config = NgramConfig(order=read.tables.order)
    model = NgramModel(read.tables, config=config, bos=read.bos, eos=read.eos, unk=tokenizer.unk)
    info = Info(
        task="lm",
        stage="ngram",
        label=f"{config.order}-gram",
        config=config.model_dump(),
        sizes=sizes,
        parameters=model.parameters,
        training={"imported": path.name, **_told(path, read)},
    )
    return TrainedLanguageModel(tokenizer, model, info)


def _told(path: Path, read: ArpaModel) -> dict[str, int]:
    """Warn of what the file has that no text meets; how many words those are."""
    unreachable = _unreachable(read)
    if read.collided:
        _warn(f"{path}: {_listed(read.collided)} in the same form (NFC) as other words of the file")
    if unreachable:
        _warn(f"{path}: {_listed(unreachable)} that no text can reach")
    if SPECIALS[Tokenizer.unk] not in read.reserved:
        _warn(f"{path}: no <unk>, so an unknown word has log10 probability -100, as in KenLM")
    return {"unreachable": len(unreachable), "collided": len(read.collided)}


def _unreachable(read: ArpaModel) -> tuple[str, ...]:
    """Return words that no text is cut into: not NFC, with white space, or reserved here."""
    tokens = SPECIALS[Tokenizer.pad], SPECIALS[Tokenizer.mask]
    parted = (word for word in read.words[len(SPECIALS) :] if ascii_words(word) != [word])
    return (*(token for token in tokens if token in read.reserved), *parted, *read.collided)


def _listed(words: Sequence[str]) -> str:
    """Count the words and name the first of them, for a message."""
    # Escaped where it looks like another word and is not.
    shown = ", ".join(
        repr(word) if unicodedata.is_normalized("NFC", word) else ascii(word)
        for word in words[:_SHOWN]
    )
    more = ", …" if len(words) > _SHOWN else ""
    return f"{len(words):,} word{'s' if len(words) > 1 else ''} ({shown}{more})"


def _warn(message: str) -> None:
    warnings.warn(message, MunmaekWarning, stacklevel=4)


def in_form(trained: TrainedLanguageModel, form: str, *, threads: int = 1) -> TrainedLanguageModel:
    """Return the n-gram model with its tables in one of ``FORMS``, without its training text.

    Raises:
        UnsupportedError: the model is no n-gram model.
    """
    model = _counted(trained)
    tables = FORMS[form](fast(model.tables), threads=threads)
    made = NgramModel(
        tables,
        config=model.config,
        bos=model.bos,
        eos=model.eos,
        unk=model.unk,
        discounts=model.discounts,
    )
    training = {**trained.info.training, "form": form}
    return TrainedLanguageModel(trained.tokenizer, made, replace(trained.info, training=training))


def _counted(trained: TrainedLanguageModel) -> NgramModel:
    if not isinstance(trained.model, NgramModel):
        message = f"{trained.info.label}: no n-gram model, so it has no such form; train one first"
        raise UnsupportedError(message)
    return trained.model
