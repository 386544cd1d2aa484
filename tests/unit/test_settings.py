"""Flags, then the file, then the defaults; and a sentence for what cannot be."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gateway import settings as module
from gateway.errors import SettingsError
from gateway.settings import Endpoint, Settings, add_arguments, default_data, from_arguments, to_arguments


def read(*flags: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_arguments(parser.parse_args(flags), {"HOME": "/home/somebody"})


def test_the_defaults_are_those_of_the_design(tmp_path: Path) -> None:
    settings = read("--data", str(tmp_path))
    assert str(settings.dns[0]) == "127.0.0.1:5335"
    assert str(settings.web) == "127.0.0.1:8080"
    assert settings.upstreams
    assert default_data({"HOME": "/home/somebody"}) == Path("/home/somebody/.local/share/telltale")
    assert default_data({"XDG_DATA_HOME": "/x"}) == Path("/x/telltale")


def test_an_appliance_says_where_its_dashboard_keeps_its_keys(tmp_path: Path) -> None:
    """The installer's command line: or a token would be written where no dashboard reads it."""
    appliance = {"XDG_DATA_HOME": str(tmp_path), "TELLTALE_KEYS": "/var/lib/telltale-web/web.json"}
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert from_arguments(parser.parse_args([]), appliance).auth == Path("/var/lib/telltale-web/web.json")
    elsewhere = from_arguments(parser.parse_args(["--data", str(tmp_path / "mine")]), appliance)
    assert elsewhere.auth == tmp_path / "mine" / "web.json"
    named = from_arguments(parser.parse_args(["--keys", "/k.json"]), appliance)
    assert named.auth == Path("/k.json")


def test_who_may_not_read_the_settings_is_asked_to_say_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_text(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", read_text)
    with pytest.raises(SettingsError, match="put sudo before the command"):
        read("--data", str(tmp_path))


def test_a_flag_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        '[dns]\nlisten = ["127.0.0.1:53", "[::1]:53"]\nupstreams = ["udp://192.0.2.1"]\n'
        'names = {"telltale.lan" = "192.0.2.7"}\nrebinding = false\nrebinding_exceptions = ["plex.direct"]\n'
        '[web]\nlisten = "127.0.0.1:80"\nhosts = ["tv.lan"]\n'
        "[keep]\nlookups_days = 7\nrollups_days = 8\nmegabytes = 9\n"
    )
    settings = read("--data", str(tmp_path), "--web", "127.0.0.1:8081")
    assert settings.dns == (Endpoint("127.0.0.1", 53), Endpoint("::1", 53))
    assert settings.web.port == 8081
    assert settings.upstreams == ("udp://192.0.2.1",)
    assert settings.names == {"telltale.lan": "192.0.2.7"}
    assert not settings.rebinding
    assert settings.rebinding_exceptions == ("plex.direct",)
    assert (settings.lookups_days, settings.rollups_days, settings.megabytes, settings.hosts) == (7, 8, 9, ("tv.lan",))


def test_zones_are_forwarded_as_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        '[dns]\nforward = {"Fritz.box" = "192.168.178.1", "192.168.178.0/24" = ["192.168.178.1", "fd00::1"]}\n'
    )
    settings = read("--data", str(tmp_path))
    assert settings.forward == {
        "Fritz.box": ("udp://192.168.178.1",),
        "192.168.178.0/24": ("udp://192.168.178.1", "udp://[fd00::1]"),
    }
    assert read("--data", str(tmp_path), "--forward", "lan=10.0.0.1").forward == {"lan": ("udp://10.0.0.1",)}


def test_another_process_reads_the_same(tmp_path: Path) -> None:
    block_list = tmp_path / "list.txt"
    block_list.write_text("ads.example\n")
    flags = ["--data", str(tmp_path), "--dns", "[::1]:5335", "--upstream", "udp://192.0.2.1", "--list", str(block_list)]
    forward = [
        "--forward",
        "lan=192.168.1.1",
        "--forward",
        "lan=fd00::1",
        "--forward",
        "10.0.0.0/8=tls://10.0.0.1#x.lan",
    ]
    settings = read(*flags, *forward, "--simulated", "--no-rebinding-protection", "--workers", "3")
    assert settings.workers == 3
    assert settings.forward == {
        "lan": ("udp://192.168.1.1", "udp://[fd00::1]"),
        "10.0.0.0/8": ("tls://10.0.0.1#x.lan",),
    }
    assert read(*to_arguments(settings)) == settings


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dns = 3", "not a section"),
        ("[wifi]\nx = 1", "not a section"),
        ("[dns]\nlisten = 5", "list of texts"),
        ('[dns]\nlisten = ["nowhere"]', "ADDRESS:PORT"),
        ("[dns]\nlsten = []", "has no 'lsten'"),
        ("[dns]\nrebinding = 1", "true or false"),
        ("[dns]\nworkers = 0", "from 1 to 16; this machine has"),
        ("[dns]\nworkers = true", "from 1 to 16"),
        ('[dns]\nnames = {"a.lan" = "x"}', "names in"),
        ("[keep]\nlookups_days = 0", "from 1 to"),
        ("[keep]\nlookups_days = 1000000000000", "from 1 to"),
        ("[web]\nlisten = 8080", "in quotes"),
        ('[dns]\nnames = {"a..b" = "192.0.2.1"}', "empty labels"),
        ('[dns]\nrebinding_exceptions = ["a..b"]', "empty labels"),
        ("[dns", "cannot be read"),
        ("[dns]\nforward = 5", "like { "),
        ('[dns]\nforward = {"a..b" = "192.168.1.1"}', "forward in"),
        ('[dns]\nforward = {"10.0.0.0/40" = "192.168.1.1"}', "10.0.0.0/40"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(SettingsError, match=says):
        read("--data", str(tmp_path))


@pytest.mark.parametrize(
    "wrong", ["localhost:53", "127.0.0.1", "127.0.0.1:x", "::1:53", "127.0.0.1:70000", "[127.0.0.1]:5"]
)
def test_a_wrong_address_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError):
        Endpoint.parse(wrong)


