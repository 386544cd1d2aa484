"""What a client sees when the upstreams are encrypted, and how soon a recovery is seen."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import dns.edns
import dns.message
import pytest

from gateway.commands.doctor import examine
from gateway.resolver.options import ResolverOptions
from gateway.resolver.upstream import Upstream as Asked
from gateway.resolver.upstream import parse_upstream
from gateway.resolver.upstream.bootstrap import Bootstrap
from gateway.resolver.upstream.encryption import Encryption
from gateway.settings import from_arguments
from tests.support.box import RunningBox
from tests.support.certificates import Authority
from tests.support.client import addresses, ask, burst, question
from tests.support.serving import Serving
from tests.support.tls_upstream import TlsUpstream
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

ZONE = {
    ".": "3600 NS a.root-servers.net.",
    "www.example.com": "300 A 192.0.2.1",
    "*.many.example.com": "60 A 192.0.2.4",
}
NAME = "dns.telltale.test"
FLAGS = ("dns", "web", "upstream", "lists", "workers", "no_rebinding_protection", "simulated", "keys", "forward")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Path:
    return authority.issue(NAME, "127.0.0.1")


@pytest.fixture(params=["tls", "https"])
def secret(request: pytest.FixtureRequest, certificate: Path) -> Iterator[TlsUpstream]:
    with TlsUpstream(ZONE, certificate=certificate, http=request.param == "https") as server:
        yield server


def opened(server: TlsUpstream, authority: Authority) -> Asked:
    return parse_upstream(f"{server.url}#{NAME}", Encryption(Bootstrap(()), roots=authority.roots))


def errors_of(answer: dns.message.Message) -> list[int]:
    return [int(option.code) for option in answer.options if isinstance(option, dns.edns.EDEOption)]


def test_a_flood_of_different_names_is_answered_encrypted(secret: TlsUpstream, authority: Authority) -> None:
    with Serving(opened(secret, authority)) as serving:
        asked = [question(f"n{n}.many.example.com", message_id=n) for n in range(400)]
        answers = burst(asked, serving.server, at_once=48)
    assert all(answer is not None and addresses(answer) == ["192.0.2.4"] for answer in answers)
    assert len(secret.connections) <= 4
    assert {one.transport for one in secret.asked} == {"https" if secret.http else "tls"}


FAULTS = {
    "silent": {"drop": True},
    "slow": {"delay": 5.0},
    "closing": {"close_tcp": True},
    "truncating": {"truncate": True},
    "garbage": {"garbage": True},
    "refusing": {"rcode": "REFUSED"},
    "lying": {"rcode": "NXDOMAIN"},
}


def recovers(serving: Serving, heal: object, *, names: str) -> None:
    """Asks new names, some of them in vain, until three failures are known; then everything becomes well by itself."""
    for n in range(10):
        answer = ask(f"{names}{n}.many.example.com", server=serving.server, edns=1232)
        assert answer.rcode() in (2, 3)
        assert answer.rcode() == 3 or errors_of(answer)
        if serving.health:
            break
    assert [change.healthy for change in serving.health] == [False]
    assert callable(heal)
    heal()
    wait_until(lambda: len(serving.health) == 2)
    assert serving.health[1].healthy
    assert addresses(ask(f"{names}-again.many.example.com", server=serving.server)) == ["192.0.2.4"]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_encrypted_upstream_in_trouble_is_an_error_and_its_recovery_is_seen(
    secret: TlsUpstream, authority: Authority, fault: str
) -> None:
    with Serving(opened(secret, authority)) as serving:
        secret.fail_all(**FAULTS[fault])
        recovers(serving, secret.heal, names="t")
        assert {one.transport for one in secret.asked} == {"https" if secret.http else "tls"}


def test_a_dead_encrypted_upstream_is_seen_when_it_returns(secret: TlsUpstream, authority: Authority) -> None:
    with Serving(opened(secret, authority)) as serving:
        secret.stop()
        recovers(serving, secret.start, names="d")


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "closing"])
def test_a_plain_upstream_in_trouble_is_an_error_and_its_recovery_is_seen(
    fault: str,
) -> None:
    with Upstream(ZONE) as plain, Serving(plain.url) as serving:
        plain.fail_all(**FAULTS[fault])
        recovers(serving, plain.heal, names="p")


def test_a_dead_plain_upstream_is_seen_when_it_returns() -> None:
    with Upstream(ZONE) as plain, Serving(plain.url) as serving:
        plain.stop()
        recovers(serving, plain.start, names="q")


def test_half_open_connections_cost_no_client_its_answer(secret: TlsUpstream, authority: Authority) -> None:
    with Serving(opened(secret, authority)) as serving:
        ask("www.example.com", server=serving.server)
        secret.fall_silent()
        assert addresses(ask("n0.many.example.com", server=serving.server)) == ["192.0.2.4"]


def test_beside_an_encrypted_upstream_a_plain_one_hears_nothing_unless_asked_to(
    secret: TlsUpstream, authority: Authority
) -> None:
    with Upstream(ZONE) as plain:
        with Serving(opened(secret, authority), plain.url) as serving:
            secret.stop()
            answer = ask("n1.many.example.com", server=serving.server, edns=1232)
            assert (answer.rcode(), errors_of(answer)) in [(2, [23]), (2, [22])]
            time.sleep(1.2)
        assert plain.asked == []
        options = ResolverOptions(rebinding_protection=False, plain_fallback=True)
        with Serving(opened(secret, authority), plain.url, options=options) as serving:
            for n in range(3):
                assert addresses(ask(f"f{n}.many.example.com", server=serving.server)) == ["192.0.2.4"]
            assert ("encryption", False) in [(change.part, change.healthy) for change in serving.health]
        secret.start()


def test_a_certificate_that_is_refused_is_reported_in_a_sentence(authority: Authority) -> None:
    with (
        TlsUpstream(ZONE, certificate=authority.issue("dns.example.net")) as impostor,
        Serving(opened(impostor, authority)) as serving,
    ):
        for n in range(3):
            assert ask(f"n{n}.many.example.com", server=serving.server).rcode() == 2
        assert "certificate is refused" in serving.health[0].says
    assert impostor.asked == []


def test_a_whole_box_asks_encrypted_and_the_doctor_does_too(
    secret: TlsUpstream, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.roots))
    data = tmp_path / "data"
    data.mkdir()
    url = secret.url.replace("127.0.0.1", NAME)
    with Upstream({NAME: "300 A 127.0.0.1"}) as plain:
        (data / "settings.toml").write_text(
            f'[dns]\nupstreams = ["{url}"]\nbootstrap = ["127.0.0.1:{plain.port}"]\nstrategy = "fastest"\n'
        )
        with RunningBox(data) as box:
            assert addresses(ask("www.example.com", server=box.dns)) == ["192.0.2.1"]
            (state,) = box.control.call("status")["upstreams"]
            assert (state["url"], state["healthy"]) == (url, True)
            settings = from_arguments(argparse.Namespace(**dict.fromkeys(FLAGS), data=str(data)))
            said = [finding.says for finding in examine(settings) if NAME in finding.says]
            assert [f"The upstream {url} answers" in says for says in said] == [True]
        assert set(plain.names()) == {NAME}
