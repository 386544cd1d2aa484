"""Rules go to the kernel, and counts come back, through the program nft: JSON in, JSON out, one transaction a call.

nft is started with an argument list, never through a shell, and never waits longer than ten seconds. Works with
nftables 1.0.6 (Debian 12) and 1.1.3 (Debian 13).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.errors import NetworkError
from gateway.network.phrases import TABLE, Phrase

LIMIT: Final = 10.0
_MOST_SAID: Final = 300
_MOST_LISTED: Final = 64 << 20


def to_text(commands: Sequence[Phrase]) -> str:
    """What `nft -j -f -` reads: also what a dry run shows."""
    return json.dumps({"nftables": [{"metainfo": {"json_schema_version": 1}}, *commands]}, indent=1)


def check(commands: Sequence[Phrase]) -> None:
    """Has the kernel judge the transaction without doing it. Raises NetworkError."""
    _run(("-c", "-j", "-f", "-"), to_text(commands), "The firewall's rules are not understood here")


def apply(commands: Sequence[Phrase]) -> None:
    """Does the transaction whole or not at all. Raises NetworkError."""
    _run(("-j", "-f", "-"), to_text(commands), "The firewall's rules could not be set")


def apply_text(text: str) -> None:
    """The same for nft's own language, as `snapshot` writes it."""
    _run(("-f", "-"), text, "The firewall's rules could not be set")


def list_table(family: str = "inet") -> list[dict[str, Any]]:
    """Our table's parts as nft lists them, each {"rule": ...}, {"set": ...}, without what the sets hold; empty when
    there is no such table.
    """
    if not _exists(family):
        return []
    return _listed(_run(("-j", "-t", "list", "table", family, TABLE), "", "The firewall's rules cannot be read"))


def list_sets(names: Sequence[str]) -> list[dict[str, Any]]:
    """The elements of these sets of our table. Raises NetworkError when one is missing."""
    found: list[dict[str, Any]] = []
    for name in names:
        found += _listed(_run(("-j", "list", "set", "inet", TABLE, name), "", "The firewall's memory cannot be read"))
    return found


def read_counters() -> dict[str, int]:
    """Packets by counter, of both our tables; empty when the firewall is not set."""
    found: dict[str, int] = {}
    for family in ("inet", "bridge"):
        for part in list_table(family):
            if isinstance(part.get("counter"), Mapping):
                found[str(part["counter"].get("name"))] = int(part["counter"].get("packets", 0))
    return found


def snapshot() -> str:
    """Our tables as they are, in nft's language and without counts, such that `apply_text` brings exactly them back."""
    lines = []
    for family in ("inet", "bridge"):
        lines += [f"add table {family} {TABLE}", f"delete table {family} {TABLE}"]
        if _exists(family):
            lines.append(_run(("-s", "list", "table", family, TABLE), "", "The firewall's rules cannot be read"))
    return "\n".join(lines) + "\n"


def replace(commands: Sequence[Phrase]) -> None:
    """Checks, applies, looks whether it is so, and goes back to what was there before when it is not.

    Raises NetworkError; then the tables are as they were.
    """
    check(commands)
    before = snapshot()
    apply(commands)
    try:
        verify(commands)
    except NetworkError:
        apply_text(before)
        raise


def verify(commands: Sequence[Phrase]) -> None:
    """Compares what is in force with what was asked for, by number of each chain's rules and each name.

    Raises NetworkError.
    """
    wanted, found = _shape(commands, added=True), _shape([*list_table(), *list_table("bridge")], added=False)
    missing = sorted(" ".join(key) for key in wanted.keys() | found.keys() if wanted.get(key, 0) != found.get(key, 0))
    if missing:
        raise NetworkError("network.firewall-not-should", join=f"{', '.join(missing)[:_MOST_SAID]}")


def droppers(interface: str) -> list[str]:
    """Tables of others ("ip filter") that drop what is forwarded unless they know it, as Docker and ufw set them up,
    and do not speak of this interface: what we accept they drop all the same. Raises NetworkError.
    """
    failure = "The firewall cannot be read"
    suspects = {
        (str(chain.get("family")), str(chain.get("table")))
        for part in _listed(_run(("-j", "-t", "list", "chains"), "", failure))
        if isinstance(chain := part.get("chain"), Mapping)
        and (chain.get("hook"), chain.get("policy")) == ("forward", "drop")
        and chain.get("table") != TABLE
    }
    return sorted(
        f"{family} {table}"
        for family, table in suspects
        if f'"{interface}"' not in _run(("-t", "list", "table", family, table), "", failure)
    )


def _shape(parts: Sequence[Mapping[str, Any]], *, added: bool) -> dict[tuple[str, ...], int]:
    shape: dict[tuple[str, ...], int] = {}
    for part in parts:
        inner = part.get("add") if added else part
        for kind, value in inner.items() if isinstance(inner, Mapping) else ():
            if kind in ("rule", "set", "chain", "counter"):
                key = (kind, str(value.get("family")), str(value.get("chain" if kind == "rule" else "name")))
                shape[key] = shape.get(key, 0) + 1
    return shape


def _exists(family: str) -> bool:
    tables = _listed(_run(("-j", "list", "tables", family), "", "The firewall cannot be read"))
    return any(part.get("table", {}).get("name") == TABLE for part in tables)


def _listed(text: str) -> list[dict[str, Any]]:
    try:
        return [part for part in json.loads(text)["nftables"] if isinstance(part, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NetworkError("network.program-nft-answered") from None


def _run(arguments: tuple[str, ...], text: str, failure: str) -> str:
    try:
        done = subprocess.run(
            ("nft", *arguments),
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
    except FileNotFoundError:
        raise NetworkError("network.program-nft-missing") from None
    except subprocess.TimeoutExpired:
        raise NetworkError("network.nft-did-not", failure=failure, limit=f"{LIMIT:.0f}") from None
    except OSError as error:
        raise NetworkError("network.nft-cannot-started", failure=failure, strerror=error.strerror) from None
    if done.returncode:
        said = " ".join(line for line in done.stderr.split("\n") if "rror" in line) or done.stderr
        if "Operation not permitted" in done.stderr:
            said = "this needs the right to change the network (CAP_NET_ADMIN)"
        raise NetworkError(
            "network.nft-failed", failure=failure, rstrip=f"{' '.join(said.split())[:_MOST_SAID].rstrip('.')}"
        )
    if len(done.stdout) > _MOST_LISTED:
        raise NetworkError("network.program-nft-answers")
    return done.stdout
