"""Spans of time as people write them."""

import re

from munmaek.errors import ConfigError

__all__ = ["parse_duration"]

_NUMBER = r"\d{1,12}(?:\.\d{1,12})?"
_FORM = re.compile(
    rf"(?:(?P<hours>{_NUMBER})h)?(?:(?P<minutes>{_NUMBER})m)?(?:(?P<seconds>{_NUMBER})s?)?"
)


def parse_duration(text: str, *, where: str = "--budget") -> float:
    """Return the seconds of ``90s``, ``5m``, ``1h30m`` or a plain number of seconds.

    Args:
        text: what was written.
        where: the option or place, for the message.

    Raises:
        ConfigError: not of this form, or nothing at all.
    """
    found = _FORM.fullmatch(text.strip().lower().replace(" ", ""))
    parts = {name: float(part or 0) for name, part in found.groupdict().items()} if found else {}
    seconds = sum(
        parts.get(name, 0.0) * unit
        for name, unit in (("hours", 3600), ("minutes", 60), ("seconds", 1))
    )
    if seconds <= 0:
        message = f"{where} {text}: not a span of time; write 90s, 5m, 1h30m or seconds"
        raise ConfigError(message)
    return seconds
