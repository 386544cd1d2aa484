"""Which part of a name a company can register, offline (publicsuffix.org, the edition that the package carries)."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

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
