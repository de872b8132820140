"""Runs real ansible-playbook processes on playbooks made from Python data, and tells what became of each task."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

SUPPORT = Path(__file__).parent
TEST_PLUGINS = SUPPORT.parent / "modules" / "plugins"

Task = dict[str, Any]
Inventory = Mapping[str, Mapping[str, Any]]
LOCAL: Inventory = {"localhost": {"ansible_connection": "local"}}

IN_PROCESS, MODULE = "in-process", "module"


@dataclass(frozen=True)
class Tagged:
    """A string with a YAML tag: C(!vault) or C(!unsafe)."""

    tag: str
    text: str


class _Dumper(yaml.SafeDumper):
    """Writes playbooks: with tags, and without anchors, which Ansible would treat as one object."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


_Dumper.add_representer(
    Tagged, lambda dumper, data: dumper.represent_scalar(data.tag, data.text, style="|" if "\n" in data.text else '"')
)


@dataclass(frozen=True)
class TaskResult:
    """What became of a task on a host.

    Attributes:
        event: C(ok), C(failed), C(unreachable), C(skipped); C(item ok) or C(item failed) for a round of a loop.
        host: the host's name in the inventory.
        task: the task's name.
        values: the result as callbacks get it.
    """

    event: str
    host: str
    task: str
    values: dict[str, Any]

    @property
    def message(self) -> str:
        """The message of the result."""
        return str(self.values.get("msg", ""))


