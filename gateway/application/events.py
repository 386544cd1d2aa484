"""What happens in a box, and who hears of it: a part says what it wants to hear, and knows nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, ParamSpec, TypeAlias

from gateway.model.address import Address
from gateway.model.device import Device
from gateway.model.device_names import DeviceNames
from gateway.model.event import PolicyChanged
from gateway.model.flow import Attempt, FlowCount
from gateway.model.lookup import Facts
from gateway.model.policy import Policy

_Arguments = ParamSpec("_Arguments")
LeaseNames: TypeAlias = Mapping[str, tuple[Address, ...]]


class Signal(Generic[_Arguments]):
    """Calls its listeners in the order in which they came. False while nobody listens."""

    def __init__(self) -> None:
        self._listeners: list[Callable[_Arguments, object]] = []

    def listen(self, listener: Callable[_Arguments, object]) -> None:
        self._listeners.append(listener)

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def __call__(self, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> None:
        for listener in self._listeners:
            listener(*arguments, **named)


class Events:
    """The signals of one box. All are given on the loop, but for `answered`, which is given in the journal's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.policy_changed: Signal[[Policy, PolicyChanged]] = Signal()
        """Another policy is in force."""
        self.lists_compiled: Signal[[]] = Signal()
        """There is a new file of compiled lists; the policy that stands on it follows."""
        self.device_seen: Signal[[Device]] = Signal()
        """A device is new, or something new is known of it."""
        self.device_joined: Signal[[str, str]] = Signal()
        """A device goes by another id from now on: the old one, the new one."""
        self.clients_forgotten: Signal[[]] = Signal()
        """Which client is which device has to be looked up again."""
        self.leases_named: Signal[[str, LeaseNames]] = Signal()
        """What the devices of our own network are called: the domain, and the names in it."""
        self.devices_named: Signal[[DeviceNames]] = Signal()
        """What all devices of the home are called, also those that have no lease of ours."""
        self.answered: Signal[[str, Facts, float]] = Signal()
        """A client was given an answer, at seconds since the epoch."""
        self.attempts_met: Signal[[Sequence[Attempt]]] = Signal()
        """What the firewall met since the last time."""
        self.attempts_of_devices: Signal[[Sequence[tuple[str, Attempt]]]] = Signal()
        """As `attempts_met`, by the device's id instead of its network card."""
        self.flows_counted: Signal[[Sequence[FlowCount]]] = Signal()
        """What was exchanged since the last time."""

    def from_thread(self, signal: Signal[_Arguments]) -> Callable[_Arguments, None]:
        """The signal for those who are not on the loop."""

        def give(*arguments: _Arguments.args, **_: _Arguments.kwargs) -> None:
            self._loop.call_soon_threadsafe(signal, *arguments)

        return give
