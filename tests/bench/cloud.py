"""An emulator in a process of its own, so that what it costs is nobody else's."""

from __future__ import annotations

import json
import os
import shlex
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import certifi

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds until an emulator that does not start has failed."""
FLAG = "KubeProxyConfigurationPreview"


@dataclass(frozen=True)
class Cloud:
    """A running emulator.

    Attributes:
        environ: what its clients need in their environment. The bundle of certificates is as large as usual.
        url: where it is.
        bundle: its own certificate.
    """

    environ: Mapping[str, str]
    url: str
    bundle: Path

    def control(self, path: str, method: str = "GET") -> Any:
        """Ask its control plane."""
        context = ssl.create_default_context(cafile=str(self.bundle))
        with urlopen(Request(f"{self.url}/_emulator/{path}", method=method), context=context) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def cloud(fleet: Mapping[str, Any], folder: Path, *, speed: float = 1.0) -> Iterator[Cloud]:
    """Run an emulator with a fleet."""
    folder.mkdir(parents=True, exist_ok=True)
    layout, variables = folder / "fleet.json", folder / "environment"
    layout.write_text(json.dumps(fleet), encoding="utf-8")
    variables.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.emulator", "--fleet", str(layout), "--speed", str(speed)]
    process = subprocess.Popen(
        [*command, "--write-env", str(variables)], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        end = time.monotonic() + PATIENCE
        while not variables.exists():
            assert process.poll() is None and time.monotonic() < end, "the emulator does not start"
            time.sleep(0.05)
        words = [word for word in shlex.split(variables.read_text(encoding="utf-8")) if "=" in word]
        given = dict(word.split("=", 1) for word in words)
        own = Path(given["REQUESTS_CA_BUNDLE"])
        bundle = folder / "bundle.pem"
        bundle.write_bytes(Path(certifi.where()).read_bytes() + own.read_bytes())
        environ = {**clean(), **given, "REQUESTS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
        yield Cloud(environ, given["AZURE_CLOUD_ENVIRONMENT"], own)
    finally:
        process.terminate()
        process.wait()


def clean() -> dict[str, str]:
    """The environment of a measured command: nothing of the caller's leaks in."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
        "HOME": os.environ["HOME"],
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
    }


def fleet(clusters: int, *, subscriptions: int = 1, **behaviour: Any) -> dict[str, Any]:
    """A fleet for the emulator: its clusters have a system and a user pool, and run what was never configured."""
    ids = [f"{number:08x}-1111-4111-8111-111111111111" for number in range(subscriptions)]
    pools = [{"name": "system", "count": 3, "mode": "System"}, {"name": "user", "count": 5, "mode": "User"}]
    rows = [
        {"name": f"c{number:04}", "resource_group": "rg1", "subscription": ids[number % subscriptions], "pools": pools}
        for number in range(clusters)
    ]
    flags = {one: {FLAG: "Registered"} for one in ids}
    return {"clusters": rows, "features": flags, "behaviour": behaviour}
