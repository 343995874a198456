"""What each reader of files is given, undamaged, and how it is called."""

import bz2
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import zstandard

from fuzz_damage import damaged_bytes, damaged_json, render_json
from fuzz_values import VALUES
from munmaek.align.marks import read_marks, read_supervision
from munmaek.fit.recipe import read_toml
from munmaek.folder.tables import load_tables
from munmaek.ngram.reading import WordRules
from munmaek.ngram.reading import read_words as count_words
from munmaek.tasks.lm.exchange import import_ngrams
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.translate.filling import fill_xliff
from munmaek.tasks.translate.translation import Translation
from munmaek.text.corpora import read_labelled, read_text, read_texts, read_valued
from munmaek.text.pairs import read_pairs
from munmaek.text.parallel import read_parallel
from munmaek.text.sentencepiece import read_sentencepiece
from munmaek.text.soft_labels import read_soft_labels
from munmaek.text.sources import File
from munmaek.text.tagged import read_tagged
from munmaek.text.tokenizers import SPECIALS, Tokenizer, train_tokenizer

__all__ = ["READERS", "Reader", "damaged_file"]

KOREAN = [
    "나는 학교에서 책을 읽는다",
    "너는 집에서 오래된 노래를 듣는다",
    "우리는 공원에 간다",
    "",
] * 6
ENGLISH = ["I read a book", "you listen to an old song", "we go to the park", ""] * 6
LABELS = ["a", "b"] * 12
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@dataclass(frozen=True)
class Reader:
    """One way that a file comes in."""

    suffix: str
    content: bytes
    read: Callable[[Path], Any]


def _lines(rows: list[str]) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


def _jsonl(rows: list[dict[str, Any]]) -> bytes:
    return _lines([json.dumps(row, ensure_ascii=n % 2 == 0) for n, row in enumerate(rows)])


ARPA = b"""\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-99\t<s>\t-0.30103
-0.9\t</s>
-1.2\t<unk>\t-0.1
-0.7\tone\t-0.2
-0.8\t\xeb\x91\x98\t-0.4

\\2-grams:
-0.3\t<s> one\t-0.1
-0.4\tone \xeb\x91\x98\t-0.2
-0.5\t\xeb\x91\x98 </s>
-0.6\t\xeb\x91\x98 one

\\3-grams:
-0.1\t<s> one \xeb\x91\x98
-0.2\tone \xeb\x91\x98 </s>

\\end\\
"""
TOML = b"""task = "lm"
stage = "rnn"
vocab_size = 300
[model]
embedding = 8
hidden = 8
dropout = 0.1
[train]
steps = 5
learning_rate = 1e-3
schedule = "cosine"
"""


def _sentencepiece() -> bytes:
    """A model of a few pieces: field 1 holds each, field 2 the trainer's options."""

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    pieces = [("<unk>", b"\x18\x02"), ("<s>", b"\x18\x03"), ("</s>", b"\x18\x03")]
    pieces += [("\u2581나는", b""), ("책", b""), ("을", b"")]
    score = b"\x15\x00\x00\x80\xbf"
    content = b"".join(field(1, field(1, text.encode()) + score + kind) for text, kind in pieces)
    return content + field(2, b"\x18\x01") + field(3, b"\x18\x01")


def _tokenizer(kind: str) -> bytes:
    return train_tokenizer(KOREAN, kind=kind, vocab_size=400).content.encode()


def _use_tokenizer(path: Path, kind: str) -> Any:
    tokenizer = Tokenizer.load(path, kind=kind)
    return [tokenizer.decode(row) for row in tokenizer.encode_many(KOREAN)]


def _config(path: Path) -> Any:
    recipe = Recipe.of(read_toml(path), where=str(path))
    return recipe.stage_config(), recipe.train_config()


def _arpa(path: Path) -> Any:
    model = import_ngrams(path)
    return [each.logprob for each in model.score(["one 둘 one"])]


def _guide(path: Path) -> Any:
    return read_supervision(path, KOREAN, ENGLISH)


def _counted(path: Path) -> Any:
    return count_words([path], WordRules(SPECIALS), threads=1).positions


