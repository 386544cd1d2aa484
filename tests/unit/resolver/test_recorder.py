from __future__ import annotations

import asyncio
from collections import deque

import pytest

from gateway.errors import UpstreamTimeout, WireError
from gateway.model.lookup import Facts, LogBatch, LogRow
from gateway.model.response import Source
from gateway.model.verdict import ALLOWED
from gateway.resolver.recorder import Recorder
from tests.unit.resolver.stage import Below, answer, down
from tests.unit.wire.samples import query

FACTS = Facts("x", 1, 0, Source.CACHE, ALLOWED)


def make(limit: int = 100, now: float = 5.25) -> tuple[Recorder, deque[LogRow]]:
    log: deque[LogRow] = deque()
    return Recorder(log, limit, clock=lambda: now, wall=lambda: 1_000_000.0), log


def test_a_finished_query_is_one_row() -> None:
    recorder, log = make()
    asked = query("www.example.com", at=5.0)
    asyncio.run(
        recorder.resolve(
            asked, Below(answer(asked, "www.example.com. 60 CNAME a.example.", "a.example. 60 A 192.0.2.1"))
        )
    )
    ((when, client, facts, latency),) = log
    assert (when, client, latency) == (999_999.75, "192.168.7.20", 0.25)
    assert (facts.name, facts.qtype, facts.rcode, facts.source) == ("www.example.com", 1, 0, Source.UPSTREAM)
    assert facts.targets == ("a.example",)


@pytest.mark.parametrize(("error", "ede"), [(down(), 23), (UpstreamTimeout("nobody answers"), 22)])
def test_a_failure_below_is_an_answer_above(error: Exception, ede: int) -> None:
    recorder, log = make()
    response = asyncio.run(recorder.resolve(query("www.example.com"), Below(error)))
    assert (response.rcode, response.source, response.ede) == (2, Source.ERROR, ede)
    assert len(log) == 1


@pytest.mark.expects_log("a query could not be answered")
def test_a_mistake_of_ours_costs_one_answer_and_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    recorder, log = make()
    for _ in range(3):
        response = asyncio.run(recorder.resolve(query("www.example.com"), Below(KeyError("oops"))))
        assert (response.rcode, response.ede) == (2, 0)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert recorder.errors == 3
    assert len(log) == 3


def test_silence_passes_and_is_no_lookup() -> None:
    recorder, log = make()
    with pytest.raises(WireError):
        asyncio.run(recorder.resolve(query("www.example.com"), Below(WireError("a stranger"))))
    assert not log


def test_a_full_log_drops_rows_and_counts_them() -> None:
    recorder, log = make(limit=5)
    row = (0.0, "c", FACTS, 0.0)
    recorder.extend([row] * 3)
    recorder.bind(0.0, ["c"] * 4, [FACTS] * 4, 0.0)
    recorder.extend([row] * 4)
    asked = query("www.example.com")
    asyncio.run(recorder.resolve(asked, Below(answer(asked))))
    assert len(log) == 5
    assert recorder.dropped == 7


def test_what_the_fast_path_answered_at_once_is_one_batch() -> None:
    batches: deque[LogBatch] = deque()
    recorder = Recorder(deque(), 100, batches=batches, clock=lambda: 0.0, wall=lambda: 0.0)
    recorder.bind(1.5, ["a", "b"], [FACTS, FACTS], 0.25)
    (batch,) = batches
    assert (batch.when, batch.clients, batch.facts, batch.latency) == (1.5, ["a", "b"], [FACTS, FACTS], 0.25)


def test_of_a_batch_that_one_client_asked_for_it_is_named_once() -> None:
    batches: deque[LogBatch] = deque()
    recorder = Recorder(deque(), 100, batches=batches, clock=lambda: 0.0, wall=lambda: 0.0)
    for clients in (["a"] * 3, ["a", "a", "b"], ["a"]):
        recorder.bind(1.5, list(clients), [FACTS] * len(clients), 0.25)
        assert list(batches.pop().pairs()) == [(client, FACTS) for client in clients]
    recorder.bind(1.5, ["a"] * 64, [FACTS] * 64, 0.25)
    assert batches.pop().clients == ["a"]


def test_batches_are_bounded_too() -> None:
    batches: deque[LogBatch] = deque()
    recorder = Recorder(deque(), 32, batches=batches, clock=lambda: 0.0, wall=lambda: 0.0)
    for _ in range(3):
        recorder.bind(0.0, ["a"] * 64, [FACTS] * 64, 0.0)
    assert len(batches) == 2
    assert recorder.dropped == 64
