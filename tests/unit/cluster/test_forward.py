"""The forwarder passes bytes both ways, and ends with its target."""

import asyncio
import socket

from tests.cluster.forward import serve


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.close()


async def _ask(port: int, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(question)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def _through_forwarder(target: int, question: bytes) -> bytes:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    forwarder = asyncio.create_task(serve(listener, target))
    try:
        return await asyncio.wait_for(_ask(port, question), timeout=60)
    finally:
        forwarder.cancel()


def test_bytes_and_the_end_of_them_pass_both_ways() -> None:
    question = b"x" * 1_000_000

    async def scene() -> bytes:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        async with server:
            return await _through_forwarder(server.sockets[0].getsockname()[1], question)

    assert asyncio.run(scene()) == question


def test_a_dead_target_ends_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert asyncio.run(_through_forwarder(port, b"")) == b""
