"""What a browser shows to be let in again: a signed cookie that says which session it is and of which generation."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from gateway.errors import SettingsError
from web.auth import AuthStore

log = logging.getLogger(__name__)

COOKIE = "telltale_session"
LIFETIME = 30 * 24 * 3600.0
BROWSER_COOKIE = "telltale_browser"
BROWSER_LIFETIME = 365 * 24 * 3600.0
_LONGEST_COOKIE = 512
_AHEAD = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Session:
    """`id` is random and new with every login; `began` is in seconds since the epoch."""

    id: str
    generation: int
    began: float


class Sessions:
    """Begins, reads and ends sessions. A session lasts 30 days, or until logout, or until the password changes."""

    def __init__(self, store: AuthStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._ended: dict[str, float] = {}

    def begin(self) -> str:
        """The cookie of a new session. A cookie that the browser brought along is never taken over."""
        payload = [secrets.token_urlsafe(16), self._store.generation, int(self._clock())]
        cookie: str | bytes = self._serializer().dumps(payload)
        return cookie if isinstance(cookie, str) else cookie.decode()

    def introduce(self) -> str:
        """The cookie of a browser that was let in. It opens nothing: it says whose wrong passwords are counted apart
        (OWASP, "Device cookies").
        """
        cookie: str | bytes = self._browsers().dumps(secrets.token_urlsafe(12))
        return cookie if isinstance(cookie, str) else cookie.decode()

    def browser(self, cookie: str) -> str | None:
        """Which browser this cookie was given to, None when it is forged."""
        if len(cookie) > _LONGEST_COOKIE:
            return None
        try:
            known = self._browsers().loads(cookie)
        except (BadData, ValueError, RecursionError):
            return None
        return known if isinstance(known, str) else None

    def read(self, cookie: str) -> Session | None:
        """The session of this cookie, None when it is forged, over, logged out, or of an earlier password."""
        if len(cookie) > _LONGEST_COOKIE:
            return None
        try:
            match self._serializer().loads(cookie):
                case [str(session_id), int(generation), int(began)]:
                    session = Session(session_id, generation, float(began))
                case _:
                    return None
        except (BadData, ValueError, RecursionError):
            return None
        return session if self.is_valid(session) else None

    def is_valid(self, session: Session) -> bool:
        """False as soon as it ended, in whatever way."""
        age = self._clock() - session.began
        return (
            session.generation == self._store.generation
            # One that begins tomorrow would hold for as long as the clock was wrong.
            and -_AHEAD < age < LIFETIME
            and session.id not in self._ended
            and not self._store.is_ended(session.id)
        )

    def end(self, session: Session) -> bool:
        """Logs it out for good: a copy of its cookie is worth nothing.

        At once in this process. False when it does not outlive a restart yet: what a full disk refused is tried again
        with the next logout.
        """
        self._ended[session.id] = session.began + LIFETIME
        for session_id, until in list(self._ended.items()):
            try:
                self._store.end_session(session_id, until)
                self._ended.pop(session_id, None)
            except SettingsError as error:
                log.warning("a logout holds until the dashboard starts again, for it cannot be stored: %s", error)
                return False
        return True

    def _serializer(self) -> URLSafeSerializer:
        return _signed(self._store.secret, "telltale session")

    def _browsers(self) -> URLSafeSerializer:
        return _signed(self._store.browsers, "telltale browser")


def _signed(secret: str, salt: str) -> URLSafeSerializer:
    signing = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret, salt=salt, signer_kwargs=signing)
