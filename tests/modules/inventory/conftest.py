"""Runs real ansible-inventory and ansible-playbook processes on inventory files of a test's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator import Emulator
from tests.support.playbook import Ansible

PLUGIN = "aks.kube_proxy.aks_clusters"


def squeezed(text: str) -> str:
    """The text without blanks: ansible-core before 2.19 breaks its warnings into lines, in the middle of long words."""
    return "".join(text.split())


def revived(value: Any) -> Any:
    """What ansible-inventory shows, without its marks on strings that are no templates."""
    if isinstance(value, dict):
        if set(value) == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {key: revived(item) for key, item in value.items()}
    return [revived(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Listing:
    """What ansible-inventory showed.

    Attributes:
        status: its exit status.
        stdout: what it printed.
        stderr: what it complained about.
    """

    status: int
    stdout: str
    stderr: str
    shown: dict[str, Any] = field(repr=False)

    def says(self, text: str) -> bool:
        """Whether it complained so."""
        return squeezed(text) in squeezed(self.stderr)

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The hosts' variables."""
        found: dict[str, dict[str, Any]] = revived(self.shown["_meta"]["hostvars"])
        return found

    @property
    def groups(self) -> dict[str, list[str]]:
        """The groups' hosts, without the groups that Ansible makes itself."""
        return {
            name: sorted(group.get("hosts", []))
            for name, group in self.shown.items()
            if name not in ("_meta", "all", "ungrouped")
        }


@dataclass(frozen=True)
class Estate:
    """Ansible, an Azure, and a folder with inventory files.

    Attributes:
        ansible: the Ansible under test.
        azure: the emulator.
        folder: where the files are.
    """

    ansible: Ansible
    azure: Emulator
    folder: Path

    def write(self, options: Mapping[str, Any] | str, name: str = "aks_clusters.yml") -> Path:
        """Write an inventory file: the plugin's line, and the options below it."""
        text = options if isinstance(options, str) else yaml.safe_dump({"plugin": PLUGIN, **options}, sort_keys=False)
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def environ(self, **more: str) -> dict[str, str]:
        """The variables with the emulator's credentials."""
        return {**self.azure.environment(), **more}

    def list(self, options: Mapping[str, Any] | str, *arguments: str, **environ: str) -> Listing:
        """What ansible-inventory shows of one file."""
        return self.list_files([self.write(options)], *arguments, **environ)

    def list_files(self, files: Sequence[Path], *arguments: str, **environ: str) -> Listing:
        """What ansible-inventory shows of several files."""
        sources = [word for file in files for word in ("-i", str(file))]
        done = self.ansible.run("ansible-inventory", *sources, "--list", *arguments, environ=self.environ(**environ))
        json_part = re.search(r"^\{$.*", done.stdout, re.MULTILINE | re.DOTALL)  # -v puts more before it
        shown = json.loads(json_part[0]) if json_part else {}
        return Listing(done.returncode, done.stdout, done.stderr, shown)

    def requests(self) -> dict[str, int]:
        """How many tokens and how many answers of Resource Manager were asked for since the last time."""
        paths = [entry["path"] for entry in self.azure.requests()]
        self.azure.clear_requests()
        return {
            "tokens": sum(path.endswith("/token") for path in paths),
            "arm": sum(path.startswith("/subscriptions") for path in paths),
        }


@pytest.fixture
def estate(ansible: Ansible, hurried: Emulator, tmp_path: Path) -> Estate:
    """An estate; tests lay out its clusters."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    return Estate(ansible, hurried, folder)
