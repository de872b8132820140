"""Extensions of the Azure CLI: what is installed, which version is chosen, what is refused and why."""

from __future__ import annotations

import re

import pytest
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.cli_extension import (
    Installed,
    Offer,
    Wish,
    choose,
    installed_in,
    next_step,
    offers_in,
    remedy,
    wheel_offer,
    without_user_info,
)
from hypothesis import given
from hypothesis import strategies as st

# As az 2.91 answers.
LISTING = [
    {"name": "ai", "version": "2.0.0", "extensionType": "whl", "preview": False, "path": "/home/u/ai"},
    {"name": "tiny", "version": "1.0.0", "extensionType": "whl", "preview": True, "path": "/home/u/tiny"},
    {"name": "tiny", "version": "9.0.0", "extensionType": "dev", "preview": False, "path": "/home/u/git/tiny"},
]
VERSIONS = [
    {"name": "tiny", "version": "1.0.0", "preview": False, "compatible": True, "installed": "True (upgrade available)"},
    {"name": "tiny", "version": "1.10.0 (max compatible version)", "preview": False, "compatible": True},
    {"name": "tiny", "version": "3.0.0b1", "preview": True, "compatible": False},
]

OLD, NEW, BETA = Offer("1.0.0", False), Offer("1.10.0", False), Offer("2.0.0b1", True)
FAR, FAR_BETA = Offer("3.0.0", False, compatible=False), Offer("4.0.0b1", True, compatible=False)
MIXED = [OLD, NEW, BETA, FAR]
PREVIEWS = [Offer("1.0.0b1", True), Offer("1.0.0b2", True), FAR_BETA]


def there(version: str | None) -> Installed:
    return Installed(version, False, "/home/u/tiny")


def test_the_listing_is_read() -> None:
    assert installed_in(LISTING, "ai") == Installed("2.0.0", False, "/home/u/ai")
    assert installed_in(LISTING, "tiny") == Installed("1.0.0", True, "/home/u/tiny")
    assert installed_in(LISTING, "tin") is None
    assert installed_in([], "tiny") is None


def test_the_versions_are_read() -> None:
    assert offers_in(VERSIONS) == [OLD, NEW, Offer("3.0.0b1", True, compatible=False)]


@pytest.mark.parametrize(
    ("wish", "installed", "step"),
    [
        (Wish("present"), None, "install"),
        (Wish("present"), "1.0.0", "nothing"),
        (Wish("present", "1.0.0"), None, "install"),
        (Wish("present", "1.0.0"), "1.0.0", "nothing"),
        (Wish("present", "1.0.0"), "1.10.0", "install"),
        (Wish("present", "1.10.0"), "1.0.0", "install"),
        (Wish("present", "1.0.0", allow_preview=False), "1.0.0", "nothing"),
        (Wish("latest"), None, "install"),
        (Wish("latest"), "1.0.0", "install"),
        (Wish("absent"), None, "nothing"),
        (Wish("absent"), "1.0.0", "remove"),
    ],
)
def test_next_step(wish: Wish, installed: str | None, step: str) -> None:
    assert next_step(wish, there(installed) if installed else None) == step


@pytest.mark.parametrize("wish", [Wish("present"), Wish("present", "1.0.0"), Wish("latest")])
def test_what_is_damaged_is_installed_again(wish: Wish) -> None:
    assert next_step(wish, there(None)) == "install"
    assert next_step(Wish("absent"), there(None)) == "remove"


@pytest.mark.parametrize(
    ("wish", "installed", "offers", "chosen"),
    [
        # without a version: the newest that fits, previews by az's rule
        (Wish("present"), None, MIXED, NEW),
        (Wish("present"), None, PREVIEWS, PREVIEWS[1]),
        (Wish("present", allow_preview=True), None, MIXED, BETA),
        (Wish("present", allow_preview=False), None, MIXED, NEW),
        (Wish("latest"), "1.0.0", MIXED, NEW),
        (Wish("latest"), "1.10.0", MIXED, NEW),
        (Wish("latest", allow_preview=True), "1.10.0", MIXED, BETA),
        # never back, to where the index knows the order
        (Wish("latest"), "2.0.0b1", MIXED, BETA),
        (Wish("latest", allow_preview=False), "2.0.0b1", MIXED, BETA),
        (Wish("latest"), "3.0.0", MIXED, FAR),
        (Wish("latest"), "7.7.7", MIXED, NEW),
        # what is damaged has no version
        (Wish("present"), "", MIXED, NEW),
        # a version that is named
        (Wish("present", "1.0.0"), "1.10.0", MIXED, OLD),
        (Wish("present", "1.0.0", allow_preview=False), None, MIXED, OLD),
        (Wish("present", "2.0.0b1"), None, MIXED, BETA),
        (Wish("present", "2.0.0b1", allow_preview=True), None, MIXED, BETA),
    ],
)
def test_choice(wish: Wish, installed: str | None, offers: list[Offer], chosen: Offer) -> None:
    before = None if installed is None else there(installed or None)
    assert choose(wish, before, offers) == chosen


