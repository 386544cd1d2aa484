"""Where what belongs to an answer ends: counts, classes, signatures, places in a chain, and what an answer is worth."""

from __future__ import annotations

import dns.message
import pytest

from gateway.errors import WireError
from gateway.wire.bailiwick import MAX_ALIASES, AnswerKind, Pertinent, is_plain, pertinent
from gateway.wire.peek import peek_response
from tests.support.written import spelled_out

OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
NAME = "www.example.com"
SOA = "example.com. 60 SOA ns.example.com. host.example.com. 1 2 3 4 5"
SIGNATURE = "8 3 60 20300101000000 20200101000000 1 {}. AAAA"


def seen(
    *answer: str, authority: tuple[str, ...] = (), name: str = NAME, rtype: str = "A", rcode: int = 0, opt: bytes = b""
) -> Pertinent:
    wire = spelled_out(name, rtype, answer, authority, compressed=True, rcode=rcode, opt=opt)
    return pertinent(wire, peek_response(wire))


def lines(found: Pertinent) -> tuple[list[str], list[str]]:
    message = dns.message.from_wire(found.wire, one_rr_per_rrset=True)
    answer, authority = (
        [each.to_text().replace(" IN ", " ") for each in part] for part in (message.answer, message.authority)
    )
    return answer, authority


def plain(*answer: str, name: str = NAME, rtype: str = "A") -> bool:
    wire = spelled_out(name, rtype, answer, compressed=True)
    return is_plain(wire, peek_response(wire))


def test_as_many_aliases_as_a_client_may_wait_for() -> None:
    assert MAX_ALIASES == 32


def test_a_long_record_is_read_to_its_end() -> None:
    texts = [f'{NAME}. 60 TXT "{"x" * 200}" "{"y" * 200}{n}"' for n in range(3)]
    assert plain(*texts, rtype="TXT")


def test_records_that_differ_only_at_one_end_are_two() -> None:
    assert plain(f"{NAME}. 60 A 1.0.2.1", f"{NAME}. 60 A 2.0.2.1")
    assert plain(f"{NAME}. 60 A 192.0.2.1", f"{NAME}. 60 A 192.0.2.2")
    assert not plain(f"{NAME}. 60 A 192.0.2.1", f"{NAME}. 60 A 192.0.2.1")
    assert not plain(f"{NAME}. 60 A 192.0.2.1", f"{NAME}. 30 A 192.0.2.1"), "whatever their TTLs"


def test_nothing_is_not_plain() -> None:
    assert not plain()
    wire = spelled_out(NAME, "A", (), [SOA], compressed=True)
    assert not is_plain(wire, peek_response(wire))


def test_our_letters_in_the_question_alone_change_nothing() -> None:
    assert plain("wWw.example.com. 60 MX 1 mx.example.net.", name="wWw.example.com", rtype="MX")
    assert not plain("Www.example.com. 60 MX 1 Www.example.net.", name="Www.example.com", rtype="MX")


def test_types_and_classes_beyond_a_byte() -> None:
    record = rf"{NAME}. 60 TYPE65280 \# 1 00"
    signature = f"{NAME}. 60 RRSIG TYPE65280 {SIGNATURE.format('example.com')}"
    assert lines(seen(record, f"{NAME}. 60 A 192.0.2.1", rtype="TYPE65280"))[0] == [record]
    assert lines(seen(record, signature, rtype="TYPE65280"))[0] == [record, signature]


@pytest.mark.parametrize("kept", [True, False])
def test_a_record_is_of_the_class_that_was_asked_for(kept: bool) -> None:
    wire = bytearray(spelled_out(NAME, "A", [f"{NAME}. 60 A 192.0.2.1"], compressed=True))
    question_end = 12 + len(NAME) + 6
    wire[question_end - 2 : question_end] = b"\1\1"
    wire[question_end + 4 : question_end + 6] = b"\1\1" if kept else b"\0\1"
    found = pertinent(bytes(wire), peek_response(bytes(wire)))
    assert found.wire[6:8] == (b"\0\1" if kept else b"\0\0")


def test_a_section_may_have_more_than_a_byte_of_records() -> None:
    servers = tuple(f"example.com. 60 NS ns{n}.example.com." for n in range(300))
    assert lines(seen(authority=(*servers, SOA), rcode=3)) == ([], [SOA])


ALIAS = f"{NAME}. 60 CNAME a.example.net."
SERVERS = "example.com. 60 NS ns.example.com."
NSEC = "aaa.example.com. 60 NSEC zzz.example.com. A"


