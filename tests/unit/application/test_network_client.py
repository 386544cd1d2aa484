"""The resolver's hand on the network, with a scripted network process."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest

from gateway.application import network_client
from gateway.application.core import NO_SOCKETS, Core, open_core
from gateway.application.cuts import FlowCutter
from gateway.application.network_client import NetworkClient, lease_names
from gateway.errors import Refused, Unavailable
from gateway.model.flow import Attempt, Detour, FlowCount, Outcome
from gateway.model.lease import Lease
from gateway.model.network import NetworkPlan, StaticLease
from gateway.network_settings import read_network
from gateway.schema.requests import NetworkApply, NetworkIsolate, NetworkPause
from gateway.schema.values import from_json, to_json
from gateway.settings import Settings
from tests.support.waiting import wait_until_async
from tests.unit.schema.test_values import NOON

MAC, OTHER = "cc:6d:a0:11:22:33", "cc:6d:a0:11:44:55"
LEASE = Lease(MAC, IPv4Address("10.83.7.20"), "roku")


class Network:
    """Answers as the network process does."""

    def __init__(self) -> None:
        self.away = False
        self.calls: list[str] = []
        self.plans: list[Any] = []
        self.attempts: list[Attempt] = []
        self.flows: list[FlowCount] = []
        dhcp = {"part": "dhcp", "healthy": False, "code": "network.televisions-get-addresses", "arguments": {}}
        self.status: dict[str, Any] = {"mode": "wired", "filtering": True, "health": [dhcp]}

    async def call(self, verb: str, **arguments: Any) -> Any:
        self.calls.append(verb)
        if self.away:
            raise Unavailable("The network process does not answer.")
        if verb == "apply":
            self.plans.append(from_json(NetworkPlan, arguments["plan"], "plan"))
            return self.status
        if verb == "leases" and arguments["after"] == 7:
            await asyncio.sleep(60)
        answers: dict[str, Any] = {
            "status": self.status,
            "links": {"links": [{"name": "eth0", "uplink": True, "addresses": ["10.83.9.4/24", "?"]}]},
            "attempts": {"attempts": [to_json(each) for each in self.attempts]},
            "flows": {"flows": [to_json(each) for each in self.flows]},
            "leases": {"sequence": 7, "leases": [to_json(LEASE)]},
            "clear": {},
            "cut": {"cut": 2},
        }
        return answers[verb]


def play(
    data: Path, story: Callable[[Core, NetworkClient, Network], Coroutine[Any, Any, None]], **network: Any
) -> None:
    async def run() -> None:
        settings = read_network({"mode": "wired", "ports": ["eth1"], **network})
        core = open_core(Settings(data, network=settings), NO_SOCKETS, asyncio.get_running_loop())
        core = dataclasses.replace(core, listening=("127.0.0.1:5335", "0.0.0.0:53"))
        other = Network()
        client = NetworkClient(core, settings, other)  # type: ignore[arg-type]
        try:
            await story(core, client, other)
        finally:
            await core.policy.settle()
            await asyncio.to_thread(core.recording.close)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_client, "_EVERY", 0.01)
    monkeypatch.setattr(network_client, "_BREATH", 0.01)


def test_the_plan_is_handed_over_and_what_was_counted_handed_on(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        network.attempts = [Attempt(MAC, Detour.DOT, "9.9.9.9", "tcp", 853, Outcome.REFUSED, 3, NOON, NOON)]
        network.flows = [FlowCount("10.83.7.9", "192.0.2.1", "tcp", 443, 1, 2, 1, NOON, NOON)]
        met: list[Any] = []
        core.events.attempts_met.listen(met.extend)
        core.events.flows_counted.listen(met.extend)
        task = asyncio.create_task(client.watch())
        await wait_until_async(lambda: len(met) >= 2)
        task.cancel()
        assert met[:2] == [*network.attempts, *network.flows]
        (plan,) = network.plans
        assert (plan.uplink, plan.barrier.dns_port, plan.tv.ports) == ("eth0", 53, ("eth1",))
        assert str(plan.tv.address) != "10.83.9.1/24"
        health = {part.part: part for part in core.health.parts()}
        assert health["network"].healthy
        assert health["network dhcp"].says == "Televisions get addresses."

    play(tmp_path, story)


def test_a_process_that_was_away_gets_the_plan_again(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        network.away = True
        task = asyncio.create_task(client.watch())
        await wait_until_async(lambda: any(part.part == "network" and not part.healthy for part in core.health.parts()))
        assert client.tell_status({})["reached"] is False
        network.away = False
        await wait_until_async(lambda: len(network.plans) == 1)
        network.status = {**network.status, "mode": None}
        await wait_until_async(lambda: len(network.plans) >= 2)
        await client.clear({})
        plans = len(network.plans)
        await asyncio.sleep(0.05)
        assert len(network.plans) == plans
        task.cancel()

    play(tmp_path, story)


def test_leases_reach_the_inventory_and_dns(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        task = asyncio.create_task(client.follow_leases())
        await wait_until_async(lambda: core.inventory.get("mac:" + MAC))
        task.cancel()
        device = core.inventory.get("mac:" + MAC)
        assert device is not None
        assert (device.host, device.addresses) == ("roku", ("10.83.7.20",))

    play(tmp_path, story)


def test_a_pause_needs_a_device_and_outlives_a_restart(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        with pytest.raises(Refused, match="Only a device"):
            await client.pause(NetworkPause(device="mac:" + MAC))
        core.inventory.take_lease(LEASE)
        assert await client.pause(NetworkPause(device="mac:" + MAC)) == {"paused": [MAC]}
        assert network.plans[-1].barrier.paused == (MAC,)
        again = NetworkClient(core, read_network({"mode": "wired", "ports": ["eth1"]}), network)  # type: ignore[arg-type]
        assert again.tell_status({})["paused"] == [MAC]
        network.away = True
        with pytest.raises(Unavailable):
            await client.pause(NetworkPause(device="mac:" + MAC, paused=False))
        assert client.tell_status({})["paused"] == [MAC]

    play(tmp_path, story)


def test_keeping_televisions_apart_outlives_a_restart(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        assert client.tell_status({})["isolated"] is False
        assert await client.isolate(NetworkIsolate(isolated=True)) == {"isolated": True}
        assert network.plans[-1].barrier.keep_apart is True
        again = NetworkClient(core, read_network({"mode": "wired", "ports": ["eth1"]}), network)  # type: ignore[arg-type]
        assert again.tell_status({})["isolated"] is True
        network.away = True
        with pytest.raises(Unavailable):
            await client.isolate(NetworkIsolate(isolated=False))
        assert client.tell_status({})["isolated"] is True

    play(tmp_path, story)


@pytest.mark.parametrize("said", [True, False])
def test_what_settings_say_of_keeping_apart_is_not_changed_by_a_click(tmp_path: Path, said: bool) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        (core.settings.data / "isolated.json").write_text("true")
        with pytest.raises(Refused, match=r"settings\.toml"):
            await client.isolate(NetworkIsolate(isolated=not said))
        assert network.plans == []
        await client.apply(NetworkApply())
        assert network.plans[-1].barrier.keep_apart is said
        status = client.tell_status({})
        assert (status["isolated"], status["isolated_by_settings"]) == (said, True)

    play(tmp_path, story, isolation=said)


@pytest.mark.parametrize("damaged", ["", "{", "1", '"true"', "[true]", "\udcff"])
def test_a_damaged_choice_keeps_nobody_apart(tmp_path: Path, damaged: str) -> None:
    async def story(core: Core, _: NetworkClient, network: Network) -> None:
        (core.settings.data / "isolated.json").write_bytes(damaged.encode("utf-8", "surrogateescape"))
        again = NetworkClient(core, read_network({"mode": "wired", "ports": ["eth1"]}), network)  # type: ignore[arg-type]
        assert again.tell_status({})["isolated"] is False

    play(tmp_path, story)


def test_how_to_join(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        said = await client.join({})
        assert said["uri"] == "WIFI:T:WPA;S:My TV;P:correct horse;;"
        assert said["svg"].startswith("<svg")
        cutter = FlowCutter(network)  # type: ignore[arg-type]
        assert await cutter.cut([IPv4Address("10.83.7.20")], [IPv4Address("192.0.2.1")], 60) == 2

    play(tmp_path, story, mode="access-point", country="DE", ssid="My TV", passphrase="correct horse")


def test_a_resolver_that_hears_itself_alone_says_so(tmp_path: Path) -> None:
    async def story(core: Core, client: NetworkClient, network: Network) -> None:
        alone = dataclasses.replace(core, listening=("127.0.0.1:5335",))
        client = NetworkClient(alone, read_network({"mode": "wired", "ports": ["eth1"]}), network)  # type: ignore[arg-type]
        with pytest.raises(Refused, match="this machine alone"):
            await client.apply(NetworkApply())

    play(tmp_path, story)


def test_names_of_leases() -> None:
    six = dataclasses.replace(LEASE, address=IPv6Address("fd00::20"))
    twin = Lease(OTHER, IPv4Address("10.83.7.21"), "roku")
    trap = Lease(OTHER, IPv4Address("10.83.7.22"), "wpad")
    assert lease_names("tv.lan", [LEASE, six, twin, trap]) == {
        "roku.tv.lan": (LEASE.address, six.address),
        "roku-4455.tv.lan": (twin.address,),
    }
    # A name that the owner gave is nobody else's, whoever comes first.
    given = [StaticLease(OTHER, IPv4Address("10.83.7.21"), "salon")]
    thief = dataclasses.replace(LEASE, host="salon")
    assert lease_names("tv.lan", [thief, twin], given) == {
        "salon-2233.tv.lan": (LEASE.address,),
        "salon.tv.lan": (twin.address,),
    }
