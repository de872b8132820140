"""A port on loopback: open, or refusing connections for a while."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

HOST = "127.0.0.1"
LARGEST_BODY = 16 * 1024 * 1024  # bytes
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Door:
    """Answers HTTPS on one port. To be used on one event loop alone."""

    def __init__(self, handler: Handler, context: ssl.SSLContext, port: int = 0) -> None:
        """Take the port (0: a free one), where clients wait until `open`. Raises OSError when it is taken."""
        self._handler, self._context = handler, context
        self._socket = socket.create_server((HOST, port), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        protocol = web.Server(self._handle, request_factory=_request, access_log=None)
        self._runner = web.ServerRunner(protocol, handle_signals=False)
        self._listener: asyncio.Server | None = None
        self._at_work: set[web.RequestHandler] = set()  # connections with a request under way
        self._shut_until = 0.0  # by the event loop's clock
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Let clients in."""
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        server = self._runner.server
        assert server is not None, "listening begins after the runner's setup"
        loop = asyncio.get_running_loop()
        # Known before the first client can come, so that a refusal in between finds what to close.
        self._listener = await loop.create_server(server, sock=self._socket, ssl=self._context, start_serving=False)
        await self._listener.start_serving()

    def refuse(self, seconds: float) -> None:
        """Refuse connections for `seconds` of real time from now. Requests under way get their answers.

        Idle connections are closed, and the others after their answers, so that every client has to come again.
        """
        self._shut_until = max(self._shut_until, asyncio.get_running_loop().time() + seconds)
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        # Bound, but not listening: the port stays ours, and the kernel refuses.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, self.port))
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None and connection not in self._at_work:
                connection.transport.abort()
        self._opening = asyncio.get_running_loop().create_task(self._open_again())

    async def _open_again(self) -> None:
        while (rest := self._shut_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(rest)
        await self._listen()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        self._at_work.add(connection)
        try:
            response = await self._handler(request)
        finally:
            self._at_work.discard(connection)
        if self._listener is None:
            response.force_close()
        return response

    async def close(self) -> None:
        """Stop listening, and cut what connections there are."""
        if self._opening is not None:
            self._opening.cancel()
        if self._listener is not None:
            self._listener.close()
        self._socket.close()
        if self._runner.server is None:
            return
        # Idle TLS connections would wait half a minute for their clients' goodbye: cut them.
        open_ones = [connection.transport for connection in self._runner.server.connections]
        await self._runner.cleanup()
        for transport in open_ones:
            if transport is not None:
                transport.abort()


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)
