"""Running text that is trained on from a file of its tokens, so that it may be larger than memory.

The file stands in the folder ``token-cache`` beside the model's and is named after a sum over the
bytes of the files, how they are read, the rows held out and the tokenizer. It has the tokenizer, if
that was learned of the text, and the lines held out, so that another run reads nothing else.
"""

import hashlib
import json
import time
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
import tokenizers

from munmaek.data.token_file import Part, TokenFile, narrow, open_tokens, write_tokens
from munmaek.errors import ArtefactError, ConfigError, InputError, MunmaekWarning
from munmaek.fit.holding import held_out_name, hold_out
from munmaek.fit.running import Run
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.locking import FileLock
from munmaek.planning.facts import Facts, facts_of
from munmaek.tasks.lm.data import KnownCorpus, Text, prepare_text
from munmaek.tasks.preparing import drawn_rows, holds_out
from munmaek.tasks.recipe import Texts
from munmaek.text.corpora import Corpus, corpus_name, listed, read_text, text_lines
from munmaek.text.encoding import encode_lines
from munmaek.text.line_file import LineFile
from munmaek.text.memory import Source, Sources, Table
from munmaek.text.morphology import analyser
from munmaek.text.sources import encoding_of, is_address, split_part
from munmaek.text.tokenizers import KINDS, MORPHEMIC, Tokenizer
from munmaek.writing import scratch_folder, writing

__all__ = ["FOLDER", "LARGE", "CachedCorpus", "facts_of_text", "prepared_text", "text_for"]

FOLDER = "token-cache"
LARGE = 64 << 20
"""Bytes of files from which on tokens are cached where nothing is asked for."""
_FORM = 1
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class CachedCorpus:
    """Files of running text that is not held in memory."""

    name: str
    files: Sequence[Source]
    column: str | int | None
    folder: Path
    """Holds files of tokens."""

    @contextmanager
    def lines(self) -> Generator[LineFile]:
        """Give the lines of all files, from a file that is removed when the block ends.

        Raises:
            InputError: what ``munmaek.text.corpora.read_text`` raises.
            DiskError: there is no room for them.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with scratch_folder(self.folder) as scratch:
                read = partial(text_lines, column=self.column)
                each = chain.from_iterable(map(read, self.files))
                lines = LineFile.written(scratch / "lines", each)
                if not any(lines):
                    message = f"{self.name}: only empty lines; a corpus needs text"
                    raise InputError(message)
                yield lines


def text_for(paths: Sources, recipe: Texts, run: Run) -> Corpus | CachedCorpus:
    """Return the text of a run, to be held in memory or cached.

    Raises:
        ConfigError: tokens are to be cached that cannot be.
        InputError: what ``munmaek.text.corpora.read_text`` raises.
    """
    files = listed(paths)
    reason = None if run.cached is False else _not_cached(files, recipe, run)
    if run.cached and reason is not None:
        message = f"--cache-tokens: {reason}; leave it out"
        raise ConfigError(message)
    small = run.cached is None and reason is None and sum(map(_size, files)) < LARGE
    if run.cached is False or reason is not None or small or run.folder is None:
        return read_text(paths, column=recipe.text_column)
    # The first line names the column, and a file that cannot be read is refused at once.
    next(iter(text_lines(files[0], column=recipe.text_column)), None)
    place = run.folder.absolute().parent / FOLDER
    return CachedCorpus(corpus_name(files), files, recipe.text_column, place)


def _not_cached(files: Sequence[Source], recipe: Texts, run: Run) -> str | None:
    """Return why tokens cannot be cached; None where they can."""
    if run.folder is None:
        return "needs a folder for the model, beside which they are"
    if recipe.is_counted:
        return "is for networks"
    if recipe.holds_out_documents:
        return "next-sentence pairs are made of a text in memory"
    other = next((each for each in files if _path(each) is None and not _missing(each)), None)
    return None if other is None else f"needs files on this machine, not {other}"


def _path(source: Source) -> Path | None:
    """Return the file on this machine that a source is, or a part of; None of any other."""
    if isinstance(source, Table):
        return None
    path = Path(split_part(source)[0])
    return path if path.is_file() else None


def _missing(source: Source) -> bool:
    """Return whether a file is named that is not there, which its reader says better."""
    name = "" if isinstance(source, Table) else split_part(source)[0]
    return name not in ("", "-") and not is_address(name) and not Path(name).exists()


def _size(source: Source) -> int:
    path = _path(source)
    return 0 if path is None else path.stat().st_size


def facts_of_text(corpus: Corpus | CachedCorpus) -> Facts:
    """Return sizes of a text, and whether its lines go on from one another."""
    if isinstance(corpus, Corpus):
        return facts_of(corpus.lines, in_order=True)
    with corpus.lines() as lines:
        return facts_of(lines, in_order=True)


def prepared_text(
    corpus: Corpus | CachedCorpus,
    valid: Corpus | None,
    recipe: Texts,
    *,
    tokenizer: Tokenizer | None,
    holding: bool | None,
) -> Text:
    """Return ``prepare_text`` of a corpus in memory, and the same of a cached one.

    Where another process is making the file, it is waited for.
    """
    if isinstance(corpus, Corpus):
        return prepare_text(corpus, valid, recipe, tokenizer=tokenizer, holding=holding)
    holds = holds_out(recipe, valid, holding)
    key = _key(corpus, recipe, tokenizer, holds=holds)
    path = corpus.folder / f"{key[:32]}.tokens"
    with _alone(path):
        found = _opened(path, key)
        if found is None:
            _make(path, key, corpus, recipe, tokenizer, holds=holds)
            found = open_tokens(path)
    return _text(found, valid, tokenizer)


def _key(corpus: CachedCorpus, recipe: Texts, tokenizer: Tokenizer | None, *, holds: bool) -> str:
    """Return the sum that names the tokens: of all that they depend on."""
    borrowed = make_tokenizer((), recipe) if tokenizer is None and _borrows(recipe) else tokenizer
    cut = (
        [recipe.tokenizer, recipe.vocab_size, recipe.min_count]
        if borrowed is None
        else borrowed.fingerprint
    )
    held = [recipe.hold_out, recipe.choice_seed] if holds else None
    drawn = None
    if recipe.train_rows is not None:
        drawn = [recipe.train_rows, recipe.choice_seed, recipe.goes_on]
    files = [
        [_digest(cast("Path", _path(each))), split_part(each)[1], encoding_of(each)]
        for each in corpus.files
    ]
    kind = recipe.tokenizer if borrowed is None else borrowed.kind
    cutter = analyser() if kind in MORPHEMIC else None
    parts = [_FORM, version("munmaek"), tokenizers.__version__, cutter, corpus.name, corpus.column]
    described = json.dumps([*parts, files, cut, held, drawn])
    return hashlib.sha256(described.encode()).hexdigest()


def _borrows(recipe: Texts) -> bool:
    return recipe.tokenizer not in KINDS


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while content := file.read(_CHUNK):
            digest.update(content)
    return digest.hexdigest()


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Hold a file of tokens against other processes, waiting until they have let it go."""
    lock = FileLock(path.with_suffix(".lock"))
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while not lock.take():
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.release()


