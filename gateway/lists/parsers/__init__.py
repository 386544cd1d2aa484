"""Block lists in every syntax people publish; each is known by its first lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from gateway.errors import ListError
from gateway.lists.parsers.detect import detect_syntax
from gateway.lists.parsers.entry import BadPattern, Entry, LineParser, Partly, Skip, Syntax
from gateway.lists.parsers.mixed import line_parser
from gateway.lists.parsers.notes import is_note
from gateway.lists.parsers.rpz import ZoneParser
from gateway.lists.parsers.text import chunks_of, read_lines

__all__ = ["Entry", "ParsedList", "Syntax", "parse_list"]

MAX_ENTRIES = 5_000_000
MAX_REGEXES = 1000
MAX_PATTERNS = 20_000
TOO_MANY_REGEXES = f"The list has more than {MAX_REGEXES} patterns, and this is one too many."

_MAX_TITLE = 120
_HEAD_LINES = 2000
_HEAD_SAID = 500
_HEAD_SIZE = 1 << 20


class ParsedList:
    """A list being read. `entries` can be run through once; after that `skipped` (sentence -> lines) is complete.

    `title` is what the list calls itself, "" when it does not, bounded and printable.
    """

    def __init__(self, lines: Iterator[str], skipped: Counter[str], syntax: Syntax | None) -> None:
        head = _head_of(lines)
        self.skipped = skipped
        self.syntax = syntax or detect_syntax(head)
        self.title = _title_of(head)
        self.entries = self._read(chain(head, lines))

    def _read(self, lines: Iterator[str]) -> Iterator[Entry]:
        parse = _parser_for(self.syntax)
        skipped = self.skipped
        count = regexes = patterns = 0
        for line in lines:
            try:
                found = parse(line)
            except Skip as reason:
                skipped[str(reason)] += 1
                patterns += isinstance(reason, BadPattern)
                found = ()
            except Partly as partly:
                skipped.update(partly.reasons)
                found = partly.entries
            for entry in found:
                if entry.regex:
                    regexes += 1
                    patterns += 1
                    if regexes > MAX_REGEXES:
                        skipped[TOO_MANY_REGEXES] += 1
                        continue
                count += 1
                yield entry
            if patterns > MAX_PATTERNS:
                raise ListError("lists.list-more-than", max_patterns=f"{MAX_PATTERNS:,}")
            if count > MAX_ENTRIES:
                raise ListError("lists.list-more-than-entries", max_entries=f"{MAX_ENTRIES:,}")
        if not count:
            raise ListError("lists.list-empty-names")


def parse_list(data: bytes | Iterable[bytes], *, syntax: Syntax | None = None) -> ParsedList:
    """Begins to read a list from its bytes, whole or in pieces; its first lines say the syntax unless given.

    Raises ListError, here or while the entries are run through, for what is no block list.
    """
    skipped: Counter[str] = Counter()
    return ParsedList(read_lines(chunks_of(data), skipped), skipped, syntax)


def _head_of(lines: Iterator[str]) -> list[str]:
    head: list[str] = []
    size = said = 0
    for line in lines:
        head.append(line)
        size += len(line)
        said += not is_note(line)
        if said >= _HEAD_SAID or len(head) >= _HEAD_LINES or size >= _HEAD_SIZE:
            break
    return head


def _title_of(head: list[str]) -> str:
    for line in head[:50]:
        label, colon, title = line.lstrip("#!; ").partition(":")
        if colon and label.strip().lower() == "title" and line[0] in "#!;":
            return "".join(filter(str.isprintable, title)).strip()[:_MAX_TITLE]
    return ""


def _parser_for(syntax: Syntax) -> LineParser:
    return ZoneParser() if syntax is Syntax.RPZ else line_parser(syntax)
