"""When pods are no longer asked for their pages."""

from __future__ import annotations

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import Reply
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.pod_pages import PodPages, is_pod_page


def given_up(*statuses: int) -> Reply | None:
    pages = PodPages()
    for number, status in enumerate(statuses):
        pages.note(Reply(status, f"words {number}", 5.0))
    return pages.given_up()


@pytest.mark.parametrize("status", [0, 500, 502, 503, 504])
def test_eight_failures_of_one_kind_stand_for_the_others(status: int) -> None:
    assert given_up(*[status] * 7) is None
    text = "not asked, as 8 others in a row failed like this: words 0"
    assert given_up(*[status] * 8) == given_up(*[status] * 20) == Reply(status, text, 5.0)


@pytest.mark.parametrize(
    "statuses",
    [
        [],
        [200, *[503] * 20],
        [*[503] * 7, 200, *[503] * 7],
        [403, *[503] * 20],
        [404, *[0] * 20],
        [403] * 20,
        [*[503] * 7, *[0] * 7],
        [503, 0] * 10,
    ],
)
def test_as_long_as_there_is_more_to_learn_all_are_asked(statuses: list[int]) -> None:
    assert given_up(*statuses) is None


def test_failures_count_anew_when_their_kind_changes() -> None:
    found = given_up(*[503] * 7, *[0] * 8)
    assert found is not None
    assert (found.status, found.text[-7:]) == (0, "words 7")


@pytest.mark.parametrize(
    ("path", "pod"),
    [
        ("/api/v1/namespaces/kube-system/pods/a:10249/proxy/proxyMode", True),
        ("/api/v1/namespaces/kube-system/pods/a", False),
        ("/version", False),
    ],
)
def test_pages_of_pods(path: str, pod: bool) -> None:
    assert is_pod_page(path) is pod
