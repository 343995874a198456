"""Sampling and beam search, each written once over ``munmaek.lm.BatchedLanguageModel``."""

from munmaek.decode.adapter import from_single
from munmaek.decode.beam import beam_search
from munmaek.decode.hypothesis import Hypothesis
from munmaek.decode.path import follow, force, greedy
from munmaek.decode.sampling import sample
from munmaek.decode.tree import BeamNode, BeamTree

__all__ = [
    "BeamNode",
    "BeamTree",
    "Hypothesis",
    "beam_search",
    "follow",
    "force",
    "from_single",
    "greedy",
    "sample",
]
