"""Names and addresses as lists spell them."""

from __future__ import annotations

import ipaddress
import re

from gateway.lists.parsers.entry import Skip
from gateway.model.name import Name

CANARY = "h4g3z1-"
"""hagezi/dns-blocklists sows names that begin so, to see who copies the lists; nobody ever asks for them."""

CANARIES = "It is a canary, a name that the list's author made up."
NO_NAME = "It is not a domain name."
AN_ADDRESS = "It is an address, and DNS is asked for names."
EVERY_NAME = "It would match every name."
NO_TEXT = "It is not UTF-8 text."
ELSEWHERE = "It sends the name to an address of its own instead of blocking it."

UNREADABLE = "\ufffd"
"""What stands for bytes that are no text."""

_MAX_TEXT = 253
_plain = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII).fullmatch


def canonical(text: str) -> str:
    """The canonical spelling of a name in a list: lower case, punycode, no trailing dot.

    Stricter than DNS itself: letters, digits, hyphens and underscores only. Raises Skip.
    """
    if not _plain(text):
        try:
            text = Name.parse(text).text
        except ValueError:
            raise Skip(NO_TEXT if UNREADABLE in text else NO_NAME) from None
        if not text or not _plain(text):
            raise Skip(NO_NAME)
    if len(text) > _MAX_TEXT:
        raise Skip(NO_NAME)
    if text[-1].isdigit() and text.rpartition(".")[2].isdigit():
        raise Skip(AN_ADDRESS if is_address(text) else NO_NAME)
    if text.startswith(CANARY):
        raise Skip(CANARIES)
    return text


def is_address(text: str) -> bool:
    """True for an IPv4 or IPv6 address, also with a zone (`fe80::1%lo0`)."""
    first = text[:1]
    if not (first.isdigit() or ":" in text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_null(address: str) -> bool:
    """True for the addresses that lists write for "nowhere": unspecified and loopback."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_unspecified or parsed.is_loopback
