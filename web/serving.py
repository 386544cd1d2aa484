"""How gunicorn serves the dashboard: one worker, for one subscription, and threads enough for the streams."""

from __future__ import annotations

import logging
import signal
from types import FrameType
from typing import Any, cast

from web.stream import MAX_STREAMS, Broadcaster

THREADS = MAX_STREAMS + 12
"""A thread for every stream, and twelve for everything else."""


def settle_in(worker: Any) -> None:
    """Gunicorn's hook `post_worker_init`: silent visitors are nobody's news, and on SIGTERM streams end at once.

    A visitor who sends half a request and falls silent is hung up on when the listener's patience is over; gunicorn
    would log each of them as an error with its trace. And a worker with an open stream, which never ends by itself,
    would be killed when `graceful_timeout` is over. What pages keep open after that, gunicorn closes itself.
    """
    worker.log.error_log.addFilter(_is_news)
    broadcaster = cast(Broadcaster, worker.wsgi.extensions["telltale.stream"])
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, where: FrameType | None) -> None:
        broadcaster.stop()
        if callable(before):
            before(number, where)

    signal.signal(signal.SIGTERM, stop)


def _is_news(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, BlockingIOError | TimeoutError)
