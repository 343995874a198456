"""Pages in which a model computes in its reader's browser, without a server.

    page = living_html(munmaek.load("models/lstm"), "나는 학교에 간다", title="LSTM")

``docs/en/living-page.md`` says what they can do; the script is built from ``frontend/src/live``.
"""

from munmaek.look.living.packing import PRECISIONS, Precision
from munmaek.look.living.page import living_html, living_module, living_page, still_figures
from munmaek.look.living.weights import LivingModel, living_model

__all__ = [
    "PRECISIONS",
    "LivingModel",
    "Precision",
    "living_html",
    "living_model",
    "living_module",
    "living_page",
    "still_figures",
]
