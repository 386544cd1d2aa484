"""Builds the television network out of a plan: bridge, firewall, DHCP, access point; all of it or nothing. Blocking."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol

from gateway.errors import NetworkError
from gateway.files import write_atomically
from gateway.model.address import Address
from gateway.model.flow import Attempt, FlowCount
from gateway.model.lease import Station
from gateway.model.mac import Mac
from gateway.model.network import AccessPoint, Mode, NetworkPlan
from gateway.network import dhcp, host, hostapd, lease_hook
from gateway.network.bridge import steps_down, steps_up
from gateway.network.child import Child
from gateway.network.hostapd_control import HostapdControl
from gateway.network.limits import check_plan
from gateway.network.links import NetworkLink
from gateway.network.radio import explain_lines

HOSTAPD, DNSMASQ = "hostapd", "dnsmasq"
_GOING_ON = frozenset({"ENABLED", "ACS", "DFS", "COUNTRY_UPDATE", "HT_SCAN"})
_LOOK_EVERY = 0.1
_AIR_PATIENCE, _DHCP_PATIENCE = 6.0, 0.4
_NO_RADIO = "The Wi-Fi does not start; the log of the network process says why."


class Firewall(Protocol):
    """What keeps televisions from walking round us; its verbs wait, and raise NetworkError."""

    def apply(self, plan: NetworkPlan, *, dry_run: bool = False) -> str: ...
    def clear(self) -> None: ...
    def is_in_force(self) -> bool: ...
    def droppers(self, interface: str) -> list[str]: ...
    def attempts(self) -> list[Attempt]: ...
    def flows(self) -> list[FlowCount]: ...
    def counters(self) -> dict[str, int]: ...
    def cut(
        self,
        clients: Iterable[Address],
        servers: Iterable[Address],
        seconds: float = 3600,
    ) -> int: ...
    def mend(self, clients: Iterable[Address], servers: Iterable[Address]) -> None: ...
    def shut(self, stations: Iterable[Mac], ports: Iterable[str], tenants: Iterable[Mac]) -> None: ...
    def close(self) -> None: ...


class Builder:
    """`folder` holds what runs: configurations, sockets, logs. `state` outlives a reboot and holds the leases, and
    their hook: Debian lets nothing be executed below /run. For one thread at a time.
    """

    def __init__(
        self,
        folder: Path,
        state: Path,
        firewall: Firewall,
        *,
        driver: str = "nl80211",
        run: Callable[[Sequence[str]], str] = host.run,
        look: Callable[[], list[NetworkLink]] = host.look_at_links,
    ) -> None:
        self.plan: NetworkPlan | None = None
        """What stands now."""
        self.firewall = firewall
        self._folder, self._state = folder, state
        self._driver, self._run, self._look = driver, run, look
        self.hands_on_by_itself = False
        """The radio gives what one station says to another without showing it to us."""
        self.hostapd = Child(HOSTAPD, folder)
        self.dnsmasq = Child(DNSMASQ, folder)

    @property
    def hook(self) -> Path:
        return self._state / "lease-hook"

    def rehearse(self, plan: NetworkPlan) -> str:
        """What `apply` would do, as text for people; nothing is changed. Raises NetworkError."""
        check(plan)
        files = self._files(plan)
        steps = [] if plan.tv is None else steps_up(plan.tv, self._look())
        parts = [f"# {name}.conf\n{_hidden(text)}" for name, text in files.items()]
        parts += ["# commands\n" + "".join(" ".join(step) + "\n" for step in steps)] if steps else []
        return "\n".join([*parts, "# firewall\n" + self.firewall.apply(plan, dry_run=True)])

    def apply(self, plan: NetworkPlan, *, patient: bool = False) -> None:
        """Has the network stand as planned. Raises NetworkError; then it stands as it did before.

        `patient` is for a start after a reboot: a radio that does not come is no reason to take the rest away.
        """
        check(plan)
        files = self._files(plan)
        self.firewall.apply(plan, dry_run=True)
        before = self.plan
        try:
            self._build(plan, files, patient=patient)
        except NetworkError:
            if before is not None:
                self._build(before, self._files(before), patient=True)
            elif not patient:
                self._take_down(plan)
            raise
        if (
            before is not None
            and before.tv is not None
            and (plan.tv is None or plan.tv.interface != before.tv.interface)
        ):
            self._steps(steps_down(before.tv, self._look()))
        self.plan = plan

    def clear(self, plan: NetworkPlan | None = None) -> None:
        """Takes everything away again, also what an earlier process built for `plan`. Raises NetworkError."""
        self._take_down(self.plan or plan)
        self.plan = None

    def filter(self, filtering: bool) -> None:
        """Whether DNS goes to our resolver, or past it while it is dead. Raises NetworkError."""
        if self.plan is not None and self.plan.mode is not Mode.DNS_ONLY:
            barrier = replace(self.plan.barrier, filtering=filtering)
            self.firewall.apply(replace(self.plan, barrier=barrier))

    def tick(self) -> None:
        self.hostapd.tick()
        self.dnsmasq.tick()

    def links(self) -> list[NetworkLink]:
        return self._look()

    def air(self) -> dict[str, str]:
        """What hostapd says of itself. Raises NetworkError."""
        with self._control() as control:
            return control.status()

    def stations(self) -> list[Station]:
        """Who is on the air; nobody without an access point. Raises NetworkError."""
        if self.plan is None or self.plan.access_point is None:
            return []
        with self._control() as control:
            return control.stations()

    def trouble_on_air(self) -> str | None:
        """What is wrong with the radio, in one sentence."""
        if self.hostapd.pid == 0:
            return host.look_at_switches() or explain_lines(self.hostapd.lines) or _NO_RADIO
        try:
            state = self.air().get("state", "")
        except NetworkError as error:
            return explain_lines(self.hostapd.lines) or str(error)
        if state in ("DFS", "ACS", "COUNTRY_UPDATE", "HT_SCAN"):
            return explain_lines(self.hostapd.lines) or "The Wi-Fi is looking for a channel; this takes a moment."
        return None if state == "ENABLED" else host.look_at_switches() or explain_lines(self.hostapd.lines) or _NO_RADIO

    def keep_air(self, point: AccessPoint) -> None:
        """Has the bridge give back to the radio what one station says to another, and our rules let pass; hostapd's
        start makes it forget that, and until then stations are apart. Not where the radio hands on by itself, for
        everybody would hear everything twice. Raises NetworkError.
        """
        wanted, found = not (point.isolated or self.hands_on_by_itself), host.look_at_hairpin(point.interface)
        if found is not None and found is not wanted:
            flags = ("type", "bridge_slave", "hairpin", "on" if wanted else "off")
            self._run(("ip", "link", "set", "dev", point.interface, *flags))

    def _build(self, plan: NetworkPlan, files: dict[str, str], *, patient: bool) -> None:
        if plan.tv is None:
            self.hostapd.drop()
            self.dnsmasq.drop()
            self.firewall.apply(plan)
            return
        self._steps(steps_up(plan.tv, self._look()))
        # Before anybody can come in by air or get an address.
        self.firewall.apply(plan)
        self._install_hook()
        conf = self._write(DNSMASQ, files[DNSMASQ])
        self._run(("dnsmasq", "--test", f"--conf-file={conf}"))
        self.dnsmasq.want((_found("dnsmasq"), "--keep-in-foreground", f"--conf-file={conf}"), _token(files[DNSMASQ]))
        if HOSTAPD in files:
            assert plan.access_point is not None
            self.hands_on_by_itself = host.hands_on_by_itself(plan.access_point.interface)
            air = self._write(HOSTAPD, files[HOSTAPD])
            self.hostapd.want((_found("hostapd"), str(air)), _token(files[HOSTAPD]))
        else:
            self.hostapd.drop()
        self._verify(plan, patient=patient)

    def _verify(self, plan: NetworkPlan, *, patient: bool) -> None:
        assert plan.tv is not None
        bridge = next((link for link in self._look() if link.name == plan.tv.interface), None)
        if bridge is None or str(plan.tv.address) not in bridge.addresses:
            raise NetworkError("network.did-not-take", interface=plan.tv.interface, address=plan.tv.address)
        if not _stays(lambda: self.dnsmasq.pid != 0, _DHCP_PATIENCE):
            self.dnsmasq.tick()
            said = self.dnsmasq.lines[-1][:200] if self.dnsmasq.lines else "it said nothing"
            raise NetworkError("network.dhcp-server-dnsmasq", said=said)
        if plan.access_point is not None:
            if not patient:
                self._verify_air()
            self.keep_air(plan.access_point)

    def _verify_air(self) -> None:
        ends = time.monotonic() + _AIR_PATIENCE
        while self.hostapd.pid and time.monotonic() < ends:
            try:
                if self.air().get("state") in _GOING_ON:
                    return
            except NetworkError:
                time.sleep(_LOOK_EVERY)
                continue
            time.sleep(_LOOK_EVERY)
        self.hostapd.tick()
        raise NetworkError.saying(host.look_at_switches() or explain_lines(self.hostapd.lines) or _NO_RADIO)

    def _take_down(self, plan: NetworkPlan | None) -> None:
        self.hostapd.drop()
        self.dnsmasq.drop()
        self.firewall.clear()
        if plan is not None and plan.tv is not None:
            self._steps(steps_down(plan.tv, self._look()))
        for path in (self._folder / f"{HOSTAPD}.conf", self._folder / f"{DNSMASQ}.conf", self._state / "leases"):
            path.unlink(missing_ok=True)

    def _files(self, plan: NetworkPlan) -> dict[str, str]:
        if plan.tv is None:
            return {}
        user = pwd.getpwuid(os.geteuid()).pw_name
        time_too = plan.barrier.redirect_time
        files = {
            DNSMASQ: dhcp.render(
                plan.tv, folder=PurePosixPath(self._state), hook=PurePosixPath(self.hook), user=user, time=time_too
            )
        }
        if plan.access_point is not None:
            files[HOSTAPD] = hostapd.render(
                plan.access_point,
                bridge=plan.tv.interface,
                control=PurePosixPath(self._folder / "air"),
                driver=self._driver,
            )
        return files

    def _install_hook(self) -> None:
        """A copy with a first line of its own: it must start fast, and without a virtual environment."""
        text = Path(lease_hook.__file__).read_text(encoding="utf-8")
        write_atomically(self.hook, [f"#!{os.path.realpath(sys.executable)} -IS\n{text}".encode()], 0o700)

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / f"{name}.conf"
        write_atomically(path, [text.encode()], 0o600)
        return path

    def _steps(self, steps: Iterable[Sequence[str]]) -> None:
        for step in steps:
            self._run(step)

    def _control(self) -> HostapdControl:
        if self.plan is not None and self.plan.access_point is not None:
            return HostapdControl(self._folder / "air", self.plan.access_point.interface)
        sockets = [path for path in (self._folder / "air").glob("*") if path.is_socket()]
        if not sockets:
            raise NetworkError("network.wi-fi-s")
        return HostapdControl(self._folder / "air", sockets[0].name)


def check(plan: NetworkPlan) -> None:
    """Everything that can be said against a plan without touching the machine. Raises NetworkError."""
    check_plan(plan)
    if (plan.access_point is not None) != (plan.mode is Mode.ACCESS_POINT):
        raise NetworkError("network.access-point-planned")
    if (plan.tv is None) != (plan.mode is Mode.DNS_ONLY):
        raise NetworkError("network.network-televisions-planned")
    if plan.tv is not None:
        dhcp.check_tv_network(plan.tv)
        if plan.mode is Mode.WIRED and not plan.tv.ports:
            raise NetworkError("network.name-wired-port")
    if plan.access_point is not None:
        hostapd.check_access_point(plan.access_point)
        if plan.access_point.interface == plan.uplink:
            raise NetworkError("network.leads-internet-access", uplink=plan.uplink)


def _stays(true: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if not true():
            return False
        time.sleep(0.05)
    return true()


def _found(program: str) -> str:
    """Daemons live in /usr/sbin, which not everybody's PATH has."""
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise NetworkError("network.program-missing-install", program=program)
    return found


def _token(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _hidden(text: str) -> str:
    """Without secrets: this text ends up on screens and in mails."""
    secret = ("wpa_psk=", "wpa_passphrase=")
    lines = (line.partition("=")[0] + "=(hidden)" if line.startswith(secret) else line for line in text.splitlines())
    return "\n".join(lines) + "\n"
