"""The conversation with hostapd, scripted on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import NetworkError
from gateway.network.hostapd_control import HostapdControl

SCRIPT = {
    "STATUS": "state=ENABLED\nfreq=2437\nchannel=6\n",
    "STA-FIRST": "02:00:00:00:00:01\nflags=[AUTH][ASSOC]\nsignal=-47\nconnected_time=61\nrx_bytes=10\ntx_bytes=20\n",
    "STA-NEXT 02:00:00:00:00:01": "02:00:00:00:00:02\nsignal=x\n",
    "STA-NEXT 02:00:00:00:00:02": "",
    "ATTACH": "OK\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(tmp_path / "wlan0"))
    server.settimeout(5)

    def serve() -> None:
        while True:
            asked, client = server.recvfrom(4096)
            if asked == b"bye":
                return
            if asked == b"STATUS":
                server.sendto(b"<3>AP-STA-CONNECTED 02:00:00:00:00:01", client)
            if asked.decode() in SCRIPT:
                server.sendto(SCRIPT[asked.decode()].encode(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    yield tmp_path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
        last.sendto(b"bye", str(tmp_path / "wlan0"))
    thread.join()
    server.close()


def test_status_and_stations_though_an_event_comes_between(folder: Path) -> None:
    with HostapdControl(folder, "wlan0") as control:
        assert control.status()["channel"] == "6"
        first, second = control.stations()
        assert (first.mac, first.signal, first.seconds, first.received, first.sent) == (
            *("02:00:00:00:00:01", -47, 61, 10, 20),
        )
        assert (second.mac, second.signal) == ("02:00:00:00:00:02", 0)


def test_silence_and_absence_are_one_sentence(folder: Path) -> None:
    with HostapdControl(folder, "wlan0", timeout=0.05) as control, pytest.raises(NetworkError, match="does not answer"):
        control.ask("NOBODY KNOWS")
    with pytest.raises(NetworkError, match="does not listen"):
        HostapdControl(folder, "wlan1")