MARKS = [
    {
        "source": "나는 간다",
        "target": "I go",
        "sure": [[0, 0]],
        "possible": [[1, 1]],
        "tokenizer": "t",
    }
]
SOFT = [{"text": text, "probabilities": {"a": 0.25, "b": 0.75}} for text in KOREAN if text]
PAIRS = [
    {"first": one, "second": two, "score": 1.5} for one, two in zip(KOREAN, ENGLISH, strict=True)
]
TAGGED = [row for text in KOREAN for row in (*(f"{word}\tB-X" for word in text.split()), "")]
TABLE = [f"{text}\t{label}" for text, label in zip(KOREAN, LABELS, strict=True)]
CSV = ["text,label", '"a, ""b""",x', "나는,y"] * 5
PHARAOH = ["0-0 1-1 2?0", "0-1", "1p1 0-0", ""] * 6

ROWS = [{"text": text, "label": label} for text, label in zip(KOREAN, LABELS, strict=True)]


def _arrow(write: Callable[[Any, Any], Any]) -> bytes:
    sink = io.BytesIO()
    write(pyarrow.Table.from_pylist(ROWS), sink)
    return sink.getvalue()


def _stream(table: Any, sink: Any) -> None:
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def _workbook() -> bytes:
    book, sink = openpyxl.Workbook(), io.BytesIO()
    for cells in (["text", "label"], *(list(row.values()) for row in ROWS)):
        book.active.append(cells)
    book.save(sink)
    return sink.getvalue()


TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"/><body>
<tu tuid="1"><tuv xml:lang="ko-KR"><seg><bpt i="1">&lt;b></bpt>저장<ept i="1"/>하세요</seg></tuv>
<tuv xml:lang="en-US"><seg>Click <hi>Save</hi><ph/>.</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>word</seg></tuv><tuv lang="KO"><seg>낱말 &amp; &#44032;</seg></tuv></tu>
</body></tmx>"""
XLIFF = """<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file original="a"
 source-language="en" target-language="ko"><body><trans-unit id="1"><source>Click <g id="1">Save
<bx id="2"/>it<ex id="2"/></g><x id="3"/> now</source><target state="new">저장</target></trans-unit>
<trans-unit id="2"><source>One. Two.</source><seg-source><mrk mtype="seg" mid="0">One.</mrk> <mrk
 mtype="seg" mid="1">Two.</mrk></seg-source></trans-unit></body></file></xliff>"""
XLIFF2 = """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en"
 trgLang="ko"><file id="f"><unit id="1"><segment><source>Click <pc id="1">Save</pc> <ph id="2"/>
