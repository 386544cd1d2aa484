"""The promises about size and time, measured in a process of its own, with names like those on real lists."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from gateway.lists.compiled import CompiledLists
from gateway.model.name import ancestors
from tests.support.policy_lists import BLOCK, compile_texts
from tests.support.processor_time import processor_time

pytestmark = pytest.mark.integration

# The peak is VmHWM and not getrusage's ru_maxrss, which after fork and exec begins at what the parent had.
COMPILE = """
import json, re, sys, time
from pathlib import Path
from gateway.model.verdict import Action
from gateway.lists.compiler import ListInput, compile_lists
source, out = map(Path, sys.argv[1:])
report = compile_lists([ListInput(1, source.name, Action.BLOCK, source)], out)
print(json.dumps({
    "processor": time.process_time(),
    "peak_mib": int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024,
    "names": report.names,
}))
"""

# What no compiler could do without: read the lines, sort them, know them apart.
SORT = """
import json, sys, time
from pathlib import Path
known = dict.fromkeys(sorted(line[2:-1] for line in Path(sys.argv[1]).read_text().splitlines()))
print(json.dumps({"processor": time.process_time(), "names": len(known)}))
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


def run(program: str, *paths: Path) -> dict[str, float]:
    command = [sys.executable, "-c", program, *map(str, paths)]
    said: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return said


@pytest.mark.timeout(900)
def test_a_million_names_fit_a_small_machine(tmp_path: Path) -> None:
    """Processor time as multiples of what plain Python needs for the same names in the same run."""
    source, out = tmp_path / "1.txt", tmp_path / "compiled.bin"
    listed = names(1_200_000)
    source.write_text("".join(f"||{name}^\n" for name in listed), encoding="ascii")
    compiled, plain = run(COMPILE, source, out), run(SORT, source)
    times = compiled["processor"] / plain["processor"]
    print(compiled, f"{out.stat().st_size / 1e6:.1f} MB, {times:.1f} times the processor time of sorting")
    assert compiled["names"] == plain["names"] == 1_200_000
    assert times < 15, "measured: 4 to 5"
    assert compiled["peak_mib"] < 300

    opening = processor_time(lambda: CompiledLists.open(out))
    reading = processor_time(lambda: zlib.crc32(out.read_bytes()))
    print(f"opened in {opening * 1e3:.1f} ms of processor time, {opening / reading:.1f} times reading it")
    assert opening < 5 * reading, "measured: 1"


def test_looking_a_name_up_costs_little_more_than_python_s_own_dictionary(tmp_path: Path) -> None:
    listed = names(150_000)
    lists, _ = compile_texts(tmp_path, ("Many", BLOCK, "".join(f"||{name}^\n" for name in listed)))
    assert len(lists) == 150_000
    table = frozenset(listed)
    sample = random.Random(7).sample(listed, 20_000)
    others = [f"q.{name}.test" for name in sample]

    def by_hand(asked: list[str]) -> int:
        return sum(any(parent in table for parent in ancestors(name)) for name in asked)

    def by_lists(asked: list[str]) -> int:
        return sum(lists.match(name) is not None for name in asked)

    assert (by_lists(sample), by_lists(others)) == (by_hand(sample), by_hand(others)) == (20_000, 0)
    hit, missed = (
        processor_time(lambda asked=asked: by_lists(asked)) / processor_time(lambda asked=asked: by_hand(asked))
        for asked in (sample, others)
    )
    print(f"{hit:.1f} times a dictionary where it is listed, {missed:.1f} where not")
    assert hit < 20, "measured: 7"
    assert missed < 1.5, "measured: 0.3"
    assert all(lists.match(f"a.b.{name}") for name in sample[:1000])
