"""The promises about size and time, measured in a process of its own, with names like those on real lists."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.lists.compiled import CompiledLists
from tests.support.policy_lists import BLOCK, compile_texts
from tests.support.shared_data import shared_data

pytestmark = pytest.mark.integration

# The peak is VmHWM and not getrusage's ru_maxrss, which after fork and exec begins at what the parent had.
COMPILE = """
import json, re, sys, time
from pathlib import Path
from gateway.model.verdict import Action
from gateway.lists.compiler import ListInput, compile_lists
*paths, out = map(Path, sys.argv[1:])
began = time.perf_counter()
report = compile_lists([ListInput(n, p.name, Action.BLOCK, p) for n, p in enumerate(paths, 1)], out)
print(json.dumps({
    "seconds": time.perf_counter() - began,
    "peak_mib": int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024,
    "names": report.names,
    "entries": [each.entries for each in report.lists],
}))
"""

OPEN = """
import sys, time
from pathlib import Path
from gateway.lists.compiled import CompiledLists
began = time.perf_counter()
lists = CompiledLists.open(Path(sys.argv[1]))
print(time.perf_counter() - began)
"""

WORDS = [
    *("ads", "track", "metrics", "cdn", "log", "pixel", "app", "sdk", "api", "beacon", "tv", "data", "stat", "click"),
    *("media", "event", "smart", "play", "live", "shop"),
]
ENDS = [
    *("com", "net", "org", "info", "de", "co.uk", "io", "ru", "xyz", "online", "site", "top", "tv"),
    *("cloudfront.net", "amazonaws.com"),
]


def names(count: int) -> list[str]:
    """Distinct names whose words, lengths and shared parents are like those of large public lists."""
    chance = random.Random(20261123)
    made: dict[str, None] = {}
    while len(made) < count:
        own = chance.choice(WORDS) + chance.choice(["", "-", "x"]) + format(chance.getrandbits(28), "x")
        parents = f"{own}.{chance.choice(ENDS)}"
        for _ in range(chance.choice((1, 1, 2, 3))):
            below = chance.choice(["", f"{chance.choice(WORDS)}{chance.randrange(99)}.", f"{chance.choice(WORDS)}."])
            made[below + parents] = None
    return list(made)[:count]


def run(program: str, *paths: Path) -> str:
    command = [sys.executable, "-c", program, *map(str, paths)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=150).stdout


def test_a_list_of_82_000_names_compiles_in_five_seconds(tmp_path: Path) -> None:
    measured = json.loads(run(COMPILE, shared_data("lists", "adguarddns.adblock.txt"), tmp_path / "compiled.bin"))
    assert measured["names"] == 82_473
    assert measured["seconds"] < 5
    assert measured["peak_mib"] < 100


def test_a_million_names_fit_a_small_machine(tmp_path: Path) -> None:
    source, out = tmp_path / "1.txt", tmp_path / "compiled.bin"
    listed = names(1_200_000)
    source.write_text("".join(f"||{name}^\n" for name in listed), encoding="ascii")
    measured = json.loads(run(COMPILE, source, out))
    print(measured, f"{out.stat().st_size / 1e6:.1f} MB")
    assert measured["names"] == 1_200_000
    assert measured["seconds"] < 30
    assert measured["peak_mib"] < 300

    opened = min(float(run(OPEN, out)) for _ in range(3))
    print(f"opened in {opened * 1000:.1f} ms")
    assert opened < 0.050

    lists = CompiledLists.open(out)
    assert len(lists) == 1_200_000
    sample = random.Random(7).sample(listed, 20_000)
    began = time.perf_counter()
    assert all(lists.match(name) for name in sample)
    hit = time.perf_counter()
    assert not any(lists.match(f"q.{name}.test") for name in sample)
    missed = time.perf_counter()
    print(f"hit {(hit - began) / len(sample) * 1e6:.1f} us, miss {(missed - hit) / len(sample) * 1e6:.1f} us")
    assert (hit - began) / len(sample) < 60e-6
    assert (missed - hit) / len(sample) < 30e-6
    below = [f"a.b.{name}" for name in sample[:1000]]
    assert all(lists.match(name) for name in below)


def test_the_compiled_lists_say_what_the_real_lists_say(tmp_path: Path) -> None:
    rules = shared_data("lists", "native.roku.adblock.txt").read_text(encoding="utf-8")
    zone = shared_data("lists", "native.roku.rpz.txt").read_text(encoding="utf-8")
    by_rules, _ = compile_texts(tmp_path, ("Roku", BLOCK, rules))
    folder = tmp_path / "zone"
    folder.mkdir()
    by_zone, _ = compile_texts(folder, ("Roku", BLOCK, zone))
    listed = [line[2:-1] for line in rules.splitlines() if line.startswith("||")]
    for name in listed:
        for asked in (name, f"deep.below.{name}"):
            expected = not name.startswith("h4g3z1-")
            assert (by_rules.match(asked) is not None) == (by_zone.match(asked) is not None) == expected
    assert by_rules.match("roku.com") is by_zone.match("roku.com") is None
