"""What a backup holds: what people made. Compiled lists, reports and secrets are made anew by those who made them."""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from gateway.errors import SettingsError
from gateway.journal.vetting import vet
from gateway.lists.sources import LIMIT as LARGEST_LIST
from gateway.policy.book_file import decode_book
from gateway.settings import add_arguments, from_arguments
from web.keys import Token, keys_from_json, password_hash, tokens_from_json, tokens_to_json

FORMAT = 2
MANIFEST = "telltale.json"
BOOK, SETTINGS, NETWORK, JOURNAL, KEYS = "policy.json", "settings.toml", "network.json", "journal.sqlite", "keys.json"
_KEYS_BEFORE = "web.json"
_MADE_BY_MACHINES = frozenset({"lists/report.json", "lists/compiled.bin"})
_MB = 1 << 20
_LARGEST = {
    BOOK: 16 * _MB,
    SETTINGS: _MB // 4,
    NETWORK: _MB // 16,
    JOURNAL: 8192 * _MB,
    **dict.fromkeys((KEYS, _KEYS_BEFORE), _MB),
}
_LARGEST_MANIFEST = 256 << 10
_MOST_LISTS = 1000
_LEFT_OUT = "# passphrase: only in encrypted backups"
_PASSPHRASE = re.compile(r"^[ \t]*passphrase[ \t]*=.*$", re.MULTILINE)
_SUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PeoplesKeys:
    """The password's hash, None when there is none, and the tokens' hashes. Secrets that sign are in no backup."""

    password: str | None
    tokens: tuple[Token, ...]


def keys_to_backup(raw: bytes) -> bytes:
    """From the dashboard's file. Raises ValueError."""
    keys = keys_from_json(raw)
    return json.dumps({"password": keys.password, "tokens": tokens_to_json(keys.tokens)}, indent=1).encode()


def keys_of_backup(raw: bytes) -> PeoplesKeys:
    """From a backup of this format, or of the one before, which held the whole file. Raises ValueError, KeyError,
    TypeError.
    """
    value = json.loads(raw)
    password = value["password"]
    return PeoplesKeys(None if password is None else password_hash(password), tokens_from_json(value["tokens"]))


def without_passphrase(text: str) -> str:
    """Settings as they may lie about anywhere. Raises SettingsError where the passphrase cannot be taken out."""
    wanted = tomllib.loads(text)
    if isinstance(wanted.get("network"), dict):
        wanted["network"].pop("passphrase", None)
    bare = _PASSPHRASE.sub(_LEFT_OUT, text)
    if tomllib.loads(bare) != wanted:
        raise SettingsError("command.wi-fi-s")
    return bare


def with_passphrase(text: str, now: str) -> str:
    """Restored settings with the passphrase that this box had before, where it had one of its own."""
    try:
        known = tomllib.loads(now).get("network", {}).get("passphrase")
    except (ValueError, AttributeError):
        known = None
    if not isinstance(known, str):
        return text
    # TOML's basic strings are JSON's.
    return text.replace(_LEFT_OUT, f"passphrase = {json.dumps(known)}", 1)


def lacks_passphrase(text: str) -> bool:
    """True for settings that were saved without theirs."""
    return _LEFT_OUT in text


def names_of(read: Callable[[str, int], bytes]) -> dict[str, str]:
    """The members that are to be restored, with their SHA-256. `read` gives a member of bounded length.

    Raises SettingsError, and what reading and JSON raise.
    """
    about = json.loads(read(MANIFEST, _LARGEST_MANIFEST))
    if about.get("format") not in (1, FORMAT):
        raise SettingsError("command.backup-another-version", get=f"{about.get('version')!r:.40}")
    sums: dict[str, Any] = about["sha256"]
    if len(sums) > len(_LARGEST) + _MOST_LISTS or not all(
        isinstance(each, str) and _SUM.fullmatch(each) for each in sums.values()
    ):
        raise ValueError("no sums")
    for name in sums:
        if name not in _LARGEST and name not in _MADE_BY_MACHINES and not is_list(name):
            raise SettingsError("command.backup-holds-file")
    return {name: wanted for name, wanted in sums.items() if name not in _MADE_BY_MACHINES}


def is_list(name: str) -> bool:
    """True for the copy of a subscription: lists/7.txt."""
    return re.fullmatch(r"lists/[0-9]{1,9}\.txt", name, re.ASCII) is not None


def is_keys(name: str) -> bool:
    return name in (KEYS, _KEYS_BEFORE)


def largest(name: str) -> int:
    """Bytes that a member may have."""
    return LARGEST_LIST if is_list(name) else _LARGEST[name]


def check_member(name: str, path: Path) -> None:
    """Raises SettingsError, JournalError, ValueError, KeyError or TypeError for a file that a box could not use."""
    if name == BOOK:
        decode_book(path.read_bytes())
    elif is_keys(name):
        keys_of_backup(path.read_bytes())
    elif name == JOURNAL:
        vet(path)
    elif name == SETTINGS:
        check_settings(path)


def check_settings(path: Path) -> None:
    """Raises SettingsError for settings that no process would start with. `path` is called settings.toml."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    try:
        from_arguments(parser.parse_args(["--data", str(path.parent)]), {})
    except SettingsError as error:
        why = str(error).removeprefix(str(path)).lstrip(": ")
        raise SettingsError("command.settings-backup-cannot", why=why) from None


def copy_bounded(source: IO[bytes], most: int, chunk: int = 1 << 20) -> Iterable[bytes]:
    """Its bytes, as long as they are not more than `most`. Raises ValueError."""
    left = most
    while piece := source.read(chunk):
        left -= len(piece)
        if left < 0:
            raise ValueError("longer than it may be")
        yield piece
