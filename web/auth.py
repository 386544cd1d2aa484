"""Who may see and change things: one password for people, tokens for programs, kept in `web.json`."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
import secrets
import stat
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

from gateway.catalogue.sentences import Notice
from gateway.errors import Refused, SettingsError
from gateway.files import put_in_place, write_synced
from web.keys import CODE_HOLDS, Code, Keys, Token, keys_from_json, keys_to_json
from web.limits import MAX_TYPED

log = logging.getLogger(__name__)

MIN_PASSWORD = 8
MAX_PASSWORD = 256
_MAX_TOKENS = 64
_MAX_ENDED = 512

_LOOK_AGAIN = 5.0
_LARGEST = 1 << 20

WRONG_PASSWORD = "dashboard.password-not-right"  # noqa: S105
WRONG_CODE = "That code is not right, or it was used already."
_NOBODY = Keys(secrets.token_hex(32), browsers=secrets.token_hex(32))
"""The keys while there are none: no password, no code, no token."""


class Damaged(SettingsError):
    """There is a file of keys, and nobody can make sense of it."""


class AuthStore:
    """The keys of the dashboard, safe between threads and between processes (the command line makes tokens too).

    Passwords are hashed by argon2id with 32 MiB, three passes and one lane, one at a time, so that a Raspberry Pi can
    bear many tries at once (OWASP asks for 19 MiB and two passes). Raises SettingsError when the file cannot be used:
    a broken file never means that a new password may be set. With `patient` it does not: `trouble` then says what is
    wrong, nobody is let in, and the file is looked at again whenever somebody asks.
    """

    def __init__(
        self,
        path: Path,
        *,
        hasher: PasswordHasher | None = None,
        clock: Callable[[], float] = time.time,
        patient: bool = False,
    ) -> None:
        self._path = path
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
        self._clock = clock
        self._lock = threading.RLock()
        self._hashing = threading.Lock()
        self._decoy: str | None = None
        self._stamp: tuple[int, ...] = ()
        self._complained = False
        self._trouble: str | None = None
        self._retry_at = 0.0
        self._keys = _NOBODY
        if patient:
            self._look()
            return
        try:
            self._open()
        except OSError as error:
            raise SettingsError.of(_trouble(self._path, error)) from error
        except ValueError as error:
            raise Damaged(str(_trouble(self._path, error))) from error

    @property
    def trouble(self) -> str | None:
        """One sentence when there are no keys to go by; nobody can be let in then."""
        self._current()
        return self._trouble

    @property
    def browsers(self) -> str:
        """Signs what tells that a browser was logged in before."""
        return self._current().browsers

    @property
    def code(self) -> str | None:
        """With which the password may be chosen now; None when it may not."""
        code = self._current().code
        return code.text if code is not None and code.is_meant_by(code.text, self._clock()) else None

    def is_code(self, typed: str) -> bool:
        """True for the code that is in force."""
        code = self._current().code
        return code is not None and code.is_meant_by(typed, self._clock())

    def new_code(self) -> str:
        """Replaces the code: an hour to choose another password, any time where there is none yet."""
        with self._change() as keys:
            code = Code.new(None if keys.password is None else self._clock() + CODE_HOLDS)
            self._save(replace(keys, code=code))
        return code.text

    def redeem(self, typed: str, password: str) -> None:
        """Sets the password for who knows the code, which is worth nothing from then on. Raises Refused."""
        hashed = self._hash(password)
        with self._change() as keys:
            if keys.code is None or not keys.code.is_meant_by(typed, self._clock()):
                raise Refused("dashboard.code-not-right", "code")
            self._save(keys.with_password(hashed))

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
        """Sets the password when there is none yet, for a program at the box. Raises Refused when there is one."""
        hashed = self._hash(password)
        with self._change() as keys:
            if keys.password is not None:
                raise Refused("dashboard.password-set-already")
            self._save(keys.with_password(hashed))

    def set_password(self, password: str) -> None:
        """Sets the password whatever it was, and ends every session: for the command line."""
        hashed = self._hash(password)
        with self._change() as keys:
            self._save(keys.with_password(hashed))

    def change_password(self, old: str, new: str) -> None:
        """Sets `new` for those who know `old`, and ends every session. Raises Refused with the field that is wrong."""
        check_new_password(new, "new")
        known = self._current().password
        if not self.is_password(old):
            raise Refused("dashboard.password-not-right", "old")
        hashed = self._hash(new)
        with self._change() as keys:
            if keys.password != known:
                raise Refused("dashboard.password-not-right", "old")
            self._save(keys.with_password(hashed))

    def is_password(self, password: str) -> bool:
        """True for the password. Takes the same time when none is set, or this one could never be one."""
        known = self._current().password
        fits = len(password) <= MAX_TYPED
        plain = _normal(password) if fits else ""
        with self._hashing:
            try:
                self._hasher.verify(known or self._any_hash(), plain)
            except (VerificationError, InvalidHashError):
                return False
        return known is not None and fits

    def create_token(self, label: str) -> str:
        """A new bearer token; shown once, never stored. Raises Refused for a label that cannot be printed."""
        label = label.strip()
        if not 1 <= len(label) <= 48 or not label.isprintable():
            raise Refused("dashboard.token-label-printable", "label")
        text = "tell_" + secrets.token_urlsafe(32)
        made = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        token = Token(secrets.token_hex(4), label, _digest(text), made)
        with self._change() as keys:
            if len(keys.tokens) >= _MAX_TOKENS:
                raise Refused("dashboard.tokens-already-telltale", "label", max_tokens=_MAX_TOKENS)
            self._save(replace(keys, tokens=(*keys.tokens, token)))
        return text

    def tokens(self) -> tuple[Token, ...]:
        return self._current().tokens

    def remove_token(self, token_id: str) -> None:
        """From now on nobody gets in with it. Raises Refused when there is none with this id."""
        with self._change() as keys:
            left = tuple(token for token in keys.tokens if token.id != token_id)
            if len(left) == len(keys.tokens):
                raise Refused("dashboard.no-token-id", "id")
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
        """Remembers that this session was logged out, whatever the clock will show. When there are too many, all
        sessions end.
        """
        with self._change() as keys:
            if len(keys.ended) >= _MAX_ENDED:
                self._save(replace(keys, generation=keys.generation + 1, ended={}))
            else:
                self._save(replace(keys, ended={**keys.ended, session: until}))

    def is_ended(self, session: str) -> bool:
        return session in self._current().ended

    def _hash(self, password: str) -> str:
        check_new_password(password, "password")
        with self._hashing:
            return self._hasher.hash(_normal(password))

    def _any_hash(self) -> str:
        """What costs as much to verify as the password would."""
        if self._decoy is None:
            self._decoy = self._hasher.hash(secrets.token_hex(16))
        return self._decoy

    def _current(self) -> Keys:
        """Reads the file again when another process changed it; keeps the last good keys when that cannot be read."""
        with self._lock:
            if self._trouble is not None and time.monotonic() >= self._retry_at:
                self._retry_at = time.monotonic() + _LOOK_AGAIN
                self._look()
            if self._trouble is not None:
                return _NOBODY
            try:
                if _stamp(self._path) != self._stamp:
                    self._load()
                    self._complained = False
            except (OSError, ValueError) as error:
                if not self._complained:
                    log.warning("%s cannot be read any more (%s); the last good keys stay in force", self._path, error)
                    self._complained = True
            return self._keys

    def _open(self) -> None:
        """Reads the keys, or makes the first ones. Raises OSError, ValueError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._folder_lock():
            if not self._path.exists():
                self._save(Keys.new())
                return
            keys = self._load()
            whole = keys.completed()
            if whole != keys:
                try:
                    self._save(whole)
                except OSError as error:
                    log.warning("%s cannot be completed: %s", self._path, error)
                    self._keys = whole

    def _look(self) -> None:
        try:
            self._open()
            self._trouble = None
        except (OSError, ValueError) as error:
            trouble = str(_trouble(self._path, error))
            if trouble != self._trouble:
                log.warning("%s", trouble)
            self._trouble, self._keys = trouble, _NOBODY

    def _load(self) -> Keys:
        stamp = _stamp(self._path)
        self._keys = keys_from_json(_read(self._path))
        self._stamp = stamp
        return self._keys

    @contextmanager
    def _change(self) -> Iterator[Keys]:
        try:
            with self._lock, self._folder_lock():
                yield self._load()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise SettingsError("dashboard.cannot-changed", path=self._path, error=why) from error

    @contextmanager
    def _folder_lock(self) -> Iterator[None]:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _save(self, keys: Keys) -> Keys:
        """Writes a neighbour of mode 0600 and renames it."""
        beside = self._path.parent / f".{self._path.name}.new"
        try:
            write_synced(beside, [keys_to_json(keys)], 0o600)
            put_in_place(beside, self._path)
        finally:
            beside.unlink(missing_ok=True)
        self._stamp = _stamp(self._path)
        self._keys = keys
        return keys


