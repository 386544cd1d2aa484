"""Where the inventory learns who a device is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.model.mac import Mac


@dataclass(frozen=True, slots=True)
class Sources:
    """`neighbours` reads IP -> MAC, `vendor_of` names the maker of a network card, `maker_of` the maker whose
    televisions alone ask for a name; `is_ours` says whether an address is this machine's.
    """

    neighbours: Callable[[], Mapping[str, Mac]] = dict
    vendor_of: Callable[[Mac], str] = lambda _: ""
    maker_of: Callable[[str], str | None] = lambda _: None
    is_ours: Callable[[str], bool] = lambda _: False
