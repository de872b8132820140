# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""aks.kube_proxy.cli_extension: an extension of the Azure CLI on the host where the module runs.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain import cli_extension as extensions
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cli_extension import Installed, Offer, Wish
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.azure_cli import Az, find_program
from ansible_collections.aks.kube_proxy.plugins.module_utils._operations.operation import (
    Operation,
    Parameters,
    concerning,
)

TIMEOUT_SECONDS = 600
INDEX_VARIABLE = "AZURE_EXTENSION_INDEX_URL"


def run(parameters: Parameters, runtime: Runtime) -> dict[str, Any]:
    """Install, change or remove the extension.

    Raises:
        AzureError: whatever kept it from getting there.
    """
    name = parameters["name"]
    with concerning(f"Azure CLI extension {name}"):
        check(parameters)
        program = find_program(parameters["executable"], runtime.environ)
        az = Az(program, surroundings(parameters, runtime.environ), parameters["timeout"])
        return ExtensionChange(az, runtime, parameters).run()


def check(parameters: Parameters) -> None:
    """Refuse what az would take for something else.

    Raises:
        ValueError: an option holds what it cannot hold.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", parameters["name"]):
        raise ValueError(f"'name' is {parameters['name']!r}, which is no name of an extension.")
    version = parameters["version"]
    if version is not None and not re.fullmatch(r"\d[\w.!+-]*", version):
        raise ValueError(f"'version' is {version!r}, which is no version. For the newest there is 'state: latest'.")
    for option in ("version", "source"):
        if parameters[option] is not None and parameters["state"] != extensions.PRESENT:
            raise ValueError(f"'{option}' goes with 'state: present' alone.")
    if parameters["timeout"] <= 0:
        raise ValueError(f"'timeout' is {parameters['timeout']}, which has to be more than 0.")


def surroundings(parameters: Parameters, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of az. The index goes there, since others can read a process's arguments."""
    index = {INDEX_VARIABLE: parameters["index_url"]} if parameters["index_url"] else {}
    return {**environ, "AZURE_CORE_NO_COLOR": "true", **index}


class ExtensionChange:
    """The way of one extension to what is wanted.

    Args:
        az: the Azure CLI.
        runtime: check mode.
        parameters: the module's options.
    """

    def __init__(self, az: Az, runtime: Runtime, parameters: Parameters) -> None:
        self.az = az
        self.check_mode = runtime.check_mode
        self.name: str = parameters["name"]
        self.source: str | None = parameters["source"]
        self.wheel = extensions.wheel_offer(self.source, self.name) if self.source else None
        version = self.wheel.version if self.wheel else parameters["version"]
        self.wish = Wish(parameters["state"], version, parameters["allow_preview"])
        self.previous: Installed | None = None
        self.current: Installed | None = None

    def run(self) -> dict[str, Any]:
        """Do it, or in check mode predict it.

        Returns:
            the module's result.

        Raises:
            AzureError: with what is known of the extension in its details.
        """
        self.previous = self.current = self._installed()
        try:
            step = extensions.next_step(self.wish, self.previous)
            if step == extensions.REMOVE:
                self._write(None, "remove", "--name", self.name)
            elif step == extensions.INSTALL:
                self._install(self._target())
        except (ValueError, AzureError) as error:
            raise AzureError(str(error), **self._known()) from None
        header = f"Azure CLI extension {self.name}"
        before, after = ({"version": found.version if found else None} for found in (self.previous, self.current))
        return {
            **self._known(),
            "diff": {"before": before, "after": after, "before_header": header, "after_header": header},
        }

    def _known(self) -> dict[str, Any]:
        current = self.current or Installed(None, None, None)
        return {
            "changed": self.current != self.previous,
            "name": self.name,
            "previous_version": self.previous.version if self.previous else None,
            "version": current.version,
            "preview": current.preview,
            "folder": current.folder,  # not "path": AnsibleModule adds owner, mode and so on to that
        }

    def _installed(self) -> Installed | None:
        listing = self.az("list")
        try:
            return extensions.installed_in(listing, self.name)
        except (KeyError, TypeError):
            raise AzureError("What az extension list printed is not understood.") from None

    def _target(self) -> Offer:
        """The version to have in the end."""
        if self.wheel:
            self._assert_there()
            return self.wheel
        listing = self.az("list-versions", "--name", self.name)
        try:
            offers = extensions.offers_in(listing)
        except (KeyError, TypeError):
            raise AzureError("What az extension list-versions printed is not understood.") from None
        return extensions.choose(self.wish, self.previous, offers)

    def _assert_there(self) -> None:
        """Whether the wheel is, where it is to be on this host; a URL is az's affair."""
        source = str(self.source)
        if not re.match(r"https?://", source) and not Path(source).expanduser().is_file():
            raise ValueError(
                f"'source' names a file {Path(source).name}, which is not there on the host where the task runs. "
                "Copy it there first (ansible.builtin.copy), or give its URL."
            )

    def _install(self, target: Offer) -> None:
        if self.previous and target.version == self.previous.version:
            return
        # Without --upgrade, az changes nothing where another version is installed, and says that all is well.
        words = ["--source", self.source] if self.source else ["--name", self.name, "--version", target.version]
        # Only where it is needed: az before 2024 has no such option (https://github.com/Azure/azure-cli/pull/27895).
        previews = ["--allow-preview", "true"] if target.preview and not self.source else []
        self._write(target, "add", *words, "--upgrade", "--yes", *previews)

    def _write(self, target: Offer | None, *words: str) -> None:
        """Run a command that changes something, and look whether it did what it was to do.

        Args:
            target: the version to find afterwards; None for no extension.
            words: the command.
        """
        if self.check_mode:
            folder = self.previous.folder if self.previous else None
            self.current = Installed(target.version, target.preview, folder) if target else None
            return
        try:
            self.az(*words)
        except AzureError:  # az has put the former version back, or has not
            with suppress(AzureError):
                self.current = self._installed()
            raise
        self.current = self._installed()
        found, wanted = (there.version if there else None for there in (self.current, target))
        if found != wanted or bool(self.current) != bool(target):
            there = f"version {found or 'that cannot be read'} is there" if self.current else "it is not there"
            raise AzureError(
                f"az extension {words[0]} says that all went well, but {there}. "
                "Run az extension list on the host to see what it finds where."
            )


class HostOperation(Operation):
    """An operation on the host where the module runs, without Azure: it has no options for authentication."""

    @property
    def argument_spec(self) -> dict[str, Any]:
        """The options alone."""
        return dict(self.options)


OPERATION = HostOperation(
    name="aks.kube_proxy.cli_extension",
    run=run,
    options={
        "name": {"type": "str", "required": True},
        "state": {
            "type": "str",
            "choices": [extensions.PRESENT, extensions.LATEST, extensions.ABSENT],
            "default": extensions.PRESENT,
        },
        "version": {"type": "str"},
        "source": {"type": "str", "no_log": True},
        "index_url": {"type": "str", "no_log": True},
        "allow_preview": {"type": "bool"},
        "executable": {"type": "path", "default": "az"},
        "timeout": {"type": "int", "default": TIMEOUT_SECONDS},
    },
    constraints={"mutually_exclusive": [("version", "source")]},
)
