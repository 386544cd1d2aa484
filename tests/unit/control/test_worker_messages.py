"""Lookups come through as they were; whatever else comes through is refused in one sentence."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.worker_messages import (
    MAX_FRAME,
    BatchReader,
    BatchWriter,
    Unframer,
    frame,
    names_from_json,
    names_to_json,
)
from gateway.errors import ControlError
from gateway.model.device_names import DeviceNames
from gateway.model.lookup import Facts, LogBatch
from gateway.model.response import Source
from gateway.model.verdict import Action, Reason, Verdict

BLOCKED = Verdict(
    Action.BLOCK, Reason.BLOCK_LIST, "||ads.example^", None, ("A", "B"), "Ads Inc", "acr", "hidden.example"
)
ADS = Facts("ads.example", 1, 0, Source.POLICY, BLOCKED)
PLAIN = Facts("www.example", 28, 3, Source.CACHE, Verdict(Action.ALLOW, Reason.NOTHING), ("x.example",), (b"\1\2\3\4",))
WHEN = 1_795_000_000.25


def content(facts: Facts) -> tuple[Any, ...]:
    return facts.name, facts.qtype, facts.rcode, facts.source, facts.verdict, facts.targets, facts.addresses


def through(
    packer: BatchWriter, unpacker: BatchReader, rows: list[Any], batches: list[LogBatch]
) -> tuple[list[Any], list[LogBatch]]:
    (message,) = Unframer().feed(frame("log", packer.pack(rows, batches)))
    return unpacker.unpack(message[1])


def test_rows_and_batches_come_through_and_what_is_common_is_reported_once() -> None:
    packer, unpacker = BatchWriter(), BatchReader()
    batch = LogBatch(WHEN, ["192.0.2.1", "192.0.2.2", "192.0.2.1"], [ADS, PLAIN, ADS], 0.00002)
    rows, batches = through(packer, unpacker, [(WHEN, "192.0.2.3", PLAIN, 0.01)], [batch])
    assert [(when, client, content(facts), late) for when, client, facts, late in rows] == [
        (WHEN, "192.0.2.3", content(PLAIN), 0.01)
    ]
    assert (batches[0].when, batches[0].clients, batches[0].latency) == (WHEN, batch.clients, 0.00002)
    assert [content(each) for each in batches[0].facts] == [content(ADS), content(PLAIN), content(ADS)]
    assert batches[0].facts[0] is batches[0].facts[2]
    again = packer.pack([], [batch])
    assert (again["facts"], again["clients"]) == ([], [])
    assert unpacker.unpack(again)[1][0].facts == batches[0].facts, "the very same objects: the journal knows them"
    (_, (of_one,)) = through(packer, unpacker, [], [LogBatch(WHEN, ["192.0.2.9"], [ADS, PLAIN], 0.0)])
    assert [client for client, _ in of_one.pairs()] == ["192.0.2.9"] * 2


def test_the_numbers_begin_anew_before_they_fill_the_memory() -> None:
    packer, unpacker = BatchWriter(most=10), BatchReader(most=10)
    for number in range(100):
        facts = Facts(f"n{number}.example", 1, 0, Source.CACHE, BLOCKED)
        _, (batch,) = through(packer, unpacker, [], [LogBatch(WHEN, ["192.0.2.1"], [facts], 0.0)])
        assert content(batch.facts[0]) == content(facts)
    assert len(packer._facts) <= 11
    assert len(unpacker._facts) <= 11


def test_the_names_of_devices_come_through() -> None:
    salon, kitchen = ip_address("192.168.7.20"), ip_address("fd00::20")
    owners = {salon: "salon.lan", kitchen: "salon.lan"}
    named = DeviceNames("lan", {"salon.lan": (salon, kitchen), "kitchen.lan": ()}, owners, complete=True)
    for each in (named, DeviceNames()):
        assert names_from_json(json.loads(json.dumps(names_to_json(each)))) == each


def test_frames_are_put_together_from_any_pieces() -> None:
    stream = frame("done", 7) + frame("counts", {"a": [1, None]}) + frame("end", None)
    unframer = Unframer()
    got = [message for at in range(len(stream)) for message in unframer.feed(stream[at : at + 1])]
    assert got == [("done", 7), ("counts", {"a": [1, None]}), ("end", None)]


@pytest.mark.parametrize(
    "stream",
    [
        (MAX_FRAME + 1).to_bytes(4), (3).to_bytes(4) + b"{}x", (2).to_bytes(4) + b"{}", (5).to_bytes(4) + b"[1,2]",
        (9).to_bytes(4) + b"\xff" * 9, (100_000).to_bytes(4) + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(stream: bytes) -> None:
    with pytest.raises(ControlError, match="no sense"):
        list(Unframer().feed(stream))


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(stream: bytes) -> None:
    try:
        list(Unframer().feed(stream))
    except ControlError:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
BATCH = st.tuples(JSON, JSON, st.lists(st.integers(-3, 3)) | JSON, st.lists(st.integers(-3, 3)) | JSON).map(list)
FACTS = st.tuples(st.text(max_size=5), st.integers(), st.integers(), st.sampled_from(["cache", "x"]), JSON, JSON, JSON)
MESSAGE = st.fixed_dictionaries(
    {
        "anew": st.booleans(),
        "facts": st.lists(FACTS.map(list), max_size=2) | JSON,
        "clients": st.lists(st.text(max_size=4), max_size=3) | JSON,
        "batches": st.lists(BATCH, max_size=3) | JSON,
        "rows": st.lists(st.lists(JSON, min_size=4, max_size=4), max_size=2) | JSON,
    }
)


@given(MESSAGE | JSON)
def test_no_message_gives_anything_but_rows_or_a_refusal(value: Any) -> None:
    try:
        rows, batches = BatchReader().unpack(value)
    except ControlError:
        return
    assert all(isinstance(client, str) and isinstance(facts, Facts) for _, client, facts, _ in rows)
    for batch in batches:
        assert len(list(batch.pairs())) == len(batch.facts)
        assert batch.when == batch.when
