"""Sampling and beam search, each written once over ``munmaek.lm.BatchedLanguageModel``."""

from munmaek.decode.adapter import from_single
from munmaek.decode.beam import beam_search
from munmaek.decode.constrained import Phrase, constrained_search
from munmaek.decode.coverage import Coverage
from munmaek.decode.ensemble import GeometricEnsemble, MeanEnsemble, ShallowFusion
from munmaek.decode.hypothesis import Hypothesis
from munmaek.decode.path import follow, force, greedy
from munmaek.decode.sampling import Drawing, sample
from munmaek.decode.search import Search
from munmaek.decode.tree import BeamNode, BeamTree

__all__ = [
    "BeamNode",
    "BeamTree",
    "Coverage",
    "Drawing",
    "GeometricEnsemble",
    "Hypothesis",
    "MeanEnsemble",
    "Phrase",
    "Search",
    "ShallowFusion",
    "beam_search",
    "constrained_search",
    "follow",
    "force",
    "from_single",
    "greedy",
    "sample",
]