@dataclass(frozen=True)
class Run:
    """A finished ansible-playbook.

    Attributes:
        status: its exit status.
        stdout: what it printed.
        stderr: what it complained about.
        results: what became of each task, in the order of their ends.
    """

    status: int
    stdout: str
    stderr: str
    results: list[TaskResult] = field(repr=False)

    def results_of(self, task: str) -> list[TaskResult]:
        """The results of a task, for all hosts; of a loop only the whole."""
        return [result for result in self.results if result.task == task and not result.event.startswith("item ")]

    def items_of(self, task: str) -> list[TaskResult]:
        """The rounds of a loop, for all hosts."""
        return [result for result in self.results if result.task == task and result.event.startswith("item ")]

    def result(self, task: str, host: str | None = None) -> TaskResult:
        """The one result of a task."""
        found = [result for result in self.results_of(task) if host in (None, result.host)]
        assert len(found) == 1, f"{len(found)} results of {task!r}\n{self}"
        return found[0]

    @cached_property
    def ways(self) -> dict[str, str]:
        """How each task ran, as C(-vvv) tells: as an ordinary module once a process was started for it.

        The operation in the worker starts none. Tasks of the linear strategy follow each other, so that what is
        printed after the heading of a task belongs to it.
        """
        assert "<" in self.stdout or "task path:" in self.stdout, "-vvv is needed to see how tasks ran"
        sections = re.split(r"^TASK \[(.*?)\] \*+$", self.stdout, flags=re.MULTILINE)
        return {
            name: MODULE if re.search(r"^<[^>]*> (?:\(.*?\) )?EXEC ", text, re.MULTILINE) else IN_PROCESS
            for name, text in zip(sections[1::2], sections[2::2], strict=True)
        }

    @cached_property
    def recap(self) -> dict[str, dict[str, int]]:
        """How many tasks came to which end, by host, out of the lines that ansible-playbook ends with."""
        _before, _heading, lines = self.stdout.partition("PLAY RECAP")
        counted = re.findall(r"^(\S+)\s+: (ok=.*?)\s*$", lines, re.MULTILINE)
        return {
            host: {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in counted
        }

    def __str__(self) -> str:
        """Everything that a failed test wants to show."""
        return f"exit status {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def task(name: str, module: str, arguments: Any = None, **keywords: Any) -> Task:
    """A task that goes on after a failure, since many are looked at in one run; keywords win."""
    return {"name": name, module: arguments or {}, "ignore_errors": True, **keywords}


def play(*tasks: Task, hosts: str = "all", **keywords: Any) -> dict[str, Any]:
    """A play without facts."""
    return {"hosts": hosts, "gather_facts": False, "tasks": list(tasks), **keywords}


INTERRUPTIBLE = ("env", "--default-signal=INT")
"""Stands before a command that a test interrupts: whoever started the tests in the background may ignore the signal."""


@dataclass(frozen=True)
class Ansible:
    """The Ansible under test, in a folder of a test's own.

    Attributes:
        bin: the folder of its commands.
        environ: the environment variables of whatever it starts.
        folder: where playbooks go.
    """

    bin: Path
    environ: Mapping[str, str]
    folder: Path

    def command(
        self,
        plays: Sequence[Mapping[str, Any]],
        *options: str,
        inventory: Inventory | None = None,
    ) -> list[str]:
        """Write playbook and inventory; the command that runs them."""
        playbook, hosts = self.folder / "playbook.yml", self.folder / "inventory.yml"
        playbook.write_text(yaml.dump(list(plays), Dumper=_Dumper, sort_keys=False), encoding="utf-8")
        hosts.write_text(yaml.dump({"all": {"hosts": inventory or LOCAL}}, Dumper=_Dumper), encoding="utf-8")
        self.record.unlink(missing_ok=True)
        return [str(self.bin / "ansible-playbook"), "-i", str(hosts), *options, str(playbook)]

    def named_command(self, playbook: str, *options: str, inventory: Mapping[str, Any] | Path) -> list[str]:
        """The command that runs a collection's playbook by name, or a file's.

        Args:
            playbook: the name or the path.
            options: further words of the command line.
            inventory: a file, or the content of one in YAML's form.
        """
        hosts = inventory if isinstance(inventory, Path) else self.folder / "inventory.yml"
        if not isinstance(inventory, Path):
            hosts.write_text(yaml.dump(dict(inventory), Dumper=_Dumper, sort_keys=False), encoding="utf-8")
        self.record.unlink(missing_ok=True)
        return [str(self.bin / "ansible-playbook"), "-i", str(hosts), *options, playbook]

    @property
    def record(self) -> Path:
        """The file that the callback writes."""
        return self.folder / "record.jsonl"

    def variables(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment variables, with the test plugins and the recorder switched on."""
        return {
            **self.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(SUPPORT / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "ANSIBLE_CONNECTION_PLUGINS": str(TEST_PLUGINS / "connection"),
            "ANSIBLE_BECOME_PLUGINS": str(TEST_PLUGINS / "become"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "local-tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "remote-tmp"),
            "ANSIBLE_ASYNC_DIR": str(self.folder / "async"),
            "AKS_TEST_RECORD": str(self.record),
            **(environ or {}),
        }

    def play(
        self,
        plays: Sequence[Mapping[str, Any]],
        *options: str,
        inventory: Inventory | None = None,
        environ: Mapping[str, str] | None = None,
        seconds: float = 400,
    ) -> Run:
        """Run a playbook to its end. Raises subprocess.TimeoutExpired after so many seconds."""
        command = self.command(plays, *options, inventory=inventory)
        return self.finished(self.run(*command, environ=environ, seconds=seconds))

    def run(
        self, *command: str, environ: Mapping[str, str] | None = None, seconds: float = 400
    ) -> subprocess.CompletedProcess[str]:
        """Run any command with the same variables; a bare name is a command of the Ansible under test."""
        program = command[0] if "/" in command[0] else str(self.bin / command[0])
        return subprocess.run(
            [program, *command[1:]],
            env=self.variables(environ),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def finished(self, process: subprocess.CompletedProcess[str]) -> Run:
        """What became of a command that ran a playbook."""
        lines = self.record.read_text(encoding="utf-8").splitlines() if self.record.exists() else []
        results = [
            TaskResult(line["event"], line["host"], line["task"], line["result"]) for line in map(json.loads, lines)
        ]
        return Run(process.returncode, process.stdout, process.stderr, results)

    @cached_property
    def core(self) -> tuple[int, int]:
        """The version of ansible-core under test."""
        text = self.run("ansible", "--version").stdout
        found = re.match(r"ansible \[core (\d+)\.(\d+)", text)
        assert found, text
        return int(found[1]), int(found[2])


def controller_python(ansible_bin: Path) -> Path:
    """The Python that runs the Ansible under test, as its processes see it in C(sys.executable)."""
    first = (ansible_bin / "ansible-playbook").read_text(encoding="utf-8").splitlines()[0]
    return Path(first.removeprefix("#!")) if first.startswith("#!/") else Path(sys.executable)
