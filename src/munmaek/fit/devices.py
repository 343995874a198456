"""The device that a network is trained on."""

from importlib.util import find_spec

from munmaek.errors import ConfigError

__all__ = ["joined", "usable_device"]


def usable_device(name: str) -> str:
    """Return the device of that name, or for ``auto`` the fastest that is there.

    Raises:
        ConfigError: it cannot be used on this machine.
    """
    if name == "cpu" or (name == "auto" and find_spec("torch") is None):
        return "cpu"

    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without
        message = f"--device {name}: cannot be used here; give cpu or auto"
        raise ConfigError(message) from error
    return name


def joined(device: str) -> str:
    """Return the device of this process, once it has joined those that torchrun started with it."""
    from munmaek.fit.ranks import several

    if not several():
        return device
    from munmaek.fit.processes import join

    return join(device)
