"""A backup's passphrase: typed at a terminal without an echo, or the first line that a program pipes in."""

from __future__ import annotations

import getpass
import sys

from gateway.commands.sealing import LONGEST, check_passphrase
from gateway.errors import SettingsError


def ask(words: str = "Passphrase of the backup: ") -> str:
    if sys.stdin.isatty():
        return getpass.getpass(words)
    return sys.stdin.readline(LONGEST + 2).rstrip("\n")


def ask_new() -> str:
    """Asked for twice at a terminal: nobody can read a backup with a slip in its passphrase. Raises SettingsError."""
    chosen = ask("Passphrase for the backup: ")
    check_passphrase(chosen)
    if sys.stdin.isatty() and getpass.getpass("The same again: ") != chosen:
        raise SettingsError("command.two-passphrases-differ")
    return chosen