@pytest.mark.parametrize(
    ("answer", "authority", "rcode", "kind"),
    [
        ((f"{NAME}. 60 A 192.0.2.1",), (), 0, AnswerKind.WHOLE),
        ((f"{NAME}. 60 A 192.0.2.1",), (SERVERS,), 0, AnswerKind.WHOLE),
        ((ALIAS, "a.example.net. 60 A 192.0.2.1"), (), 0, AnswerKind.WHOLE),
        ((ALIAS,), (), 0, AnswerKind.HALF),
        ((ALIAS,), (SERVERS,), 0, AnswerKind.HALF),
        ((ALIAS,), (SOA,), 0, AnswerKind.WHOLE),
        ((ALIAS,), (SOA, NSEC), 0, AnswerKind.WHOLE),
        ((ALIAS,), (NSEC,), 0, AnswerKind.HALF),
        ((ALIAS,), (), 3, AnswerKind.WHOLE),
        ((), (), 0, AnswerKind.WHOLE),
        ((), (SOA,), 0, AnswerKind.WHOLE),
        ((), (SOA, NSEC), 0, AnswerKind.WHOLE),
        ((), (SERVERS, SOA), 0, AnswerKind.WHOLE),
        ((), (SERVERS,), 0, AnswerKind.REFERRAL),
        ((), (f"{NAME}. 60 NS ns.example.com.",), 0, AnswerKind.REFERRAL),
        ((), (". 60 NS a.root-servers.net.",), 0, AnswerKind.REFERRAL),
        ((), (SERVERS, "example.com. 60 TXT x"), 0, AnswerKind.REFERRAL),
        ((), (SERVERS,), 3, AnswerKind.WHOLE),
        ((), ("victim.example. 60 NS ns.example.com.",), 0, AnswerKind.WHOLE),
        ((), ("example.com. 60 TXT x",), 0, AnswerKind.WHOLE),
        ((ALIAS, "a.example.net. 60 CNAME www.example.com."), (), 0, AnswerKind.ENDLESS),
    ],
)
def test_what_an_answer_is_worth(
    answer: tuple[str, ...], authority: tuple[str, ...], rcode: int, kind: AnswerKind
) -> None:
    assert seen(*answer, authority=authority, rcode=rcode).kind is kind


@pytest.mark.parametrize("records", [((), (SERVERS,)), ((ALIAS, "a.example.net. 60 CNAME www.example.com."), ())])
@pytest.mark.parametrize("flags", [0x8180, 0x85B0, 0x81F0])
def test_what_leads_nowhere_is_a_failure_without_records(
    records: tuple[tuple[str, ...], tuple[str, ...]], flags: int
) -> None:
    wire = spelled_out(NAME, "A", *records, flags=flags)
    question_end = 12 + len(NAME) + 6
    found = pertinent(wire, peek_response(wire)).wire
    assert found == wire[:2] + (flags | 2).to_bytes(2) + b"\0\1" + bytes(6) + wire[12:question_end]


def test_a_circle_that_says_another_error_fails_all_the_same() -> None:
    circle = (ALIAS, "a.example.net. 60 CNAME www.example.com.")
    assert [seen(*circle, rcode=rcode).wire[3] & 0x0F for rcode in (0, 1, 3, 5)] == [2, 2, 2, 2]


@pytest.mark.parametrize("opt", [b"", OPT])
def test_what_is_well_written_comes_back_as_it_is(opt: bytes) -> None:
    chain = (ALIAS, "a.example.net. 60 A 192.0.2.1")
    for answer, authority in ((chain, ()), ((), (SOA,)), ((ALIAS,), (SOA,))):
        wire = spelled_out(NAME, "A", answer, authority, compressed=True, opt=opt)
        assert pertinent(wire, peek_response(wire)).wire is wire


def test_records_beside_the_opt_record_go() -> None:
    wire = bytearray(spelled_out(NAME, "A", [ALIAS, "a.example.net. 60 A 192.0.2.1"], compressed=True))
    wire += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
    wire[11] = 1
    found = pertinent(bytes(wire), peek_response(bytes(wire))).wire
    assert (found[10:12], len(found)) == (b"\0\0", len(wire) - 16)


def test_owners_in_full_are_written_anew_and_shorter() -> None:
    answer = (ALIAS, "a.example.net. 60 A 192.0.2.1", "a.example.net. 60 A 192.0.2.2")
    wire = spelled_out(NAME, "A", answer)
    found = pertinent(wire, peek_response(wire))
    assert found.wire == seen(*answer).wire
    negative = spelled_out(NAME, "A", (), [SOA], rcode=3)
    assert pertinent(negative, peek_response(negative)).wire == seen(authority=(SOA,), rcode=3).wire


