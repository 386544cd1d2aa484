"""Who asks: from a socket address to what the fast path must know of it, in one look-up."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Hashable
from typing import TypeAlias

from gateway.linux.mmsg import AddressKey
from gateway.model.policy import Policy
from gateway.resolver.fastpath import Memo, Memos, Prepared
from gateway.resolver.guard import Guard

_LIMIT = 4_096
Recall: TypeAlias = Callable[[bytes], Prepared | None]


class Client:
    """One address: whether it gets answers, which device it is, and the memo that it shares with its like.

    What there is a share of, `holder` gets one share of: the device where it is known, for one device may have many
    addresses, else the address.
    """

    __slots__ = ("allowed", "device", "holder", "memo", "text")

    def __init__(self, text: str, allowed: bool, device: str | None, memo: Memo) -> None:
        self.text = text
        self.allowed = allowed
        self.device = device
        self.holder = device or text
        self.memo = memo


class Clients:
    """Remembers clients until the policy or the device table changes. `by_key` is read directly by the fast path.

    `by_key` holds (look-up in the memo, the client), and only clients that are allowed. Both tables start over when
    they are full: whoever forges addresses costs us look-ups, not memory.
    """

    def __init__(self, guard: Guard, device_of: Callable[[str], str | None], memos: Memos, policy: Policy) -> None:
        self._guard = guard
        self._device_of = device_of
        self._memos = memos
        self._policy = policy
        self._by_text: dict[str, Client] = {}
        self.by_key: dict[AddressKey, tuple[Recall, Client]] = {}

    def of(self, text: str) -> Client:
        """The client with this textual address; an IPv4 address in IPv6 clothes (RFC 4291) counts as itself."""
        client = self._by_text.get(text)
        if client is None:
            if len(self._by_text) >= _LIMIT:
                self._by_text.clear()
            client = self._by_text[text] = self._meet(text)
        return client

    def device_of(self, text: str) -> str | None:
        """Which device the client with this address is."""
        client = self._by_text.get(text)
        return self.of(text).device if client is None else client.device

    def holder_of(self, text: str) -> str:
        """Whose share it is that the client with this address takes from."""
        client = self._by_text.get(text)
        return self.of(text).holder if client is None else client.holder

    def meet(self, key: AddressKey, text: str) -> Client:
        """As `of`, for a datagram of which the fast path did not know the sender."""
        client = self.of(text)
        if client.allowed:
            if len(self.by_key) >= _LIMIT:
                self.by_key.clear()
            self.by_key[key] = (client.memo.get, client)
        return client

    def forget(self, policy: Policy) -> None:
        """Everything that was known may be different now."""
        self._policy = policy
        self._by_text.clear()
        self.by_key.clear()

    def forget_device(self, device: str) -> None:
        """As `forget`, for the clients that are this device."""
        for text in [text for text, client in self._by_text.items() if client.device == device]:
            del self._by_text[text]
        for key in [key for key, (_, client) in self.by_key.items() if client.device == device]:
            del self.by_key[key]

    def _meet(self, text: str) -> Client:
        text = plain(text)
        if not self._guard.allows(text):
            return Client(text, False, None, {})
        device = self._device_of(text)
        profile: Hashable = self._policy.profile(device)
        return Client(text, True, device, self._memos.of(profile))


def plain(text: str) -> str:
    """The address without scope and without the IPv6 clothes of an IPv4 address."""
    if ":" not in text:
        return text
    address = ipaddress.IPv6Address(text.partition("%")[0])
    return str(address.ipv4_mapped or address)
