"""The guide: chapters whose blocks run, the site that is made of them, and files to try them on."""

from munmaek.guide.examples import write_examples
from munmaek.guide.running import BlockError, Machine
from munmaek.guide.site import LANGUAGES, chapters, page_file, site_folder, source_of
from munmaek.guide.teaching import Taught, teach

__all__ = [
    "LANGUAGES",
    "BlockError",
    "Machine",
    "Taught",
    "chapters",
    "page_file",
    "site_folder",
    "source_of",
    "teach",
    "write_examples",
]
