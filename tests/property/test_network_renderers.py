"""What people and televisions call themselves never becomes an option of hostapd or dnsmasq, a path, or a command."""

from __future__ import annotations

import contextlib
import re
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import NetworkError, Refused
from gateway.model.mac import Mac
from gateway.model.network import AccessPoint, Barrier, Mode, NetworkPlan, Security, StaticLease, TvNetwork
from gateway.network import dhcp, hostapd
from gateway.network.bridge import steps_up
from gateway.network.hostapd_control import facts_in, station_in
from gateway.network.join import join_uri
from gateway.network.leases import MAX_EVENT, label_of, parse_event, parse_file
from gateway.network.links import NetworkLink, parse_links
from gateway.network.radio import explain_lines
from gateway.schema.values import from_json, to_json

HOSTILE = st.one_of(
    st.text(max_size=70),
    st.sampled_from(
        ["\nport=53", "a\ndhcp-script=/bin/sh", "x,set:red", "$(id)", "`id`", "-o", "../../etc", "a b", "\0"]
    ),
    st.from_regex(r"[a-z0-9;\n\r,=#|$`-]{1,20}", fullmatch=True),
)
KEYS = st.sampled_from(["mode", "uplink", "tv", "barrier", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
)
MAC = Mac("02:00:00:00:00:01")
FOLDER = PurePosixPath("/run/telltale-network")
HOSTAPD_LINE = re.compile(
    r"(interface|bridge|driver|ctrl_interface|ssid2|utf8_ssid|country_code|ieee80211[dhnwa]c?|hw_mode|channel|chanlist"
    r"|wmm_enabled|ap_isolate|auth_algs|wpa|wpa_key_mgmt|rsn_pairwise|wpa_psk|wpa_passphrase|sae_pwe|sae_require_mfp"
    r"|logger_syslog|logger_stdout|logger_stdout_level|acs_exclude_dfs)=[\x20-\x7e]+"
)
DNSMASQ_LINES = 40


def network(**changes: object) -> TvNetwork:
    known: dict[str, object] = {
        "interface": "br-tv",
        "address": IPv4Interface("10.83.7.1/24"),
        "address6": IPv6Interface("fd00::1/64"),
        "first": IPv4Address("10.83.7.50"),
        "last": IPv4Address("10.83.7.250"),
    }
    return TvNetwork(**{**known, **changes})  # type: ignore[arg-type]


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from(Security), st.booleans())
def test_an_access_point_is_refused_or_adds_no_line_of_its_own(
    interface: str, ssid: str, passphrase: str, country: str, security: Security, plain: bool
) -> None:
    point = AccessPoint(
        "wlan0" if plain else interface, ssid, passphrase, "DE" if plain else country, security=security
    )
    try:
        text = hostapd.render(point, bridge="br-tv", control=FOLDER / "air")
    except NetworkError:
        return
    lines = text.splitlines()
    assert all(HOSTAPD_LINE.fullmatch(line) for line in lines)
    keys = [line.partition("=")[0] for line in lines]
    assert len(keys) == len(set(keys))
    assert f"ssid2={ssid.encode().hex()}" in lines


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_a_network_is_refused_or_adds_no_line_of_its_own(interface: str, domain: str, mac: str, name: str) -> None:
    lease = StaticLease(mac, IPv4Address("10.83.7.9"), name)
    wanted = dhcp.render(network(), folder=FOLDER, hook=FOLDER / "lease-hook", user="root").count("\n")
    for changes in ({"interface": interface}, {"domain": domain}, {"static": (lease,)}, {"static": (StaticLease(
        MAC, lease.address, name),)}):  # fmt: skip
        try:
            text = dhcp.render(network(**changes), folder=FOLDER, hook=FOLDER / "lease-hook", user="root")
        except NetworkError:
            continue
        assert text.count("\n") == wanted + ("static" in changes)
        assert text.splitlines()[0] == "port=0"
        assert [line for line in text.splitlines() if line.startswith("dhcp-script")] == [
            "dhcp-script=/run/telltale-network/lease-hook"
        ]
        assert not re.search(r"[\r\0;$`|&<>]", text)


@given(HOSTILE, HOSTILE)
def test_the_join_code_gives_back_what_went_in(ssid: str, passphrase: str) -> None:
    uri = join_uri(ssid, passphrase)
    fields = re.findall(r"([A-Z]):((?:\\.|[^\\;])*);", uri.removeprefix("WIFI:"), re.DOTALL)
    plain = {key: re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) for key, value in fields}
    assert plain == {"T": "WPA", "S": ssid, "P": passphrase}
    assert uri.endswith(";;")


@given(st.binary(max_size=300))
def test_whatever_comes_to_the_hook_s_socket_is_an_event_or_nothing(message: bytes) -> None:
    parse_event(message)


@given(st.binary(max_size=2 * MAX_EVENT), st.text(max_size=300), st.text(max_size=300), st.text(max_size=20))
def test_a_lease_holds_a_label_whatever_the_device_says(host: bytes, said: str, vendor: str, options: str) -> None:
    facts = [
        b"DNSMASQ_SUPPLIED_HOSTNAME=" + host.replace(b"\0", b""),
        b"DNSMASQ_VENDOR_CLASS=" + vendor.encode("utf-8", "replace"),
        b"DNSMASQ_REQUESTED_OPTIONS=" + options.encode("utf-8", "replace"),
    ]
    name = said.encode("utf-8", "replace").replace(b"\0", b"")
    event = parse_event(b"\0".join([b"add", MAC.encode(), b"10.83.7.60", name, *facts]))
    assert event is not None
    assert re.fullmatch(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?", event.lease.host)
    assert event.lease.vendor_class.isprintable()
    assert all(0 <= each < 256 for each in event.lease.requested)


@given(st.text(max_size=300))
def test_texts_of_strangers_never_raise(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]*", label_of(text))
    parse_file(text)
    facts_in(text)
    station_in(text)
    explain_lines([text])


@given(st.text(max_size=200))
def test_links_are_read_or_refused(text: str) -> None:
    with contextlib.suppress(NetworkError):
        assert isinstance(parse_links(text, [text]), list)


@given(JSON)
def test_a_plan_of_strangers_is_refused_in_one_sentence(value: object) -> None:
    with pytest.raises(Refused) as refusal:
        from_json(NetworkPlan, value, "plan")
    assert "\n" not in str(refusal.value)


@given(HOSTILE, HOSTILE, st.sampled_from(Security), st.booleans())
def test_a_plan_survives_the_socket(ssid: str, passphrase: str, security: Security, isolated: bool) -> None:
    try:
        ssid.encode()
        passphrase.encode()
    except UnicodeEncodeError:
        return
    point = AccessPoint("wlan0", ssid, passphrase, "DE", 5, 36, security, isolated)
    static = (StaticLease(MAC, IPv4Address("10.83.7.9"), "tv"),)
    plan = NetworkPlan(Mode.ACCESS_POINT, "eth0", network(static=static), point, Barrier(paused=(MAC,)))
    assert from_json(NetworkPlan, to_json(plan), "plan") == plan


@given(HOSTILE)
def test_a_port_with_a_strange_name_becomes_no_option(port: str) -> None:
    links = [NetworkLink("br-tv", "bridge", MAC, True, True), NetworkLink("eth1", "ethernet", MAC, True, True)]
    try:
        steps = steps_up(network(ports=(port,)), links)
    except NetworkError:
        return
    assert all(isinstance(step, tuple) and step[0] == "ip" for step in steps)
