"""A laboratory per test: it is up in a tenth of a second, so no test sees what another left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.network.controller import FirewallController
from tests.netns.lab import GATEWAY4, GATEWAY6, RESOLVERS4, RESOLVERS6, STRANGER4, STRANGER6, Lab
from tests.netns.servers import NamedDns, Web


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as made:
        yield made


@pytest.fixture
def resolvers(lab: Lab) -> Iterator[NamedDns]:
    """The internet's resolvers: they answer "internet"."""
    with lab.inside("internet"):
        servers = NamedDns("internet", (*RESOLVERS4, *RESOLVERS6, STRANGER4, STRANGER6), (53, 54, 5353))
    with servers:
        yield servers


@pytest.fixture
def ours(lab: Lab) -> Iterator[NamedDns]:
    """Stands where our resolver listens: it answers "gateway"."""
    with lab.inside("gateway"):
        server = NamedDns("gateway", (GATEWAY4, GATEWAY6))
    with server:
        yield server


@pytest.fixture
def web(lab: Lab) -> Iterator[Web]:
    """The internet's servers, and the laptop in the home, on the ports of the web and of encrypted DNS."""
    with lab.inside("internet"):
        server = Web(ports=(22, 80, 443, 853, 9953))
    with server:
        yield server


@pytest.fixture
def controller(lab: Lab, tmp_path: Path) -> Iterator[FirewallController]:
    """Not yet in force; use it inside the gateway."""
    made = FirewallController(tmp_path)
    yield made
    made.close()
