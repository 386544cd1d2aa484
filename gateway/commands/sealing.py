"""A file that only a passphrase opens: scrypt (RFC 7914) and AES-256-GCM, a piece at a time.

Layout: the magic line, 16 bytes of salt, 7 bytes of nonce, then pieces of 1 MiB and their tags of 16 bytes. The nonce
of a piece is the file's, its number in four bytes, and whether it is the last one: so pieces are neither left out, nor
swapped, nor cut off (STREAM; Hoang, Reyhanitabar, Rogaway, Vizár, 2015). The cost of scrypt is fixed by the magic line,
so that no file asks for more than 32 MiB. `cryptography` is imported when a file is sealed or opened.
"""

from __future__ import annotations

import io
import secrets
import struct
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from gateway.errors import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"TELLTALE SEALED 1\n"
SHORTEST, LONGEST = 8, 1024
_SALT, _NONCE, _PIECE, _TAG = 16, 7, 1 << 20, 16
_COST = {"n": 1 << 15, "r": 8, "p": 1}
_MOST_PIECES = 1 << 32
_WRONG = "The passphrase is not right, or the backup is damaged; nothing was changed."


def check_passphrase(passphrase: str) -> None:
    """Raises SettingsError for one that is too short to keep anything, or endless."""
    if not SHORTEST <= len(passphrase) <= LONGEST:
        raise SettingsError("command.backup-s-passphrase", shortest=SHORTEST, longest=LONGEST)


class Sealed(io.RawIOBase):
    """Encrypts what is written to it into `target`; `finish` writes the last piece."""

    def __init__(self, target: IO[bytes], passphrase: str) -> None:
        check_passphrase(passphrase)
        salt, self._nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
        self._head = MAGIC + salt + self._nonce
        self._cipher = _cipher(passphrase, salt)
        self._target = target
        self._held = bytearray()
        self._number = 0
        target.write(self._head)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        while len(self._held) > _PIECE:
            self._put(bytes(self._held[:_PIECE]), last=False)
            del self._held[:_PIECE]
        return len(data)

    def finish(self) -> None:
        self._put(bytes(self._held), last=True)

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_number(self._nonce, self._number, last), piece, self._head))
        self._number += 1


def open_sealed(source: IO[bytes], passphrase: str) -> Iterator[bytes]:
    """The pieces of what was sealed, each of them genuine; only with the last one is it certain that none is missing.

    Raises SettingsError for another passphrase or a damaged file.
    """
    from cryptography.exceptions import InvalidTag

    head = source.read(len(MAGIC) + _SALT + _NONCE)
    if len(head) != len(MAGIC) + _SALT + _NONCE or not 0 < len(passphrase) <= LONGEST:
        raise SettingsError("command.passphrase-not-right")
    cipher, nonce = _cipher(passphrase, head[len(MAGIC) : -_NONCE]), head[-_NONCE:]
    piece = source.read(_PIECE + _TAG)
    for number in range(_MOST_PIECES):
        following = source.read(_PIECE + _TAG)
        try:
            yield cipher.decrypt(_number(nonce, number, not following), piece, head)
        except InvalidTag:
            raise SettingsError("command.passphrase-not-right") from None
        if not following:
            return
        piece = following


def _number(nonce: bytes, number: int, last: bool) -> bytes:
    return nonce + struct.pack(">IB", number, last)


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return AESGCM(Scrypt(salt=salt, length=32, **_COST).derive(passphrase.encode("utf-8", "replace")))