<sc id="3"/>it<ec startRef="3"/></source></segment></unit></file></xliff>"""


def _capitals(texts: Sequence[str]) -> list[Translation]:
    return [Translation(text, text.upper(), 0.0, None, None, (), ()) for text in texts]


def _filled(path: Path) -> Any:
    out = path.with_suffix(".filled")
    try:
        return fill_xliff(path, out, _capitals)
    finally:
        out.unlink(missing_ok=True)


def _labels(path: Path) -> Any:
    return read_labelled([path]).labels


READERS: Mapping[str, Reader] = {
    "json document": Reader(".json", json.dumps({"v": 1, "data": ROWS}).encode(), _labels),
    "parquet": Reader(".parquet", _arrow(pyarrow.parquet.write_table), _labels),
    "feather": Reader(".feather", _arrow(pyarrow.feather.write_feather), _labels),
    "arrow stream": Reader(".arrow", _arrow(_stream), _labels),
    "workbook": Reader(".xlsx", _workbook(), _labels),
    "cp949": Reader(
        ".csv",
        "".join(f"{line}\n" for line in CSV).encode("cp949"),
        lambda path: read_labelled([File(str(path), "cp949")]).labels,
    ),
    "utf-16": Reader(
        ".tsv",
        "".join(f"{line}\n" for line in TABLE).encode("utf-16"),
        lambda path: read_labelled([File(str(path), "utf-16")]).labels,
    ),
    "tmx": Reader(".tmx", TMX.encode(), lambda path: read_parallel([path]).sources),
    "tmx in utf-16": Reader(
        ".tmx",
        TMX.replace("UTF-8", "utf-16").encode("utf-16"),
        lambda path: read_text(f"{path}#ko"),
    ),
    "xliff": Reader(".xlf", XLIFF.encode(), lambda path: list(read_texts(path, ("source",)))),
    "xliff filled": Reader(".xlf", XLIFF.encode(), _filled),
    "xliff 2 filled": Reader(".xlf", XLIFF2.encode(), _filled),
    "lines": Reader(".txt", _lines(KOREAN), lambda path: read_text([path]).lines),
    "counted words": Reader(".txt", _lines(KOREAN), _counted),
    "jsonl text": Reader(
        ".jsonl", _jsonl([{"text": text} for text in KOREAN]), lambda path: read_text([path]).lines
    ),
    "tsv labels": Reader(".tsv", _lines(TABLE), lambda path: read_labelled([path]).labels),
    "csv labels": Reader(".csv", _lines(CSV), lambda path: read_labelled([path]).labels),
    "jsonl labels": Reader(
        ".jsonl",
        _jsonl([{"text": text, "label": n} for n, text in enumerate(KOREAN)]),
        lambda path: read_labelled([path]).labels,
    ),
    "values": Reader(
        ".tsv",
        _lines([f"{text}\t{n / 3}" for n, text in enumerate(KOREAN)]),
        lambda path: read_valued([path]).labels,
    ),
    "parallel": Reader(
        ".tsv",
        _lines([f"{one}\t{two}" for one, two in zip(KOREAN, ENGLISH, strict=True) if one]),
        lambda path: read_parallel([path]).sources,
    ),
    "scored pairs": Reader(".jsonl", _jsonl(PAIRS[:3]), lambda path: read_pairs([path]).firsts),
    "tagged": Reader(".tsv", _lines(TAGGED), lambda path: read_tagged([path]).labels),
    "pharaoh": Reader(".txt", _lines(PHARAOH), _guide),
    "marks": Reader(".jsonl", _jsonl(MARKS * 4), read_marks),
    "soft labels": Reader(
        ".jsonl", _jsonl(SOFT), lambda path: read_soft_labels([path], ["a", "b"]).texts
    ),
    "arpa": Reader(".arpa", ARPA, _arpa),
    "toml": Reader(".toml", TOML, _config),
    "sentencepiece": Reader(".model", _sentencepiece(), read_sentencepiece),
    "tokenizer bpe": Reader(".json", _tokenizer("bpe"), lambda path: _use_tokenizer(path, "bpe")),
    "tokenizer unigram": Reader(
        ".json", _tokenizer("unigram"), lambda path: _use_tokenizer(path, "unigram")
    ),
    "tokenizer wordpiece": Reader(
        ".json", _tokenizer("wordpiece"), lambda path: _use_tokenizer(path, "wordpiece")
    ),
    "tensors": Reader(".safetensors", b"", load_tables),
    **{name: Reader(".json", content, read) for name, (content, read) in VALUES.items()},
}
PACKED = ("lines", "counted words", "jsonl labels", "tsv labels", "arpa")
"""Readers that are also given compressed files."""


def damaged_file(rng: random.Random, kind: str, folder: Path) -> Path:
    """Write one damaged file of a kind; compressed ones are damaged within or without."""
    reader = READERS[kind]
    others = READERS[rng.choice(list(READERS))].content
    if kind in VALUES and rng.random() < 0.8:
        content = render_json(rng, damaged_json(rng, json.loads(reader.content)))
    else:
        content = damaged_bytes(rng, reader.content, others)
    path = folder / f"input{reader.suffix}"
    if kind in PACKED and rng.random() < 0.3:
        suffix = rng.choice(list(PACKERS)) if kind != "arpa" else ".gz"
        inner = content if rng.random() < 0.5 else reader.content
        content = PACKERS[suffix](inner)
        if rng.random() < 0.7:
            content = damaged_bytes(rng, content, PACKERS[suffix](others))
        path = folder / f"input{reader.suffix}{suffix}"
    path.write_bytes(content)
    return path
