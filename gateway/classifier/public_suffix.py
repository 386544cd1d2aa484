"""Which part of a name a company can register, offline (publicsuffix.org, the edition that the package carries)."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList

from gateway.model.name import Name


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def public_suffix(text: str) -> str | None:
    """ "co.uk" for "www.bbc.co.uk"; None for the root. Only suffixes that ICANN knows, so that cloudfront.net,
    a suffix of the private section, still counts as a registrable domain with an owner.
    """
    return _suffixes().publicsuffix(text) if text else None


def is_top_level(label: str) -> bool:
    """True for "com" and "uk", also in their punycode; false for what is no top level of the public DNS, like "lan"."""
    return _suffixes().publicsuffix(label, accept_unknown=False) == label


def registrable_domain(text: str) -> str | None:
    """ "bbc.co.uk" for "www.bbc.co.uk"; None for a public suffix and for the root."""
    return Name(text).registrable(public_suffix)


def give_out_names(domains: Collection[str]) -> set[str]:
    """Those of these registrable domains below which strangers get names of their own, by the list's private section:
    cloudfront.net, whose customers have d111.cloudfront.net, and amazonaws.com, for s3.amazonaws.com.
    """
    found: set[str] = set()
    if not domains:
        return found
    _, _, private = Path(PSLFILE).read_text(encoding="utf-8").partition("BEGIN PRIVATE DOMAINS")
    for line in private.splitlines():
        suffix = line.lstrip("*.!")
        while "." in suffix:
            if suffix in domains:
                found.add(suffix)
            suffix = suffix.partition(".")[2]
    return found
