from __future__ import annotations

from pathlib import Path

import pytest

from gateway.devices import vendor
from gateway.devices.vendor import PRIVATE, VendorFile, vendor_of
from gateway.model.mac import Mac

_FILE = b"""# a comment
#
00:1B:C5:00:00/36\tConverging\tConverging Systems Inc.
00:1B:C5:00:10/36\tOpenRB\tOpenRB.com, Direct SIA
2C:69:1D         \tIEEERegistra\tIEEE Registration Authority
2C:69:1D:50/28   \tLGElectronic\tLG Electronics Inc.
CC:6D:A0         \tRoku\tRoku, Inc.
FC:FF:AA         \tIEEERegistra\t\x1b[2JIEEE   Registration\x07 Authority
"""


@pytest.fixture
def file() -> VendorFile:
    return VendorFile(_FILE)


@pytest.mark.parametrize(
    ("mac", "name"),
    [
        ("cc:6d:a0:11:22:33", "Roku, Inc."),
        ("CC-6D-A0-11-22-33", "Roku, Inc."),
        ("00:1b:c5:00:1f:ff", "OpenRB.com, Direct SIA"),
        ("00:1b:c5:00:0f:ff", "Converging Systems Inc."),
        ("00:1b:c5:99:00:00", ""),
        ("2c:69:1d:5f:00:01", "LG Electronics Inc."),
        ("2c:69:1d:60:00:01", "IEEE Registration Authority"),
        ("fc:ff:aa:00:00:00", "[2JIEEE Registration Authority"),
        ("00:00:00:00:00:01", ""),
        ("ff:ff:ff:ff:ff:ff", PRIVATE),
    ],
)
def test_the_longest_block_names_the_maker(file: VendorFile, mac: str, name: str) -> None:
    assert file.vendor_of(Mac(mac)) == name


@pytest.mark.parametrize("mac", ["02:00:00:00:00:01", "da:a1:19:00:00:01", "3e:11:22:33:44:55"])
def test_an_address_that_a_device_made_up_is_private(file: VendorFile, mac: str) -> None:
    assert file.vendor_of(Mac(mac)) == PRIVATE


@pytest.mark.parametrize("data", [b"", b"\n", b"#", b"CC:6D:A0", b"CC:6D:A0\tRoku\tRoku, Inc."])
def test_a_file_of_any_shape_is_searched_to_its_end(data: bytes) -> None:
    assert VendorFile(data).vendor_of(Mac("cc:6d:a0:11:22:33")) in ("", "CC:6D:A0", "Roku, Inc.")


def test_the_registry_that_we_use_knows_televisions() -> None:
    assert vendor_of(Mac("cc:6d:a0:00:00:01")) == "Roku, Inc."
    assert vendor_of(Mac("b8:27:eb:00:00:01")) == "Raspberry Pi Foundation"
    assert vendor_of(Mac("2c:69:1d:51:00:00")) == "LG Electronics Inc."


def test_without_the_package_nobody_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    vendor._packaged.cache_clear()
    vendor_of.cache_clear()
    monkeypatch.setattr(vendor, "find_spec", lambda _: None)
    assert vendor_of(Mac("cc:6d:a0:00:00:02")) == ""
    vendor._packaged.cache_clear()
    vendor_of.cache_clear()


def test_an_empty_file_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    empty = tmp_path / "manuf"
    empty.touch()
    with pytest.raises(ValueError, match="empty"):
        VendorFile.open(empty)