@pytest.mark.parametrize("wrong", ["file:///etc/passwd", "no-such-file.txt", "ftp://example.org/list"])
def test_a_list_is_a_file_or_a_web_address(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingsError, match="neither a file nor"):
        read("--data", str(tmp_path), "--list", wrong)


def test_the_machine_s_own_resolvers_are_asked_but_never_ourselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("# none\nnameserver 192.0.2.53\nnameserver junk\nnameserver 127.0.0.1\nnameserver 2001:db8::53\n")
    monkeypatch.setattr(module, "_RESOLV_CONF", conf)
    settings = read("--data", str(tmp_path), "--dns", "127.0.0.1:53")
    assert settings.upstreams == ("udp://192.0.2.53", "udp://[2001:db8::53]")
    monkeypatch.setattr(module, "_RESOLV_CONF", tmp_path / "none")
    assert read("--data", str(tmp_path)).upstreams == module.FALLBACK_UPSTREAMS


def test_encrypted_upstreams_have_settings_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        '[dns]\nupstreams = ["tls://dns.quad9.net"]\nbootstrap = ["9.9.9.9", "[2620:fe::fe]:53"]\n'
        'strategy = "fastest"\nplain_fallback = true\ntime_servers = ["192.0.2.123", "192.0.2.124:1123"]\n'
    )
    settings = read("--data", str(tmp_path))
    assert settings.bootstrap == ("9.9.9.9", "[2620:fe::fe]:53")
    assert (settings.strategy, settings.plain_fallback) == ("fastest", True)
    assert settings.time_servers == (Endpoint("192.0.2.123", 123), Endpoint("192.0.2.124", 1123))
    assert read(*to_arguments(settings)) == settings


def test_nothing_is_asked_in_plain_text_and_nobody_is_raced_unless_asked_to(tmp_path: Path) -> None:
    settings = read("--data", str(tmp_path))
    assert (settings.strategy, settings.plain_fallback) == ("strict", False)


def test_names_are_looked_up_at_the_plain_upstreams_else_where_the_machine_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 192.0.2.53\nnameserver 127.0.0.1\n")
    monkeypatch.setattr(module, "_RESOLV_CONF", resolv)
    mixed = ["--upstream", "tls://dns.quad9.net", "--upstream", "udp://192.0.2.1"]
    assert read("--data", str(tmp_path), *mixed).bootstrap == ("udp://192.0.2.1",)
    alone = ["--data", str(tmp_path), "--upstream", "tls://dns.quad9.net"]
    assert read(*alone).bootstrap == ("udp://192.0.2.53", "udp://127.0.0.1")
    assert read(*alone, "--dns", "127.0.0.1:53").bootstrap == ("udp://192.0.2.53",)
    assert read(*alone, "--dns", "0.0.0.0:53").bootstrap == ("udp://192.0.2.53",)


@pytest.mark.parametrize("itself", ["127.0.0.1", "127.0.0.1:53", "udp://127.0.0.1:53", "udp://127.0.0.1"])
def test_our_upstreams_are_not_looked_up_through_ourselves(tmp_path: Path, itself: str) -> None:
    (tmp_path / "settings.toml").write_text(f'[dns]\nbootstrap = ["{itself}"]\n')
    with pytest.raises(SettingsError, match="Telltale itself"):
        read("--data", str(tmp_path), "--dns", "127.0.0.1:53")


@pytest.mark.parametrize(
    "wrong", ['strategy = "random"', 'plain_fallback = "yes"', 'bootstrap = "9.9.9.9"', 'time_servers = ["ntp.org"]']
)
def test_wrong_settings_of_upstreams_are_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[dns]\n{wrong}\n")
    with pytest.raises(SettingsError):
        read("--data", str(tmp_path))
