"""Bytes of unknown origin to lines of bounded length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from gateway.errors import ListError

MAX_LINE = 8192
TOO_LONG = f"It is longer than {MAX_LINE} bytes."
_MARK = "\ufeff"
_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 16
_REFUSED_STARTS = (
    (b"\xff\xfe", "The list is in UTF-16; save it as UTF-8."),
    (b"\xfe\xff", "The list is in UTF-16; save it as UTF-8."),
    (b"\x1f\x8b", "The list is compressed with gzip; unpack it first."),
    (b"PK\x03\x04", "The list is a zip archive; unpack it first."),
    (b"\x28\xb5\x2f\xfd", "The list is compressed with zstd; unpack it first."),
    (b"\xfd7zXZ\0", "The list is compressed with xz; unpack it first."),
    (b"BZh", "The list is compressed with bzip2; unpack it first."),
    (b"SQLite format 3\0", "This is a database, not a block list."),
)
_WEB_PAGE = re.compile(rb"\s*<(!doctype|html|head|body|\?xml|!--|script|title)", re.IGNORECASE)
_JSON = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[{"])')


def chunks_of(data: bytes | Iterable[bytes]) -> Iterator[bytes]:
    """The data in pieces of at most 64 KiB."""
    for piece in (data,) if isinstance(data, bytes | bytearray | memoryview) else data:
        if len(piece) <= _CHUNK:
            yield bytes(piece)
        else:
            for start in range(0, len(piece), _CHUNK):
                yield bytes(piece[start : start + _CHUNK])


def read_lines(chunks: Iterable[bytes], skipped: Counter[str]) -> Iterator[str]:
    """Stripped, non-empty lines; what is no text in them is U+FFFD, for it may stand in a note, where it costs nothing.
    Lines that are too long are counted in `skipped`.

    Raises ListError for what is no list at all: binary data, UTF-16, a web page, an archive.
    """
    rest, first, overlong = b"", True, False
    for chunk in _with_a_whole_start(chunks):
        if first:
            _refuse_what_is_no_list(chunk)
        block = (chunk.removeprefix(_BOM) if first else chunk).replace(b"\r", b"\n")
        first = False
        if overlong:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, overlong = block[end:], False
        block = rest + block
        head, newline, rest = block.rpartition(b"\n")
        if newline:
            yield from _decode(head, skipped)
        if len(rest) > MAX_LINE:
            skipped[TOO_LONG] += 1
            rest, overlong = b"", True
    yield from _decode(rest, skipped)


def _decode(block: bytes, skipped: Counter[str]) -> Iterator[str]:
    text = block.decode("utf-8", "replace")
    # Lists are put together from files that began with such a mark each.
    text = _unclean("\ufffd", text.replace(_MARK, "") if _MARK in text else text)
    for line in map(str.strip, text.split("\n")):
        if not line:
            continue
        if len(line) > MAX_LINE:
            skipped[TOO_LONG] += 1
        else:
            yield line


_unclean = re.compile("[\0-\x08\x0e-\x1f\x7f]").sub


def _with_a_whole_start(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Joins the first pieces until there is enough to tell what the data is."""
    start = b""
    iterator = iter(chunks)
    for chunk in iterator:
        start += chunk
        if len(start) >= 1024:
            break
    if start:
        yield start
    yield from iterator


def _refuse_what_is_no_list(start: bytes) -> None:
    for magic, sentence in _REFUSED_STARTS:
        if start.startswith(magic):
            raise ListError.saying(sentence)
    head = start[:1024]
    nuls = head.count(b"\0")
    if nuls:
        if nuls > len(head) // 3 and (set(head[::2]) == {0} or set(head[1::2]) == {0}):
            raise ListError("lists.list-utf-save")
        raise ListError("lists.binary-data-not")
    if _WEB_PAGE.match(head.removeprefix(_BOM)):
        raise ListError("lists.web-page-not")
    if _JSON.match(head.removeprefix(_BOM)):
        raise ListError("lists.json-not-block")
