"""Texts that are too long for a model, in parts that are not."""

from collections.abc import Callable

__all__ = ["split_text"]

ENDS = ".!?…。！？"


def split_text(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Split the text into parts that fit, as even as can be.

    Each cut is at the sentence end next to the middle, else at the space, else between characters.

    Args:
        text: without spaces at its ends.
        fits: whether a part is short enough; a single character always is.
    """
    if len(text) < 2 or fits(text):
        return [text] if text else []
    middle = len(text) // 2
    cut = min(_cuts(text), key=lambda place: abs(place - middle), default=middle)
    return [
        *split_text(text[:cut].strip(), fits),
        *split_text(text[cut:].strip(), fits),
    ]


def _cuts(text: str) -> list[int]:
    """Find where the text may be cut; each place leaves something on both sides."""
    spaces = [place for place in range(1, len(text) - 1) if text[place].isspace()]
    # The very ends would leave nearly all in one part.
    inner = [place for place in spaces if len(text) // 8 <= place <= len(text) - len(text) // 8]
    return [place for place in inner if text[place - 1] in ENDS] or inner or spaces