@pytest.mark.parametrize(
    ("wish", "offers", "says"),
    [
        (Wish("present", "5.0.0"), MIXED, r"no version 5\.0\.0\. It has 1\.0\.0, 1\.10\.0, 2\.0\.0b1, 3\.0\.0\."),
        (Wish("present", "1.0"), [], r"no version 1\.0\. It has none\."),
        (
            Wish("present", "2.0.0b1", allow_preview=False),
            MIXED,
            r"^version 2\.0\.0b1 is a preview.*'allow_preview: true'",
        ),
        (Wish("present", "3.0.0"), MIXED, r"3\.0\.0 does not go with.*az upgrade.*: 1\.0\.0, 1\.10\.0, 2\.0\.0b1\."),
        (Wish("present", "3.0.0"), [FAR], r"none of the index goes with it"),
        (Wish("latest", allow_preview=False), PREVIEWS, r"only previews.*'allow_preview: true'"),
        (Wish("latest"), [], r"the index has no version of it\."),
        # az counts stable versions that do not fit as well
        (Wish("present"), [BETA, FAR], r"none of its versions goes with this Azure CLI \(3\.0\.0\)\. .*az upgrade"),
    ],
)
def test_no_choice(wish: Wish, offers: list[Offer], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        choose(wish, None, offers)


def test_long_indexes_are_shown_in_part() -> None:
    offers = [Offer(f"{number}.0.0", False) for number in range(1, 200)]
    with pytest.raises(ValueError, match=r"It has 191 older ones, and 192\.0\.0, .*, 199\.0\.0\.") as error:
        choose(Wish("present", "500.0.0"), None, offers)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("/tmp/aks_preview-21.0.0b8-py2.py3-none-any.whl", "21.0.0b8"),
        ("~/aks_preview-1.10-1-cp312-cp312-linux_x86_64.whl", "1.10"),
        ("aks_preview-0.5.1-py3-none-any.whl", "0.5.1"),
        ("/tmp/odd?folder#1/aks_preview-0.5.1-py3-none-any.whl", "0.5.1"),
        ("https://host/a/aks_preview-1.0.0-py3-none-any.whl", "1.0.0"),
        ("https://user:pw@host/aks_preview-1.0.0-py3-none-any.whl?sig=x&name=.whl", "1.0.0"),
    ],
)
def test_wheels(source: str, version: str) -> None:
    assert wheel_offer(source, "aks-preview") == Offer(version, None)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("https://host/aks_preview-1.0.0-py3-none-any.whl?sig=secret", r"has to end in \.whl.*get_url"),
        ("/tmp/aks_preview-1.0.0.tar.gz", r"has to end in \.whl"),
        ("/tmp/aks-preview.whl", r"^'source' is the file 'aks-preview\.whl', which is no name of a wheel"),
        ("https://user:secret@host/x.whl?sig=secret&name=.whl", r"'x\.whl', which is no name of a wheel"),
        (
            "/tmp/aks_arc-1.0.0-py3-none-any.whl",
            r"'aks_arc-1\.0\.0-py3-none-any\.whl', which holds the extension aks-arc",
        ),
    ],
)
def test_what_is_no_wheel_of_the_extension(source: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        wheel_offer(source, "aks-preview")
    assert "secret" not in str(error.value)


# az 2.91's words, and a part of the advice.
SAID = [
    ("Extension tiny not found.", "list-available"),
    ("Unable to get extension index.\nServer returned status code 404 for http://h/i.json", "Check the address"),
    ("Unable to get extension index.\nPlease ensure you have network connection. Error detail: X", "HTTPS_PROXY"),
    ("Request to http://h/x.whl failed with 403", "Check the address"),
    ("Request to http://h/x.whl failed with 502", "HTTPS_PROXY"),
    (
        "Please ensure you have network connection. (Caused by SSLError(CERTIFICATE_VERIFY_FAILED))",
        "REQUESTS_CA_BUNDLE",
    ),
    ("The checksum of the extension does not match the expected value.", "mirror"),
    ("An error occurred. Pip failed with status code 1.", "--debug"),
    ("[Errno 13] Permission denied: '/opt/az/lib'", "become"),
    ("unrecognized arguments: --allow-preview true", "too old"),
    ("The 'tiny' extension version 3.0.0 is not compatible with your current CLI core version 2.91.0.", "az upgrade"),
    ("Something else.", ""),
]


@pytest.mark.parametrize(("text", "advice"), SAID)
def test_remedies(text: str, advice: str) -> None:
    assert advice in remedy(text)
    assert bool(remedy(text)) == bool(advice)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("status 404 for http://user:pw@host:80/x", "status 404 for http://host:80/x"),
        ("'https://pw@host' and (https://a:b@c/d)", "'https://host' and (https://c/d)"),
        ("mail a@b about https://host/x@y", "mail a@b about https://host/x@y"),
    ],
)
def test_names_and_passwords_leave_urls(text: str, safe: str) -> None:
    assert without_user_info(text) == safe


@given(st.from_regex(r"\A[A-Za-z0-9:%@._~!$&*+,;=-]{8,20}\Z"), st.text(alphabet="ab :/@", max_size=9))
def test_a_password_never_survives(password: str, around: str) -> None:
    found = re.search(
        re.escape(f":{password}@"), without_user_info(f"{around} https://user:{password}@host/x {around}")
    )
    assert found is None
