# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the entries of a kubeconfig mean: a server, and a user's credentials.

Private to this collection. https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import UNTRUSTED
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import NoAccess

ENTRA_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application that stands for all AKS clusters with Microsoft Entra ID: what their tokens have to be for.
https://learn.microsoft.com/azure/aks/kubelogin-authentication"""

# What stands in front of a backslash, for example, is the host to urllib3, but not to urllib.parse.
_NAME = r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?"
_SERVER = re.compile(rf"https://(?:{_NAME}|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?(?:/[^\\\s?#]*)?", re.IGNORECASE)
_TLS_NAME = re.compile(rf"(?:{_NAME}|[0-9a-f]*:[0-9a-f:.]+)?", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Server:
    """Where an API server is, and how to know it.

    Attributes:
        url: its base URL, without a slash at the end.
        ca: the certificates (PEM) that alone are trusted; empty for those that the operating system trusts.
        tls_name: the name that its certificate has to bear, where that is not the host's.
        proxy: the proxy's URL; empty for what the environment says. It may hold a password.
    """

    url: str
    ca: str = field(default="", repr=False)
    tls_name: str = ""
    proxy: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Its host name, in lower case."""
        return (urlsplit(self.url).hostname or "").rstrip(".")

    @property
    def known_as(self) -> str:
        """The name that its certificate proves, in lower case. Behind a tunnel it is another than the host's."""
        return self.tls_name.lower().rstrip(".") or self.host


@dataclass(frozen=True)
class Plugin:
    """A program that gives credentials.

    Attributes:
        command: the program, or the path to it, from the kubeconfig's folder.
        args: its arguments.
        env: further environment variables for it.
        api_version: the form that it is spoken to in.
        hint: how to install it, in the kubeconfig's words.
        wants_cluster: whether it is to be told of the cluster.
        interactive: C(Never), C(IfAvailable) or C(Always).
    """

    command: str
    args: tuple[str, ...] = field(default=(), repr=False)
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    api_version: str = ""
    hint: str = ""
    wants_cluster: bool = False
    interactive: str = "IfAvailable"


@dataclass(frozen=True)
class User:
    """What proves who asks. Nothing of it is shown in representations.

    Attributes:
        certificate: a client certificate (PEM).
        key: its private key (PEM).
        token: a bearer token.
        token_file: a file with one, which is renewed from outside.
        plugin: a program that gives one.
        entra_server: the application that a token of Microsoft Entra ID has to be for, where the user has the
            C(auth-provider) that AKS wrote before exec plugins; empty where it has none.
    """

    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    token_file: str = field(default="", repr=False)
    plugin: Plugin | None = None
    entra_server: str = ""


@dataclass(frozen=True)
class Entry:
    """An entry of one of the three lists of a kubeconfig, with the folder from which its paths are."""

    values: Mapping[str, Any] = field(repr=False)
    folder: Path


def read_server(entry: Entry, where: str) -> Server:
    """Read an entry of C(clusters).

    Args:
        entry: the entry.
        where: where it stands, for messages.

    Raises:
        NoAccess: it leads to no usable server.
    """
    values = entry.values
    url = text_of(values, "server").rstrip("/")
    if not _is_server(url):
        raise NoAccess(f"{where}: its server is no https URL with a host.", code="BadKubeconfig")
    if values.get("insecure-skip-tls-verify") not in (None, False):  # anybody could answer, and be given the token
        raise NoAccess(
            f"{where}: insecure-skip-tls-verify is not obeyed: the server's certificate is always checked. Give the "
            "cluster's authority instead (certificate-authority-data), and tls-server-name where its certificate "
            "bears another name.",
            code=UNTRUSTED,
        )
    tls_name = text_of(values, "tls-server-name")
    if not _TLS_NAME.fullmatch(tls_name):
        raise NoAccess(f"{where}: its tls-server-name is no name of a host.", code="BadKubeconfig")
    ca = _pem(entry, "certificate-authority", where)
    return Server(url, ca, tls_name, text_of(values, "proxy-url"))


def _is_server(url: str) -> bool:
    """Whether this is an C(https) URL, and one in which every reader of URLs sees the same host and port."""
    try:
        return bool(_SERVER.fullmatch(url)) and urlsplit(url).port != 0
    except ValueError:
        return False


def read_user(entry: Entry, where: str) -> User:
    """Read an entry of C(users).

    Args:
        entry: the entry.
        where: where it stands, for messages.

    Raises:
        NoAccess: its credentials cannot be used.
    """
    values = entry.values
    if text_of(values, "username") or text_of(values, "password"):
        raise NoAccess(
            f"{where}: user name and password are not supported, as Kubernetes does not support them since 1.19. Use a "
            "token, a client certificate, or set 'access' to 'user'.",
            code="NoCredentials",
        )
    certificate, key = (_pem(entry, name, where) for name in ("client-certificate", "client-key"))
    if bool(certificate) != bool(key):
        raise NoAccess(f"{where}: a client certificate goes with a key; one of the two lacks.", code="BadKubeconfig")
    token_file = text_of(values, "tokenFile")
    return User(
        certificate=certificate,
        key=key,
        token=text_of(values, "token"),
        token_file=str(entry.folder / token_file) if token_file else "",
        plugin=_plugin(entry, where),
        entra_server=_entra_server(values, where),
    )


def _plugin(entry: Entry, where: str) -> Plugin | None:
    values = entry.values.get("exec")
    if not values:
        return None
    command = text_of(values, "command") if isinstance(values, Mapping) else ""
    if not command:
        raise NoAccess(f"{where}: its exec plugin has no command.", code="BadKubeconfig")
    if os.sep in command:  # as kubectl does; a bare name is looked up in PATH
        command = str(entry.folder / command)
    args, env = (values.get(key) or [] for key in ("args", "env"))
    if not isinstance(args, list) or not isinstance(env, list):
        raise NoAccess(f"{where}: 'args' and 'env' of its exec plugin have to be lists.", code="BadKubeconfig")
    rows = [row for row in env if isinstance(row, Mapping)]
    return Plugin(
        command=command,
        args=tuple(_text(word) for word in args),
        env=tuple((text_of(row, "name"), text_of(row, "value")) for row in rows),
        api_version=text_of(values, "apiVersion"),
        hint=text_of(values, "installHint"),
        wants_cluster=values.get("provideClusterInfo") is True,
        interactive=text_of(values, "interactiveMode") or "IfAvailable",
    )


def _entra_server(values: Mapping[str, Any], where: str) -> str:
    provider = values.get("auth-provider")
    if not isinstance(provider, Mapping):
        return ""
    if provider.get("name") != "azure":
        raise NoAccess(
            f"{where}: the auth-provider {text_of(provider, 'name')!r} is not supported, as kubectl does not support "
            "it since 1.26. Use an exec plugin, a token or a client certificate.",
            code="NoCredentials",
        )
    config = provider.get("config")
    given = text_of(config, "apiserver-id") if isinstance(config, Mapping) else ""
    return application(given or ENTRA_SERVER, where)


def application(given: str, where: str) -> str:
    """The id of an application of Microsoft Entra ID, for which the session's identity is to get a token.

    It is a GUID. An address in its place would be that of another service, such as Azure's own API, and that service's
    token would be sent to the server that the kubeconfig names.

    Raises:
        NoAccess: it is no GUID.
    """
    if not _GUID.fullmatch(given):
        raise NoAccess(f"{where}: the application that tokens are for is named by no GUID.", code="BadKubeconfig")
    return given


def _pem(entry: Entry, key: str, where: str) -> str:
    """What stands in C(KEY-data), else in the file that C(KEY) names; empty where neither is there."""
    data, name = text_of(entry.values, f"{key}-data"), text_of(entry.values, key)
    if not data:
        return read_text(entry.folder / name, f"{where}: the {key} {name}") if name else ""
    try:
        return base64.b64decode("".join(data.split()), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise NoAccess(f"{where}: {key}-data is no PEM in Base64.", code="BadKubeconfig") from None


def read_text(path: Path, what: str, code: str = "NoCredentials") -> str:
    """A file's text.

    Args:
        path: the file.
        what: what to call it in messages.
        code: what a message shall have as C(code).

    Raises:
        NoAccess: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NoAccess(f"{what} cannot be read: {error.strerror}.", code=code) from None
    except ValueError:  # of what is in it, or of a name that no file has
        raise NoAccess(f"{what} cannot be read: it is no text.", code=code) from None


def text_of(values: Mapping[str, Any], key: str) -> str:
    """What stands below a key, as text; empty where nothing does."""
    return _text(values.get(key))


def _text(value: Any) -> str:
    """A value as text; empty for nothing, and for a number that is too long to be written out."""
    try:
        return "" if value is None else str(value)
    except ValueError:
        return ""
