# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Connections to Azure Resource Manager that share what is expensive.

Private to this collection.

requests reads the bundle of certificates again for each new connection, which takes 50 ms for that of an operating
system and is most of what a small task costs. Here it is read once in a process, and what Ansible's parent has read
its workers inherit: OpenSSL lets contexts be shared by threads, and a forked child works on a copy.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

try:
    import certifi
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError:
    HTTPAdapter = object  # type: ignore[assignment, misc]  # libraries.require() tells before it is used

CONNECT_SECONDS = 20
READ_SECONDS = 120
CONNECTIONS = 300  # that are kept; as many as a wave has threads at most
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where requests looks for a bundle, in its order."""


def bundle_of(verify: bool | str, environ: Mapping[str, str] | None = None) -> str | None:
    """The file or folder of certificates to trust; None for no check.

    Args:
        verify: whether to check certificates, or the bundle to check them with.
        environ: the environment; this process's own when left out.
    """
    if isinstance(verify, str):
        return verify
    if not verify:
        return None
    environ = os.environ if environ is None else environ
    named = [environ[name] for name in BUNDLE_VARIABLES if environ.get(name)]
    return named[0] if named else str(certifi.where())


def prepare() -> None:
    """Read the usual bundle now, in Ansible's parent, for all of its workers."""
    with suppress(OSError, NameError):  # no such file, or no requests: told when they are needed
        trust(bundle_of(True))


def trust(bundle: str | None) -> ssl.SSLContext:
    """A context that trusts the certificates of a bundle; one that trusts everybody for None.

    Raises:
        OSError: the bundle cannot be read, or holds no certificate (then an ssl.SSLError).
    """
    if bundle is None:
        return _context(None, 0)
    return _context(bundle, Path(bundle).stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _context(bundle: str | None, _changed: int) -> ssl.SSLContext:
    context = create_urllib3_context()
    if bundle is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
        folder = Path(bundle).is_dir()
        context.load_verify_locations(cafile=None if folder else bundle, capath=bundle if folder else None)
    return context


class SharingAdapter(HTTPAdapter):
    """The adapter of requests, with a context of ours in place of a bundle that is read for each connection.

    Args:
        context: the context for all connections, those by way of a proxy too.
        options: requests' own.
    """

    def __init__(self, context: ssl.SSLContext, **options: Any) -> None:
        self._ssl_context = context
        super().__init__(**options)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Give direct connections the context."""
        super().init_poolmanager(*arguments, ssl_context=self._ssl_context, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Give connections by way of a proxy the context, and those to a proxy that speaks TLS itself."""
        return super().proxy_manager_for(
            proxy, ssl_context=self._ssl_context, proxy_ssl_context=self._ssl_context, **options
        )

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Name a pool of connections without the bundle, or urllib3 would read it into the context again."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {key: value for key, value in pool.items() if key not in ("ca_certs", "ca_cert_dir", "cert_reqs")}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the check of certificates to the context."""


def transport(verify: bool | str) -> RequestsTransport:
    """Connections for one thread or hundreds.

    azure-core keeps ten connections and would open its session when the first request is sent, once for each thread
    that comes first.

    Args:
        verify: whether to check certificates, or the bundle to check them with.

    Raises:
        OSError: the bundle cannot be read, or holds no certificate.
    """
    made = RequestsTransport(connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, connection_verify=verify)
    made.open()
    retries = Retry(total=False, redirect=False, raise_on_status=False)  # as azure-core has it: who retries is Arm
    context = trust(bundle_of(verify))
    made.session.mount("https://", SharingAdapter(context, pool_maxsize=CONNECTIONS, max_retries=retries))
    return made
