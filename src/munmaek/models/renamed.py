"""Names of options that earlier versions had, for the files and commands that still have them."""

import warnings
from collections.abc import Collection, Mapping
from typing import Any, Final

from munmaek.errors import ConfigError, MunmaekWarning

__all__ = ["RENAMED", "renewed"]

RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "recipe": {
        "rows": "batch_size",
        "batch_texts": "batch_size",
        "stretch": "sequence_length",
        "limit": "max_length",
        "small_states": "activation_regularisation",
        "slow_states": "temporal_activation_regularisation",
        "smoothing": "label_smoothing",
        "guide_weight": "alignment_weight",
        "guide_repeat": "alignment_repeat",
        "causal_passes": "causal_warmup_epochs",
    },
    "train": {"optimiser": "optimizer"},
    "command line": {"--guide": "--alignment-supervision", "--guide-weight": "--alignment-weight"},
}
"""The name of today by the old one, for each place that has names."""


def renewed(
    values: Mapping[str, Any],
    section: str,
    *,
    known: Collection[str] = (),
    note: bool = True,
) -> dict[str, Any]:
    """Return ``values`` under the names of today.

    Args:
        values: by name, old or of today.
        section: of ``RENAMED``.
        known: names of today that are no old ones here.
        note: tell of each old name.

    Raises:
        ConfigError: something is given under both names.

    Warns:
        MunmaekWarning: an old name, and that of today.
    """
    names = RENAMED.get(section, {})
    out: dict[str, Any] = {}
    for name, value in values.items():
        now = name if name in known else names.get(name, name)
        if now != name and now in values:
            message = f"{name} is {now} today, and both are given; leave {name} out"
            raise ConfigError(message)
        if now != name and note:
            warnings.warn(f"{name} is called {now} now", MunmaekWarning, stacklevel=2)
        out[now] = value
    return out
