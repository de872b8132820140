# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The Azure CLI's extension commands, as a program to call. Private to this collection."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.auth_errors import tidy
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import redact
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cli_extension import remedy, without_user_info

HOW_TO_GET_AZ = "Install it (https://learn.microsoft.com/cli/azure/install-azure-cli)"


def find_program(executable: str, environ: Mapping[str, str]) -> str:
    """The path of az.

    Raises:
        AzureError: there is none.
    """
    program = shutil.which(executable, path=environ.get("PATH"))
    if program:
        return program
    if os.sep in executable:
        raise AzureError(f"'executable' is {executable}, which is no program on this host. {HOW_TO_GET_AZ}.")
    raise AzureError(
        f"The Azure CLI ({executable}) is not on this host, or not in the PATH that modules have here, which is "
        f"{environ.get('PATH') or 'empty'}. {HOW_TO_GET_AZ}, or name its path in 'executable'."
    )


class Az:
    """The Azure CLI.

    Args:
        program: its path.
        environ: its environment.
        timeout: how many seconds a command may take.
    """

    def __init__(self, program: str, environ: Mapping[str, str], timeout: int) -> None:
        self._program = program
        self._environ = environ
        self._timeout = timeout

    def __call__(self, *words: str) -> Any:
        """Run C(az extension) to its end.

        Returns:
            what it printed as JSON, None where that is nothing.

        Raises:
            AzureError: it fails, prints something else, or has not ended in time. In that case it is killed with all
                that it started; az itself waits for a silent server for ever.
        """
        command = [self._program, "extension", *words, "--only-show-errors", "--output", "json"]
        try:
            # Not AnsibleModule.run_command: it knows no time limit, and az is a script that starts others.
            with subprocess.Popen(  # pylint: disable=ansible-bad-function
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            ) as process:
                try:
                    stdout, stderr = process.communicate(timeout=self._timeout)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise AzureError(
                        f"az extension {words[0]} has not ended after {self._timeout} seconds, and was stopped. Check "
                        "that this host reaches the index ('index_url', proxies), or allow more with 'timeout'."
                    ) from None
        except OSError as error:
            raise AzureError(f"The Azure CLI ({self._program}) cannot be run: {error.strerror}.") from None
        if process.returncode != 0:
            raise AzureError(said(words[0], stderr, process.returncode))
        try:
            return json.loads(stdout) if stdout.strip() else None
        except ValueError:
            raise AzureError(
                f"What az extension {words[0]} printed is no JSON. Is {self._program} the Azure CLI?"
            ) from None


# What az wraps its words in. Behind a traceback it repeats what it said before it.
WRAPPING = re.compile(
    r"^(ERROR|WARNING): |Use --debug for more information\.?|Here is the traceback:|To check existing issues.*"
    r"|^Traceback \(most recent call last\):\n(\s+.*\n)*.*",
    re.MULTILINE,
)


def said(command: str, stderr: str, status: int) -> str:
    """A message from what az complained about: its own words, without secrets, and what to do."""
    words = WRAPPING.sub("", stderr).strip()
    reason = tidy(redact(without_user_info(words))) or f"exit status {status}"
    end = "" if reason.endswith((".", "!", "?", "…")) else "."
    return f"az extension {command} says: {reason}{end} {remedy(words)}".rstrip()
