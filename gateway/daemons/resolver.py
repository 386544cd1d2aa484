"""The resolver's process: DNS, policy, journal, devices, and the control socket that the others speak to.

DNS answers first and whatever else is broken: the journal is opened behind its back, lists are compiled by another
process, and a part that fails is a sentence on the dashboard.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections import deque
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gateway.classifier.service import Classifier
from gateway.control.hub import Hub
from gateway.control.server import ControlServer
from gateway.daemons.accounts import open_accounts
from gateway.daemons.chronicle import Chronicle
from gateway.daemons.explanation import OWN_NAME
from gateway.daemons.folder import hold_folder
from gateway.daemons.gatekeeper import Gatekeeper
from gateway.daemons.house import HealthBoard, House, concerned_by
from gateway.daemons.list_runner import ListRunner
from gateway.daemons.presets import judge
from gateway.daemons.process import begin, end_with_parent, notify
from gateway.daemons.sockets import DnsSockets, adopt_sockets, bind_dns, inherited_sockets, sort_dns
from gateway.daemons.upkeep import keep_listening, keep_time, listen, persist, watch_devices
from gateway.daemons.verbs import Verbs
from gateway.devices.inventory import Inventory
from gateway.devices.neighbours import read_neighbours
from gateway.devices.own_addresses import own_addresses
from gateway.devices.vendor import vendor_of
from gateway.errors import ListError, TelltaleError
from gateway.model.device import Device
from gateway.model.event import DeviceSeen, HealthChanged, PolicyChanged
from gateway.model.lookup import Facts, LogRow, Sheaf
from gateway.model.name import Name
from gateway.model.network import Mode
from gateway.model.policy import Policy
from gateway.model.tag import UNTAGGED, Tag
from gateway.network.known_resolvers import known_resolvers
from gateway.policy.compiled import CompiledLists
from gateway.policy.service import PolicyService
from gateway.resolver.options import HOME_NETWORKS, LEADS_HOME, ResolverOptions
from gateway.resolver.service import Resolver
from gateway.resolver.upstream import open_upstreams
from gateway.settings import Settings, add_arguments, from_arguments

log = logging.getLogger(__name__)

_LOG_LIMIT = 200_000
# A guess from the words in a name is shown, but a rule on a category or company does not act on it.
_SURE_ENOUGH = 0.5


def _now() -> datetime:
    return datetime.now(UTC)


async def serve(settings: Settings, sockets: DnsSockets, stop: asyncio.Event) -> None:
    """Wires the house, answers until `stop` is set, and leaves nothing unsaved."""
    loop = asyncio.get_running_loop()
    hub = Hub()
    hub.attach(loop)
    health = HealthBoard(hub)
    house, chronicle = _wire(settings, hub, health, loop)
    house.listening = [str(address) for address in sockets.addresses()]
    await house.resolver.start(sockets.udp, sockets.tcp)
    if _makes_the_network(settings):
        assert settings.network is not None
        assert house.accounts is not None
        house.gatekeeper = Gatekeeper(
            house,
            settings.network,
            resolvers=known_resolvers().addresses,
            on_attempts=house.accounts.take_attempts,
            on_flows=house.accounts.take_flows,
        )
    more = house.gatekeeper.table() if house.gatekeeper else {}
    server = ControlServer(settings.control, {**Verbs(house).table(), **more}, hub)
    await listen(server, house)
    tasks = [
        asyncio.create_task(persist("prepare", partial(_prepare, house, chronicle))),
        asyncio.create_task(persist("lists", house.lists.run)),
        asyncio.create_task(persist("time", partial(keep_time, house))),
        asyncio.create_task(persist("devices", partial(watch_devices, house, chronicle))),
        asyncio.create_task(persist("control", partial(keep_listening, server, house))),
    ]
    if settings.simulated and house.accounts is not None:
        from gateway.daemons.rehearsal import pretend_traffic

        tasks.append(
            asyncio.create_task(persist("rehearsal", partial(pretend_traffic, house.accounts, house.inventory)))
        )
    if house.gatekeeper is not None:
        tasks += [
            asyncio.create_task(persist("network", house.gatekeeper.watch)),
            asyncio.create_task(persist("leases", house.gatekeeper.follow_leases)),
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
        await house.resolver.stop()
        await house.policy.settle()
        if house.accounts is not None:
            await house.accounts.settle()
        await asyncio.to_thread(chronicle.close)


def _wire(
    settings: Settings, hub: Hub, health: HealthBoard, loop: asyncio.AbstractEventLoop
) -> tuple[House, Chronicle]:
    queue: deque[LogRow] = deque()
    sheaves: deque[Sheaf] = deque()
    classifier = Classifier.load()

    def report_from_thread(change: HealthChanged) -> None:
        loop.call_soon_threadsafe(health.report, change)

    house: House
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
        house.resolver.forget_clients()

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
    chronicle = Chronicle(
        settings, queue, sheaves, classifier, hub, report_from_thread, told if keeps_accounts else None
    )
    inventory = Inventory(
        devices=chronicle.stored_devices(),
        save=chronicle.save_device,
        neighbours=read_neighbours,
        vendor_of=vendor_of,
        maker_of=classifier.maker_of,
        on_seen=device_seen,
        on_joined=device_joined,
        wanted=devices_with_rules,
    )
    makers.update((device.id, device.maker) for device in inventory.all())

    def in_force(policy: Policy, change: PolicyChanged) -> None:
        house.resolver.swap_policy(policy, concerned_by(change, house.resolver.policy, policy))
        hub.publish(change)
        if house.accounts is not None:
            house.accounts.policy_changed(policy)

    def sure_tag(name: str) -> Tag:
        tag = classifier.sure_tag(name)
        return tag if tag.confidence >= _SURE_ENOUGH else UNTAGGED

    service = PolicyService(
        settings.policy,
        chronicle,
        _mapped(settings, health),
        sure_tag,
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
        sheaves=sheaves,
        on_health=health.report,
        options=_options(settings),
    )

    def lists_done(healthy: bool, says: str) -> None:
        health.report(HealthChanged("lists", healthy, says))

    lists = ListRunner(settings, lambda: service.book, service.swap_lists, lists_done)
    house = House(settings, _now(), hub, health, classifier, inventory, service, resolver, lists, chronicle.writer)
    if keeps_accounts:
        house.accounts = open_accounts(house)
    if settings.simulated:
        from gateway.daemons.rehearsal import introduce_televisions, remember_past

        introduce_televisions(inventory)
        if not settings.journal.exists():
            remember_past(datetime.now().astimezone(), inventory, service.policy, queue)
    return house, chronicle


def _makes_the_network(settings: Settings) -> bool:
    return settings.network is not None and settings.network.mode is not Mode.DNS_ONLY


def _options(settings: Settings) -> ResolverOptions:
    names: dict[str, tuple[IPv4Address | IPv6Address, ...]] = {
        Name.parse(name).text: (ip_address(address),) for name, address in settings.names.items()
    }
    dashboard = ip_address(settings.web.host)
    own = [ip_address(each) for each in sorted(own_addresses())]
    reachable = tuple(each for each in own if each.version == dashboard.version and not each.is_loopback)
    if not names:
        names[OWN_NAME] = reachable if dashboard.is_unspecified else (dashboard,)
    lan = tuple(ip_network((each, 64), strict=False) for each in own if each.version == 6 and each.is_global)
    exceptions = tuple(Name.parse(name).text for name in settings.rebinding_exceptions)
    return ResolverOptions(
        local_names=names,
        rebinding_protection=settings.rebinding,
        rebinding_exceptions=(*LEADS_HOME, *exceptions),
        allowed_networks=(*HOME_NETWORKS, *lan),
        trust_ad=settings.trust_ad,
        client_rate=settings.client_rate,
        strategy=settings.strategy,
        plain_fallback=settings.plain_fallback,
    )


def _mapped(settings: Settings, health: HealthBoard) -> CompiledLists:
    path = settings.lists_folder / "compiled.bin"
    if not path.exists():
        return CompiledLists.empty()
    try:
        return CompiledLists.open(path)
    except ListError as error:
        health.report(HealthChanged("lists", False, f"{error} They are compiled again."))
        return CompiledLists.empty()


async def _prepare(house: House, chronicle: Chronicle) -> None:
    """What may take a moment, behind DNS's back: the journal, the neighbours, and the lists."""
    chronicle.start(house.inventory)
    house.inventory.refresh()
    house.resolver.forget_clients()
    subscribed = {each.source for each in house.policy.book.lists}
    for source in house.settings.lists:
        if source not in subscribed:
            try:
                await house.policy.add_list(source, title="", comment="given at start")
            except TelltaleError as error:
                house.health.report(HealthChanged("lists", False, str(error)))
    house.lists.want()
    _spare_the_collector()


def _share_the_interpreter() -> None:
    """An answer must not wait until the writer's thread has had its five milliseconds."""
    sys.setswitchinterval(0.0005)


def _spare_the_collector() -> None:
    """What stands by now stands for ever: walking it again and again for garbage cost a sixth of a query's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _main(settings: Settings, sockets: DnsSockets) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, sockets, stop)


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM. Exit status 2 when the settings are wrong."""
    begin("telltale-resolver")
    _share_the_interpreter()
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
        sockets = sort_dns(handed) if handed else bind_dns(settings.dns)
        asyncio.run(_main(settings, sockets))
    except TelltaleError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
