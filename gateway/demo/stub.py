"""A television's stub resolver: real UDP and TCP sockets, bound to an address of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from secrets import randbelow

from gateway.demo.packet import TelevisionAnswer, read_answer, write_query
from gateway.errors import NetworkError, UpstreamError, UpstreamTimeout, WireError


class StubResolver:
    """Asks `resolver` from `address`. Each query has a fresh id and port; over UDP it is sent `tries` times."""

    def __init__(self, address: str, resolver: tuple[str, int], *, timeout: float = 2.5, tries: int = 2) -> None:
        self._address = address
        self._resolver = resolver
        self._timeout = timeout
        self._tries = tries

    def check(self) -> None:
        """Raises NetworkError when this machine does not have the television's address."""
        with socket.socket(_family(self._address), socket.SOCK_DGRAM) as sock:
            try:
                sock.bind((self._address, 0))
            except OSError as error:
                raise NetworkError("demo.simulated-television-needs", address=self._address) from error

    async def ask(self, name: str, qtype: int, *, tcp: bool = False) -> TelevisionAnswer:
        """Falls back to TCP when the answer is truncated.

        Raises UpstreamTimeout when no fitting answer comes, UpstreamError when nobody listens.
        """
        try:
            if not tcp:
                answer = await self._ask_udp(name, qtype)
                if not answer.truncated:
                    return answer
            return await self._ask_tcp(name, qtype)
        except TimeoutError:
            raise UpstreamTimeout(f"The resolver gave no answer about {name}.") from None
        except (OSError, asyncio.IncompleteReadError, WireError) as error:
            raise UpstreamError(f"The resolver cannot be asked about {name}: {str(error).rstrip('.')}.") from error

    async def _ask_udp(self, name: str, qtype: int) -> TelevisionAnswer:
        loop = asyncio.get_running_loop()
        query_id = randbelow(65_536)
        with socket.socket(_family(self._address), socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((self._address, 0))
            sock.connect(self._resolver)
            for _ in range(self._tries):
                sock.send(write_query(query_id, name, qtype))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._timeout):
                        while True:
                            wire = await loop.sock_recv(sock, 65_535)
                            with contextlib.suppress(WireError):
                                return read_answer(wire, query_id, name, qtype)
        raise TimeoutError

    async def _ask_tcp(self, name: str, qtype: int) -> TelevisionAnswer:
        query_id = randbelow(65_536)
        query = write_query(query_id, name, qtype)
        host, port = self._resolver
        async with asyncio.timeout(self._timeout):
            reader, writer = await asyncio.open_connection(host, port, local_addr=(self._address, 0))
            try:
                writer.write(len(query).to_bytes(2, "big") + query)
                await writer.drain()
                length = int.from_bytes(await reader.readexactly(2), "big")
                return read_answer(await reader.readexactly(length), query_id, name, qtype)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
