from __future__ import annotations

import pytest

from gateway.exposure.places import packed_if_abroad


@pytest.mark.parametrize("text", ["8.8.8.8", "203.0.113.10", "2001:4860:4860::8888"])
def test_the_internet(text: str) -> None:
    assert packed_if_abroad(text) is not None


@pytest.mark.parametrize(
    "text",
    ["192.168.1.1", "10.0.0.1", "169.254.7.7", "127.0.0.1", "224.0.0.251", "255.255.255.255", "fe80::1", "fd00::1",
     "ff02::fb", "::1", "::", "", "nonsense", "8.8.8.8.8"],
)  # fmt: skip
def test_the_home_and_what_is_no_address(text: str) -> None:
    assert packed_if_abroad(text) is None
