"""The one meaning of address: an IP address of either version. With a port it is an `Endpoint`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
