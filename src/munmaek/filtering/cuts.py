"""Limits that tell texts apart by a number, chosen from a sample or given, and kept in a file.

CCNet's head, middle and tail are the texts up to the 30th, up to the 60th and beyond the 60th
percentile of the perplexity. A number at a limit belongs to the better side.

Source: Wenzek et al. 2020, §3.4.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.errors import ConfigError, InputError
from munmaek.tasks.measures import TextMeasures
from munmaek.text.json_files import read_json_object
from munmaek.writing import new_file

__all__ = ["DROPPED", "KEPT", "Choice", "Cut", "read_cut", "write_cut"]

KEPT, DROPPED = "kept", "dropped"
_NAMES = {1: ("head", "tail"), 2: ("head", "middle", "tail")}
_FORM = "munmaek thresholds 1"


@dataclass(frozen=True, slots=True)
class Cut:
    """Limits that tell texts apart, the best texts first."""

    measure: str
    """The number that is compared with them."""
    more_is_better: bool
    limits: tuple[float, ...]
    """From the best to the worst."""
    names: tuple[str, ...]
    """Names of what lies before, between and behind them."""
    percentiles: tuple[float, ...] = ()
    """Percentiles of the sample, where the limits come from one."""
    sample: int = 0
    """Texts of the sample."""

    def places(self, values: Floats) -> Int64s:
        """Return the place in ``names`` of each number [N]; what is no number is last."""
        sign = -1.0 if self.more_is_better else 1.0
        limits = sign * np.array(self.limits)
        found = np.searchsorted(limits, sign * values, side="left")
        return np.where(np.isnan(values), len(self.limits), found).astype(np.int64)

    @property
    def in_buckets(self) -> bool:
        """True where all texts are kept, apart from one another."""
        return self.names[0] != KEPT

    def to_json(self) -> dict[str, Any]:
        """Return it as a file of thresholds has it."""
        return {"form": _FORM, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to tell texts apart, as it is asked for."""

    keep: float | None = None
    """The share of the sample that is kept, of the best."""
    buckets: tuple[float, ...] = ()
    """Percentiles between buckets, 0 < … < 100."""
    at_most: float | None = None
    at_least: float | None = None
    reverse: bool = False
    """Take the other end for the better one."""

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the ways that are asked for."""
        ways = {
            "--keep": self.keep is not None,
            "--buckets": bool(self.buckets),
            "--at-most": self.at_most is not None,
            "--at-least": self.at_least is not None,
        }
        return tuple(name for name, given in ways.items() if given)

    @property
    def needs_sample(self) -> bool:
        """True where limits are percentiles."""
        return self.keep is not None or bool(self.buckets)

    def cut(self, measures: TextMeasures, sample: Floats) -> Cut:
        """Return the limits.

        Args:
            measures: of the model.
            sample: numbers of a sample, where one is needed.
        """
        name = measures.lead
        if self.at_most is not None:
            return Cut(name, False, (self.at_most,), (KEPT, DROPPED))
        if self.at_least is not None:
            return Cut(name, True, (self.at_least,), (KEPT, DROPPED))
        better = measures.more_is_better != self.reverse
        shares = self.buckets or (100.0 * (self.keep or 0.0),)
        sign = -1.0 if better else 1.0
        whole = sign * sample[~np.isnan(sample)]
        found = sign * np.percentile(whole, shares, method="inverted_cdf")
        names = _NAMES.get(len(shares)) or tuple(f"part{n + 1}" for n in range(len(shares) + 1))
        return Cut(
            name,
            better,
            tuple(float(each) for each in found),
            names if self.buckets else (KEPT, DROPPED),
            tuple(shares),
            len(whole),
        )


def write_cut(path: Path, cut: Cut) -> None:
    """Write limits to a file, for other corpora to be told apart by them."""
    with new_file(path) as aside:
        aside.write_text(json.dumps(cut.to_json(), indent=2) + "\n", encoding="utf-8")


def read_cut(path: Path, measures: TextMeasures) -> Cut:
    """Read the limits that ``write_cut`` wrote.

    Raises:
        InputError: the file has none.
        ConfigError: they are for another number than the model gives.
    """
    found = read_json_object(path)
    try:
        if found.pop("form") != _FORM:
            raise ValueError("no thresholds")
        limits, names = _numbers(found["limits"]), tuple(map(str, found["names"]))
        cut = Cut(
            str(found["measure"]), bool(found["more_is_better"]), limits, names,
            _numbers(found["percentiles"]), int(found["sample"]),
        )  # fmt: skip
        _check_order(cut)
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path}: no file of thresholds ({error}); --save-thresholds writes one"
        raise InputError(message) from error
    if cut.measure != measures.lead:
        message = (
            f"{path}: thresholds of the {cut.measure}, where the model gives texts a "
            f"{measures.lead}; choose them anew with --keep or --buckets"
        )
        raise ConfigError(message)
    return cut


def _numbers(given: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(each) for each in given)


def _check_order(cut: Cut) -> None:
    """Check that limits rise from the best to the worst, with a name more than there are.

    Raises:
        ValueError: they do not.
    """
    rising = [-each for each in cut.limits] if cut.more_is_better else list(cut.limits)
    if not cut.limits or len(cut.names) != len(cut.limits) + 1 or rising != sorted(rising):
        raise ValueError("limits out of order, or not a name for each part")
