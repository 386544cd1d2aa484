"""How the command line says what a rule and a list are: a line each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any


def print_each(lines: Iterable[str], none: str) -> None:
    """A program that reads the lines finds nothing where there is none; a person reads that there is none."""
    empty = True
    for line in lines:
        print(line)
        empty = False
    if empty:
        print(none, file=sys.stderr)


def rule_line(rule: dict[str, Any]) -> str:
    if rule.get("preset"):
        whom = f" for {rule['device']}" if rule["device"] else ""
        until = f" until {rule['ends']}" if rule["ends"] else ""
        return plain(f"{rule['id']}  preset {rule['preset']}{whom}{until}")
    trackers = rule.get("trackers") and f"the trackers of {rule['trackers']}"
    owner = rule.get("service") or trackers or rule.get("company")
    what = rule.get("name") or owner or rule.get("category") or "everything"
    below = " and everything below it" if rule["subtree"] else ""
    whom = f" for {rule['device']}" if rule["device"] else ""
    until = f" until {rule['ends']}" if rule["ends"] else ""
    return plain(f"{rule['id']}  {rule['action']} {what}{below}{whom}{until}")


def service_line(each: dict[str, Any]) -> str:
    used = f"  used by {', '.join(each['devices'])}" if each["devices"] else ""
    return plain(f"{each['service']}  ({each['kind']}, {each['company']}){used}")


def list_line(each: dict[str, Any]) -> str:
    skipped = sum(each["skipped"].values())
    left_out = f", {skipped} left out" if skipped else ""
    wrong = f"  WRONG: {each['error']}" if each["error"] else ""
    entries = "1 entry" if each["entries"] == 1 else f"{each['entries']} entries"
    does = each["action"]
    if each["kind"] == "owners":
        does, entries = "owners", f"{each['entries']} names, {each['licence'] or 'licence unknown'}"
    return plain(f"{each['id']}  {does}  {each['title']}  ({entries}{left_out}){wrong}")


def list_lines(each: dict[str, Any]) -> Iterator[str]:
    """A line for the list, and one for each thing that is to be known of it."""
    yield list_line(each)
    if shrinking := each.get("shrinking"):
        yield (
            f"    It fell from {shrinking['before']:,} entries to {shrinking['entries']:,}, and the old ones stay in "
            f"force. If that is right: telltale lists accept {each['id']}"
        )
    for reason, count in sorted(each["skipped"].items(), key=lambda item: -item[1]):
        yield plain(f"    {count:,} left out: {reason}")


def plain(text: str) -> str:
    """Strangers' text for a terminal: nothing that moves the cursor."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
