"""A sealed file is whole and genuine, or it is nothing."""

from __future__ import annotations

import io

import pytest

from gateway.commands import sealing
from gateway.commands.sealing import MAGIC, Sealed, open_sealed
from gateway.errors import SettingsError

PASSPHRASE = "a long passphrase"
PIECE = 1000


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_PIECE", PIECE)


def sealed(content: bytes, step: int = 333) -> bytes:
    target = io.BytesIO()
    writer = Sealed(target, PASSPHRASE)
    for at in range(0, len(content), step):
        writer.write(content[at : at + step])
    writer.finish()
    return target.getvalue()


def opened(raw: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return b"".join(open_sealed(io.BytesIO(raw), passphrase))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
def test_what_was_sealed_comes_back(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    assert opened(sealed(content)) == content


def test_two_files_of_the_same_content_have_nothing_in_common() -> None:
    one, other = sealed(b"x" * 100), sealed(b"x" * 100)
    assert one[len(MAGIC) :] != other[len(MAGIC) :]
    assert b"xxxx" not in one


def test_another_passphrase_opens_nothing() -> None:
    raw = sealed(b"secret")
    for wrong in ("a long passphras", "A long passphrase", "", "x" * 5000):
        with pytest.raises(SettingsError, match="not right"):
            opened(raw, wrong)


@pytest.mark.parametrize("where", [len(MAGIC), len(MAGIC) + 16, len(MAGIC) + 23, -1])
def test_a_changed_bit_is_found(where: int) -> None:
    raw = bytearray(sealed(b"secret" * 1000))
    raw[where] ^= 1
    with pytest.raises(SettingsError):
        opened(bytes(raw))


def test_pieces_are_not_left_out_swapped_repeated_or_cut_off() -> None:
    raw = sealed(bytes(range(250)) * 16)
    head, one = raw[: len(MAGIC) + 23], PIECE + 16
    pieces = [raw[len(head) + at : len(head) + at + one] for at in range(0, len(raw) - len(head), one)]
    assert len(pieces) == 4
    for order in ([0, 1, 2], [1, 0, 2, 3], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [3], []):
        with pytest.raises(SettingsError):
            opened(head + b"".join(pieces[number] for number in order))
    assert opened(head + b"".join(pieces)) == bytes(range(250)) * 16


@pytest.mark.parametrize("passphrase", ["", "short", "x" * 1025])
def test_a_passphrase_that_keeps_nothing_is_refused(passphrase: str) -> None:
    with pytest.raises(SettingsError, match="8 to 1024"):
        Sealed(io.BytesIO(), passphrase)
