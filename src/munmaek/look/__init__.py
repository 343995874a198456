"""Looking inside: a sentence through a model, kept as a record and drawn as a page.

    model = munmaek.load("models/ko-en")
    record = capture(model, "나는 학교에서 공부한다")
    record.measures["coverage"]
    record.to_json()

In a notebook a record as the last line of a cell shows its page, and ``show`` several side by side.
``docs/records.md`` describes the record; ``munmaek look`` serves it.
"""

from munmaek.look.capture import Looking, capture
from munmaek.look.notebook import Shown, show
from munmaek.look.page import page
from munmaek.look.records import (
    VERSION,
    Attention,
    Gates,
    Record,
    StepLine,
    Stepper,
    Steps,
    Summary,
)
from munmaek.tasks.inside import Side

__all__ = [
    "VERSION",
    "Attention",
    "Gates",
    "Looking",
    "Record",
    "Shown",
    "Side",
    "StepLine",
    "Stepper",
    "Steps",
    "Summary",
    "capture",
    "page",
    "show",
]
