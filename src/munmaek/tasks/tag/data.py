"""Tagged sentences, from a corpus to words and labels."""

from dataclasses import dataclass
from typing import Any

from munmaek.errors import InputError
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.metrics.tagging import OUTSIDE
from munmaek.tasks.preparing import describe_split, parted_to_train, tell_unseen
from munmaek.tasks.tag.options import TagRecipe
from munmaek.text.tagged import TaggedCorpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Tagged", "prepare_tagged"]


@dataclass(frozen=True, slots=True)
class Tagged:
    """Sentences of words with labels."""

    tokenizer: Tokenizer
    labels: tuple[str, ...]
    train_corpus: TaggedCorpus
    valid_corpus: TaggedCorpus

    def describe(self) -> dict[str, Any]:
        """Return names, sizes and fingerprints of the data, as the manifest keeps them."""
        train, valid = self.train_corpus, self.valid_corpus
        return describe_split(train, len(train.sentences), valid, len(valid.sentences))


def prepare_tagged(
    corpus: TaggedCorpus,
    valid: TaggedCorpus | None,
    recipe: TagRecipe,
    *,
    tokenizer: Tokenizer | None = None,
) -> Tagged:
    """Prepare sentences with a label for every word, for a tagger.

    Raises:
        InputError: fewer than two labels, or none in ``valid`` that is in the training data.
        MunmaekWarning: some in ``valid`` are not: they have no validation loss, and count as wrong.
    """
    named = {label for labels in corpus.labels for label in labels}
    # What is outside of all entities comes first, as others have it.
    labels = tuple(sorted(named, key=lambda label: (label != OUTSIDE, label)))
    if len(labels) < 2:
        message = f"{corpus.name}: a tagger needs at least 2 labels, found {list(labels)}"
        raise InputError(message)
    corpus, valid = parted_to_train(corpus, valid, recipe)
    tell_unseen(valid, labels)
    if tokenizer is None:
        tokenizer = make_tokenizer([" ".join(words) for words in corpus.sentences], recipe)
    return Tagged(tokenizer, labels, corpus, valid)
