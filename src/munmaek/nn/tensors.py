"""Checks that tensors are those that a network has."""

from collections.abc import Mapping

import torch
from torch import Tensor

from munmaek.errors import ArtefactError

__all__ = ["check_finite", "check_tensors"]


def check_tensors(
    given: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    *,
    where: str,
    owner: str,
    advice: str = "",
) -> None:
    """Make sure that both have the same names, shapes and kinds of number, all of them finite.

    Args:
        given: tensors by name, as they were read.
        wanted: those of the network.
        where: they were read, for the message.
        owner: what a tensor too many is not part of.
        advice: what to do about it.

    Raises:
        ArtefactError: a tensor is missing, extra, misshapen or not finite; names the first.
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
        if given[name].is_floating_point() != wanted[name].is_floating_point():
            message = (
                f"{where}: tensor '{name}' is of {given[name].dtype}, {wanted[name].dtype} wanted"
            )
            raise ArtefactError(message)
    check_finite(given, where=where)


def check_finite(given: Mapping[str, Tensor], *, where: str) -> None:
    """Make sure that no number is infinite or none at all.

    One sum a tensor tells, for neither goes away by adding; only where it is odd are all looked at.

    Raises:
        ArtefactError: a tensor holds such a number; names the first.
    """
    for name, tensor in given.items():
        if not tensor.is_floating_point() or torch.isfinite(tensor.sum(dtype=torch.float32)):
            continue
        odd = int((~torch.isfinite(tensor)).sum())
        if odd:
            message = (
                f"{where}: tensor '{name}' has {odd:,} numbers of {tensor.numel():,} that are not "
                "finite; take the model from a good copy, or train it again"
            )
            raise ArtefactError(message)
