"""The scripts of runCommand: nothing breaks out of them, and their output is read as kubectl meant it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.api import Reply, kept
from ansible_collections.aks.kube_proxy.plugins.module_utils._kubernetes.script import (
    MOST_BYTES,
    MOST_PATHS,
    batches,
    expected,
    grep,
    halved,
    replies,
    reply,
    script,
)
from hypothesis import given
from hypothesis import strategies as st

PROXY = "/api/v1/namespaces/kube-system/pods/kube-proxy-{}:10249/proxy/{}"
NODES = "/api/v1/nodes?limit=20"
COUNTER = re.compile("^kubeproxy_sync_proxy_rules_nftables_sync_failures_total")


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder with a kubectl that shows what it was called with, one argument a line."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    kubectl.chmod(0o755)
    return tmp_path


def run(text: str, folder: Path) -> str:
    environ = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(
        ["sh", "-c", text], env=environ, cwd=folder, capture_output=True, text=True, check=True
    ).stdout


words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(paths=st.lists(words, min_size=1, max_size=4), pattern=words)
def test_nothing_in_a_path_or_a_pattern_is_more_than_a_word(paths: list[str], pattern: str) -> None:
    keep = re.compile(re.escape(pattern))
    lexed = shlex.shlex(script(paths, keep, "M"), posix=True, punctuation_chars=True)
    lexed.whitespace_split = True
    lexed.commenters = ""
    found = list(lexed)
    before, after = (["{"], [";", "}", "|", "grep", "-E", f"{keep.pattern}|M"]) if grep(keep) else ([], [])
    each = [
        [*before, "kubectl", "get", "--raw", path, ";", "echo", "M", str(n), "$?", *after]
        for n, path in enumerate(paths)
    ]
    begin = ["set", "+e", ";", "exec", "2", ">&", "1", "echo", "M", "begin"]
    assert found == begin + [word for row in each for word in row]


@pytest.mark.parametrize(
    "name", ["'; touch broken; '", "$(touch broken)", "`touch broken`", "a\ntouch broken\n", "a & b"]
)
def test_a_real_shell_takes_a_strange_name_for_a_name(name: str, shell: Path) -> None:
    path = PROXY.format(name, "proxyMode")
    output = run(script([path], None, "M"), shell)
    assert output == f"M begin\n<get><--raw><{path}>M 0 0\n"
    assert not (shell / "broken").exists()


def test_what_a_script_prints_is_read_path_by_path(shell: Path) -> None:
    paths = ["/one", "/two"]
    found = replies(run(script(paths, None, "M"), shell), 2, None, "M", 5.0)
    assert found == [Reply(200, f"<get><--raw><{path}>", 5.0) for path in paths]


def test_a_refusal_stands_where_it_belongs_and_ends_nothing(shell: Path) -> None:
    (shell / "kubectl").write_text('#!/bin/sh\necho "Error from server (NotFound): $3" >&2\nexit 1\n')
    output = run("set -e\n" + script(["/one", "/two"], None, "M"), shell)
    assert replies(output, 2, None, "M", None) == [Reply(404, "/one"), Reply(404, "/two")]


def test_lines_are_chosen_in_the_cluster_already(shell: Path) -> None:
    (shell / "kubectl").write_text(f"#!/bin/sh\necho {COUNTER.pattern[1:]} 0\necho other 1\n")
    output = run(script(["/one"], COUNTER, "M"), shell)
    assert "other" not in output
    assert replies(output, 1, COUNTER, "M", None) == [Reply(200, f"{COUNTER.pattern[1:]} 0\n")]


@pytest.mark.parametrize("keep", [None, COUNTER])
@pytest.mark.parametrize(
    ("kubectl", "status", "words"),
    [
        (
            "echo 'The connection to the server 10.0.0.1:443 was refused' >&2; exit 1",
            0,
            "kubectl ended with exit status 1: The connection to the server 10.0.0.1:443 was refused",
        ),
        (f"echo {COUNTER.pattern[1:]} 0; kill -9 $$", 0, "kubectl ended with exit status 137"),
        (f"echo {COUNTER.pattern[1:]} 0; echo 'Error from server (Timeout): slow' >&2; exit 1", 504, "slow"),
        (f"echo {COUNTER.pattern[1:]} 0; exit 3", 0, "kubectl ended with exit status 3"),
        ("printf 'no line feed'; exit 0", 200, ""),
        ("exit 0", 200, ""),
    ],
)
def test_only_a_kubectl_that_succeeds_has_given_an_answer(
    kubectl: str, status: int, words: str, keep: re.Pattern[str] | None, shell: Path
) -> None:
    (shell / "kubectl").write_text(f"#!/bin/sh\n{kubectl}\n")
    found = replies(run(script(["/one", "/two"], keep, "M"), shell), 2, keep, "M", None)
    assert found is not None
    assert [reply.status for reply in found] == [status] * 2
    assert all(words in reply.text for reply in found)


def run_alone(text: str, folder: Path) -> str:
    """What a script prints where there are no programs but those of a folder."""
    environ = {"PATH": str(folder)}
    return subprocess.run(["/bin/sh", "-c", text], env=environ, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("keep", [None, COUNTER])
def test_without_kubectl_there_is_no_answer(keep: re.Pattern[str] | None, tmp_path: Path) -> None:
    (tmp_path / "grep").symlink_to(str(shutil.which("grep")))
    (reply,) = replies(run_alone(script(["/one"], keep, "M"), tmp_path), 1, keep, "M", None) or []
    assert reply.status == 0
    assert reply.text.startswith("kubectl ended with exit status 127: ")
    assert "not found" in reply.text


def test_without_grep_there_is_no_answer(shell: Path) -> None:
    output = run_alone(script(["/one"], COUNTER, "M"), shell)
    assert "M begin" in output
    assert replies(output, 1, COUNTER, "M", None) is None


@pytest.mark.parametrize(
    ("pattern", "flags", "portable"),
    [
        ("^kubeproxy_sync_total", 0, True),
        ("^(?:a|b)$", re.MULTILINE, True),
        ("^a", re.IGNORECASE, False),
        ("(?i:a)", 0, False),
        ("-a", 0, False),
        ("a+?", 0, False),
        (r"^\d", 0, False),
        (r"\(?:a", 0, False),
        ("[(?:]a", 0, False),
        (r"(a)\1", 0, False),
    ],
)
def test_patterns_that_grep_reads_in_another_way_stay_here(pattern: str, flags: int, portable: bool) -> None:
    assert bool(grep(re.compile(pattern, flags))) is portable


@given(
    pattern=st.text("ab1_|()^$-.*?", min_size=1, max_size=9),
    lines=st.lists(st.text("ab1_()|^$-", max_size=5), min_size=1, max_size=6),
)
def test_what_grep_lets_through_is_all_that_is_wanted(pattern: str, lines: list[str]) -> None:
    try:
        keep = re.compile(pattern)
    except re.error:
        return
    wanted = grep(keep)
    if wanted:
        text = "".join(f"{line}\n" for line in lines)
        done = subprocess.run(["grep", "-E", f"{wanted}|M"], input=text, capture_output=True, text=True, check=False)
        assert kept(done.stdout, keep) == kept(text, keep)
        assert done.returncode < 2


# --- portions ---


@pytest.mark.parametrize(
    ("paths", "keep", "sizes"),
    [
        ([], None, []),
        ([PROXY.format(n, "proxyMode") for n in range(100)], None, [40, 40, 20]),
        ([PROXY.format(n, "metrics") for n in range(100)], COUNTER, [40, 40, 20]),
        ([PROXY.format(n, "metrics") for n in range(7)], None, [3, 3, 1]),
        ([PROXY.format(n, "metrics") for n in range(7)], re.compile(r"\d"), [3, 3, 1]),
        ([NODES, NODES, PROXY.format(1, "proxyMode")], None, [1, 1, 1]),
        (["/version"] * 30, None, [20, 10]),
    ],
)
def test_a_command_gets_as_much_as_its_output_may_hold(
    paths: list[str], keep: re.Pattern[str] | None, sizes: list[int]
) -> None:
    portions = list(batches(paths, keep))
    assert [len(portion) for portion in portions] == sizes
    assert [path for portion in portions for path in portion] == paths
    assert all(sum(expected(path, keep) for path in portion) <= MOST_BYTES for portion in portions)
    assert all(len(portion) <= MOST_PATHS for portion in portions)


# --- output ---


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (
            'Error from server (Forbidden): pods "x:10249" is forbidden: User "u" cannot get resource "pods/proxy"\n',
            403,
            'pods "x:10249" is forbidden: User "u" cannot get resource "pods/proxy"',
        ),
        (
            'Error from server (NotFound): daemonsets.apps "kube-proxy" not found\n',
            404,
            'daemonsets.apps "kube-proxy" not found',
        ),
        (
            "Error from server (ServiceUnavailable): error trying to reach service: x\n",
            503,
            "error trying to reach service: x",
        ),
        ("Error from server (Odd): x\n", 500, "x"),
        ("Error from server: x\n", 500, "x"),
        (
            "error: You must be logged in to the server (Unauthorized)\n",
            401,
            "You must be logged in to the server (Unauthorized)",
        ),
        ("error: unknown\n", 0, "unknown"),
        ("sh: 1: kubectl: not found\n", 0, "kubectl ended with exit status 1: sh: 1: kubectl: not found"),
        ('{"items": [\nKilled\n', 0, "kubectl ended with exit status 1: Killed"),
        ("", 0, "kubectl ended with exit status 1"),
        ("Unable to connect to the server: dial tcp: timeout\n", 0, "dial tcp: timeout"),
        ('{"items": [\nerror: unexpected EOF\n', 0, "unexpected EOF"),
        ('{"items": [\nError from server (Timeout): too slow\n', 504, "too slow"),
        ("Error from server (Forbidden): " + "x" * 400, 403, "x" * 300),
        (f"error: token eyJ{'a' * 20}.b.c refused", 0, "token [token removed] refused"),
    ],
)
def test_kubectls_words_become_statuses(text: str, status: int, said: str) -> None:
    assert reply(text, 1, None, 1.0) == Reply(status, said, 1.0)
    assert reply(text, 1, COUNTER, 1.0) == Reply(status, said, 1.0)


@pytest.mark.parametrize("text", ["iptables", "", '{"a": "Error from server"}', "Error from server (NotFound): x"])
def test_what_kubectl_says_with_success_is_the_answer(text: str) -> None:
    assert reply(text, 0, None, 1.0) == Reply(200, text, 1.0)
    assert reply(text, 0, COUNTER, None) == Reply(200, "")


@pytest.mark.parametrize(
    "logs",
    [
        "",
        "M begin\none",
        "M begin\noneM 0 0\ntwo",
        "M begin\noneM 1 0\ntwoM 0 0\n",
        "M begin\noneM 0 0\nM 0 0\ntwoM 1 0\n",
        "oneM 0 0\ntwoM 1 0\n",
        "M begin\noneM 0 0\ntwoM 1",
        "M begin\noneM 0\ntwoM 1 0\n",
    ],
)
def test_output_that_is_not_all_there_is_not_read(logs: str) -> None:
    assert replies(logs, 2, None, "M", None) is None


@pytest.mark.parametrize(
    "logs",
    [
        "M begin\noneM 0 0\ntwoM 1 0\n",
        "M begin\noneM 0 0\ntwoM 1 0",
        "M begin\r\noneM 0 0\r\ntwoM 1 0\r\n",
        "note\nM begin\noneM 0 0\ntwoM 1 0\nnote\n",
    ],
)
def test_output_is_read_however_its_lines_end(logs: str) -> None:
    assert replies(logs, 2, None, "M", None) == [Reply(200, "one"), Reply(200, "two")]


@pytest.mark.parametrize(
    ("path", "smaller"),
    [
        (NODES, "/api/v1/nodes?limit=10"),
        ("/api/v1/pods?labelSelector=a%3Db&limit=5&continue=x", "/api/v1/pods?labelSelector=a%3Db&limit=2&continue=x"),
        ("/api/v1/nodes?limit=1", ""),
        ("/api/v1/nodes?limit=0", ""),
        ("/api/v1/nodes?limit=many", ""),
        ("/api/v1/nodes?sublimit=20", ""),
        ("/api/v1/nodes", ""),
    ],
)
def test_a_page_can_be_asked_for_with_half_as_many_items(path: str, smaller: str) -> None:
    assert halved(path) == smaller
