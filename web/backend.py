"""What every page and every API answer draws on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app

from gateway.control.client import ControlClient
from gateway.journal.reader import Reader
from gateway.model.effect import Effect


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Backend:
    """`reader` tells what happened (read only), `control` asks the resolver and tells it what people decided.

    `effect` is what DNS itself says that it does, None when it does not answer; `now` is the wall clock, aware UTC.
    """

    reader: Reader
    control: ControlClient
    effect: Callable[[], Effect | None]
    now: Callable[[], datetime] = _now


def backend() -> Backend:
    """The one of the application that serves this request."""
    return cast(Backend, current_app.extensions["telltale"])
