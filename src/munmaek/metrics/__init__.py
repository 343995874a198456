"""Scores with signatures: what a number is, in which unit, how sure, and how it was made."""

from munmaek.metrics.alignment import (
    Link,
    aer,
    alignment_scores,
    links_from_weights,
    weights_by_word,
)
from munmaek.metrics.classification import (
    accuracy,
    classification_scores,
    confusion,
    macro_f1,
    several_scores,
    wilson_interval,
)
from munmaek.metrics.ibm1 import IbmModel1
from munmaek.metrics.language import (
    TextCounts,
    bits_per,
    count_text,
    lm_measures,
    lm_scores,
    perplexity,
)
from munmaek.metrics.masked import masked_scores, next_sentence_scores
from munmaek.metrics.measures import Measure
from munmaek.metrics.remarks import Remark, absent, bases, remarks
from munmaek.metrics.score import (
    CHOSE_TEMPERATURE,
    CHOSE_WEIGHTS,
    TRAINED_ON,
    VALIDATION,
    Basis,
    Score,
    Signature,
    in_role,
    resting_on,
    sign,
    sign_model,
)
from munmaek.metrics.significance import (
    Comparison,
    approximate_randomisation,
    bootstrap_interval,
    bootstrap_sums,
    paired_bootstrap,
)
from munmaek.metrics.source_length import LengthBucket, by_length
from munmaek.metrics.translation import (
    Likelihoods,
    bleu_tokenizer,
    check_bleu_tokenizer,
    measures,
)

__all__ = [
    "CHOSE_TEMPERATURE",
    "CHOSE_WEIGHTS",
    "TRAINED_ON",
    "VALIDATION",
    "Basis",
    "Comparison",
    "IbmModel1",
    "LengthBucket",
    "Likelihoods",
    "Link",
    "Measure",
    "Remark",
    "Score",
    "Signature",
    "TextCounts",
    "absent",
    "accuracy",
    "aer",
    "alignment_scores",
    "approximate_randomisation",
    "bases",
    "bits_per",
    "bleu_tokenizer",
    "bootstrap_interval",
    "bootstrap_sums",
    "by_length",
    "check_bleu_tokenizer",
    "classification_scores",
    "confusion",
    "count_text",
    "in_role",
    "links_from_weights",
    "lm_measures",
    "lm_scores",
    "macro_f1",
    "masked_scores",
    "measures",
    "next_sentence_scores",
    "paired_bootstrap",
    "perplexity",
    "remarks",
    "resting_on",
    "several_scores",
    "sign",
    "sign_model",
    "weights_by_word",
    "wilson_interval",
]
