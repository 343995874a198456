"""Kinds of files that are no UTF-8 text, told by their first bytes as ``file`` tells them.

Every reader of text asks here before it decodes, so that a Parquet file or a UTF-16 one is called
by its name rather than by the first byte that is wrong in it.
"""

from collections.abc import Callable

__all__ = ["foreign_kind", "guessed_encoding"]

Test = Callable[[bytes], bool]

TO_TEXT = "write its text as UTF-8, a line or a row each"
TO_TABLE = "save the table as CSV in UTF-8, or as JSONL"
AS_COLUMNS = "write its rows as JSONL, such as with pandas' to_json(orient='records', lines=True)"
UNPACK = "unpack it and give the files of text in it"
NOT_TEXT = "give a file of text"

SHORT = 16
"""Bytes of a text below which a zero among them says nothing."""
_PACKED = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LETTERS = (
    b"PAR1", b"PARE", b"ARROW1", b"FEA1", b"ORC", b"GGUF", b"RIFF", b"OggS", b"fLaC", b"ID3",
    b"GIF87a", b"GIF89a", b"BM", b"MZ", b"Rar!", b"mmap lm http://kheafield.com",
)  # fmt: skip
"""Beginnings of binary files that a text might have too, so that what follows must be no text."""


def _starts(*magics: bytes) -> Test:
    return lambda first: (
        first.startswith(magics)
        and (
            not first.startswith(_LETTERS) or b"\0" in first[:4096] or not _decodes(first, "utf-8")
        )
    )


def _packed(*names: bytes) -> Test:
    return lambda first: first.startswith(_PACKED) and any(name in first for name in names)


def _compound(*names: str) -> Test:
    wanted = [name.encode("utf-16-le") for name in names]
    return lambda first: first.startswith(_COMPOUND) and any(each in first for each in wanted)


def _at(place: int, *magics: bytes) -> Test:
    return lambda first: first[place : place + 8].startswith(magics) and b"\0" in first[:512]


def _safetensors(first: bytes) -> bool:
    length = int.from_bytes(first[:8], "little")
    return first[8:10] == b'{"' and 2 <= length < 100_000_000


def _pickle(first: bytes) -> bool:
    return len(first) > 1 and first[0] == 0x80 and 2 <= first[1] <= 5


