"""Who may talk to a cluster's API server: local accounts by certificate or token, or Microsoft Entra ID's tokens."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from .. import tokens
from ..cluster_body import steady_guid
from . import settings
from .rbac import ADMIN, User
from .status import error

if TYPE_CHECKING:
    from ..world import Cluster, World

# AKS's applications in Microsoft Entra ID, the same everywhere: https://learn.microsoft.com/azure/aks/kubelogin-authentication
SERVER_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630"
CLIENT_APPLICATION = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
LOCAL_ADMIN = "masterclient"
UNIT = "organizationalUnitName"


class Issuer:
    """The authority behind the API servers of one run: it signs their certificate and those of local accounts."""

    def __init__(self) -> None:
        """Make the authority."""
        self.authority = trustme.CA(organization_name="aks.kube_proxy emulator, Kubernetes")
        self._issued: dict[str, tuple[str, str]] = {}

    @property
    def certificate(self) -> str:
        """The authority's own certificate, in PEM."""
        return self.authority.cert_pem.bytes().decode()

    def client(self, cluster: Cluster) -> tuple[str, str]:
        """Certificate and key of a cluster's local administrator, in PEM. Made when they are first asked for."""
        if cluster.key not in self._issued:
            made = self.authority.issue_cert(
                "masterclient",
                common_name=LOCAL_ADMIN,
                organization_name="system:masters",
                organization_unit_name=steady_guid(cluster.key),
            )
            chain = made.cert_chain_pems[0].bytes().decode()
            self._issued[cluster.key] = (chain, made.private_key_pem.bytes().decode())
        return self._issued[cluster.key]

    def write_certificate(self, path: Path) -> None:
        """Write the authority's certificate to a file."""
        self.authority.cert_pem.write_to_path(str(path))


def local_token(world: World, cluster: Cluster) -> str:
    """The token of a cluster's local administrator."""
    return hmac.digest(world.token_key, f"kubernetes/{cluster.key}".encode(), "sha512").hex()


def authenticate(world: World, cluster: Cluster, authorization: str, subject: Mapping[str, str]) -> User:
    """Find who calls. `subject`: of the client certificate, if one was shown. 401 for everybody else."""
    local = not cluster.properties.get("disableLocalAccounts")
    if cluster.kubernetes.settings.api == "unauthorized":
        raise error(401, "Unauthorized")
    if local and subject.get(UNIT) == steady_guid(cluster.key):
        return User(subject["commonName"], ADMIN)
    scheme, _unused, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token:
        if local and hmac.compare_digest(token.encode(), local_token(world, cluster).encode()):
            return User(LOCAL_ADMIN, ADMIN)
        return entra_user(world, cluster, token)
    raise error(401, "Unauthorized")


def entra_user(world: World, cluster: Cluster, token: str) -> User:
    """Whose token it is; 401 unless it was issued for AKS's server application, and the cluster asks Entra ID."""
    claims = tokens.genuine(world, token)
    principal = world.principal(str(claims.get("appid", ""))) if claims else None
    if claims is None or principal is None or tokens.outdated(claims):
        raise error(401, "Unauthorized")
    if claims["aud"] != SERVER_APPLICATION or not settings.entra(cluster.properties):
        raise error(401, "Unauthorized")
    name = principal.username or principal.object_id
    return User(name, principal.kubernetes_rules, azure=bool(cluster.properties["aadProfile"].get("enableAzureRBAC")))


def cluster_admin() -> User:
    """Who runs commands in a cluster without Entra ID."""
    return User("system:serviceaccount:aks-command:default", ADMIN)
