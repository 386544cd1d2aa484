"""The resolver's side of the journal: opened behind DNS's back, and done without when it cannot be."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gateway.catalogue.sentences import Notice
from gateway.classifier.service import Classifier
from gateway.control.hub import Hub
from gateway.devices.inventory import Inventory
from gateway.errors import JournalError
from gateway.journal.hooks import Hooks
from gateway.journal.horizon import Horizon
from gateway.journal.retention import Retention
from gateway.journal.stores import BookStore, DeviceStore
from gateway.journal.writer import Writer
from gateway.linux.process import let_answers_pass
from gateway.model.book import Book
from gateway.model.device import Device
from gateway.model.event import HealthChanged
from gateway.model.lookup import Facts, LogBatch, LogRow
from gateway.model.tag import Tag
from gateway.policy.book_keeper import PATIENCE
from gateway.settings import Settings

log = logging.getLogger(__name__)

# A home meets a few new names a second when a television starts.
_GUESSES_AT_ONCE, _GUESSES_A_SECOND = 200, 20.0


class Recording:
    """Owns the writer and what it tells the others. `report` may be called in the writer's thread."""

    def __init__(
        self,
        settings: Settings,
        queue: deque[LogRow],
        batches: deque[LogBatch],
        classifier: Classifier,
        hub: Hub,
        report: Callable[[HealthChanged], Any],
        answered: Callable[[str, Facts, float], None],
    ) -> None:
        self._classifier = classifier
        self._loss = _loss_of(settings)
        self._inventory: Inventory | None = None
        self._guesses = _Allowance(_GUESSES_AT_ONCE, _GUESSES_A_SECOND)
        self.horizon = Horizon()
        self.writer = Writer(
            settings.journal,
            queue,
            hooks=Hooks(
                tag=self._tag,
                device_of=self._device_of,
                publish=hub.publish_from_thread,
                report=report,
                wants_events=hub.has_listeners,
                on_answer=answered,
                begins=let_answers_pass,
                horizon=self.horizon,
            ),
            batches=batches,
            retention=Retention(
                lookups=timedelta(days=settings.lookups_days),
                rollups=timedelta(days=settings.rollups_days),
                size=settings.megabytes << 20,
            ),
        )
        self._books = BookStore(self.writer)
        self._devices = DeviceStore(self.writer)

    def start(self, inventory: Inventory) -> None:
        """Begins to record; from now on lookups carry the devices of this inventory."""
        self._inventory = inventory
        if self._loss is not None:
            self.writer.announce(self._loss)
        self.writer.start()

    def load(self) -> Book | None:
        """The rules and lists that the journal knows of; None for a new box. Blocking; raises JournalError."""
        return self._books.load() if self._has_history() else None

    def save(self, book: Book, *, lasts: bool = False) -> None:
        """Stores rules and lists, with `lasts` so that a power cut takes nothing. Blocking; raises JournalError."""
        self._books.save(book, lasts=lasts)

    def stored_devices(self) -> list[Device]:
        """The devices of earlier days; none when they cannot be read. Blocking."""
        if not self._has_history():
            return []
        try:
            return self._devices.load()
        except JournalError as error:
            log.warning("the devices of earlier days are not known: %s", error)
            return []

    def _has_history(self) -> bool:
        """An empty file is none: nobody has recorded anything there, or it is lost."""
        try:
            return self.writer.path.stat().st_size > 0
        except FileNotFoundError:
            return False
        except OSError:
            # Whoever tries to read it says what is wrong.
            return True

    def save_device(self, device: Device) -> None:
        """Stores a device some time soon."""
        self._devices.save(device)

    def keep_device(self, device: Callable[[], Device | None]) -> bool:
        """Stores what a person said of a device, see `DeviceStore.keep`. Blocking; raises JournalError when that does
        not begin within 3 seconds.
        """
        return self._devices.keep(device, PATIENCE)

    def close(self) -> None:
        """Writes what is still waiting."""
        self.writer.stop()

    def _device_of(self, client: str, when: float) -> Device:
        assert self._inventory is not None, "the writer starts after the inventory"
        return self._inventory.device_of(client, when)

    def _tag(self, name: str, targets: tuple[str, ...], device: Device) -> Tag:
        """Called once for each name that a device asks for, so it is also where a name can tell whose device it is.

        In a flood of new names most are not judged by their spelling: nobody will ever look at them, and each costs
        more than recording it. Whoever does look at one has it judged then.
        """
        common = self._classifier.common_tag(name)
        if common is not None:
            return self._classifier.tag(name, targets, device.maker, guess=self._guesses.take(), common=common)
        listed = self._classifier.is_listed(name)
        if listed and not device.maker and device.addresses:
            assert self._inventory is not None, "the writer starts after the inventory"
            self._inventory.learn(device.addresses[0], name)
        known = listed and self._classifier.knows_purpose(name)
        return self._classifier.tag(name, targets, device.maker, guess=known or self._guesses.take())


def _loss_of(settings: Settings) -> Notice | None:
    """What to say of a history that is not there although this box has run before; None when all is as it was.

    Looked at before anything is written: what people decided is stored from the first moment on.
    """
    try:
        size = settings.journal.stat().st_size
    except FileNotFoundError:
        return Notice("history.was-missing") if settings.policy.exists() else None
    except OSError:
        # The writer says so by itself.
        return None
    return None if size else Notice("history.was-empty")


class _Allowance:
    """So many at once, and so many a second from then on."""

    def __init__(self, burst: int, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = float(burst), rate, clock
        self._left, self._then = float(burst), clock()

    def take(self) -> bool:
        """True when one more may be had now."""
        now = self._clock()
        self._left = min(self._left + (now - self._then) * self._rate, self._burst)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
