"""`python -m tests.bench.throughput [--rounds N] [--seconds S] [--json FILE]`: what the firewall costs in throughput.

iperf3 downloads through the laboratory's gateway, one after another: plain forwarding with address translation, as any
router does it, and our whole firewall with accounting on and flows read every two seconds. Both with packets of a full
MTU, where every rule is paid for, and with the large ones that virtual cables carry. Needs root, iperf3 and nftables.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from gateway.network import nft
from gateway.network.controller import FirewallController
from tests.netns.lab import SERVER4, Lab, why_not

TARGET = 0.95
READ_EVERY = 2.0
"""Seconds between two looks at the flows: each walks the whole table of connection tracking."""
_PLAIN = """
table ip plain { chain post { type nat hook postrouting priority 100; oifname "wan0" masquerade ; } ; }
"""
_SWITCHES = {"ipv4/ip_forward": "1", "netfilter/nf_conntrack_acct": "0", "netfilter/nf_conntrack_timestamp": "0"}


def megabits(lab: Lab, seconds: float) -> float:
    """One download over one connection."""
    server = lab.start("internet", "iperf3", "-s", "-1", "-B", SERVER4, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if ":5201 " in lab.run("internet", "ss", "-ltnH") or server.poll() is not None:
                break
            time.sleep(0.05)
        text = lab.run("tv1", "iperf3", "-c", SERVER4, "-R", "-J", "-O", "0.3", "-t", f"{seconds:g}")
        server.wait(10)
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    return float(json.loads(text)["end"]["sum_received"]["bits_per_second"]) / 1e6


def plain(lab: Lab, seconds: float) -> float:
    with lab.inside("gateway"):
        nft.apply_text(_PLAIN)
        for name, value in _SWITCHES.items():
            Path("/proc/sys/net", name).write_text(value)
    try:
        return megabits(lab, seconds)
    finally:
        with lab.inside("gateway"):
            nft.apply_text("delete table ip plain\n")


def guarded(lab: Lab, seconds: float, folder: Path) -> float:
    with lab.inside("gateway"):
        controller = FirewallController(folder)
        controller.apply(lab.plan())
    done = threading.Event()

    def read() -> None:
        while not done.wait(READ_EVERY):
            controller.flows()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        return megabits(lab, seconds)
    finally:
        done.set()
        reader.join()
        with lab.inside("gateway"):
            controller.clear()


def measure(rounds: int, seconds: float, full_mtu: bool) -> dict[str, object]:
    """Ratios of neighbouring rounds, so that what else the machine does hits both alike."""
    found: dict[str, list[float]] = {"plain": [], "guarded": []}
    with Lab(televisions=1) as lab, tempfile.TemporaryDirectory() as folder:
        if full_mtu:
            for role in ("internet", "tv1"):
                lab.run(role, "ip", "link", "set", "eth0", "gso_max_segs", "1")
        for number in range(rounds):
            both = (
                lambda: found["plain"].append(plain(lab, seconds)),
                lambda: found["guarded"].append(guarded(lab, seconds, Path(folder))),
            )
            for one in both if number % 2 == 0 else reversed(both):
                one()
    ratios = [ours / theirs for ours, theirs in zip(found["guarded"], found["plain"], strict=True)]
    return {
        "packets": "full MTU" if full_mtu else "as large as the cable takes",
        "plain_mbit": round(statistics.median(found["plain"])),
        "guarded_mbit": round(statistics.median(found["guarded"])),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.throughput")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    wanted = parser.parse_args()
    reason = why_not() or (None if shutil.which("iperf3") else "iperf3 is not installed")
    if reason:
        print(f"Not measured: {reason}.", file=sys.stderr)
        return 2
    results = [measure(wanted.rounds, wanted.seconds, full_mtu) for full_mtu in (True, False)]
    for result in results:
        plainly, ours = f"{result['plain_mbit']:>6} Mbit/s", f"{result['guarded_mbit']:>6} Mbit/s"
        print(f"{result['packets']:<28} plain {plainly}   guarded {ours}   ratio {result['ratio']} {result['ratios']}")
    if wanted.json:
        wanted.json.write_text(json.dumps({"target": TARGET, "results": results}, indent=1) + "\n")
    return 0 if all(float(str(result["ratio"])) >= TARGET for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
