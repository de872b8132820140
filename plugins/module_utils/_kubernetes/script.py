# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The scripts that runCommand runs, and what their output says.

Private to this collection. Pure: no I/O. Paths hold names that come from the cluster, so each is quoted for the shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.answers import refusal
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import Reply, kept

PAGE_SIZE = 20
MOST_PATHS = 40
MOST_BYTES = 400_000
"""Of output expected of one command; Azure cuts at 512 kB:
https://learn.microsoft.com/azure/aks/access-private-cluster (limitations of runCommand)."""

# What to expect of a path, in bytes, by a pattern of it: as a whole, and where only some lines are kept. The first row
# that fits counts. A metrics page is about 100 kB, a node about 15 kB.
EXPECTED: tuple[tuple[str, int, int], ...] = (
    (r"/proxy/metrics$", 130_000, 8_000),
    (r"/proxy/", 1_000, 1_000),
    (r"[?&]limit=", MOST_BYTES, MOST_BYTES),
    (r"", 20_000, 20_000),
)

_LIMIT = re.compile(r"[?&]limit=(?P<items>\d{1,6})(?=&|$)")

# kubectl's words for a refusal, https://github.com/kubernetes/kubectl (pkg/cmd/util/helpers.go), by HTTP status.
REASONS = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "Conflict": 409,
    "Expired": 410,
    "Gone": 410,
    "TooManyRequests": 429,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "Timeout": 504,
}
# A refusal must neither end the script nor, coming on a stream of its own, arrive behind the marker that follows it.
FIRST_LINE = "set +e; exec 2>&1"
BEGIN = "begin"

_REFUSAL = re.compile(r"^Error from server(?: \((?P<reason>\w+)\))?: (?P<text>.*)", re.MULTILINE | re.DOTALL)
_ERROR = re.compile(r"^(?:[Ee]rror|Unable to connect to the server): (?P<text>.*)", re.MULTILINE | re.DOTALL)
_UNAUTHORIZED = re.compile(r"You must be logged in to the server|\(Unauthorized\)")
# What Python's and grep's patterns (POSIX, extended) surely mean alike; others are looked for here only.
_PLAIN = re.compile(r"[A-Za-z0-9_|()^$]+")


def expected(path: str, keep: re.Pattern[str] | None) -> int:
    """How many bytes to expect of a path at most, if the cluster is of the usual kind."""
    whole, some = next((whole, some) for pattern, whole, some in EXPECTED if re.search(pattern, path))
    return some if keep and grep(keep) else whole


def batches(paths: Sequence[str], keep: re.Pattern[str] | None, most: int = MOST_PATHS) -> Iterator[list[str]]:
    """The paths, in their order, in portions for one command each, of C(most) paths at most."""
    batch: list[str] = []
    size = 0
    for path in paths:
        more = expected(path, keep)
        if batch and (len(batch) == most or size + more > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += more
    if batch:
        yield batch


def halved(path: str) -> str:
    """The path of a page of a list with half as many items; empty where it cannot be less."""
    found = _LIMIT.search(path)
    if found is None or int(found["items"]) < 2:
        return ""
    return f"{path[: found.start('items')]}{int(found['items']) // 2}{path[found.end('items') :]}"


def grep(keep: re.Pattern[str]) -> str:
    """The same pattern for C(grep -E); empty where grep would understand it in another way."""
    pattern = keep.pattern.replace("(?:", "(")  # without references to groups these are one
    plain = keep.flags & ~re.MULTILINE == re.UNICODE and _PLAIN.fullmatch(pattern)
    return pattern if plain else ""


def script(paths: Sequence[str], keep: re.Pattern[str] | None, marker: str) -> str:
    """The command that gets some paths: a marker at its beginning, and one behind each with kubectl's exit status.

    grep lets the markers through, so that none is there where grep itself cannot run.

    Args:
        paths: absolute, with their query.
        keep: a pattern of the lines to keep.
        marker: a word that is in no answer, of letters, digits, dots and hyphens.
    """
    wanted = grep(keep) if keep else ""
    lines = []
    for number, path in enumerate(paths):
        get = f"kubectl get --raw {shlex.quote(path)}; echo {marker} {number} $?"
        lines.append(f"{{ {get}; }} | grep -E {shlex.quote(f'{wanted}|{marker}')}" if wanted else get)
    return "\n".join([FIRST_LINE, f"echo {marker} {BEGIN}", *lines])


def replies(
    logs: str, count: int, keep: re.Pattern[str] | None, marker: str, moment: float | None
) -> list[Reply] | None:
    """What a command's output says of each path; None when it is not all there.

    Args:
        logs: the output. kubectl ends a body with no line feed, so that a marker may follow it on the same line.
        count: how many paths there were.
        keep: the pattern of the lines to keep.
        marker: the word.
        moment: when the command ended.
    """
    parts = re.split(rf"{re.escape(marker)} (?:{BEGIN}|(\d+) (\d+))(?:\r?\n|$)", logs)
    numbers, codes, texts = parts[1::3], parts[2::3], parts[3::3]
    if numbers != [None, *map(str, range(count))]:
        return None
    return [reply(text, int(code), keep, moment) for text, code in zip(texts[:count], codes[1:], strict=True)]


def reply(text: str, code: int, keep: re.Pattern[str] | None, moment: float | None) -> Reply:
    """What kubectl says of one path: the body, or why there is none.

    Only its exit status tells which. Its words tell of what kind a failure is: a shell that finds no kubectl and a
    kubectl that is killed have words of their own.
    """
    if code == 0:
        return Reply(200, kept(text, keep), moment)
    last = text.rstrip().rpartition("\n")[2]
    found = _REFUSAL.match(text) or _REFUSAL.match(last)
    if found:
        return Reply(REASONS.get(found["reason"] or "", 500), refusal(found["text"]), moment)
    found = _ERROR.match(text) or _ERROR.match(last)
    if found:
        return Reply(401 if _UNAUTHORIZED.search(found["text"]) else 0, refusal(found["text"]), moment)
    return Reply(0, refusal(f"kubectl ended with exit status {code}: {last}").rstrip(": "), moment)
