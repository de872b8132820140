"""HTTPS on loopback around the dispatcher."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from . import certificates, fields, sign_in
from .dispatch import Dispatcher
from .fleet import Fleet
from .refusals import refusal
from .wire import Answer, Call

HOST = "127.0.0.1"
LARGEST_BODY = 16 * 1024 * 1024  # bytes


class Server:
    """One running emulator. To be used on one event loop alone."""

    def __init__(self, fleet: Fleet, *, port: int, speed: float, seed: int, specs: Path | None) -> None:
        """Remember what to start. `port` 0 takes a free one."""
        self._fleet, self._port, self._speed, self._seed, self._specs = fleet, port, speed, seed, specs
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.desk: Dispatcher
        self.url = ""
        self.ca_path = Path()
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._folder = tempfile.TemporaryDirectory(prefix="aks-emulator-", ignore_cleanup_errors=True)
        context, self.ca_path = certificates.make(Path(self._folder.name))
        self._runner = web.ServerRunner(
            web.Server(self._serve, request_factory=_request, access_log=None), handle_signals=False
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port, ssl_context=context)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"https://localhost:{port}"
        self.desk = Dispatcher(self._fleet, speed=self._speed, seed=self._seed, url=self.url, specs=self._specs)

    async def stop(self) -> None:
        """Stop listening and remove the certificates."""
        if self._runner is not None and self._runner.server is not None:
            # Idle TLS connections would wait half a minute for their clients' goodbye: cut them.
            open_ones = [handler.transport for handler in self._runner.server.connections]
            await self._runner.cleanup()
            for transport in open_ones:
                if transport is not None:
                    transport.abort()
            await asyncio.sleep(0.01)
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """The folder of this run: certificates, and what clients are told to put there. Gone after the end."""
        return self.ca_path.parent

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.raw_path.partition("?")[0],
            query={name.lower(): value for name, value in request.query.items()},
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        try:
            answer = self.desk.answer(replace(call, body=await request.read()))
        except web.HTTPRequestEntityTooLarge:
            answer = self.desk.finish(call, refusal("RequestEntityTooLarge", limit=LARGEST_BODY).answer)
        if answer.delay:
            await self.desk.world.clock.sleep(answer.delay)
        if answer.wall_delay:
            await asyncio.sleep(answer.wall_delay)
        if answer.cut and request.transport is not None:
            request.transport.abort()
        if answer.cut_within:
            return await _half(request, answer)
        return web.Response(status=answer.status or 500, body=answer.payload(), headers=answer.headers)


async def _half(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send half of the body that the headers announce, then close the connection."""
    payload = answer.payload()
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(payload)
    await response.prepare(request)
    await response.write(payload[: len(payload) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)


def environment(server: Server) -> dict[str, str]:
    """The variables with which clients reach the emulator and sign in as the first principal of the fleet."""
    fleet = server.desk.world.fleet
    who = fleet.principals[0]
    subscription = next(iter(fleet.subscriptions))
    return {
        "AZURE_CLOUD_ENVIRONMENT": server.url,
        "AZURE_AUTHORITY_HOST": server.url,
        "AZURE_TENANT": fleet.tenant,
        "AZURE_TENANT_ID": fleet.tenant,
        "AZURE_CLIENT_ID": who.client_id,
        **({"AZURE_SECRET": who.secret, "AZURE_CLIENT_SECRET": who.secret} if who.secret else {}),
        "AZURE_SUBSCRIPTION_ID": subscription,
        # For requests, which the SDKs and the Azure CLI use, and for urllib and the aio clients.
        "REQUESTS_CA_BUNDLE": str(server.ca_path),
        "SSL_CERT_FILE": str(server.ca_path),
        "AZURE_DISABLE_INSTANCE_DISCOVERY": "true",
        # The Azure CLI: away from the user's own sign-ins and extensions, and quiet.
        "AZURE_CONFIG_DIR": str(server.folder / "azure"),
        "AZURE_EXTENSION_DIR": str(server.folder / "azure-extensions"),
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        # azure.azcollection looks a metadata URL up among the clouds of this list.
        "ARM_CLOUD_METADATA_URL": f"{server.url}/metadata/endpoints?api-version=2019-05-01",
    }


def managed_identity_environment(server: Server, kind: str) -> dict[str, str]:
    """Variables of a host with a managed identity, of the first principal that is one."""
    if kind == "imds":
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": server.url}
    return {
        "IDENTITY_ENDPOINT": f"{server.url}/msi/token",
        "IDENTITY_HEADER": sign_in.identity_header(server.desk.world),
    }


def make(fleet: Fleet, *, port: int = 0, speed: float = 1.0, seed: int = 0, specs: Path | None = None) -> Server:
    """Make a server. `specs`: Microsoft's schemas; else the environment and then the usual place tell where."""
    folder = fields.find_folder(specs, os.environ.get("AKS_EMULATOR_SPECS"))
    return Server(fleet, port=port, speed=speed, seed=seed, specs=folder)
