"""What is mutated, and which tests have to notice: those of the module's own behaviour, the quick ones first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Target:
    """A module by its dotted name, and the test files that are run for each of its mutants; both below `root`."""

    module: str
    tests: tuple[str, ...]
    root: Path = ROOT

    @property
    def path(self) -> Path:
        return self.root / (self.module.replace(".", "/") + ".py")

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(str(self.root / name) for name in self.tests)


_BODIES = ("tests/unit/schema/test_requests.py", "tests/unit/schema/test_checking.py", "tests/contract/test_schemas.py")
TARGETS = (
    Target("gateway.policy.snapshot", ("tests/unit/policy/test_snapshot.py",)),
    Target("gateway.resolver.cache", ("tests/unit/resolver/test_cache.py", "tests/unit/resolver/test_cache_limits.py")),
    Target(
        "gateway.journal.sweep",
        tuple(f"tests/unit/journal/test_{name}.py" for name in ("sweep", "sweep_limits", "sweep_size", "horizon")),
    ),
    Target("gateway.wire.bailiwick", ("tests/unit/wire/test_bailiwick.py", "tests/unit/wire/test_bailiwick_limits.py")),
    Target(
        "gateway.network.firewall",
        tuple(f"tests/unit/network/test_firewall{part}.py" for part in ("", "_packets", "_ourselves")),
    ),
    Target("gateway.schema.checking", _BODIES),
    Target("gateway.schema.requests", _BODIES),
    Target("gateway.schema.texts", _BODIES),
    Target("web.api.fields", ("tests/unit/web/test_fields.py", "tests/unit/web/test_bodies.py")),
    Target("web.api.shapes", ("tests/unit/web/test_shapes.py",)),
)
LIBRARIES = (
    "alembic.command",
    "argon2",
    "dns.message",
    "dns.rdatatype",
    "dnslib",
    "flask.testing",
    "hypothesis.strategies",
    "jsonschema",
    "marisa_trie",
    "msgspec",
    "publicsuffixlist",
    "sqlalchemy.dialects.sqlite",
    "yaml",
)
"""Imported once for all trials. None of them imports anything of ours."""
