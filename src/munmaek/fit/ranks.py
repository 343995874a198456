"""The rank of this process among those that torchrun started, told without loading torch."""

import os

__all__ = ["leads", "restarted", "several"]


def several() -> bool:
    """Return whether torchrun started more than one."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def leads() -> bool:
    """Return whether this is the one that writes and speaks."""
    return not several() or os.environ.get("RANK", "0") == "0"


def restarted() -> bool:
    """Return whether torchrun started the processes again after one of them died."""
    return several() and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
