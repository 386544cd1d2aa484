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

Errors go up; one place logs. The message of each is one sentence for the person who can do something about it.
"""


class TelltaleError(Exception):
    """Root of the tree; `str()` is one clear sentence."""


class SettingsError(TelltaleError):
    """A flag, a settings file or a data folder cannot be used."""


class WireError(TelltaleError):
    """Bytes that are not a DNS message we can answer.

    `rcode` is what the sender is to be reported (1 FORMERR, 4 NOTIMP), or None when silence is the only safe answer.
    """

    def __init__(self, message: str, rcode: int | None = None) -> None:
        super().__init__(message)
        self.rcode = rcode


class UpstreamError(TelltaleError):
    """An upstream gave no usable answer."""


class UpstreamTimeout(UpstreamError):
    """An upstream gave no answer in time."""


class ListError(TelltaleError):
    """A block list cannot be fetched, read or compiled; the last good one stays in force."""


class ControlError(TelltaleError):
    """One of our processes cannot do what another asked of it."""


class Refused(ControlError):
    """The request is wrong. `field` names the part of it that is, where one does."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Unavailable(ControlError):
    """The other process does not answer."""


class NetworkError(TelltaleError):
    """An interface, an access point or a firewall cannot be brought into the wanted state."""


class JournalError(TelltaleError):
    """The stored history cannot be opened, read or written."""
