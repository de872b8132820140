# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Extensions of the Azure CLI: what its answers mean, and what to do to get to a wanted version.

Private to this collection. Pure: no I/O. The shapes are those of az 2.91 (C(az extension list) and
C(az extension list-versions)); https://learn.microsoft.com/cli/azure/azure-cli-extensions-overview.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PRESENT = "present"
LATEST = "latest"
ABSENT = "absent"

NOTHING = "nothing"
INSTALL = "install"
REMOVE = "remove"

SHOWN_VERSIONS = 8
"""How many of an index's versions a message lists: aks-preview has hundreds."""


@dataclass(frozen=True)
class Installed:
    """An extension that the Azure CLI finds on the host.

    Attributes:
        version: its version; None where az cannot read it, since files are missing.
        preview: whether it is a preview.
        folder: where it is.
    """

    version: str | None
    preview: bool | None
    folder: str | None


@dataclass(frozen=True)
class Offer:
    """A version that can be had.

    Attributes:
        version: the version.
        preview: whether it is a preview; None where nobody has looked.
        compatible: whether it goes with the host's Azure CLI, as far as is known.
    """

    version: str
    preview: bool | None
    compatible: bool = True


@dataclass(frozen=True)
class Wish:
    """What is wanted of an extension.

    Attributes:
        state: C(present), C(latest) or C(absent).
        version: exactly this one; None for any, or for the newest.
        allow_preview: whether previews may be installed; None for az's own rule, as choose() has it.
    """

    state: str
    version: str | None = None
    allow_preview: bool | None = None


def installed_in(listing: Sequence[Mapping[str, Any]], name: str) -> Installed | None:
    """The extension in the answer to C(az extension list).

    az lists what was installed before what is being developed (C(azdev)), and takes the first of a name itself.
    """
    for entry in listing:
        if entry["name"] == name:
            return Installed(entry["version"], entry.get("preview"), entry.get("path"))
    return None


def offers_in(listing: Sequence[Mapping[str, Any]]) -> list[Offer]:
    """The answer to C(az extension list-versions), oldest first, as az sorts it.

    az writes "(max compatible version)" behind one of the versions.
    """
    return [Offer(str(e["version"]).split(" ", 1)[0], bool(e["preview"]), bool(e["compatible"])) for e in listing]


def wheel_offer(source: str, name: str) -> Offer:
    """The version of a wheel, from its file name, as az tells it too.

    Args:
        source: path or URL of the wheel. A URL may hold a secret, so messages name the file alone.
        name: the extension that it is to hold.

    Raises:
        ValueError: az would not take it, or it holds something else.
    """
    is_url = bool(re.match(r"https?://", source))
    file_name = (urlsplit(source).path if is_url else source).rpartition("/")[2]
    if not source.endswith(".whl"):
        raise ValueError(
            "'source' has to end in .whl, or the Azure CLI refuses it. Where it is a signed URL, fetch the wheel with "
            "ansible.builtin.get_url first, and give its path."
        )
    found = re.fullmatch(r"(?P<name>.+?)-(?P<version>\d[^-]*)(-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl", file_name)
    if found is None:
        raise ValueError(
            f"'source' is the file {file_name!r}, which is no name of a wheel (NAME-VERSION-PYTHON-ABI-PLATFORM.whl)."
        )
    if found["name"].replace("_", "-") != name.replace("_", "-"):
        raise ValueError(
            f"'source' is the file {file_name!r}, which holds the extension {found['name'].replace('_', '-')}."
        )
    return Offer(found["version"], None)


def next_step(wish: Wish, installed: Installed | None) -> str:
    """What there is to do, as far as can be told without asking an index; C(latest) always has to ask.

    What is damaged is installed again: az lists no version of it, and replaces it as it does any other version.
    """
    if wish.state == ABSENT:
        return REMOVE if installed else NOTHING
    version = installed.version if installed else None
    satisfied = wish.state == PRESENT and version is not None and wish.version in (None, version)
    return NOTHING if satisfied else INSTALL


