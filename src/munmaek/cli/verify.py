"""``munmaek verify``."""

from munmaek.cli.console import write_json, write_message
from munmaek.cli.options import Json, ModelFolder

__all__ = ["verify"]


def verify(model: ModelFolder, *, json: Json = False) -> None:
    """Check that nothing of a model is missing, altered or added.

    The model is read whole. Opening one checks the same but for large tables of n-grams, which are
    only read where they are needed. Of a published folder, files are checked of which a checksum is
    known: from SHA256SUMS, or as huggingface_hub keeps them.
    """
    from munmaek.tasks.verifying import verify as check

    found = check(model)
    if json:
        unknown = list(found.unknown)
        whole = {"model": str(model), "whole": not unknown}
        write_json({**whole, "checked": found.checked, "unknown": unknown})
    elif found.unknown:
        names = ", ".join(found.unknown[:4]) + (", …" if len(found.unknown) > 4 else "")
        write_message(
            f"{model}: it opens and {found.checked} files are as their checksums say, but no "
            f"checksum is known of {names}, so that what was altered there is not found"
        )
    else:
        write_message(f"{model}: whole")
