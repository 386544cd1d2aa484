"""Every error that Telltale raises on purpose.

    TelltaleError
    +-- SettingsError       a flag, a settings file or a data folder that cannot be used
    +-- WireError           bytes that are not a DNS message we can answer
    +-- UpstreamError       an upstream gave no usable answer
    |   +-- UpstreamTimeout
    +-- ListError           a block list that cannot be fetched, read or compiled
    +-- ControlError        one of our processes cannot do what another asked
    |   +-- Refused         the request is wrong; the sentence says what to do, `field` says where
    |   +-- Unavailable     the other process does not answer
    +-- NetworkError        an interface, an access point or a firewall
    +-- JournalError        the stored history cannot be opened, read or written

Errors go up; one place logs. Each carries a code and its arguments; the sentence for the person who can do something
about it is made of them by the catalogue.
"""

from __future__ import annotations

from typing import Self

from gateway.catalogue.sentences import OTHER, Notice, plain, say


class TelltaleError(Exception):
    """Root of the tree. `code` stands in the catalogue; `str()` is its sentence with the `arguments` in it."""

    def __init__(self, code: str, /, **arguments: object) -> None:
        super().__init__(code)
        self.code = code
        self.arguments = plain(arguments)

    @property
    def notice(self) -> Notice:
        """What it says."""
        return Notice(self.code, **self.arguments)

    @classmethod
    def saying(cls, sentence: str) -> Self:
        """For what only somebody else's words describe."""
        return cls(OTHER, sentence=sentence)

    @classmethod
    def of(cls, notice: Notice) -> Self:
        """What was found out elsewhere, as an error of this kind."""
        return cls(notice.code, **notice.arguments)

    @classmethod
    def like(cls, other: TelltaleError) -> Self:
        """The same finding as an error of this kind."""
        return cls.of(other.notice)

    def __str__(self) -> str:
        return say(self.code, self.arguments)


class SettingsError(TelltaleError):
    """A flag, a settings file or a data folder cannot be used."""


class WireError(TelltaleError):
    """Bytes that are not a DNS message we can answer.

    `rcode` is what the sender gets for it (1 FORMERR, 4 NOTIMP), or None when silence is the only safe answer.
    """

    def __init__(self, reason: str, rcode: int | None = None) -> None:
        super().__init__(OTHER, sentence=reason)
        self.rcode = rcode


class UpstreamError(TelltaleError):
    """An upstream gave no usable answer; `reason` says what it gave."""

    def __init__(self, reason: str) -> None:
        super().__init__(OTHER, sentence=reason)


class UpstreamTimeout(UpstreamError):
    """An upstream gave no answer in time."""


class ListError(TelltaleError):
    """A block list cannot be fetched, read or compiled; the last good one stays in force."""


class ControlError(TelltaleError):
    """One of our processes cannot do what another asked of it."""


class Refused(ControlError):
    """The request is wrong. `field` names the part of it that is, where one does."""

    def __init__(self, code: str, field: str | None = None, /, **arguments: object) -> None:
        super().__init__(code, **arguments)
        self.field = field

    @classmethod
    def saying(cls, sentence: str, field: str | None = None) -> Self:
        """For what only somebody else's words describe."""
        return cls(OTHER, field, sentence=sentence)


class Unavailable(ControlError):
    """The other process does not answer."""


class NetworkError(TelltaleError):
    """An interface, an access point or a firewall cannot be brought into the wanted state."""


class JournalError(TelltaleError):
    """The stored history cannot be opened, read or written."""
