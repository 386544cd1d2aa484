"""Behind us the real unbound, which validates: authentic data is marked as such, forged data never arrives."""

from __future__ import annotations

from collections.abc import Iterator

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype
import pytest

from gateway.resolver.options import ResolverOptions
from tests.support.client import addresses, ask
from tests.support.running_unbound import MISSING, UNBOUND, RunningUnbound
from tests.support.serving import Serving
from tests.support.signing import SignedZone
from tests.support.upstream import Upstream
from tests.support.zone import Reply

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not UNBOUND.exists(), reason=MISSING)]
TRUSTING = ResolverOptions(rebinding_protection=False, trust_ad=True)


@pytest.fixture(scope="module")
def unbound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an unbound that trusts the key of signed.example and asks a server of ours about everything."""
    zone = SignedZone("signed.example")
    answers = {
        ("signed.example", "DNSKEY"): zone.signed(zone.key),
        ("www.signed.example", "A"): zone.signed("www.signed.example. 60 A 192.0.2.1"),
        ("forged.signed.example", "A"): zone.signed("forged.signed.example. 60 A 192.0.2.2", spoiled=True),
        ("plain.example", "A"): ("plain.example. 60 A 192.0.2.3",),
    }

    def say(name: str, rtype: str) -> Reply | None:
        lines = answers.get((name.lower(), rtype))
        return None if lines is None else Reply(lines)

    settings = f"""  module-config: "validator iterator"
  trust-anchor: "{zone.trust_anchor()}"
  ede: yes"""
    folder = tmp_path_factory.mktemp("unbound")
    with Upstream(say) as authority, RunningUnbound(folder, authority.port, server=settings) as running:
        yield running.url


def errors_of(answer: dns.message.Message) -> list[int]:
    return [int(option.code) for option in answer.options if isinstance(option, dns.edns.EDEOption)]


def test_validated_data_is_marked_as_such_when_the_owner_trusts_unbound(unbound: str) -> None:
    with Serving(unbound, options=TRUSTING) as serving:
        for _ in range(3):
            response = ask("www.signed.example", server=serving.server, dnssec_ok=True)
            assert addresses(response) == ["192.0.2.1"]
            assert response.flags & dns.flags.AD
            assert [rrset.rdtype for rrset in response.answer] == [dns.rdatatype.A, dns.rdatatype.RRSIG]
        assert not ask("www.signed.example", server=serving.server).flags & dns.flags.AD, "nobody asked for it"
        assert not ask("plain.example", server=serving.server, dnssec_ok=True).flags & dns.flags.AD


def test_without_that_trust_nothing_is_marked(unbound: str) -> None:
    with Serving(unbound) as serving:
        response = ask("www.signed.example", server=serving.server, dnssec_ok=True)
        assert addresses(response) == ["192.0.2.1"]
        assert not response.flags & dns.flags.AD


def test_forged_data_is_a_failure_that_says_why(unbound: str) -> None:
    with Serving(unbound, options=TRUSTING) as serving:
        for _ in range(2):
            response = ask("forged.signed.example", server=serving.server, edns=1232)
            assert (response.rcode(), response.answer) == (2, [])
            assert errors_of(response)[0] in (6, 7, 9, 10), "DNSSEC bogus, or in which way (RFC 8914)"


def test_a_client_that_checks_itself_gets_the_data_and_nobody_else_does(unbound: str) -> None:
    with Serving(unbound, options=TRUSTING) as serving:
        response = ask("forged.signed.example", server=serving.server, dnssec_ok=True, checking_disabled=True)
        assert addresses(response) == ["192.0.2.2"]
        assert response.flags & dns.flags.CD
        assert not response.flags & dns.flags.AD
        assert ask("forged.signed.example", server=serving.server, dnssec_ok=True).rcode() == 2