def _opened(path: Path, key: str) -> TokenFile | None:
    """Return the tokens at ``path``; None where there are none, or others, or damaged ones."""
    if not path.exists():
        return None
    try:
        found = open_tokens(path)
    except ArtefactError as error:
        message = f"{error}: it is made anew"
        warnings.warn(message, MunmaekWarning, stacklevel=2)
        return None
    return found if found.header.get("key") == key else None


def _make(
    path: Path,
    key: str,
    corpus: CachedCorpus,
    recipe: Texts,
    tokenizer: Tokenizer | None,
    *,
    holds: bool,
) -> None:
    """Read the text, learn the tokenizer if there is none, and write the tokens of all lines."""
    with corpus.lines() as lines:
        valid, kept = None, lines
        rows = np.arange(len(lines), dtype=np.int64)
        if holds:
            rows, held = hold_out(len(lines), seed=recipe.choice_seed, asked=recipe.hold_out)
            valid = list(lines.only(held))
        rows = drawn_rows(rows, recipe, name=corpus.name, in_order=recipe.goes_on)
        if len(rows) < len(lines):
            kept = lines.only(rows)
        made = make_tokenizer(kept, recipe) if tokenizer is None else tokenizer
        dtype = narrow(made.vocab_size)
        parts = encode_lines(kept, made, lines.path.parent, dtype=dtype)
        header = {
            "key": key,
            "name": corpus.name,
            "sha256": kept.fingerprint(),
            "tokenizer": made.fingerprint,
            "learned": {"kind": made.kind, "content": made.content} if tokenizer is None else None,
            "held": valid,
        }
        write_tokens(path, [Part(each.ids, each.sizes) for each in parts], header, dtype=dtype)
    size = path.stat().st_size / 1e6
    message = f"{path}: tokens for this run and others on the same text, {size:,.0f} MB"
    warnings.warn(message, MunmaekWarning, stacklevel=2)


def _text(found: TokenFile, valid: Corpus | None, tokenizer: Tokenizer | None) -> Text:
    """Return the text that a file of tokens has, beside other validation data if there are any."""
    header = found.header
    if tokenizer is None:
        learned = header["learned"]
        tokenizer = Tokenizer.of_content(learned["content"], kind=learned["kind"])
    if header["held"] is not None:
        valid = Corpus(held_out_name(header["name"]), tuple(header["held"]))
    return Text(
        tokenizer,
        found.rows,
        [] if valid is None else tokenizer.encode_many(valid.lines),
        KnownCorpus(header["name"], len(found.rows), header["sha256"]),
        valid,
        np.empty(0, dtype=np.int64),
    )
