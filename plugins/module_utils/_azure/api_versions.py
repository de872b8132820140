# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which API version to speak: preview versions live about a year, and sovereign clouds lag behind.

Private to this collection. Pure: no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection

AUTO = "auto"

# The first preview that knows NFTABLES: https://learn.microsoft.com/azure/aks/configure-kube-proxy
OLDEST = "2025-09-02-preview"

# Newest first: the default versions of azure-mgmt-containerservice's preview releases 41.0.0b2 to 41.9.0b1.
KNOWN = (
    "2026-08-02-preview",
    "2026-07-02-preview",
    "2026-06-02-preview",
    "2026-05-02-preview",
    "2026-04-02-preview",
    "2026-03-02-preview",
    "2026-02-02-preview",
    "2026-01-02-preview",
    OLDEST,
)


class NoUsableVersion(ValueError):
    """The cloud offers no API version that has the kube-proxy configuration."""


def check_version(version: str) -> str:
    """An API version given by the user, when it can carry the kube-proxy configuration.

    Raises:
        ValueError: it is not a preview version, or too old. A stable version leaves the configuration out of its
            answers, so that a cluster would look as if it had never been configured.
    """
    if version != AUTO and (not re.fullmatch(r"\d{4}-\d\d-\d\d-preview", version) or version < OLDEST):
        raise ValueError(
            f"'api_version' is {version!r}: only preview versions from {OLDEST} on have the kube-proxy configuration "
            f"with NFTABLES. Leave it at {AUTO!r}, or give one such as {KNOWN[0]}."
        )
    return version


def choose(offered: Collection[str]) -> tuple[str, bool]:
    """The version to speak with a cloud that offers these, and whether this collection knows it.

    The newest known one; where none is offered, the newest preview that is not too old.

    Raises:
        NoUsableVersion: none that is offered has the kube-proxy configuration.
    """
    known = [version for version in KNOWN if version in offered]
    if known:
        return known[0], True
    unknown = sorted(version for version in offered if version.endswith("-preview") and version > OLDEST)
    if unknown:
        return unknown[-1], False
    newest = sorted(version for version in offered if version.endswith("-preview"))[-1:]
    raise NoUsableVersion(
        f"this cloud offers no API version with the kube-proxy configuration ({OLDEST} or later); its newest preview "
        f"is {newest[0] if newest else 'none at all'}. The feature has not arrived there."
    )
