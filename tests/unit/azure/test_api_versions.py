"""Which API version is spoken."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.api_versions import (
    KNOWN,
    OLDEST,
    NoUsableVersion,
    check_version,
    choose,
)


@pytest.mark.parametrize("version", ["auto", OLDEST, *KNOWN, "2025-10-02-preview", "2031-01-02-preview"])
def test_versions_that_can_be_asked_for(version: str) -> None:
    assert check_version(version) == version


@pytest.mark.parametrize(
    "version",
    [
        "",
        "AUTO",
        "latest",
        "2026-08-01",
        "2025-08-02-preview",
        "2022-08-02-preview",
        "2026-08-02-preview ",
        "2026-08-02-preview\n",
        "2026-08-02-Preview",
        "2026-08-02-preview&x=1",
        "26-08-02-preview",
    ],
)
def test_versions_that_cannot(version: str) -> None:
    with pytest.raises(ValueError, match=r"'api_version' is .*only preview versions from 2025-09-02-preview on"):
        check_version(version)


@pytest.mark.parametrize(
    ("offered", "version", "known"),
    [
        (KNOWN, KNOWN[0], True),
        (tuple(reversed(KNOWN)), KNOWN[0], True),
        (("2026-08-01", OLDEST, "2024-10-02-preview"), OLDEST, True),
        (("2026-05-02-preview", "2026-03-02-preview"), "2026-05-02-preview", True),
        (("2027-01-02-preview", "2026-03-02-preview"), "2026-03-02-preview", True),  # known goes before newer
        (("2027-01-02-preview", "2027-03-02-preview", "2027-02-02-preview"), "2027-03-02-preview", False),
        (("2027-01-02-preview", "2027-06-01"), "2027-01-02-preview", False),
        # previews that this collection does not list, but that are new enough
        (("2025-10-02-preview", "2025-08-02-preview"), "2025-10-02-preview", False),
        ((KNOWN[1], "2025-10-02-preview"), KNOWN[1], True),
    ],
)
def test_chosen(offered: tuple[str, ...], version: str, known: bool) -> None:
    assert choose(offered) == (version, known)
    assert check_version(version)


@pytest.mark.parametrize(
    ("offered", "newest"),
    [
        ((), "none at all"),
        (("2027-06-01", "2026-08-01"), "none at all"),
        (("2025-08-02-preview", "2024-10-02-preview", "2026-08-01"), "2025-08-02-preview"),
        (("2022-08-02-preview",), "2022-08-02-preview"),
    ],
)
def test_a_cloud_without_a_usable_version(offered: tuple[str, ...], newest: str) -> None:
    with pytest.raises(NoUsableVersion, match=f"its newest preview is {newest}"):
        choose(offered)


def test_the_table_is_newest_first_and_usable() -> None:
    assert list(KNOWN) == sorted(set(KNOWN), reverse=True)
    assert KNOWN[-1] == OLDEST
    assert [check_version(version) for version in KNOWN] == list(KNOWN)
