"""Whether tensors are those that a network has."""

from collections.abc import Mapping

from torch import Tensor

from munmaek.errors import ArtefactError

__all__ = ["check_tensors"]


def check_tensors(
    given: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    *,
    where: str,
    owner: str,
    advice: str = "",
) -> None:
    """Make sure that both have the same names and shapes.

    Args:
        given: tensors by name, as they were read.
        wanted: those of the network.
        where: they were read, for the message.
        owner: what a tensor too many is not part of.
        advice: what to do about it.

    Raises:
        ArtefactError: a tensor is missing, extra or misshapen; names the first.
    """
    for name in sorted(wanted.keys() | given.keys()):
        if name not in given or name not in wanted:
            shape = tuple((wanted if name in wanted else given)[name].shape)
            what = "missing" if name in wanted else f"not part of {owner}"
            message = f"{where}: tensor '{name}' {shape} is {what}{advice}"
            raise ArtefactError(message)
        if given[name].shape != wanted[name].shape:
            message = (
                f"{where}: tensor '{name}' has shape {tuple(given[name].shape)}, "
                f"{tuple(wanted[name].shape)} wanted{advice}"
            )
            raise ArtefactError(message)
