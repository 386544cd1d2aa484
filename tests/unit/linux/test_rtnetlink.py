from __future__ import annotations

import errno
import struct

import pytest

from gateway.linux.rtnetlink import dump, read_part

_GET, _NEW, _OTHER = 30, 28, 24


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", len(body) + 16, kind, 2, 1, 0) + body + b"\0" * (-len(body) % 4)


DONE = message(3, b"\0" * 4)


def test_an_answer_of_several_rows_is_read_to_its_end() -> None:
    part = read_part(message(_NEW, b"one") + message(_NEW, b"two") + DONE, _GET)
    assert part.rows == [b"one", b"two"]
    assert part.done
    assert part.error == 0


def test_an_answer_goes_on_in_the_next_datagram() -> None:
    assert not read_part(message(_NEW, b"one"), _GET).done


def test_an_error_of_the_kernel_is_handed_on() -> None:
    part = read_part(message(2, struct.pack("=i", -1) + b"\0" * 16), _GET)
    assert part.done
    assert part.error == 1
    assert read_part(message(2, b""), _GET).error == errno.EPROTO


def test_other_messages_are_passed_over() -> None:
    assert read_part(message(_OTHER, b"\0" * 12) + message(_NEW, b"one"), _GET).rows == [b"one"]


def test_a_message_that_claims_to_be_longer_than_it_is_ends_the_reading() -> None:
    lying = struct.pack("=I", 4000) + message(_NEW, b"two")[4:]
    part = read_part(message(_NEW, b"one") + lying, _GET)
    assert part.rows == [b"one"]
    assert not part.done


def test_what_the_kernel_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="not supported"):
        dump(1 << 14, bytes(8))