def test_our_letters_are_written_anew() -> None:
    answer = ["Www.example.com. 60 CNAME Www.example.net.", "Www.example.net. 60 A 192.0.2.1"]
    wire = spelled_out("Www.example.com", "A", answer, compressed=True)
    assert b"\3Www" not in pertinent(wire, peek_response(wire)).wire[33:]


OLD = "x.old.example"


def test_each_record_comes_to_its_place_in_the_chain() -> None:
    chain = [
        f"{NAME}. 60 CNAME {OLD}.",
        "old.example. 60 DNAME new.example.",
        f"{OLD}. 60 CNAME x.new.example.",
        "x.new.example. 60 A 192.0.2.1",
        "x.new.example. 60 A 192.0.2.2",
    ]
    for order in ([0, 1, 2, 3, 4], [1, 0, 2, 3, 4], [0, 2, 1, 3, 4], [3, 4, 2, 1, 0], [3, 1, 4, 0, 2]):
        assert lines(seen(*(chain[n] for n in order)))[0] == chain


def test_a_dname_of_the_root_and_of_the_name_itself() -> None:
    root = ". 60 DNAME new.example."
    assert lines(seen(root, f"{NAME}. 60 CNAME {NAME}.new.example."))[0][0] == root
    own = f"{NAME}. 60 DNAME new.example."
    assert lines(seen(own, f"{NAME}. 60 A 192.0.2.1"))[0] == [f"{NAME}. 60 A 192.0.2.1"], "it speaks of what is below"


def test_a_zone_s_word_that_nothing_is_there_goes_where_something_is() -> None:
    for rtype in ("A", "ANY"):
        assert lines(seen(f"{NAME}. 60 A 192.0.2.1", authority=(SOA,), rtype=rtype))[1] == []
    assert lines(seen(f"{NAME}. 60 AAAA 2001:db8::1", authority=(SOA,))) == ([], [SOA])


def signed(owner: str, covers: str, zone: str) -> str:
    return f"{owner}. 60 RRSIG {covers} {SIGNATURE.format(zone)}"


@pytest.mark.parametrize(
    ("authority", "kept"),
    [
        ((SOA, NSEC), 2),
        ((SOA, signed("example.com", "SOA", "example.com"), NSEC, signed("aaa.example.com", "NSEC", "example.com")), 4),
        ((NSEC, signed("aaa.example.com", "NSEC", "example.com")), 2),
        ((SOA, "0123456789abcdefghijklmnopqrstuv.example.com. 60 NSEC3 1 0 0 - 1123456789abcdefghijklmnopqrstuv A"), 2),
        ((". 60 SOA a.root-servers.net. x. 1 2 3 4 5", "aaa. 60 NSEC zzz. NS"), 2),
        (("victim.net. 60 SOA ns.evil.net. x. 1 2 3 4 5", "a.victim.net. 60 NSEC z.victim.net. A"), 0),
        (("a.victim.net. 60 NSEC z.victim.net. A", signed("a.victim.net", "NSEC", "victim.net")), 0),
        ((SOA, signed("example.com", "NS", "example.com")), 1),
        ((SERVERS, SOA), 1),
    ],
)
def test_the_proofs_of_the_zones_that_the_chain_leads_through(authority: tuple[str, ...], kept: int) -> None:
    found = lines(seen(authority=authority, rcode=3))[1]
    assert len(found) == kept
    assert [line.lower() for line in found] == [
        line.lower() for line in authority if line.lower() in map(str.lower, found)
    ]


def with_signature(size: int, *, section: int) -> bytes:
    """A response with one RRSIG record whose data is cut off after so many bytes: it covers A."""
    wire = bytearray(spelled_out(NAME, "A", [f"{NAME}. 60 A 192.0.2.1"] if section == 6 else (), compressed=True))
    wire += b"\xc0\x0c\0\x2e\0\1\0\0\0\x3c" + size.to_bytes(2) + b"\0\1" + bytes(size - 2)
    wire[section : section + 2] = (int.from_bytes(wire[section : section + 2]) + 1).to_bytes(2)
    return bytes(wire)


@pytest.mark.parametrize(("size", "kept"), [(4, 1), (17, 1), (18, 2), (19, 2)])
def test_a_signature_that_is_cut_off_covers_nothing(size: int, kept: int) -> None:
    wire = with_signature(size, section=6)
    assert int.from_bytes(pertinent(wire, peek_response(wire)).wire[6:8]) == kept


@pytest.mark.parametrize("size", [4, 17, 18])
def test_a_proof_that_is_cut_off_is_no_message(size: int) -> None:
    wire = with_signature(size, section=8)
    with pytest.raises(WireError, match="signature in this response is cut off"):
        pertinent(wire, peek_response(wire))
