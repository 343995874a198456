"""Arrays within answers in JSON: lists of numbers, or their bytes for a client that asks so."""

import base64
import binascii
from typing import Any, Final, cast

import numpy as np

from munmaek.errors import ServerError

__all__ = ["listed", "packed", "unpacked"]

KEY: Final = "float32"


def listed(value: Any) -> Any:
    """Return an array as JSON has it."""
    return np.asarray(value).tolist()


def packed(value: Any) -> dict[str, str]:
    """Return an array of one dimension as the base64 of its numbers, 4 bytes each."""
    numbers = np.ascontiguousarray(value, dtype="<f4")
    return {KEY: base64.b64encode(numbers.tobytes()).decode()}


def unpacked(answer: Any) -> Any:
    """Return an answer with its packed arrays as arrays.

    Raises:
        ServerError: what should be one is none.
    """
    if not isinstance(answer, dict):
        return answer
    return {name: _array(each) for name, each in cast("dict[str, Any]", answer).items()}


def _array(value: Any) -> Any:
    held: Any = value
    if not isinstance(value, dict) or set(cast("dict[str, Any]", value)) != {KEY}:
        return held
    try:
        return np.frombuffer(base64.b64decode(held[KEY], validate=True), dtype="<f4")
    except (ValueError, TypeError, binascii.Error):
        raise ServerError("a vector of the server's answer is damaged") from None
