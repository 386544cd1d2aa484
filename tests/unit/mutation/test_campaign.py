"""A small module and its tests: what a campaign says of those that notice, of those that do not, and of broken ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import equivalents
from tests.mutation.mutants import Key
from tests.mutation.targets import ROOT

pytestmark = pytest.mark.slow

TOY = '''
LIMIT = 3

def countdown(start):
    """The numbers from `start` down to 1, of which there are at most LIMIT."""
    found = []
    while start > 0:
        found.append(start)
        start -= 1
    return found[-LIMIT:]
'''
STRONG = """
from toy import countdown

def test_short():
    assert countdown(2) == [2, 1]

def test_long():
    assert countdown(5) == [3, 2, 1]
"""
WEAK = STRONG.partition("def test_long")[0]
RUN = """
import sys
from pathlib import Path
from tests.mutation.__main__ import mutate
from tests.mutation.equivalents import read
from tests.mutation.targets import Target
folder = Path(sys.argv[1])
sys.exit(mutate([Target("toy", ("test_toy.py",), folder)], read(folder / "equivalents.toml"), 2, verbose=True))
"""


def campaign(folder: Path, tests: str, listed: str = "", source: str = TOY) -> tuple[int, str]:
    """Exit status and output of a campaign against this module with these tests."""
    folder.joinpath("toy.py").write_text(source)
    folder.joinpath("test_toy.py").write_text(tests)
    folder.joinpath("equivalents.toml").write_text(listed)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.slow
def test_tests_that_look_closely_notice_every_fault_also_one_that_never_ends(tmp_path: Path) -> None:
    status, said = campaign(tmp_path, STRONG)
    assert status == 0, said
    assert "survived" not in said
    assert said.splitlines()[-1].split("  ")[-1].startswith("killed ")
    assert said.endswith("= 100.0 %\n")
    assert "(it computes for ever) toy.py:9 countdown\n    - start -= 1\n    + pass" in said
    assert "(test_toy.py::test_long) toy.py:2 on import\n    - LIMIT = 3\n    + LIMIT = 4" in said.replace(
        f"{tmp_path}/", ""
    )


def test_a_fault_that_nobody_notices_is_shown_and_fails_the_campaign(tmp_path: Path) -> None:
    status, said = campaign(tmp_path, WEAK, source=TOY.replace("start -= 1", "start = start - 1"))
    assert status == 1
    assert "survived (every test passes) toy.py:2 on import\n    - LIMIT = 3\n    + LIMIT = 4" in said


def test_code_that_no_test_comes_by_survives(tmp_path: Path) -> None:
    source = "def used():\n    return 1\n\ndef unused(a):\n    return a + 1\n"
    status, said = campaign(tmp_path, "import toy\n\ndef test_used():\n    assert toy.used() == 1\n", source=source)
    assert status == 1
    assert said.count("survived (no test comes there)") == 2 * 3  # as they come, and in the list
    assert said.endswith("overall  killed 1 of 4 = 25.0 %\n"), said


def test_tests_that_fail_anyway_are_noticed_before_anything_is_changed(tmp_path: Path) -> None:
    status, said = campaign(tmp_path, STRONG + "\ndef test_broken():\n    assert countdown(1) == [2]\n")
    assert status == 2
    assert said.startswith("The tests of toy do not pass as it is: ")
    assert "test_broken" in said
    assert "killed" not in said


@pytest.mark.parametrize("tests", ["", "import nowhere_to_be_found\n\ndef test_one():\n    pass\n"])
def test_tests_that_are_none_are_noticed_too(tmp_path: Path, tests: str) -> None:
    status, said = campaign(tmp_path, tests)
    assert status == 2
    assert said.startswith("The tests of toy do not pass as it is: ")


ENTRY = """
[[equivalent]]
module = "toy"
function = ""
before = "LIMIT = 3"
after = "LIMIT = {}"
reason = "Nobody counts that far."
"""


def test_an_equivalent_is_left_out_and_the_list_is_held_to_it(tmp_path: Path) -> None:
    source = "LIMIT = 3\n\ndef first(found):\n    return found[0]\n"
    tests = "import toy\n\ndef test_first():\n    assert toy.first('ab') == 'a'\n"
    status, said = campaign(tmp_path, tests, ENTRY.format(4), source)
    assert (status, said.splitlines()[-1]) == (0, "overall  killed 2 of 2 = 100.0 %, and 1 equivalent are left out")
    status, said = campaign(tmp_path, tests, ENTRY.format(4) + ENTRY.format(5), source)
    assert status == 1
    assert "listed as equivalent, but not in the module: on import\n    - LIMIT = 3\n    + LIMIT = 5" in said
    status, said = campaign(tmp_path, tests + "    assert toy.LIMIT == 3\n", ENTRY.format(4), source)
    assert status == 1
    assert "listed as equivalent, but noticed by" in said


def test_each_equivalent_has_a_reason_and_stands_once(tmp_path: Path) -> None:
    listed = tmp_path / "equivalents.toml"
    listed.write_text(ENTRY.format(4))
    assert equivalents.read(listed) == {Key("toy", "", "LIMIT = 3", "LIMIT = 4"): "Nobody counts that far."}
    listed.write_text(ENTRY.format(4) * 2)
    with pytest.raises(ValueError, match="stands there twice"):
        equivalents.read(listed)
    listed.write_text(ENTRY.format(4).replace("Nobody counts that far.", " "))
    with pytest.raises(ValueError, match="has no reason"):
        equivalents.read(listed)
    assert equivalents.read(), "and so does ours"
