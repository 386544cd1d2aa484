"""One form of a hardware address, whoever wrote it and in whichever way."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.model.lease import Station
from gateway.model.mac import Mac
from gateway.schema.values import from_json, to_json

SIX = st.binary(min_size=6, max_size=6)
CANONICAL = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.ASCII)


@given(SIX, st.sampled_from(":-"), st.booleans())
def test_every_spelling_of_one_card_is_the_same(packed: bytes, separator: str, capitals: bool) -> None:
    spelled = packed.hex(separator)
    mac = Mac(spelled.upper() if capitals else spelled)
    assert mac == packed.hex(":") == Mac(mac)
    assert hash(mac) == hash(packed.hex(":"))


@given(
    st.text(max_size=30) | st.text("0123456789abcdefABCDEF:-", min_size=15, max_size=19) | SIX.map(lambda b: b.hex())
)
def test_any_text_is_a_checked_address_or_none(text: str) -> None:
    mac = Mac.read(text)
    if mac is None:
        with pytest.raises(ValueError, match="is not a MAC address like"):
            Mac(text)
    else:
        assert CANONICAL.fullmatch(mac)
        assert mac == text.lower().replace("-", ":")


@given(st.binary(max_size=8))
def test_bytes_are_one_card_or_none(packed: bytes) -> None:
    mac = Mac.unpack(packed)
    assert (mac is None) == (len(packed) != 6 or not any(packed) or bool(packed[0] & 1))
    assert mac is None or bytes.fromhex(mac.replace(":", "")) == packed


@pytest.mark.parametrize("value", [None, 7, b"02:00:00:aa:bb:cc", ["02:00:00:aa:bb:cc"]])
def test_only_texts_are_read(value: object) -> None:
    assert Mac.read(value) is None
    with pytest.raises(ValueError, match="is not a MAC address like"):
        Mac(value)  # type: ignore[arg-type]


@given(SIX)
def test_a_message_gives_back_what_it_was_made_of(packed: bytes) -> None:
    station = Station(Mac(packed.hex(":")), seconds=50)
    read = from_json(Station, json.loads(json.dumps(to_json(station))), "station")
    assert read == station
    assert isinstance(read.mac, Mac)


@given(st.text(max_size=20).filter(lambda text: Mac.read(text) is None))
def test_a_message_with_another_text_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(Refused) as refused:
        from_json(Station, {**to_json(Station(Mac("02:00:00:aa:bb:cc"))), "mac": text}, "station")
    assert refused.value.field == "station.mac"
