"""Both upstreams are dead for a long time: what is blocked is blocked, what is known is answered, and it is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.faulty import BLOCKED, KNOWN, OPEN, ROUNDS, STOPPED, TABLE, Acknowledged, Row, Televisions, page
from tests.support.box import RunningBox
from tests.support.client import addresses, ask
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

LONG = 120.0 if ROUNDS else 3.0
SHORT = {"*.example.com": ["1 A 198.51.100.9"]}
SERVFAIL = 2


def test_two_upstreams_that_are_silent_for_long(tmp_path: Path) -> None:
    row = Row(f"two upstreams dead for {LONG:g} s")
    TABLE.append(row)
    with (
        Upstream(SHORT) as first,
        Upstream(SHORT) as second,
        RunningBox(tmp_path / "data", ["--upstream", first.url, "--upstream", second.url]) as box,
    ):
        acknowledged = Acknowledged(box)
        assert acknowledged.click(STOPPED)
        assert addresses(ask(KNOWN, server=box.dns)) == OPEN
        for each in (first, second):
            each.fail_all(drop=True)
        with Televisions(box, row) as televisions:
            ends = time.monotonic() + LONG
            new = ask("never-asked.example.com", server=box.dns)
            assert new.rcode() == SERVFAIL, "silence would be worse: a television asks again at once"
            assert acknowledged.click("meanwhile.example.com")
            assert addresses(ask("meanwhile.example.com", server=box.dns)) == BLOCKED
            for each in (first, second):
                text = f"The upstream {each.url} does not answer"
                wait_until(lambda text=text: text in page(box), text, shows=lambda: page(box))
            row.reads = "The upstream … does not answer"
            while time.monotonic() < ends:
                televisions.go_on()
            assert addresses(ask(KNOWN, server=box.dns)) == OPEN, "an old answer is better than none"
            assert "Filtering on" in page(box)
        for each in (first, second):
            each.heal()
        wait_until(lambda: addresses(ask("again.example.com", server=box.dns)) == OPEN, "new names are answered again")
        wait_until(lambda: "does not answer" not in page(box), "and nothing else is said", shows=lambda: page(box))
        assert acknowledged.missing() == []
        row.kept = f"all {len(acknowledged.rules)} rules kept"
