"""Whom a box asks, and about what."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.application.upstreams import open_all_upstreams
from gateway.errors import SettingsError
from gateway.settings import Settings


def test_each_zone_of_a_network_is_asked_of_the_same_resolver() -> None:
    router = ("udp://192.168.6.1",)
    settings = Settings(
        data=Path("/nowhere"), upstreams=("udp://192.0.2.1",), forward={"192.168.6.0/23": router, "fritz.box": router}
    )
    upstreams, zones = open_all_upstreams(settings, lambda change: None)
    assert [upstream.url for upstream in upstreams] == ["udp://192.0.2.1:53"]
    assert list(zones) == ["6.168.192.in-addr.arpa", "7.168.192.in-addr.arpa", "fritz.box"]
    assert len({id(each[0]) for each in zones.values()}) == 1


def test_a_resolver_that_is_none_is_refused() -> None:
    settings = Settings(data=Path("/nowhere"), upstreams=("udp://192.0.2.1",), forward={"lan": ("my router",)})
    with pytest.raises(SettingsError, match="my router"):
        open_all_upstreams(settings, lambda change: None)