def choose(wish: Wish, installed: Installed | None, offers: Sequence[Offer]) -> Offer:
    """The version to install, out of those that the index has.

    Without C(allow_preview), previews count only for an extension that has no other versions, which is az's own rule
    (https://github.com/Azure/azure-cli/pull/30163; aks-preview has none but previews), or where a version is named.
    C(latest) never goes back: where what is installed comes after the newest that is allowed, it stays.

    Raises:
        ValueError: there is none, with the reason and what to do.
    """
    if wish.version:
        return _named(wish.version, wish.allow_preview, offers)
    stable = [offer for offer in offers if not offer.preview]
    only_stable = wish.allow_preview is False or (wish.allow_preview is None and bool(stable))
    allowed = stable if only_stable else list(offers)
    if not offers:
        raise ValueError("the index has no version of it.")
    if not allowed:
        raise ValueError("the index has only previews of it. Allow them with 'allow_preview: true'.")
    fitting = [offer for offer in allowed if offer.compatible]
    if not fitting:
        raise ValueError(
            f"none of its versions goes with this Azure CLI ({_shown(allowed)}). Update it with az upgrade."
        )
    versions = [offer.version for offer in offers]
    newest = fitting[-1]
    if installed and installed.version in versions[versions.index(newest.version) :]:
        return offers[versions.index(installed.version)]
    return newest


def _named(version: str, allow_preview: bool | None, offers: Sequence[Offer]) -> Offer:
    offer = next((offer for offer in offers if offer.version == version), None)
    if offer is None:
        raise ValueError(f"the index has no version {version}. It has {_shown(offers)}.")
    if offer.preview and allow_preview is False:
        raise ValueError(f"version {version} is a preview. Allow it with 'allow_preview: true'.")
    if not offer.compatible:
        fitting = [offer for offer in offers if offer.compatible]
        raise ValueError(
            f"version {version} does not go with this Azure CLI. Update it with az upgrade, or choose another version; "
            + (f"those that go with it: {_shown(fitting)}." if fitting else "none of the index goes with it.")
        )
    return offer


def _shown(offers: Sequence[Offer]) -> str:
    versions = [offer.version for offer in offers[-SHOWN_VERSIONS:]]
    older = len(offers) - len(versions)
    return (f"{older} older ones, and " if older else "") + (", ".join(versions) or "none")


# What helps, by what az says (az 2.91, azure/cli/core/extension). The first row that fits counts.
REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "Name the bundle of the CA in REQUESTS_CA_BUNDLE, in the task's environment.",
    ),
    (
        r"status code 40[134]|failed with 40[134]",
        "Check the address, and that this host may read from it.",
    ),
    (
        r"network connection|Unable to get extension index|Request to .* failed",
        "Check that this host reaches the index and its wheels (HTTPS_PROXY, NO_PROXY), or set 'index_url'.",
    ),
    (r"^Extension \S+ not found", "Check 'name'; az extension list-available tells what the index has."),
    (
        r"checksum of the extension",
        "The wheel is not the one that the index describes: have the index or its mirror mended, and run again.",
    ),
    (
        r"Pip failed|No module named",
        "az installs with its own Python's pip: run az extension add with --debug on the host to see what pip says.",
    ),
    (
        r"Permission denied|Errno 13|Read-only file system|Errno 30",
        "Extensions belong to a user: run the task as that user (become), or set AZURE_EXTENSION_DIR for it.",
    ),
    (r"unrecognized arguments", "This Azure CLI is too old for the module: update it with az upgrade."),
    (r"not compatible with your current CLI core", "Update the Azure CLI with az upgrade, or choose another version."),
)


def remedy(text: str) -> str:
    """What to do about what az says, in a sentence; empty where it says all there is to say."""
    return next((advice for pattern, advice in REMEDIES if re.search(pattern, text)), "")


def without_user_info(text: str) -> str:
    """The text with user names and passwords taken out of its URLs: az repeats the URLs of indexes, wheels, proxies."""
    return re.sub(r"(?<=://)[^\s/'\"<>]*@", "", text)
