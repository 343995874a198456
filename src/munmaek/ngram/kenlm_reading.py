"""Models of KenLM's binary files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from munmaek.ngram.arpa import BOS, EOS, UNK
from munmaek.ngram.arpa_reading import ArpaModel
from munmaek.ngram.arpa_words import settled
from munmaek.ngram.grams import MisplacedError, reserve, tables_of_grams
from munmaek.ngram.kenlm_file import fail, open_kenlm
from munmaek.ngram.kenlm_probing import HashedTables, read_probing
from munmaek.ngram.kenlm_trie import read_trie

__all__ = ["read_kenlm"]


def read_kenlm(path: Path, *, reserved: Sequence[str] = (), threads: int = 1) -> ArpaModel:
    """Read a probing or trie binary, as ``read_arpa`` reads the ARPA file it was built of.

    What the file holds besides is taken too: n-grams that KenLM put in where a longer one lacked
    its end, with the probability that they had by backing off. Quantised values stay as they are.

    Args:
        path: the file.
        reserved: words that get the first ids, in this order.
        threads: how many work at once.

    Raises:
        InputError: unfinished, damaged, of another version or without its words.
        UnsupportedError: hash tables of too many n-grams to recover their words.
    """
    file = open_kenlm(path)
    if file.is_trie:
        raw, orders = read_trie(file)
    else:
        tables = HashedTables(file)
        raw, orders = tables.words, read_probing(tables, threads=threads)
    own = settled(raw)
    for name in (BOS, EOS):
        if name not in own.words:
            fail(path, f"no {name} among its words; build it without -s")
    words = reserve(orders, own.words, reserved)
    bos, eos, unk = (words.index(name) for name in (BOS, EOS, UNK))
    orders[0].logprobs[bos] = -np.inf
    try:
        made = tables_of_grams(orders, threads=threads)
    except MisplacedError as error:
        fail(path, str(error))
    kept = tuple(word for word in reserved if word in own.words)
    return ArpaModel(made, words, bos, eos, unk, kept, own.collided)
