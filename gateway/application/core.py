"""What every box has, whatever parts it is given: rules, devices, the journal, and the resolver that goes by them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from gateway.application.answering import concerned_by, mapped, mapped_owners, options, sure_tags
from gateway.application.events import Events
from gateway.application.health import HealthBoard
from gateway.application.presets import judge
from gateway.application.recording import Recording
from gateway.application.sockets import DnsSockets
from gateway.application.upstreams import open_all_upstreams
from gateway.catalogue.sentences import Notice
from gateway.classifier.service import Classifier
from gateway.control.hub import Hub
from gateway.devices.inventory import Inventory
from gateway.devices.neighbours import read_neighbours
from gateway.devices.own_addresses import watch_own_addresses
from gateway.devices.sources import Sources
from gateway.devices.vendor import vendor_of
from gateway.model.device import Device
from gateway.model.event import DeviceSeen, HealthChanged, PolicyChanged
from gateway.model.lookup import LogBatch, LogRow
from gateway.model.policy import Policy
from gateway.policy.book_keeper import BookKeeper
from gateway.policy.presets import Presets
from gateway.policy.service import PolicyService
from gateway.policy.usage import Usage
from gateway.resolver.recorder import LogQueue
from gateway.resolver.service import Resolver
from gateway.settings import Settings

_LOG_LIMIT = 200_000
NO_SOCKETS = DnsSockets((), ())


@dataclass(frozen=True, slots=True)
class Core:
    """For one event loop. `log` is what waits for the journal's writer; `sockets` are those that DNS answers on."""

    settings: Settings
    sockets: DnsSockets
    started: datetime
    hub: Hub
    health: HealthBoard
    events: Events
    log: deque[LogRow]
    classifier: Classifier
    recording: Recording
    policy: PolicyService
    inventory: Inventory
    resolver: Resolver
    usage: Usage
    listening: tuple[str, ...]
    """Where DNS answers, "192.0.2.1:53"."""


class _Makers:
    """Who made which device, as the policy asks for it; devices of which nobody knows have none."""

    def __init__(self) -> None:
        self.by_device: dict[str, str] = {}

    def learn(self, policy: PolicyService, device: Device) -> None:
        if self.by_device.get(device.id, "") != device.maker:
            self.by_device[device.id] = device.maker
            policy.devices_changed()


def open_core(settings: Settings, sockets: DnsSockets, loop: asyncio.AbstractEventLoop) -> Core:
    """Everything that DNS needs, each made of what is there already. Answers nothing yet; the journal is not open."""
    hub = Hub()
    hub.attach(loop)
    health, events = HealthBoard(hub, loop), Events(loop)
    log: deque[LogRow] = deque()
    batches: deque[LogBatch] = deque()
    classifier, makers = Classifier.load(), _Makers()
    classifier.heed(mapped_owners(settings))
    recording = Recording(settings, log, batches, classifier, hub, health.report_from_thread, events.answered)
    usage = Usage(classifier.sign_of)
    presets = Presets(judge(classifier), lambda: makers.by_device, usage)
    policy = _open_policy(settings, recording, classifier, presets, health, events)
    inventory = _open_inventory(recording, classifier, policy, events)
    for device in inventory.all():
        makers.learn(policy, device)
    upstreams, forward_zones = open_all_upstreams(settings, health.report)
    resolver = Resolver(
        log=LogQueue(rows=log, limit=_LOG_LIMIT, batches=batches),
        upstreams=upstreams,
        policy=policy.policy,
        device_of=inventory.identify,
        on_health=health.report,
        options=options(settings, forward_zones),
    )
    usage.listen(resolver.forget_device)
    events.policy_changed.listen(partial(_swap_policy, resolver))
    events.policy_changed.listen(lambda _, change: hub.publish(change))
    events.clients_forgotten.listen(resolver.forget_clients)
    events.devices_named.listen(resolver.name_devices)
    events.device_seen.listen(lambda device: hub.publish(DeviceSeen(device)))
    events.device_seen.listen(partial(makers.learn, policy))
    listening = tuple(str(address) for address in sockets.addresses())
    return Core(
        settings,
        sockets,
        utc_now(),
        hub,
        health,
        events,
        log,
        classifier,
        recording,
        policy,
        inventory,
        resolver,
        usage,
        listening,
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


def _open_policy(
    settings: Settings,
    recording: Recording,
    classifier: Classifier,
    presets: Presets,
    health: HealthBoard,
    events: Events,
) -> PolicyService:
    service = PolicyService(
        BookKeeper(settings.policy, recording, partial(_report_stored, health)),
        mapped(
            settings,
            lambda error: health.report(HealthChanged("lists", False, Notice("box.they-compiled-again", error=error))),
        ),
        sure_tags(classifier),
        events.policy_changed,
        presets=presets,
    )
    if service.problems:
        problem = " ".join(service.problems)
        if service.has_whole_file:
            notice = Notice("rules.file-in-force", problem=problem)
        elif service.book.revision:
            notice = Notice("rules.copy-in-force", problem=problem)
        else:
            notice = Notice("rules.none-in-force", problem=problem)
        health.report(HealthChanged("rules", service.book.revision > 0, notice))
    return service


def _open_inventory(recording: Recording, classifier: Classifier, policy: PolicyService, events: Events) -> Inventory:
    return Inventory(
        sources=Sources(
            neighbours=read_neighbours, vendor_of=vendor_of, maker_of=classifier.maker_of, is_ours=watch_own_addresses()
        ),
        devices=recording.stored_devices(),
        save=recording.save_device,
        on_seen=events.from_thread(events.device_seen),
        on_joined=events.from_thread(events.device_joined),
        wanted=policy.devices_with_rules,
    )


def _report_stored(health: HealthBoard, problems: list[str]) -> None:
    stored = Notice("box.decisions-stored-both")
    notice = Notice("rules.problem", problem=" ".join(problems)) if problems else stored
    health.report(HealthChanged("rules", not problems, notice))


def _swap_policy(resolver: Resolver, policy: Policy, _: PolicyChanged) -> None:
    resolver.swap_policy(policy, concerned_by(resolver.policy, policy))
