"""Three silences are a dead resolver; one answer is a living one."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.network.heartbeat import Heartbeat, ask_resolver
from tests.support.clock import run_simulated, simulated_now


class Patient:
    def __init__(self) -> None:
        self.now, self.alive, self.shut, self.reported = 100.0, True, False, list[bool]()
        self.target: tuple[str, int] | None = ("10.83.7.1", 53)

    async def probe(self, host: str, port: int, patience: float) -> bool:
        if self.shut:
            raise ConnectionRefusedError
        return self.alive

    async def hear(self, answers: bool) -> None:
        self.reported.append(answers)

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(lambda: self.target, self.hear, probe=self.probe, clock=lambda: self.now)


def test_it_tells_each_change_once() -> None:
    patient = Patient()
    heart = patient.heartbeat()

    async def story() -> None:
        await heart.beat()
        patient.alive = False
        for _ in range(2):
            await heart.beat()
        assert patient.reported == []
        for _ in range(3):
            await heart.beat()
        assert patient.reported == [False]
        patient.alive = True
        await heart.beat()
        await heart.beat()
        assert patient.reported == [False, True]

    asyncio.run(story())


def test_a_resolver_that_hangs_is_noticed_within_three_seconds() -> None:
    async def story() -> None:
        patient = Patient()

        async def probe(host: str, port: int, patience: float) -> bool:
            await asyncio.sleep(0.0 if patient.alive else patience)
            return patient.alive

        heart = Heartbeat(lambda: patient.target, patient.hear, probe=probe, clock=simulated_now)
        beating = asyncio.create_task(heart.run())
        await asyncio.sleep(60)
        assert patient.reported == []
        patient.alive = False
        await asyncio.sleep(3)
        assert patient.reported == [False]
        patient.alive = True
        await asyncio.sleep(1)
        assert patient.reported == [False, True]
        beating.cancel()

    run_simulated(story())


def test_where_nobody_listens_two_questions_are_enough() -> None:
    patient = Patient()
    heart = patient.heartbeat()
    patient.shut = True

    async def story() -> None:
        await heart.beat()
        assert patient.reported == []
        await heart.beat()
        assert patient.reported == [False]

    asyncio.run(story())


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_shut_port_is_noticed_without_waiting(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as gone:
        gone.bind((host, 0))
        port = gone.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(ask_resolver(host, port, 60))


def test_a_start_has_its_grace_and_no_network_no_pulse() -> None:
    patient = Patient()
    heart = patient.heartbeat()
    patient.alive = False

    async def story() -> None:
        heart.expect()
        for _ in range(5):
            await heart.beat()
        assert patient.reported == []
        patient.now += 6
        await heart.beat()
        assert patient.reported == [False]
        patient.target = None
        await heart.beat()
        assert heart.answers

    asyncio.run(story())


@pytest.mark.parametrize("answers", [True, False])
def test_a_real_socket_is_asked(answers: bool) -> None:
    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: object) -> None:
            if answers:
                # Opcode STATUS, answered NOTIMP.
                self.transport.sendto(data[:2] + bytes([data[2] | 0x80, 4]) + data[4:], addr)  # type: ignore[attr-defined]

    async def story() -> bool:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        found = await ask_resolver("127.0.0.1", port, 5.0 if answers else 0.05)
        transport.close()
        return found

    assert asyncio.run(story()) is answers
