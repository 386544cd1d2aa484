"""A process that has to end while it ends says nothing of it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

ENDS = """
import asyncio, os, signal, sys
from gateway.linux.process import hear_no_signal

async def work():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: None)
    if sys.argv[1] == "peacefully":
        hear_no_signal()
    # The loop's end begins with the pipe that signals wake it by, as it stands in asyncio.
    loop._close_self_pipe()
    os.kill(os.getpid(), signal.SIGTERM)
    loop._make_self_pipe()

asyncio.run(work())
"""


@pytest.mark.parametrize("how", ["peacefully", "with a trace"])
def test_a_signal_at_the_very_end_leaves_no_trace(how: str) -> None:
    done = subprocess.run([sys.executable, "-c", ENDS, how], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert ("signal wakeup fd" in done.stderr) is (how == "with a trace"), "without it there is something to see"
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN, "this process hears as before"
