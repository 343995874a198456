"""Looking inside: a sentence through a model, kept as a record and drawn as a page."""

from munmaek.look.capture import AnyModel, capture
from munmaek.look.page import page
from munmaek.look.records import Record

__all__ = ["AnyModel", "Record", "capture", "page"]
