"""Patterns with `*` in them, as names where that is exact, else as regular expressions."""

from __future__ import annotations

import re

from gateway.lists.automaton import check_regex
from gateway.lists.parsers.entry import BadPattern, Entry, Skip
from gateway.lists.parsers.names import EVERY_NAME, NO_NAME, canonical
from gateway.lists.regex import Unsupported
from gateway.model.listed import Extent

_glob = re.compile(r"[a-z0-9_.*-]+", re.ASCII).fullmatch


def entry_of_regex(source: str) -> Entry:
    """Raises Skip for an expression that we cannot match, or that matches everything."""
    if not source.isascii():
        raise BadPattern("Its regular expression has letters that domain names cannot have.")
    try:
        check_regex(source)
    except Unsupported as error:
        raise BadPattern(str(error)) from None
    return Entry("", regex=source)


def entry_of_glob(glob: str, *, left: str, right: str) -> Entry:
    """The entry for a pattern with stars; `left` and `right` are what the expression begins and ends with.

    `*.x.org` is taken as "what is below x.org" even where its author forgot to anchor the end.
    """
    glob = ".".join([label if label.isascii() else _a_label(label) for label in glob.split(".")]).lower()
    if not _glob(glob):
        raise Skip(NO_NAME)
    if not glob.strip("*.-_"):
        raise Skip(EVERY_NAME)
    if glob.startswith("*.") and "*" not in glob[2:]:
        return Entry(canonical(glob[2:]), Extent.BELOW)
    body = re.sub(r"\*+", "*", glob).replace(".", r"\.").replace("*", ".*")
    if not left:
        body = body.removeprefix(".*")
    if not right:
        body = body.removesuffix(".*")
    return entry_of_regex(left + body + right)


def _a_label(label: str) -> str:
    """Punycode moves letters about, so that part of a label has no spelling in it."""
    if "*" in label:
        raise Skip(NO_NAME)
    return canonical(label)
