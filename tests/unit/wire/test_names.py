from __future__ import annotations

import dns.name
import pytest

from gateway.errors import WireError
from gateway.wire.names import read_labels, read_name, skip_name

HEADER = bytes(12)


def test_a_name_is_read_in_its_canonical_spelling() -> None:
    wire = HEADER + b"\3WWW\7ExAmPlE\3com\0rest"
    assert read_name(wire, 12) == ("www.example.com", 29)
    assert skip_name(wire, 12) == 29


def test_the_root_is_the_empty_text() -> None:
    assert read_name(HEADER + b"\0", 12) == ("", 13)


def test_a_compressed_name_follows_the_pointer_and_ends_behind_it() -> None:
    wire = HEADER + b"\7example\3com\0" + b"\3www\xc0\x0c" + b"x"
    assert read_name(wire, 25) == ("www.example.com", 31)
    assert skip_name(wire, 25) == 31


def test_dots_and_odd_bytes_inside_a_label_do_not_make_another_name() -> None:
    """A label may hold any byte (RFC 2181 section 11); a dot in one must not look like two labels."""
    wire = HEADER + b"\3a.b\3com\0"
    assert read_name(wire, 12)[0] == r"a\.b.com"
    wire = HEADER + b"\4\xff\x00B \0"
    assert read_name(wire, 12)[0] == r"\255\000b\032"


@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x0c",  # points at itself
        b"\1a\xc0\x0c",  # loops
        b"\xc0\x20",  # forward
        b"\xc0",  # cut inside the pointer
        b"\5abc",  # cut inside a label
        b"\3abc",  # no end
        b"\x41abc\0",  # label type 01 (RFC 6891 removed it)
        b"\x80a\0",  # label type 10
        b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\x3f" + b"c" * 63 + b"\x3f" + b"d" * 63 + b"\0",  # 257 bytes
        b"",
    ],
)
def test_a_broken_name_is_refused_by_everyone(name: bytes) -> None:
    wire = HEADER + name
    with pytest.raises(WireError):
        read_name(wire, 12)
    with pytest.raises(WireError):
        skip_name(wire, 12)


def test_pointers_that_lead_to_each_other_end() -> None:
    wire = HEADER + b"\xc0\x0e\xc0\x0c"
    with pytest.raises(WireError):
        read_labels(wire, 14)


def test_the_longest_legal_name_is_read() -> None:
    labels = [b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61]
    wire = HEADER + dns.name.Name([*labels, b""]).to_wire()
    assert read_labels(wire, 12) == (labels, 12 + 255)
    assert skip_name(wire, 12) == 12 + 255


def test_a_question_may_not_be_compressed_where_that_is_asked_for() -> None:
    wire = HEADER + b"\3com\0" + b"\1a\xc0\x0c"
    assert read_name(wire, 17)[0] == "a.com"
    with pytest.raises(WireError):
        read_name(wire, 17, pointers=False)
