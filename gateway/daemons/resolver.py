"""The resolver's process: DNS, policy, journal, devices, and the control socket that the others speak to.

DNS answers first and whatever else is broken: the journal is opened behind its back, lists are compiled by another
process, and a part that fails is a sentence on the dashboard.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections import deque
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any

from gateway.application.accounts import open_accounts
from gateway.application.answering import concerned_by, mapped, options, sure_tags
from gateway.application.box import Box, HealthBoard
from gateway.application.folder import hold_folder
from gateway.application.list_runner import ListRunner
from gateway.application.network_client import NetworkClient
from gateway.application.presets import judge
from gateway.application.recording import Recording
from gateway.application.sockets import DnsSockets, adopt_sockets, bind_dns, inherited_sockets, sort_dns
from gateway.application.upkeep import keep_listening, keep_time, listen, persist, watch_devices
from gateway.application.verbs import Verbs
from gateway.application.workers import WorkerPool
from gateway.classifier.known_resolvers import known_resolvers
from gateway.classifier.service import Classifier
from gateway.control.hub import Hub
from gateway.control.server import ControlServer
from gateway.devices.inventory import Inventory
from gateway.devices.neighbours import read_neighbours
from gateway.devices.own_addresses import watch_own_addresses
from gateway.devices.vendor import vendor_of
from gateway.errors import TelltaleError
from gateway.linux.process import answer_promptly, begin, end_with_parent, notify, spare_the_collector, tidy
from gateway.lists.compiled import CompiledLists
from gateway.model.book import Book
from gateway.model.device import Device
from gateway.model.event import DeviceSeen, HealthChanged, PolicyChanged
from gateway.model.lookup import Facts, LogBatch, LogRow
from gateway.model.network import Mode
from gateway.model.policy import Policy
from gateway.policy.book_file import encode_book
from gateway.policy.service import PolicyService
from gateway.resolver.service import Resolver
from gateway.resolver.upstream import open_upstreams
from gateway.settings import Settings, add_arguments, from_arguments, to_arguments

log = logging.getLogger(__name__)

_LOG_LIMIT = 200_000


def _now() -> datetime:
    return datetime.now(UTC)


async def serve(settings: Settings, sockets: DnsSockets, stop: asyncio.Event) -> None:
    """Wires the house, answers until `stop` is set, and leaves nothing unsaved."""
    loop = asyncio.get_running_loop()
    hub = Hub()
    hub.attach(loop)
    health = HealthBoard(hub)
    house, recording = _wire(settings, hub, health, loop)
    house.listening = [str(address) for address in sockets.addresses()]
    await house.resolver.start((*sockets.udp, *chain.from_iterable(sockets.more)), sockets.tcp)
    if settings.workers > 1:
        house.workers = _hire(house, sockets)
    if _makes_the_network(settings):
        assert settings.network is not None
        assert house.accounts is not None
        house.network_client = NetworkClient(
            house,
            settings.network,
            resolvers=known_resolvers().addresses,
            on_attempts=house.accounts.take_attempts,
            on_flows=house.accounts.take_flows,
        )
    more = house.network_client.table() if house.network_client else {}
    server = ControlServer(settings.control, {**Verbs(house).table(), **more}, hub)
    await listen(server, house)
    tasks = [
        asyncio.create_task(persist("prepare", partial(_prepare, house, recording))),
        asyncio.create_task(persist("lists", house.lists.run)),
        asyncio.create_task(persist("time", partial(keep_time, house))),
        asyncio.create_task(persist("devices", partial(watch_devices, house))),
        asyncio.create_task(persist("tidiness", partial(tidy, house.resolver.received))),
        asyncio.create_task(persist("control", partial(keep_listening, server, house))),
    ]
    if settings.simulated and house.accounts is not None:
        from gateway.application.rehearsal import pretend_traffic

        tasks.append(
            asyncio.create_task(persist("rehearsal", partial(pretend_traffic, house.accounts, house.inventory)))
        )
    if house.network_client is not None:
        tasks += [
            asyncio.create_task(persist("network", house.network_client.watch)),
            asyncio.create_task(persist("leases", house.network_client.follow_leases)),
        ]
    notify("READY=1")
    try:
        await stop.wait()
    finally:
        notify("STOPPING=1")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.stop()
        if house.workers is not None:
            await house.workers.stop()
        await house.resolver.stop()
        await house.policy.settle()
        if house.accounts is not None:
            await house.accounts.settle()
        await asyncio.to_thread(recording.close)


def _wire(settings: Settings, hub: Hub, health: HealthBoard, loop: asyncio.AbstractEventLoop) -> tuple[Box, Recording]:
    queue: deque[LogRow] = deque()
    batches: deque[LogBatch] = deque()
    classifier = Classifier.load()

    def report_from_thread(change: HealthChanged) -> None:
        loop.call_soon_threadsafe(health.report, change)

    house: Box
    makers: dict[str, str] = {}

    def learn_maker(device: Device) -> None:
        if makers.get(device.id, "") != device.maker:
            makers[device.id] = device.maker
            house.policy.devices_changed()

    def device_seen(device: Device) -> None:
        hub.publish_from_thread(DeviceSeen(device))
        loop.call_soon_threadsafe(learn_maker, device)

    moves: set[asyncio.Task[None]] = set()

    async def move(old: str, new: str) -> None:
        if house.accounts is not None:
            house.accounts.device_joined(old, new)
        try:
            await house.policy.move_device(old, new)
        except TelltaleError as error:
            health.report(HealthChanged("rules", False, str(error)))
        house.forget_clients()

    def begin_move(old: str, new: str) -> None:
        task = loop.create_task(move(old, new))
        moves.add(task)
        task.add_done_callback(moves.discard)

    def device_joined(old: str, new: str) -> None:
        loop.call_soon_threadsafe(begin_move, old, new)

    def devices_with_rules() -> frozenset[str]:
        return house.policy.devices_with_rules()

    def rules_stored(problems: list[str]) -> None:
        says = " ".join(problems) or "Your decisions are stored in both places again."
        health.report(HealthChanged("rules", not problems, says))

    def told(client: str, facts: Facts, when: float) -> None:
        if house.accounts is not None:
            house.accounts.note(client, facts, when)

    keeps_accounts = _makes_the_network(settings) or settings.simulated
    recording = Recording(
        settings, queue, batches, classifier, hub, report_from_thread, told if keeps_accounts else None
    )
    inventory = Inventory(
        devices=recording.stored_devices(),
        save=recording.save_device,
        neighbours=read_neighbours,
        vendor_of=vendor_of,
        maker_of=classifier.maker_of,
        on_seen=device_seen,
        on_joined=device_joined,
        wanted=devices_with_rules,
        is_ours=watch_own_addresses(),
    )
    makers.update((device.id, device.maker) for device in inventory.all())

    def in_force(policy: Policy, change: PolicyChanged) -> None:
        house.resolver.swap_policy(policy, concerned_by(house.resolver.policy, policy))
        if house.workers is not None:
            house.workers.tell()
        hub.publish(change)
        if house.accounts is not None:
            house.accounts.policy_changed(policy)

    service = PolicyService(
        settings.policy,
        recording,
        mapped(settings, lambda says: health.report(HealthChanged("lists", False, f"{says} They are compiled again."))),
        sure_tags(classifier),
        in_force,
        _now,
        preset_blocks=judge(classifier),
        makers=lambda: makers,
        on_problems=rules_stored,
    )
    for problem in service.problems:
        health.report(HealthChanged("rules", service.book.revision > 0, problem))
    resolver = Resolver(
        upstreams=open_upstreams(
            settings.upstreams,
            bootstrap=settings.bootstrap,
            time_servers=[(each.host, each.port) for each in settings.time_servers],
            report=health.report,
        ),
        policy=service.policy,
        device_of=inventory.identify,
        log=queue,
        log_limit=_LOG_LIMIT,
        batches=batches,
        on_health=health.report,
        options=options(settings),
    )

    def lists_done(healthy: bool, says: str) -> None:
        health.report(HealthChanged("lists", healthy, says))

    def lists_in_force(compiled: CompiledLists) -> None:
        if house.workers is not None:
            house.workers.lists_changed()
        service.swap_lists(compiled)

    lists = ListRunner(settings, lambda: service.book, lists_in_force, lists_done)
    house = Box(settings, _now(), hub, health, classifier, inventory, service, resolver, lists, recording.writer)
    if keeps_accounts:
        house.accounts = open_accounts(house)
    if settings.simulated:
        from gateway.application.rehearsal import introduce_televisions, remember_past

        introduce_televisions(inventory)
        if not settings.journal.exists():
            remember_past(datetime.now().astimezone(), inventory, service.policy, queue)
    return house, recording


def _hire(house: Box, sockets: DnsSockets) -> WorkerPool:
    def orders() -> dict[str, Any]:
        policy = house.policy.policy
        book = Book(policy.generation, rules=policy.rules)
        return {"book": encode_book(book).decode(), "makers": policy.makers}

    groups = [*sockets.more, *[()] * house.settings.workers][: house.settings.workers - 1]
    workers = WorkerPool(
        groups, sockets.udp, to_arguments(house.settings), orders=orders, identify=house.inventory.identify,
        rest=house.resolver.rest, resume=house.resolver.resume, record=house.resolver.record,
        report=house.health.report,
    )  # fmt: skip
    workers.start()
    return workers


def _makes_the_network(settings: Settings) -> bool:
    return settings.network is not None and settings.network.mode is not Mode.DNS_ONLY


async def _prepare(house: Box, recording: Recording) -> None:
    """What may take a moment, behind DNS's back: the journal, the neighbours, and the lists."""
    await asyncio.to_thread(house.classifier.get_ready)
    recording.start(house.inventory)
    house.inventory.refresh()
    house.forget_clients()
    subscribed = {each.source for each in house.policy.book.lists}
    for source in house.settings.lists:
        if source not in subscribed:
            try:
                await house.policy.add_list(source, title="", comment="given at start")
            except TelltaleError as error:
                house.health.report(HealthChanged("lists", False, str(error)))
    house.lists.want()
    spare_the_collector()


async def _main(settings: Settings, sockets: DnsSockets) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, sockets, stop)


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM. Exit status 2 when the settings are wrong."""
    begin("telltale-resolver")
    answer_promptly()
    parser = argparse.ArgumentParser(prog="telltale-resolver")
    add_arguments(parser)
    parser.add_argument("--dns-fd", type=int, action="append", default=[], help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    try:
        settings = from_arguments(parsed)
        if parsed.dns_fd:
            end_with_parent()
        hold_folder(settings.data)
        handed = adopt_sockets(parsed.dns_fd) if parsed.dns_fd else inherited_sockets()
        sockets = sort_dns(handed) if handed else bind_dns(settings.dns, settings.workers)
        asyncio.run(_main(settings, sockets))
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
