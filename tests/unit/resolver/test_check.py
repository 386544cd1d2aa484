from __future__ import annotations

import pytest

from gateway.resolver.upstream.check import Match, Noise, match

ASKED = b"\3wWw\7eXample\3com\0\0\1\0\1"


def reply(
    *, message_id: int = 7, flags: int = 0x8180, questions: int = 1, question: bytes = ASKED, rest: bytes = bytes(6)
) -> bytes:
    return message_id.to_bytes(2) + flags.to_bytes(2) + questions.to_bytes(2) + rest + question


@pytest.mark.parametrize(
    ("wire", "verdict"),
    [
        (reply(), Match.YES),
        (reply(flags=0x8183), Match.YES),
        (reply(flags=0x8380), Match.TRUNCATED),
        (reply(question=ASKED.lower()), Match.CASE),
        (reply(message_id=8), Match.NO),
        (reply(flags=0x0180), Match.NO),
        (reply(flags=0xA980), Match.NO),
        (reply(question=b"\3www\7exbmple\3com\0\0\1\0\1"), Match.NO),
        (reply(question=ASKED[:-4] + b"\0\x1c\0\1"), Match.NO),
        (reply(question=ASKED[:-1] + b"\3"), Match.NO),
        (reply(question=b""), Match.NO),
        (reply(questions=2), Match.NO),
        (reply(questions=0, question=b""), Match.NO),
        (reply(questions=0, question=b"", flags=0x8182), Match.YES),
        (reply(questions=0, question=b"", flags=0x8181), Match.NO_EDNS),
        (reply(flags=0x8181), Match.NO_EDNS),
        (reply(flags=0x8184), Match.NO_EDNS),
        (b"", Match.NO),
        (reply()[:11], Match.NO),
    ],
)
def test_an_answer_is_one_only_if_everything_fits(wire: bytes, verdict: Match) -> None:
    assert match(wire, 7, ASKED, edns=True) is verdict


def test_without_edns_a_format_error_is_an_answer() -> None:
    assert match(reply(flags=0x8181), 7, ASKED, edns=False) is Match.YES


def test_noise_never_repeats_and_comes_in_any_size() -> None:
    noise = Noise()
    taken = [noise.take(size) for size in (1, 100, 1000, 1024, 5000, 30)]
    assert [len(part) for part in taken] == [1, 100, 1000, 1024, 5000, 30]
    assert len({noise.take(8) for _ in range(1000)}) == 1000
    assert all(0 <= noise.number() <= 65535 for _ in range(100))
