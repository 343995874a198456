"""A check that a model's folder is whole: everything read, nothing taken on trust."""

from pathlib import Path

from munmaek.exchange.sums import SUMS, Verified, verify_published
from munmaek.folder.manifest import MANIFEST, verify_files
from munmaek.tasks import task_named
from munmaek.tasks.loading import is_published, load

__all__ = ["verify"]


def verify(folder: Path | str) -> Verified:
    """Check the sha256 of every file and, of n-grams, that all tables fit together.

    Opening a model checks less of large n-gram tables, so that it takes no time. Of a published
    folder, the checksums that are known are checked, and that it opens.

    Returns:
        How many files were checked, and those of which no checksum is known.

    Raises:
        ArtefactError: what is missing, truncated, altered or does not fit.
    """
    path = Path(folder)
    listed = (path / SUMS).is_file() and not (path / MANIFEST).is_file()
    if listed or is_published(path):
        found = verify_published(path)
        load(path)
        return found
    found = Verified(verify_files(path), ())
    opened = load(path)
    task_named(opened.info.task).loaded().verify(opened)
    return found
