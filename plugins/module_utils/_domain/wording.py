# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Foreign text in messages. Private to this collection. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Sequence


def one_line(text: str) -> str:
    """The text as one line that no terminal obeys.

    Line breaks become blanks; what else cannot be printed is written out: control characters, which may move the
    cursor or erase what stands above, marks that turn the direction of text, and halves of characters, which cannot be
    encoded. So nobody who names a tag can make up a line of a log.
    """
    return "".join(
        char if char.isprintable() else " " if char.isspace() else char.encode("unicode_escape").decode()
        for char in text
    )


def told(text: str) -> str:
    """The text as one line that is never taken for a record of a switch, which ends with an object of JSON."""
    line = one_line(text).rstrip()
    return f"{line}." if line.endswith("}") else line


def listed(names: Sequence[str], shown: int) -> str:
    """Names in a sentence, no more than so many; the others are counted."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
