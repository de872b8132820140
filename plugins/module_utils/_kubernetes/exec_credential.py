# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Credentials from a kubeconfig's exec plugin (kubelogin and the like).

Private to this collection. https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
and https://kubernetes.io/docs/reference/config-api/client-authentication.v1/.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import tidy
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import parsed
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import Plugin, Server

TIMEOUT_SECONDS = 60
API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
MOST_SAID = 300
NOT_INTERACTIVE = (
    "Nobody can answer it here. Sign in with it beforehand, or set 'access' to 'user', which needs no plugin."
)


@dataclass(frozen=True)
class Given:
    """What a plugin gave: a token, a client certificate with its key, or all of it."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)


def run(plugin: Plugin, server: Server, environ: Mapping[str, str]) -> Given:
    """Run a plugin; it is told that nobody can answer questions.

    Args:
        plugin: the program.
        server: the cluster, for plugins that want to know.
        environ: its environment, to which the kubeconfig may add.

    Raises:
        NoAccess: it is not there, fails, takes too long, or gives nothing.
    """
    name = PurePath(plugin.command).name
    what = f"The kubeconfig's exec plugin {name}"
    if plugin.api_version not in API_VERSIONS:
        raise NoAccess(
            f"{what} is to be spoken to in {plugin.api_version or 'no version'}. Only {' and '.join(API_VERSIONS)} are "
            "supported; a newer kubeconfig or plugin has one of them.",
            code="NoCredentials",
        )
    if plugin.interactive == "Always":
        raise NoAccess(f"{what} wants to ask somebody. {NOT_INTERACTIVE}", code="NoCredentials")
    surroundings = {**environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": json.dumps(_request(plugin, server))}
    program = shutil.which(plugin.command, path=environ.get("PATH"))
    if program is None:
        hint = f" The kubeconfig says: {tidy(redact(plugin.hint))}" if plugin.hint else ""
        raise NoAccess(
            f"{what} is not installed on this host, or not in its PATH.{hint} Or set 'access' to 'user', which needs "
            "no plugin.",
            code="NoCredentials",
        )
    return _given(_output([program, *plugin.args], surroundings, what), what)


def _request(plugin: Plugin, server: Server) -> dict[str, Any]:
    """The object of the environment variable KUBERNETES_EXEC_INFO."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.wants_cluster:
        told = {
            "server": server.url,
            "tls-server-name": server.tls_name,
            "certificate-authority-data": base64.b64encode(server.ca.encode()).decode(),
            "proxy-url": server.proxy,
        }
        spec["cluster"] = {key: value for key, value in told.items() if value}
    return {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}


def _output(command: list[str], environ: Mapping[str, str], what: str) -> str:
    """What the program prints. When its time is up, it goes with all that it started."""
    try:
        # Not AnsibleModule.run_command: action plugins come here too, and have no module.
        program = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # without a terminal that it could ask on
        )
    except (OSError, ValueError) as error:  # ValueError: of arguments and variables that no program can be given
        reason = getattr(error, "strerror", None) or "the kubeconfig gives it what no program can be given"
        raise NoAccess(f"{what} cannot be run: {reason}.", code="NoCredentials") from None
    with program:
        try:
            output, said = program.communicate(timeout=TIMEOUT_SECONDS)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise NoAccess(
                f"{what} gave nothing within {TIMEOUT_SECONDS} seconds. Does it wait for somebody? {NOT_INTERACTIVE}",
                code="NoCredentials",
            ) from None
    if program.returncode != 0:
        reason = tidy(redact(said.decode(errors="replace")))[:MOST_SAID] or f"exit status {program.returncode}"
        raise NoAccess(f"{what} failed: {reason.rstrip('.')}. {NOT_INTERACTIVE}", code="NoCredentials")
    return output.decode(errors="replace")


def _given(output: str, what: str) -> Given:
    """Read what it printed; nothing of that is ever repeated."""
    body = parsed(output)
    status = body.get("status") if isinstance(body, dict) and body.get("kind") == "ExecCredential" else None
    if not isinstance(status, dict):
        raise NoAccess(f"{what} printed no ExecCredential.", code="NoCredentials")
    token, certificate, key = (
        str(status.get(name) or "") for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if bool(certificate) != bool(key) or not (token or certificate):
        raise NoAccess(f"{what} gave neither a token nor a client certificate with its key.", code="NoCredentials")
    return Given(token, certificate, key)
