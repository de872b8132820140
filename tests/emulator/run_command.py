"""runCommand: a command that AKS runs in a pod within the cluster, with the words that kubectl would use."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .arm import Ask
from .clock import timestamp
from .kubernetes import access, front, settings
from .kubernetes.rbac import User
from .kubernetes.status import StatusError
from .refusals import refusal
from .wire import Answer, JsonObject

if TYPE_CHECKING:
    from .world import Cluster, World

LARGEST_OUTPUT = 512 * 1024  # bytes; AKS cuts beyond
OPERATORS = ";|&<>()"
SUBSTITUTION = re.compile(r"'[^']*'|\$\(([^)]*)\)|`([^`]*)`")
SETTINGS = (["set", "+e"], ["exec", "2", ">&", "1"])  # of the shell itself; both streams are one here anyway
UNAUTHORIZED = "error: You must be logged in to the server (Unauthorized)\n"
NO_SUCH_RESOURCE = "Error from server (NotFound): the server could not find the requested resource\n"


@dataclass
class Command:
    """One accepted command, until it has run and afterwards."""

    id: str
    cluster: str  # key
    text: str
    user: User | None  # None: the cluster token is not good
    started: float
    finished: float | None = None
    exit_code: int = 0
    logs: str = ""

    def view(self) -> JsonObject:
        """The result as ARM shows it."""
        if self.finished is None:
            return {"id": self.id, "properties": {"provisioningState": "Running"}}
        properties = {
            "provisioningState": "Succeeded",
            "exitCode": self.exit_code,
            "startedAt": timestamp(self.started),
            "finishedAt": timestamp(self.finished),
            "logs": self.logs,
        }
        return {"id": self.id, "properties": properties}


def post(ask: Ask) -> Answer:
    """POST runCommand: 202 without a body, and where the result will be."""
    world, cluster, content = ask.world, ask.cluster(), ask.json_object()
    if not isinstance(content.get("command"), str) or not content["command"].strip():
        raise refusal("InvalidParameter", field="command", reason="it is required")
    properties = cluster.properties
    if (properties.get("powerState") or {}).get("code") == "Stopped":
        raise refusal("Stopped")
    if (properties.get("apiServerAccessProfile") or {}).get("disableRunCommand"):
        raise refusal("RunCommandDisabled")
    now = world.clock.now()
    identifier = world.guid().replace("-", "")
    command = Command(identifier, cluster.key, content["command"], _user(world, cluster, content), now)
    world.commands[identifier] = command
    world.clock.at(now + world.behaviour.run_command_seconds, lambda moment: _run(world, cluster, command, moment))
    return Answer(202, None, {"location": _address(ask, identifier), **world.retry_hint()})


def result(ask: Ask) -> Answer:
    """GET the result of a command: 202 until it has run."""
    cluster = ask.cluster()
    command = ask.world.commands.get(ask.values["command"].lower())
    if command is None or command.cluster != cluster.key:
        raise refusal("OperationNotFound", operation=ask.values["command"])
    if command.finished is None:
        return Answer(202, command.view(), {"location": _address(ask, command.id), **ask.world.retry_hint()})
    return Answer(200, command.view())


def _address(ask: Ask, identifier: str) -> str:
    path = ask.cluster().body["id"].replace("managedClusters", "managedclusters")
    return f"{ask.world.url}{path}/commandResults/{identifier}?api-version={ask.api_version}"


def _user(world: World, cluster: Cluster, content: JsonObject) -> User | None:
    if not settings.entra(cluster.properties):
        return access.cluster_admin()
    token = content.get("clusterToken")
    if not token:
        raise refusal("MissingAADClusterToken")
    try:
        return access.entra_user(world, cluster, str(token))
    except StatusError:
        return None


def _run(world: World, cluster: Cluster, command: Command, moment: float) -> None:
    shell = Shell(world, cluster, command.user)
    command.exit_code = shell.script(command.text)
    command.logs = "".join(shell.output).encode()[:LARGEST_OUTPUT].decode(errors="ignore")
    command.finished = moment


@dataclass
class Shell:
    """As much of a shell as it takes: `kubectl get --raw PATH`, `echo WORDS` with `$?` among them, SETTINGS.

    Behind a command, or behind a line's first commands in braces, may stand `grep -E PATTERN`. What kubectl says of an
    error does not go through it: that is on the other stream. Everything else is not run, but logged as executed: a
    test sees there what a shell would have run.
    """

    world: World
    cluster: Cluster
    user: User | None
    output: list[str] = field(default_factory=list)
    code: int = 0  # the exit status of the last command

    def script(self, text: str) -> int:
        """Run a script; return the exit status of its last command."""
        bare, inner = without_substitutions(text)
        for command in inner:
            self._log(words(command))
        for line in bare.splitlines():
            try:
                found = words(line, comments=True)
            except ValueError as error:
                self.output.append(f"sh: syntax error: {error}\n")
                return 2
            if found[:1] == ["{"] and "}" in found:
                end = found.index("}")
                group: list[str] = []
                self._row(found[1:end], group)
                behind = found[end + 1 :]
                if behind[:1] == ["|"]:
                    self._pipeline(behind, self.output, "".join(group))
                else:
                    self.output += group
                    self._row(behind, self.output)
            else:
                self._row(found, self.output)
        return self.code

    def _row(self, found: list[str], output: list[str]) -> None:
        """Run commands one after another."""
        for part in _split(found, {";", "&", "&&", "||", "(", ")", ";;"}):
            self._pipeline(part, output)

    def _pipeline(self, found: list[str], output: list[str], text: str | None = None) -> None:
        for stage in _split(found, {"|", "|&"}):
            text, self.code = self._stage(stage, text)
        output.append(text or "")

    def _stage(self, stage: list[str], given: str | None) -> tuple[str, int]:
        """One command: what it says, and its exit status. `given`: what the command before it says."""
        if given is not None and stage[:2] == ["grep", "-E"] and len(stage) == 3:
            kept = [line for line in given.splitlines(keepends=True) if re.search(stage[2], line)]
            return "".join(kept), 0 if kept else 1
        if given is None and stage in SETTINGS:
            return "", 0
        if given is None and stage[:1] == ["echo"] and not set(stage) & {"<", ">", ">>"}:
            return " ".join(str(self.code) if word == "$?" else word for word in stage[1:]) + "\n", 0
        if given is None and stage[:3] == ["kubectl", "get", "--raw"] and len(stage) == 4:
            return self._get(stage[3])
        self._log(stage)
        return f"sh: {stage[0]}: the emulator does not run this\n", 127

    def _get(self, path: str) -> tuple[str, int]:
        """`kubectl get --raw`."""
        if self.user is None or self.cluster.kubernetes.settings.api == "unauthorized":
            return self._failed(UNAUTHORIZED)
        answer = front.inside(self.world, self.cluster, self.user, path)
        text = answer.payload().decode()
        if answer.status < 400:
            return text, 0
        status = answer.body
        if not isinstance(status, dict):
            return self._failed(NO_SUCH_RESOURCE)
        return self._failed(f"Error from server ({status['reason']}): {status['message']}\n")

    def _failed(self, words: str) -> tuple[str, int]:
        """Say something on the stream that no pipe takes."""
        self.output.append(words)
        return "", 1

    def _log(self, executed: list[str]) -> None:
        self.world.kubernetes_log.append(
            {
                "method": "EXECUTE",
                "cluster": self.cluster.name,
                "executed": executed,
                "time": self.world.clock.now(),
                "user": self.user.name if self.user else None,
                "via": "runCommand",
            }
        )


def words(text: str, *, comments: bool = False) -> list[str]:
    """Split as a shell does, with operators as words of their own; ValueError for an unbalanced quote."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=OPERATORS)
    lexer.whitespace_split = True
    lexer.commenters = "#" if comments else ""
    return list(lexer)


def _split(found: list[str], separators: set[str]) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for word in found:
        if word in separators:
            pieces.append([])
        else:
            pieces[-1].append(word)
    return [piece for piece in pieces if piece]


def without_substitutions(text: str) -> tuple[str, list[str]]:
    """Take `$(…)` and backticks out, which single quotes alone protect. Return the rest, and what a shell would run."""
    inner: list[str] = []

    def take(match: re.Match[str]) -> str:
        if match[0].startswith("'"):
            return match[0]
        inner.append(match[1] or match[2] or "")
        return ""

    return SUBSTITUTION.sub(take, text), inner
