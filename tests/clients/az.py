"""The Azure CLI as a program to call."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

CLOUD = "Emulated"
SECONDS = 120
"""How long a command may take; az would wait for ever."""


@dataclass(frozen=True)
class Az:
    """The Azure CLI with its environment.

    Attributes:
        program: the program.
        environ: all of its environment variables.
    """

    program: Path
    environ: Mapping[str, str] = field(repr=False)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        return subprocess.run(
            [str(self.program), *words, "--output", "json"],
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def __call__(self, *words: str) -> Any:
        """Run a command that has to succeed; what it answers, None for nothing."""
        done = self.run(*words)
        assert done.returncode == 0, f"az {' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def elsewhere(self, folder: Path) -> Az:
        """The same program with its memory in another folder."""
        return replace(self, environ={**self.environ, "AZURE_CONFIG_DIR": str(folder)})

    def register_cloud(self, url: str) -> None:
        """Tell az about a cloud, which it asks for its endpoints, and choose it."""
        self("cloud", "register", "--name", CLOUD, "--endpoint-resource-manager", url)
        self("cloud", "set", "--name", CLOUD)

    def log_in(self, secret: str) -> subprocess.CompletedProcess[str]:
        """Log in as the service principal of the environment, with a secret."""
        who, tenant = self.environ["AZURE_CLIENT_ID"], self.environ["AZURE_TENANT"]
        return self.run("login", "--service-principal", "-u", who, "-p", secret, "--tenant", tenant)

    def sign_in(self, url: str) -> None:
        """Do what a user does first: name the cloud and log in."""
        self.register_cloud(url)
        done = self.log_in(self.environ["AZURE_SECRET"])
        assert done.returncode == 0, done.stderr
