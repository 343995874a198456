"""N-gram models out of and into other forms: ARPA files, and tables that take less room."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from munmaek.artefact.info import Info
from munmaek.artefact.language_model import TrainedLanguageModel
from munmaek.errors import InputError, UnsupportedError
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import (
    NgramTables,
    Tables,
    compress,
    fast,
    quantise,
    read_arpa,
    write_arpa,
)
from munmaek.text.building import words_pipeline
from munmaek.text.tokenizers import SPECIALS, Tokenizer

__all__ = ["FORMS", "export_arpa", "import_arpa", "in_form"]


def _keep(tables: NgramTables, *, threads: int = 1) -> Tables:
    del threads
    return tables


FORMS: Mapping[str, Callable[..., Tables]] = {
    "fast": _keep,
    "compact": compress,
    "quantised": quantise,
}
"""How the tables of a model may lie on disk and in memory; what is asked of them is the same."""


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


def import_arpa(path: Path, *, threads: int = 1) -> TrainedLanguageModel:
    """The model of an ARPA file, with its words as the vocabulary.

    Raises:
        InputError: the file cannot be used; names the line and the reason.
    """
    read = read_arpa(path, reserved=SPECIALS, threads=threads)
    tokenizer = Tokenizer(words_pipeline(read.words[len(SPECIALS) :]), kind="words")
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
        training={"imported": path.name},
    )
    return TrainedLanguageModel(tokenizer, model, info)


def in_form(trained: TrainedLanguageModel, form: str, *, threads: int = 1) -> TrainedLanguageModel:
    """The same n-gram model with its tables in one of ``FORMS``, without its training text.

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
