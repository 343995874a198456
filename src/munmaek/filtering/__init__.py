"""Large corpora told apart by what a model says of their texts, duplicates left out.

Source: Wenzek et al. 2020, "CCNet: Extracting High Quality Monolingual Datasets from Web Crawl
Data".
"""

from munmaek.filtering.cuts import Choice, Cut, read_cut, write_cut
from munmaek.filtering.run import Filtered, Settings, filter_corpus

__all__ = ["Choice", "Cut", "Filtered", "Settings", "filter_corpus", "read_cut", "write_cut"]
