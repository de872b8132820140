# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The journal: what clusters had before each switch, written down before it is asked for.

Private to this collection.

All other state is in Azure, where a rerun reads it. The journal is JSON, one object a line, and is only ever
appended to. A line reaches the disk before the PUT that it announces; without it there is no PUT.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import Any

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.record import journal_lines

CODE = "Journal"


class Journal:
    """An open journal.

    Args:
        path: the file; it and its folder are made where they are missing, readable by their owner only.
        context: what every line tells: of which run it is, and what the user calls the wave.

    Raises:
        AzureError: the file cannot be written.
    """

    def __init__(self, path: str, context: Mapping[str, Any]) -> None:
        self.path = Path(path).expanduser()
        self.context = dict(context)
        self._lock = Lock()
        self._torn = False
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":  # a run was killed in the middle of a line
                self._append(b"\n")
        except OSError as error:
            raise self._broken(error) from None

    def write(self, event: str, cluster: str, **facts: Any) -> None:
        """Add a line, and wait until it is on the disk.

        Raises:
            AzureError: it could not be written whole.
        """
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": time, "event": event, "id": cluster, **self.context, **facts}
        try:
            with self._lock:
                self._append(json.dumps(line, ensure_ascii=True).encode() + b"\n")
                os.fsync(self._file)
        except OSError as error:
            raise self._broken(error) from None

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _append(self, data: bytes) -> None:
        if self._torn:  # what comes after a line that was written in part is to be readable
            data = b"\n" + data
        written = os.write(self._file, data)
        self._torn = 0 < written < len(data)
        if written < len(data):
            raise OSError(f"only {written} of {len(data)} bytes could be written")

    def _broken(self, error: OSError) -> AzureError:
        return AzureError(
            f"The journal {self.path} cannot be written ({error.strerror or error}). Nothing is switched without a "
            "line in it that tells what the cluster had before; free the disk or set another path.",
            code=CODE,
        )


def earlier_lines(path: str) -> dict[str, list[Mapping[str, Any]]]:
    """The lines of earlier runs about each cluster, in their order, by its resource id in lower case.

    Raises:
        AzureError: there is such a file, but it cannot be read.
    """
    file = Path(path).expanduser()
    try:
        text = file.read_text("utf-8", "replace") if file.is_file() else ""
    except OSError as error:
        raise AzureError(f"The journal {file} cannot be read ({error.strerror}).", code=CODE) from None
    found: dict[str, list[Mapping[str, Any]]] = {}
    for line in journal_lines(text):
        found.setdefault(line["id"].casefold(), []).append(line)
    return found
