# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The ways to a cluster's Kubernetes API, by the options that modules share.

Private to this collection. Nothing is asked of another cluster than the one that is meant: a kubeconfig from disk has
to lead to the host that Azure names for the cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.clusters import Clusters, about_cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime, Unwanted
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cluster import Cluster
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes import libraries
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import KubernetesApi, NoAccess
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.bearer import Plugged, Token, fixed, from_file
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.connection import is_this_host
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.direct import Direct, Words
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.entries import (
    ENTRA_SERVER,
    Server,
    User,
    application,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.handed_out import (
    FOR_ADMINS,
    FOR_USERS,
    entra_server,
    hand_out,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.kubeconfig import Kubeconfig, load
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.run_command import RunCommand

AUTO = "auto"
KUBECONFIG = "kubeconfig"
USER = "user"
ADMIN = "admin"
RUN_COMMAND = "run_command"

ACCESS_ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "access": {"type": "str", "choices": [AUTO, KUBECONFIG, USER, ADMIN, RUN_COMMAND], "default": AUTO},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
}

RENEWED = "Run again: the cluster's credentials may have been renewed meanwhile."
STRANGER = (
    "The cluster takes tokens of the Microsoft Entra tenant that it belongs to: is this identity's tenant another? "
    "Check this host's clock, too."
)


@dataclass(frozen=True)
class Request:
    """Whose Kubernetes API is to be asked, and what the options say of the way.

    Attributes:
        cluster: the cluster, as Azure answered it.
        clusters: Azure.
        runtime: time, the environment, and whether anyone still waits.
        kubeconfig: a kubeconfig's path, where one is given.
        context: a context's name, where one is given.
    """

    cluster: Cluster
    clusters: Clusters
    runtime: Runtime
    kubeconfig: str | None = None
    context: str | None = None

    @property
    def about(self) -> str:
        """How messages call the cluster."""
        return about_cluster(self.cluster.id)

    @property
    def hosts(self) -> list[str]:
        """The hosts that Azure names for the cluster's API server, in lower case."""
        names = (self.cluster.properties.get(key) for key in ("fqdn", "privateFQDN"))
        return [str(name).lower().rstrip(".") for name in names if name]

    @property
    def private(self) -> bool:
        """Whether the API server has an address in a private network only."""
        return (self.cluster.properties.get("apiServerAccessProfile") or {}).get("enablePrivateCluster") is True

    def words(self, unauthorized: str) -> Words:
        """What to say when the cluster cannot be asked."""
        unreachable = (
            "The cluster is private: run this on a host in its network or one that is peered with it, or set 'access' "
            "to 'run_command'."
            if self.private
            else "Check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and, if the API server has authorised "
            "IP ranges, that this host is in them."
        )
        return Words(self.about, unreachable, unauthorized)

    def entra_token(self, server_id: str) -> Token:
        """Give tokens of the session's own credential for an application of Microsoft Entra ID."""
        credential = self.clusters.arm.session.credential

        def give(fresh: bool) -> str:
            if fresh:
                credential.forget()
            try:
                return credential.get_token(f"{server_id}/.default").token
            except Unwanted:
                raise
            except AzureError as error:
                raise NoAccess(
                    f"{self.about}: no token for its API server: {error.message}",
                    **{"code": "NoCredentials", **error.details},
                ) from None

        return give


def connect(
    way: str,
    cluster: Cluster,
    clusters: Clusters,
    runtime: Runtime,
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
) -> KubernetesApi:
    """Find the way to a cluster's Kubernetes API. The API itself is not asked yet.

    Args:
        way: one of the choices of the option C(access).
        cluster: the cluster, as Azure answered it.
        clusters: Azure, by the session whose credential is used.
        runtime: time, the environment, and whether anyone still waits.
        kubeconfig: the option of that name.
        context: the option of that name.

    Raises:
        NoAccess: there is no way; says what to do.
        Unwanted: nobody waits for the result any more.
    """
    libraries.require()
    request = Request(cluster, clusters, runtime, kubeconfig, context)
    if cluster.power_state == "Stopped":
        raise NoAccess(
            f"{request.about} is stopped, so that its Kubernetes API does not run. Start it first: az aks start.",
            code="Stopped",
        )
    return WAYS[way](request)


def _auto(request: Request) -> KubernetesApi:
    return WAYS[KUBECONFIG if request.kubeconfig or request.context else USER](request)


def _by_kubeconfig(request: Request) -> KubernetesApi:
    environ = request.runtime.environ
    try:
        config = load(request.kubeconfig, environ)
        context = choose_context(config, request.cluster.name, request.hosts, request.context)
        server, user = config.server(context), config.user(context)
        user, token = _credentials(request, server, user)
    except NoAccess as error:
        raise _concerning(request, error) from None
    return _direct(request, server, user, token, f"Sign in again, or get a new kubeconfig. ({config.source}.)")


def _credentials(request: Request, server: Server, user: User) -> tuple[User, Token | None]:
    """What a kubeconfig's user has, in kubectl's order: a token file, a token, or a plugin."""
    if user.token_file:
        return user, _named(request, from_file(user.token_file))
    if user.token:
        return user, fixed(user.token)
    if user.plugin:
        plugged = Plugged(user.plugin, server, request.runtime.environ)
        if plugged.given.certificate:
            user = replace(user, certificate=plugged.given.certificate, key=plugged.given.key)
        return user, _named(request, plugged)
    return user, request.entra_token(user.entra_server) if user.entra_server else None


def _named(request: Request, give: Token) -> Token:
    """The same tokens; an error begins with the cluster."""

    def named(fresh: bool) -> str:
        try:
            return give(fresh)
        except NoAccess as error:
            raise _concerning(request, error) from None

    return named


def _by_user(request: Request) -> KubernetesApi:
    server, user = hand_out(request.clusters, request.cluster.id, FOR_USERS, {"format": "exec"})
    server_id = entra_server(user, f"{request.about}: the kubeconfig that Azure hands out")
    if server_id:  # no secret is in there, and no program is needed: the session can have a token itself
        return _direct(request, server, User(), request.entra_token(server_id), STRANGER)
    return _direct(request, server, user, fixed(user.token), RENEWED)


def _by_admin(request: Request) -> KubernetesApi:
    server, user = hand_out(request.clusters, request.cluster.id, FOR_ADMINS, {})
    return _direct(request, server, user, fixed(user.token), RENEWED)


def _by_run_command(request: Request) -> KubernetesApi:
    profile = request.cluster.properties.get("aadProfile") or {}
    own = str(profile.get("serverAppID") or ENTRA_SERVER)  # one of the cluster's own, before AKS managed it
    token = request.entra_token(application(own, f"{request.about}: aadProfile")) if profile else None
    return RunCommand(request.cluster, request.clusters, request.runtime, token=token)


WAYS: dict[str, Callable[[Request], KubernetesApi]] = {
    AUTO: _auto,
    KUBECONFIG: _by_kubeconfig,
    USER: _by_user,
    ADMIN: _by_admin,
    RUN_COMMAND: _by_run_command,
}


def _direct(request: Request, server: Server, user: User, token: Token | None, unauthorized: str) -> KubernetesApi:
    try:
        return Direct(
            server,
            request.runtime,
            request.words(unauthorized),
            certificate=user.certificate,
            key=user.key,
            token=token,
        )
    except NoAccess as error:
        raise _concerning(request, error) from None


def _concerning(request: Request, error: NoAccess) -> NoAccess:
    """The same, beginning with the cluster."""
    return NoAccess(f"{request.about}: {error.message}", **error.details)


def choose_context(config: Kubeconfig, name: str, hosts: list[str], wanted: str | None) -> str:
    """The context of a kubeconfig that leads to a cluster.

    It is the one that is asked for, else the one of the cluster's name (as C(az aks get-credentials) names them), else
    the current one. Its server has to be one of the cluster's hosts, by name or, through a tunnel, by the name on its
    certificate (C(tls-server-name)). Only of a context that is asked for may the server be this very host (a tunnel),
    as nothing tells then where that leads.

    Args:
        config: the kubeconfig.
        name: the cluster's name.
        hosts: the API server's hosts, by Azure; none where they are not known.
        wanted: the context that is asked for, if any.

    Raises:
        NoAccess: there is no such context, or it leads to another cluster.
    """
    context = wanted or (name if name in config.contexts else config.current)
    if not context:
        raise NoAccess(
            f"{config.source} has no context {name!r} and no current one. Name one in 'context', or get one: az aks "
            "get-credentials.",
            code="NoSuchContext",
        )
    server = config.server(context)
    if server.known_as in hosts or (wanted and (is_this_host(server.known_as) or not hosts)):
        return context
    raise NoAccess(
        f"{config.source}: the context {context!r} leads to {server.known_as}, which is not this cluster's API server "
        f"({' or '.join(hosts) or 'Azure names none'}). Nothing was asked there. Name the right one in 'context', or "
        "get one: az aks get-credentials. Behind a tunnel or a bastion, set tls-server-name in the kubeconfig to the "
        "cluster's own host.",
        code="WrongCluster",
    )
