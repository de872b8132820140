"""What must not be found in any output or file of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.emulator.fleet import SECRET

SECRETS = {
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}"),
    "a client secret": re.compile(re.escape(SECRET)),
    "a private key": re.compile(r"PRIVATE KEY-----"),
    "a signed URL": re.compile(r"[?&](s|sig|h)=[\w%-]{40,}"),
    "a key out of a kubeconfig": re.compile(r"client-key-data|LS0tLS1CRUdJTi[\w+/]{20,}"),
}


def leaks(text: str, where: str) -> Iterator[str]:
    """The secrets in a text."""
    return (f"{what} in {where}" for what, pattern in SECRETS.items() if pattern.search(text))


def leaks_in_files(folder: Path) -> list[str]:
    """The secrets in the files below a folder."""
    return [
        text
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
        for text in leaks(path.read_bytes().decode("utf-8", "replace"), path.name)
    ]