# What it is, what to do about it, and how it is told; the first that fits.
_KINDS: tuple[tuple[str, str, Test], ...] = (
    ("a Parquet file", AS_COLUMNS, _starts(b"PAR1", b"PARE")),
    ("an Arrow file", AS_COLUMNS, _starts(b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")),
    ("an ORC file", AS_COLUMNS, _starts(b"ORC")),
    ("an Avro file", AS_COLUMNS, _starts(b"Obj\x01")),
    ("an Excel workbook (xlsx)", TO_TABLE, _packed(b"xl/", b"[Content_Types].xmlxl")),
    ("a Word document (docx)", TO_TEXT, _packed(b"word/")),
    ("a PowerPoint presentation (pptx)", TO_TEXT, _packed(b"ppt/")),
    ("an OpenDocument spreadsheet", TO_TABLE, _packed(b"oasis.opendocument.spreadsheet")),
    ("an OpenDocument text", TO_TEXT, _packed(b"oasis.opendocument.text")),
    ("a Hangul document (hwpx)", TO_TEXT, _packed(b"application/hwp+zip")),
    ("an e-book (EPUB)", TO_TEXT, _packed(b"application/epub+zip")),
    ("PyTorch weights", NOT_TEXT, _packed(b"/data.pkl")),
    ("a NumPy archive (npz)", AS_COLUMNS, _packed(b".npy")),
    ("an Office document", TO_TEXT, _packed(b"[Content_Types].xml")),
    ("a zip archive", UNPACK, _starts(_PACKED, b"PK\x05\x06", b"PK\x07\x08")),
    ("an Excel workbook (xls)", TO_TABLE, _compound("Workbook", "Book")),
    ("a Word document (doc)", TO_TEXT, _compound("WordDocument")),
    ("a Hangul document (hwp)", TO_TEXT, _compound("HwpSummaryInformation")),
    ("an encrypted Office document", TO_TEXT, _compound("EncryptedPackage")),
    ("an Office document", TO_TEXT, _starts(_COMPOUND)),
    ("a Hangul document (hwp)", TO_TEXT, _starts(b"HWP Document File")),
    ("a PDF", TO_TEXT, _starts(b"%PDF-")),
    ("an RTF document", TO_TEXT, _starts(b"{\\rtf")),
    ("a PostScript file", TO_TEXT, _starts(b"%!PS-Adobe")),
    ("an SQLite database", AS_COLUMNS, _starts(b"SQLite format 3\0")),
    ("an image (PNG)", NOT_TEXT, _starts(b"\x89PNG\r\n\x1a\n")),
    ("an image (JPEG)", NOT_TEXT, _starts(b"\xff\xd8\xff")),
    ("an image (GIF)", NOT_TEXT, _starts(b"GIF87a", b"GIF89a")),
    ("an image (TIFF)", NOT_TEXT, _starts(b"II*\0", b"MM\0*")),
    ("an image (WebP)", NOT_TEXT, lambda first: first[:4] == b"RIFF" and first[8:12] == b"WEBP"),
    ("an image (BMP)", NOT_TEXT, _starts(b"BM")),
    ("a sound file", NOT_TEXT, _starts(b"RIFF", b"OggS", b"fLaC", b"ID3")),
    ("a video or an image", NOT_TEXT, _at(4, b"ftyp")),
    ("a NumPy array", AS_COLUMNS, _starts(b"\x93NUMPY")),
    ("a safetensors file", NOT_TEXT, _safetensors),
    ("a GGUF model", NOT_TEXT, _starts(b"GGUF")),
    ("a fastText model", NOT_TEXT, _starts(b"\xba\x16\x4f\x2f")),
    ("a KenLM binary", NOT_TEXT, _starts(b"mmap lm http://kheafield.com")),
    ("an HDF5 file", AS_COLUMNS, _starts(b"\x89HDF\r\n\x1a\n")),
    ("a pickle", AS_COLUMNS, _pickle),
    ("a 7z archive", UNPACK, _starts(b"7z\xbc\xaf\x27\x1c")),
    ("a RAR archive", UNPACK, _starts(b"Rar!\x1a\x07")),
    ("a tar archive", UNPACK, _at(257, b"ustar")),
    ("an LZ4 file", UNPACK, _starts(b"\x04\x22\x4d\x18")),
    ("an LZMA file", UNPACK, _starts(b"\x5d\x00\x00")),
    ("a file of compress (.Z)", UNPACK, _starts(b"\x1f\x9d")),
    ("a program", NOT_TEXT, _starts(b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe")),
    (
        "a pointer of Git LFS and not the file itself",
        "fetch the file: git lfs pull",
        _starts(b"version https://git-lfs.github.com/spec/"),
    ),
    (
        "UTF-32 text",
        "give --encoding utf-32, or convert it: iconv -f UTF-32 -t UTF-8",
        _starts(b"\xff\xfe\0\0", b"\0\0\xfe\xff"),
    ),
    (
        "UTF-16 text",
        "give --encoding utf-16, or convert it: iconv -f UTF-16 -t UTF-8",
        _starts(b"\xff\xfe", b"\xfe\xff"),
    ),
)


def foreign_kind(first: bytes) -> tuple[str, str] | None:
    """Return what a file is that is no text in UTF-8, and what to do; None of what may be text.

    Args:
        first: its first bytes, as many as there are up to some thousand or more.
    """
    for name, advice, test in _KINDS:
        if test(first):
            return name, advice
    order = _byte_order(first)
    if order is None:
        return None
    advice = f"give --encoding {order.lower()}, or convert it: iconv -f {order} -t UTF-8"
    return f"UTF-16 text ({order})", advice


def _byte_order(first: bytes) -> str | None:
    """Return UTF-16LE or UTF-16BE where text has no byte order mark but is nothing else."""
    if b"\0" not in first or len(first) < 4:
        return None
    if len(first) < SHORT and _decodes(first, "utf-8"):
        return None  # too little to tell one from the other
    begins = {"UTF-16LE": first[0] and not first[1], "UTF-16BE": not first[0] and first[1]}
    valid = _decodes(first, "utf-8")
    for order, ascii_first in begins.items():
        if (ascii_first or not valid) and _reads_as(first, order):
            return order
    return None


def _reads_as(first: bytes, order: str) -> bool:
    text = first[: len(first) // 2 * 2].decode(order, errors="replace")
    usual = sum(each.isalnum() or each in " \t\r\n.,!?'\"()-:;{}[]_/" for each in text)
    spaces = any(each in " \n\t" for each in text) or len(text) < 200
    return spaces and usual > 0.9 * len(text) and any(map(str.isalpha, text))


def guessed_encoding(data: bytes, start: int = 0) -> tuple[str, str]:
    """Return what bytes that are not UTF-8 from ``start`` on seem to be, and what to do."""
    if data[start : start + 1] == b"\xed" and data[start + 1 : start + 2] >= b"\xa0":
        return (
            "UTF-8 with halves of surrogate pairs, which are no characters",
            "write it anew, such as with Python's errors='replace'",
        )
    if b"\0" in data:
        return "a binary file of a kind that is not known here", NOT_TEXT
    korean = data.decode("cp949", errors="replace")
    strange = [each for each in korean if not each.isascii()]
    hangul = sum("가" <= each <= "힣" for each in strange)
    if hangul > 0.6 * len(strange):
        return "CP949 (Korean)", "give --encoding cp949, or convert it: iconv -f CP949 -t UTF-8"
    if _controls(data) > 0.02 * len(data):
        return "a binary file of a kind that is not known here", NOT_TEXT
    return (
        "Latin-1 or another encoding of one byte a character",
        "give --encoding windows-1252, or what it is, or convert it with iconv",
    )


def _controls(data: bytes) -> int:
    return sum(each < 32 and each not in b"\t\n\r\f\x1b" for each in data)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return error.end >= len(data) and error.reason == "unexpected end of data"
    return True
