"""Public data sets that munmaek reads as they are: where they are, whose, under which licence.

Files are pinned to a commit of their repository and checked by sha256; those without files have to
be fetched from their home.
"""

from dataclasses import dataclass

__all__ = ["CATALOGUE", "DataSet", "RemoteFile"]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a data set."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        """Return the last part of its address."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class DataSet:
    """One row of ``munmaek data list``."""

    name: str
    task: str
    language: str
    size: str
    what: str
    licence: str
    home: str
    files: tuple[RemoteFile, ...] = ()


_RAW = "https://raw.githubusercontent.com"
_SHAKESPEARE = f"{_RAW}/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
_HATE = f"{_RAW}/kocohub/korean-hate-speech/f8d05dce2b22007bb149e5139c0060c68ad8f94b"
_INTENT = f"{_RAW}/warnikchow/3i4k/cfa90c15f808becafca2d8ef8649b8b71f6bbe71"

CATALOGUE = (
    DataSet(
        name="tinyshakespeare",
        task="lm",
        language="en",
        size="1.1 MB",
        what="plays of Shakespeare, 40,000 lines",
        licence="public domain",
        home="https://github.com/karpathy/char-rnn",
        files=(
            RemoteFile(
                f"{_SHAKESPEARE}/data/tinyshakespeare/input.txt",
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            ),
        ),
    ),
    DataSet(
        name="wikitext-2",
        task="lm",
        language="en",
        size="13 MB",
        what="Wikipedia articles, 2 million words",
        licence="CC BY-SA 3.0",
        home="https://huggingface.co/datasets/Salesforce/wikitext",
    ),
    DataSet(
        name="3i4k",
        task="classify",
        language="ko",
        size="3.0 MB",
        what="intentions of spoken utterances, 7 classes",
        licence="CC BY-SA 4.0",
        home="https://github.com/warnikchow/3i4k",
        files=(
            RemoteFile(
                f"{_INTENT}/data/train_val_test/fci_train_val.txt",
                "646f450b84992c6df806ea72aa35374db7ec30d7739920b86dfa878e73b69079",
            ),
            RemoteFile(
                f"{_INTENT}/data/train_val_test/fci_test.txt",
                "d74c5b376c7d231bd4d5a94de855e47b6e70c96abeeaaf75cffbdb8506a87ff2",
            ),
        ),
    ),
    DataSet(
        name="korean-hate-speech",
        task="classify",
        language="ko",
        size="1.0 MB",
        what="comments labelled for bias and hate; toxic content",
        licence="CC BY-SA 4.0",
        home="https://github.com/kocohub/korean-hate-speech",
        files=(
            RemoteFile(
                f"{_HATE}/labeled/train.tsv",
                "ebebacdcd023af2c4acc8c0a37695fb6433ac04fc009feff8f222724e303a5a9",
            ),
            RemoteFile(
                f"{_HATE}/labeled/dev.tsv",
                "232b615d6e359a9d31dfb8370f32e1733dc5bb3f9c5430d34d7fcc7ba4b7e8ef",
            ),
        ),
    ),
    DataSet(
        name="nsmc",
        task="classify",
        language="ko",
        size="20 MB",
        what="film reviews, good or bad, 200,000",
        licence="CC0 1.0",
        home="https://github.com/e9t/nsmc",
    ),
    DataSet(
        name="small-parallel-enja",
        task="translate",
        language="en-ja",
        size="4.6 MB",
        what="short sentences, tokenised, 50,000 pairs",
        licence="CC BY 2.0 FR",
        home="https://github.com/odashi/small_parallel_enja",
    ),
    DataSet(
        name="korean-english-news",
        task="translate",
        language="ko-en",
        size="29 MB",
        what="news, 94,000 pairs",
        licence="CC BY-SA 3.0",
        home="https://github.com/jungyeul/korean-parallel-corpora",
    ),
)
"""In the order of the tasks."""
