"""What every way to an n-gram model has in common."""

from munmaek.models.ngram import NgramConfig
from munmaek.text.tokenizers import Tokenizer

__all__ = ["excluded_ids", "ngram_label", "ngram_sizes"]


def ngram_label(config: NgramConfig) -> str:
    """What people call the model: ``5-gram``, ``3-gram (witten-bell, pruned)``."""
    default = NgramConfig().smoothing.name
    name = config.smoothing.name
    how = [*[name] * (name != default), *["pruned"] * config.is_pruned]
    return f"{config.order}-gram" + (f" ({', '.join(how)})" if how else "")


def ngram_sizes(tokenizer: Tokenizer) -> dict[str, int]:
    """What an n-gram model is told of its tokenizer."""
    return {
        "vocab_size": tokenizer.vocab_size,
        "bos": tokenizer.bos,
        "eos": tokenizer.eos,
        "unk": tokenizer.unk,
    }


def excluded_ids(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Ids that no text has and no model predicts."""
    return (tokenizer.pad, tokenizer.mask)