def why_nobody_can_log_in(path: Path) -> Notice | None:
    """What is wrong with keys that cannot be used; None for good ones, and where there are none yet. Changes nothing.

    Raises PermissionError for whoever may not look.
    """
    try:
        keys_from_json(_read(path))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        return _trouble(path, error)
    return None


def replace_keys(path: Path, password: str | None, tokens: tuple[Token, ...]) -> None:
    """Restored keys, whatever was there: with secrets of their own, so that no cookie of before holds, and with a code
    where there is no password. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    store = AuthStore(path, patient=True)
    with store._lock, store._folder_lock():
        store._save(Keys.new(password, tokens))


def check_new_password(password: str, field: str) -> None:
    """Raises Refused, in one sentence, for a password that cannot be set."""
    if len(password) > MAX_TYPED:
        raise Refused("dashboard.password-most-characters", field, max_password=MAX_PASSWORD)
    plain = _normal(password)
    if len(plain) < MIN_PASSWORD:
        raise Refused("dashboard.password-least-characters", field, min_password=MIN_PASSWORD)
    if len(plain) > MAX_PASSWORD:
        raise Refused("dashboard.password-most-characters", field, max_password=MAX_PASSWORD)
    if not plain.strip():
        raise Refused("dashboard.password-more-than", field)


def _normal(password: str) -> str:
    """The same characters however a keyboard composed them; what UTF-8 cannot say is replaced."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _trouble(path: Path, error: Exception) -> Notice:
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return Notice("dashboard.nobody-can-log-in", path=path, why=why)


def _read(path: Path) -> bytes:
    """A file of bounded length, and nothing that only looks like one and would have us wait."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is not a file")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("it is too large")
    return content


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size
