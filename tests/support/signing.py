"""A signed zone, without any cryptography but the sums themselves: RSA/SHA-256 (RFC 5702), for tests only."""

from __future__ import annotations

import base64
import hashlib
import random
import time

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.RRSIG import RRSIG

_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
_E, _BITS = 65_537, 1_024


class SignedZone:
    """One zone with one key; a seed makes the key, so it is no secret."""

    def __init__(self, apex: str, *, seed: int = 1) -> None:
        rng = random.Random(seed)
        p, q = _prime(rng), _prime(rng)
        self._n, self._d = p * q, pow(_E, -1, (p - 1) * (q - 1))
        self.apex = apex
        modulus = self._n.to_bytes(_BITS // 8)
        public = base64.b64encode(b"\3" + _E.to_bytes(3) + modulus).decode()
        self.key = f"{apex}. 60 DNSKEY 257 3 8 {public}"
        self._rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DNSKEY, f"257 3 8 {public}")

    def trust_anchor(self) -> str:
        """The DS record of the key, as a line."""
        return f"{self.apex}. DS {dns.dnssec.make_ds(dns.name.from_text(self.apex), self._rdata, 'SHA256')}"

    def signed(self, line: str, *, spoiled: bool = False) -> tuple[str, str]:
        """The record of a "NAME TTL TYPE RDATA" line and its signature, which is wrong when `spoiled`."""
        owner, ttl, rtype, rdata = line.split(None, 3)
        rrset = dns.rrset.from_text(owner, int(ttl), "IN", rtype, rdata)
        now = int(time.time())
        unsigned = RRSIG(
            dns.rdataclass.IN, dns.rdatatype.RRSIG, rrset.rdtype, 8, len(rrset.name) - 1, int(ttl), now + 86_400,
            now - 86_400, dns.dnssec.key_id(self._rdata), dns.name.from_text(self.apex), b"",
        )  # fmt: skip
        digest = hashlib.sha256(dns.dnssec._make_rrsig_signature_data(rrset, unsigned)).digest()
        padded = b"\0\1" + b"\xff" * (_BITS // 8 - 3 - len(_PREFIX) - 32) + b"\0" + _PREFIX + digest
        signature = pow(int.from_bytes(padded), self._d, self._n) ^ spoiled
        made = unsigned.replace(signature=signature.to_bytes(_BITS // 8))
        return line, f"{owner} {ttl} RRSIG {made}"


def _prime(rng: random.Random) -> int:
    while True:
        candidate = rng.getrandbits(_BITS // 2) | 3 << (_BITS // 2 - 2) | 1
        if candidate % _E != 1 and all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5, 7, 11)):
            return candidate
