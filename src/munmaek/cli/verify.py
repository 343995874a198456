"""``munmaek verify``."""

from munmaek.cli.console import put_json, say
from munmaek.cli.options import Json, ModelFolder

__all__ = ["verify"]


def verify(model: ModelFolder, *, json: Json = False) -> None:
    """Read a model whole and check that nothing of it is missing or altered.

    Opening a model checks the same but for large tables of n-grams, which are only read where they
    are needed.
    """
    from munmaek.artefact.verifying import verify as check

    check(model)
    if json:
        put_json({"model": str(model), "whole": True})
    else:
        say(f"{model}: whole")
