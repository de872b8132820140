"""Keeps a Python process, and those that it starts, on loopback: what reaches beyond is refused and told.

Needs nothing but the standard library, since it is at work in every environment that tests use: there it is linked into
site-packages, beside a .pth file, and takes effect where the environment variable is set (tests/tools/environment.py).
tests/conftest.py sets the variable, and fails the test during which something was refused.

Audit events are what it listens to (https://docs.python.org/3/library/audit_events.html): they tell of every connection
and look-up that Python code makes, whichever library makes it.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

VARIABLE = "AKS_TEST_LOOPBACK_ONLY"
"""Names the folder that takes a file per refused attempt."""

Arguments = tuple[Any, ...]

# Where an event's arguments hold the host that is meant.
CONNECTIONS: Mapping[str, Callable[[Arguments], Any]] = {
    "socket.connect": lambda arguments: _first(arguments[1]),
    "socket.sendmsg": lambda arguments: _first(arguments[1]),
    "socket.sendto": lambda arguments: _first(arguments[1]),
}
LOOKUPS: Mapping[str, Callable[[Arguments], Any]] = {
    "socket.getaddrinfo": lambda arguments: arguments[0],
    "socket.gethostbyaddr": lambda arguments: arguments[0],
    "socket.gethostbyname": lambda arguments: arguments[0],
    "socket.getnameinfo": lambda arguments: _first(arguments[0]),
}
HOSTS = {**CONNECTIONS, **LOOKUPS}

# Names that lead nowhere, as tests and the emulator mean them: reserved ones (RFC 6761), and those of private clusters'
# API servers, which only the cluster's own network knows. They are answered here, without asking a name server.
NOWHERE = re.compile(r"(\.|^)(invalid|privatelink\.[a-z0-9]+\.azmk8s\.io)$")


# Where an event's arguments hold the environment of a process that is about to start.
STARTS = {"subprocess.Popen": 3, "os.exec": 2, "os.posix_spawn": 2}


def _first(address: Any) -> Any:
    """The host of a socket's address: none in those of Unix sockets."""
    return address[0] if isinstance(address, tuple) else None


def _name(host: str | bytes) -> str:
    """A host in the one form in which it is compared."""
    text = host.decode(errors="replace") if isinstance(host, bytes) else host
    return text.rstrip(".").lower()


def on_loopback(host: Any) -> bool:
    """Whether nobody beyond this machine is asked: no host, this machine's own names, loopback addresses."""
    if not host or not isinstance(host, (str, bytes)):
        return True
    name = _name(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    import ipaddress

    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def leads_nowhere(host: str | bytes) -> bool:
    """Whether nobody is blamed for looking a name up: those above, and this machine's own, which MSAL wants to know."""
    name = _name(host)
    return name == _name(os.uname().nodename) or NOWHERE.search(name) is not None


def install() -> None:
    """Listen from now on, to the end of the process."""
    at_start = os.environ[VARIABLE]

    def folder() -> str:
        """The folder of now: a process that was forked, or pytest's, may have got another one."""
        return os.environ.get(VARIABLE) or at_start

    def listen(event: str, arguments: Arguments) -> None:
        """Refuse what reaches beyond loopback; hand the variable on to what is started with other variables."""
        if event in HOSTS:
            host = HOSTS[event](arguments)
            if not on_loopback(host):
                if not leads_nowhere(host):
                    _tell(folder(), f"{event} {host!r} by {' '.join(sys.orig_argv)}")
                raise _refusal(event)
        elif event in STARTS:
            environ = arguments[STARTS[event]]
            (environ if isinstance(environ, dict) else os.environ).setdefault(VARIABLE, folder())

    sys.addaudithook(listen)


def _tell(folder: str, line: str) -> None:
    """Leave a file about a refused attempt; in vain when those who wait for it have gone."""
    import tempfile

    try:
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            file.write(line)
    except OSError:
        return


def _refusal(event: str) -> OSError:
    """What a machine without a network would say."""
    import socket

    if event in LOOKUPS:
        return socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
