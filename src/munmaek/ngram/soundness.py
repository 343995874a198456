"""Checks that the arrays of a trie fit together: compiled, reading all of them."""

import numpy as np

from munmaek.arrays import Float32s, Int32s, Int64s, Uint64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.index import FEW, PROBES, slot_of

__all__ = [
    "first_is_sound",
    "index_is_sound",
    "links_are_sound",
    "ranks_are_sound",
    "words_are_sound",
]


@compiled
def first_is_sound(starts: Int64s, first: Int32s) -> bool:
    """Check that runs of continuations follow one another, those of each order filling the next."""
    for order in range(1, len(starts) - 1):
        if first[starts[order - 1]] != starts[order]:
            return False
    for context in range(len(first) - 1):
        if first[context] > first[context + 1]:
            return False
    return bool(first[len(first) - 1] == starts[len(starts) - 1])


@compiled
def words_are_sound(starts: Int64s, first: Int32s, words: Int32s) -> bool:
    """Check that unigrams are in the order of ids and continuations rise; ``first`` is sound."""
    for word in range(starts[1]):
        if words[word] != word:
            return False
    for context in range(len(first) - 1):
        previous = -1
        for node in range(first[context], first[context + 1]):
            if words[node] <= previous or words[node] >= starts[1]:
                return False
            previous = words[node]
    return True


@compiled
def links_are_sound(starts: Int64s, words: Int32s, links: Int32s) -> bool:
    """Check that each leads to a shorter n-gram with the same last word, from unigrams to none."""
    order = 0
    for node in range(len(links)):
        if node >= starts[order + 1]:
            order += 1
        link = links[node]
        if order == 0:
            if link != -1:
                return False
        elif link < 0 or link >= starts[order] or words[link] != words[node]:
            return False
    return True


@compiled
def index_is_sound(first: Int32s, words: Int32s, index: Uint64s) -> bool:
    """Check that every continuation of a context with many is found, and nothing else is in it."""
    one, mask = np.uint64(1), np.uint64(len(index) - 1)
    entries = 0
    for context in range(len(first) - 1):
        if first[context + 1] - first[context] <= FEW:
            continue
        for node in range(first[context], first[context + 1]):
            word = np.uint64(words[node])
            slot = slot_of(np.uint64(context), word, mask)
            probes = 0
            while index[slot] != (word << np.uint64(32)) | np.uint64(node):
                slot = (slot + one) & mask
                probes += 1
                if probes == PROBES or index[slot] == 0:
                    return False
            entries += 1
    for entry in index:
        entries -= entry != 0
    return entries == 0


@compiled
def ranks_are_sound(logprobs: Float32s, ranked: Int32s) -> bool:
    """Check that all ids go from the likeliest unigram to the least, equal ones in their order."""
    for rank in range(len(ranked)):
        if ranked[rank] < 0 or ranked[rank] >= len(ranked):
            return False
        if rank:
            before, after = logprobs[ranked[rank - 1]], logprobs[ranked[rank]]
            if before < after or (before == after and ranked[rank - 1] >= ranked[rank]):
                return False
    return True
