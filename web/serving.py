"""How gunicorn serves the dashboard: one worker, for one subscription, and threads enough for the streams."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any, cast

from web.stream import MAX_STREAMS, Broadcaster

THREADS = MAX_STREAMS + 12
"""A thread for every stream, and twelve for everything else."""


def end_streams_with(worker: Any) -> None:
    """Gunicorn's hook `post_worker_init`: on SIGTERM streams end at once.

    Without it a worker with an open stream, which never ends by itself, is killed when `graceful_timeout` is over.
    """
    broadcaster = cast(Broadcaster, worker.wsgi.extensions["telltale.stream"])
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, where: FrameType | None) -> None:
        broadcaster.stop()
        if callable(before):
            before(number, where)

    signal.signal(signal.SIGTERM, stop)
