"""Who may see and change things: one password for people, tokens for programs, kept in `web.json`."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import Refused, SettingsError
from gateway.files import give_away, put_in_place, write_synced
from web.keys import Keys, Token, keys_from_json, keys_to_json

log = logging.getLogger(__name__)

MIN_PASSWORD = 8
MAX_PASSWORD = 256
_MAX_TOKENS = 64
_MAX_ENDED = 512

WRONG_PASSWORD = "That password is not right."  # noqa: S105


class AuthStore:
    """The keys of the dashboard, safe between threads and between processes (the command line makes tokens too).

    Passwords are hashed by argon2id with 32 MiB, three passes and one lane, one at a time, so that a Raspberry Pi can
    bear many tries at once (OWASP asks for 19 MiB and two passes). Raises SettingsError when the file cannot be used:
    a broken file never means that a new password may be set.
    """

    def __init__(
        self, path: Path, *, hasher: PasswordHasher | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
        self._clock = clock
        self._lock = threading.RLock()
        self._hashing = threading.Lock()
        self._decoy = self._hasher.hash(secrets.token_hex(16))
        self._stamp: tuple[int, ...] = ()
        self._keys = self._first_keys()
        self._complained = False

    @property
    def secret(self) -> str:
        return self._current().secret

    @property
    def generation(self) -> int:
        return self._current().generation

    @property
    def has_password(self) -> bool:
        return self._current().password is not None

    def set_first_password(self, password: str) -> None:
        """Sets the password when there is none yet. Raises Refused: of two first visitors one is too late."""
        hashed = self._hash(password)
        with self._change() as keys:
            if keys.password is not None:
                raise Refused("A password is set already; log in with it.")
            self._save(replace(keys, password=hashed, generation=keys.generation + 1))

    def set_password(self, password: str) -> None:
        """Sets the password whatever it was, and ends every session: for the command line."""
        hashed = self._hash(password)
        with self._change() as keys:
            self._save(replace(keys, password=hashed, generation=keys.generation + 1, ended={}))

    def change_password(self, old: str, new: str) -> None:
        """Sets `new` for those who know `old`, and ends every session. Raises Refused with the field that is wrong."""
        check_new_password(new, "new")
        known = self._current().password
        if not self.is_password(old):
            raise Refused(WRONG_PASSWORD, "old")
        hashed = self._hash(new)
        with self._change() as keys:
            if keys.password != known:
                raise Refused(WRONG_PASSWORD, "old")
            self._save(replace(keys, password=hashed, generation=keys.generation + 1, ended={}))

    def is_password(self, password: str) -> bool:
        """True for the password. Takes the same time when none is set, or this one could never be one."""
        known = self._current().password
        plain = _normal(password)[: MAX_PASSWORD * 4]
        with self._hashing:
            try:
                self._hasher.verify(known or self._decoy, plain)
            except (VerificationError, InvalidHashError):
                return False
        return known is not None and len(plain) == len(_normal(password))

    def create_token(self, label: str) -> str:
        """A new bearer token; shown once, never stored. Raises Refused for a label that cannot be printed."""
        label = label.strip()
        if not 1 <= len(label) <= 48 or not label.isprintable():
            raise Refused("A token has a label of 1 to 48 printable characters.", "label")
        text = "tell_" + secrets.token_urlsafe(32)
        made = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        token = Token(secrets.token_hex(4), label, _digest(text), made)
        with self._change() as keys:
            if len(keys.tokens) >= _MAX_TOKENS:
                raise Refused(
                    f"There are {_MAX_TOKENS} tokens already: `telltale token ls` shows them, "
                    "`telltale token rm ID` removes one.",
                    "label",
                )
            self._save(replace(keys, tokens=(*keys.tokens, token)))
        return text

    def tokens(self) -> tuple[Token, ...]:
        return self._current().tokens

    def remove_token(self, token_id: str) -> None:
        """From now on nobody gets in with it. Raises Refused when there is none with this id."""
        with self._change() as keys:
            left = tuple(token for token in keys.tokens if token.id != token_id)
            if len(left) == len(keys.tokens):
                raise Refused("There is no token with this id.", "id")
            self._save(replace(keys, tokens=left))

    def token_of(self, text: str) -> Token | None:
        """The token that this bearer text is, None when it is none."""
        digest = _digest(text)
        found = None
        for token in self._current().tokens:
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found

    def end_session(self, session: str, until: float) -> None:
        """Remembers that this session was logged out, for as long as its cookie could still be shown."""
        now = self._clock()
        with self._change() as keys:
            ended = {old: end for old, end in keys.ended.items() if end > now}
            if len(ended) >= _MAX_ENDED:
                self._save(replace(keys, generation=keys.generation + 1, ended={}))
            else:
                self._save(replace(keys, ended={**ended, session: until}))

    def is_ended(self, session: str) -> bool:
        return session in self._current().ended

    def _hash(self, password: str) -> str:
        check_new_password(password, "password")
        with self._hashing:
            return self._hasher.hash(_normal(password))

    def _current(self) -> Keys:
        """Reads the file again when another process changed it; keeps the last good keys when that cannot be read."""
        with self._lock:
            try:
                if _stamp(self._path) != self._stamp:
                    self._load()
                    self._complained = False
            except (OSError, ValueError) as error:
                if not self._complained:
                    log.warning("%s cannot be read any more (%s); the last good keys stay in force", self._path, error)
                    self._complained = True
            return self._keys

    def _first_keys(self) -> Keys:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._folder_lock():
                if self._path.exists():
                    return self._load()
                return self._save(Keys.new())
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{self._path} cannot be used ({error}); move it away to start again with a new password."
            ) from error

    def _load(self) -> Keys:
        stamp = _stamp(self._path)
        self._keys = keys_from_json(self._path.read_bytes())
        self._stamp = stamp
        return self._keys

    @contextmanager
    def _change(self) -> Iterator[Keys]:
        try:
            with self._lock, self._folder_lock():
                yield self._load()
        except (OSError, ValueError) as error:
            raise SettingsError(f"{self._path} cannot be changed: {error}.") from error

    @contextmanager
    def _folder_lock(self) -> Iterator[None]:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _save(self, keys: Keys) -> Keys:
        """Writes a neighbour of mode 0600 and renames it. As root the file stays whose it was, or its folder's."""
        parent = self._path.parent
        beside = parent / f".{self._path.name}.new"
        try:
            write_synced(beside, [keys_to_json(keys)], 0o600)
            give_away(beside, self._path if self._path.exists() else parent)
            put_in_place(beside, self._path)
        finally:
            beside.unlink(missing_ok=True)
        self._stamp = _stamp(self._path)
        self._keys = keys
        return keys


def check_new_password(password: str, field: str) -> None:
    """Raises Refused, in one sentence, for a password that cannot be set."""
    plain = _normal(password)
    if len(plain) < MIN_PASSWORD:
        raise Refused(f"A password has at least {MIN_PASSWORD} characters.", field)
    if len(plain) > MAX_PASSWORD:
        raise Refused(f"A password has at most {MAX_PASSWORD} characters.", field)
    if not plain.strip():
        raise Refused("A password is more than spaces.", field)


def _normal(password: str) -> str:
    """The same characters however a keyboard composed them; what UTF-8 cannot say is replaced."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size
