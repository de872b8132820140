"""HTTPS on loopback around the dispatcher."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from aiohttp import web

from . import certificates, fields, sign_in
from .call_log import Observer
from .dispatch import Dispatcher
from .door import LARGEST_BODY, Door
from .fleet import Fleet
from .kubernetes.access import Issuer
from .wire import Answer, Call


class Server:
    """One running emulator. To be used on one event loop alone."""

    def __init__(
        self, fleet: Fleet, *, port: int, speed: float, seed: int, specs: Path | None, observer: Observer | None
    ) -> None:
        """Remember what to start. `port` 0 takes a free one."""
        self._fleet, self._port, self._speed, self._seed, self._specs = fleet, port, speed, seed, specs
        self._observer = observer
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.desk: Dispatcher
        self._door: Door
        self._inner: dict[str, Door] = {}  # of the clusters' API servers, by the cluster's key
        self._inner_context: ssl.SSLContext
        self.url = ""
        self.ca_path = Path()
        self.issuer = Issuer()
        self._starting: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._folder = tempfile.TemporaryDirectory(prefix="aks-emulator-", ignore_cleanup_errors=True)
        context, self.ca_path = certificates.make(Path(self._folder.name))
        self._door = Door(self._serve, context, self._port)
        self.url = f"https://localhost:{self._door.port}"
        self._inner_context = certificates.asking(self.issuer.authority)
        self.desk = Dispatcher(
            self._fleet,
            speed=self._speed,
            seed=self._seed,
            network=self,
            specs=self._specs,
            observer=self._observer,
        )
        await self._door.open()

    def api_server(self, key: str) -> str:
        """The address of a cluster's API server. It gets a port when somebody first asks for it, and keeps it."""
        if key not in self._inner:
            self._inner[key] = Door(partial(self._serve_kubernetes, key), self._inner_context)
            self._starting.append(asyncio.get_running_loop().create_task(self._inner[key].open()))
        return f"https://localhost:{self._inner[key].port}"

    def refuse(self, seconds: float, key: str | None = None) -> None:
        """Refuse connections for some real seconds: to ARM and sign-in, or to the API server of the cluster `key`."""
        if key is None:
            self._door.refuse(seconds)
        else:
            self.api_server(key)
            self._inner[key].refuse(seconds)

    async def stop(self) -> None:
        """Stop listening and remove the certificates."""
        if hasattr(self, "desk"):
            self.desk.world.ended = True
        await asyncio.gather(*self._starting)
        for door in [*([self._door] if hasattr(self, "_door") else []), *self._inner.values()]:
            await door.close()
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
            port=_port(request),
        )
        try:
            answer = self.desk.answer(replace(call, body=await request.read()))
        except web.HTTPRequestEntityTooLarge:
            answer = self.desk.refuse_too_large(call, LARGEST_BODY)
        return await self._send(request, answer)

    async def _serve_kubernetes(self, key: str, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.raw_path.partition("?")[0],
            query=dict(request.query.items()),
            headers={name.lower(): value for name, value in request.headers.items()},
            port=_port(request),
        )
        certificate = (request.transport.get_extra_info("peercert") if request.transport else None) or {}
        subject = {name: value for part in certificate.get("subject", ()) for name, value in part}
        return await self._send(request, self.desk.answer_kubernetes(key, call, subject))

    async def _send(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        if answer.delay:
            await self.desk.world.clock.sleep(answer.delay)
        if answer.wall_delay:
            await asyncio.sleep(answer.wall_delay)
        if answer.cut and request.transport is not None:
            request.transport.abort()
        if answer.cut_within:
            return await _half(request, answer)
        if answer.stream is not None:
            return await _stream(request, answer, answer.stream())
        return web.Response(status=answer.status or 500, body=answer.payload(), headers=answer.headers)


def _port(request: web.BaseRequest) -> int | None:
    """The client's end of the connection; None when it has gone already."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return peer[1] if peer else None


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


async def _stream(request: web.BaseRequest, answer: Answer, parts: AsyncIterator[bytes]) -> web.StreamResponse:
    """Send bit by bit, until there is no more or the client has gone."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    await response.prepare(request)
    async for part in parts:
        try:
            await response.write(part)
        except ConnectionError:
            break
    return response


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


def make(
    fleet: Fleet,
    *,
    port: int = 0,
    speed: float = 1.0,
    seed: int = 0,
    specs: Path | None = None,
    observer: Observer | None = None,
) -> Server:
    """Make a server. `specs`: Microsoft's schemas; else the environment and then the usual place tell where."""
    folder = fields.find_folder(specs, os.environ.get("AKS_EMULATOR_SPECS"))
    return Server(fleet, port=port, speed=speed, seed=seed, specs=folder, observer=observer)
