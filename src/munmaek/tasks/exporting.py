"""The forms that a model can be exported to, and which models have which."""

from munmaek.errors import UnsupportedError
from munmaek.fit.trained import Trained
from munmaek.tasks import task_named

__all__ = ["FORMS", "check_form"]

FORMS = {
    **dict.fromkeys(("arpa", "compact", "quantised", "fast"), "n-gram language models"),
    "huggingface": "BERTs",
    "sentence-transformers": "encoders for 'mlm' and 'embed'",
    "onnx": "networks other than translators",
    "ctranslate2": "Transformer translators",
}
"""Each form, and whose it is."""


def check_form(model: Trained, form: str) -> None:
    """Make sure that a model can be exported to a form.

    Raises:
        UnsupportedError: it cannot; says whose form that is, and which forms the model has.
    """
    forms = task_named(model.info.task).loaded().forms(model)
    if form in forms:
        return
    other = f"this one has {', '.join(forms)}" if forms else "this one has no other form"
    message = (
        f"{model.info.label} for '{model.info.task}': {form} is a form of {FORMS[form]}; {other}"
    )
    raise UnsupportedError(message)
