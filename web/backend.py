"""What every page and every API answer draws on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from gateway.control.client import ControlClient
    from gateway.journal.reader import Reader


@dataclass(frozen=True, slots=True)
class Backend:
    """`reader` tells what happened (read only), `control` asks the resolver and tells it what people decided."""

    reader: Reader
    control: ControlClient


def backend() -> Backend:
    """The one of the application that serves this request."""
    return cast(Backend, current_app.extensions["telltale"])
