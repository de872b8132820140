# Copyright (c) 2026, the aks.kube_proxy contributors
# BSD 2-Clause License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""JSON over Azure Resource Manager: requests, bounded retries, pages.

Private to this collection.

The preview resource travels as plain JSON with an explicit API version: the SDK's typed models drop properties that
they do not know, and a PUT replaces the resource. azure-mgmt-core's pipeline signs the requests. It has no logging
policy here, since URLs of operations are signed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import connections, libraries
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import Session, explain_request_error
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import (
    ArmError,
    LostAnswer,
    read_problem,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime
from ansible_collections.aks.kube_proxy.plugins.module_utils._domain.parsing import parsed

try:
    from azure.core.exceptions import AzureError as SdkError
    from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy, UserAgentPolicy
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
except ImportError:
    pass  # libraries.require() tells

VERSION = "1.0.0"
USER_AGENT = f"ansible-collection/aks.kube_proxy/{VERSION}"
TRIES = 6
CONNECTION_TRIES = 4
BACKOFF_SECONDS = (2.0, 4.0, 8.0, 16.0, 32.0)
LONGEST_WAIT_SECONDS = 300.0
TRANSIENT = (408, 500, 502, 503, 504)
THROTTLED_STATUS = 429
NOT_AZURE = "NotAzure"
"""The code of an answer that no Azure gave, or that has been cut on its way."""
PROXY_ADVICE = "Run again; if it stays so, look at the proxy settings (HTTPS_PROXY, NO_PROXY)."

_URL = re.compile(r"https://([a-z0-9._-]+(?::[0-9]{1,5})?)(?:[/?][^\\\s]*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """An accepted request's answer.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever the case.
        body: the JSON; an empty object where there was none.
    """

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def correlation_id(self) -> str:
        """What Azure's support asks for; may be empty."""
        return self.headers.get("x-ms-correlation-request-id") or self.headers.get("x-ms-request-id") or ""


def text_of(response: Any) -> str:
    """The text of a refusal, whatever charset it names: one that names the wrong one is a refusal all the same.

    Args:
        response: azure-core's, of either kind.
    """
    content: bytes = response.content if hasattr(response, "content") else response.body()
    return content.decode("utf-8", "replace")


def host_of(url: Any) -> str:
    """The host of an C(https) URL with its port, in lower case; empty where any two readers might see different ones.

    What stands in front of a backslash, for example, is the host to urllib3, but not to urllib.parse.
    """
    found = _URL.fullmatch(url) if isinstance(url, str) else None
    return found[1].lower() if found else ""


@dataclass(frozen=True)
class _Trouble:
    """What came in place of an answer.

    Attributes:
        error: what to tell when the request is not sent again.
        of_a_write: the same of a write, which is never sent again as it is.
        wait: for how many seconds to wait before it is; None when that makes no sense.
        unauthorized: whether the token was refused.
    """

    error: AzureError
    of_a_write: AzureError
    wait: float | None
    unauthorized: bool = False


def asked_wait(headers: Mapping[str, str], text: str = "") -> float | None:
    """How many seconds the service asks to wait, by header or, as ARM words it, in the message; None if it does not."""
    for header, unit in (("x-ms-retry-after-ms", 1000.0), ("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(header, "")
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value) / unit
    told = re.search(r"after '?(\d+)'? second", text)
    return float(told[1]) if told else None


def retry_wait(status: int, headers: Mapping[str, str], text: str, attempt: int) -> float | None:
    """How long to wait before sending a refused request again, one that may be repeated; None when it is final.

    Args:
        status: the HTTP status of the refusal.
        headers: its headers.
        text: its body.
        attempt: how many times it was sent, from 1.
    """
    if attempt >= TRIES or (status != THROTTLED_STATUS and status not in TRANSIENT):
        return None
    asked = asked_wait(headers, text)
    wait = BACKOFF_SECONDS[attempt - 1] if asked is None else asked
    return wait if wait <= LONGEST_WAIT_SECONDS else None


def _connection_wait(attempt: int) -> float | None:
    """How long to wait after a connection that broke; None when that was the last try."""
    return BACKOFF_SECONDS[attempt - 1] if attempt < CONNECTION_TRIES else None


class Arm:
    """Azure Resource Manager for one session.

    Args:
        session: the cloud and the credential.
        runtime: time, and whether anyone still waits.

    Attributes:
        deadline: until when, on the runtime's clock, waiting for another try makes sense; None for no such moment.
    """

    def __init__(self, session: Session, runtime: Runtime) -> None:
        libraries.require()
        self.session = session
        self.runtime = runtime
        self.deadline: float | None = None
        try:
            transport = connections.transport(session.verify)
        except OSError as error:  # the bundle of certificates
            raise explain_request_error(error, session) from None
        self._client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
            base_url=session.cloud.resource_manager,
            policies=[
                RequestIdPolicy(),
                HeadersPolicy({"Accept": "application/json"}),
                UserAgentPolicy(USER_AGENT),
                ARMChallengeAuthenticationPolicy(session.credential, session.cloud.scope),
            ],
            transport=transport,
        )

    def beside(self, runtime: Runtime) -> Arm:
        """The same connections and credential for work in another thread, with a runtime and a deadline of its own."""
        other = copy.copy(self)
        other.runtime, other.deadline = runtime, None
        return other

    def get(self, path: str, api_version: str, *, about: str) -> Answer:
        """GET a path below the endpoint, again where that may help.

        Raises:
            ArmError: Azure refused.
            AzureError: no token, no connection, or no JSON.
        """
        return self._send("GET", path, about=about, api_version=api_version)

    def get_url(self, url: str, *, about: str) -> Answer:
        """GET a whole URL as Azure gave it (an operation's, the next page's).

        Raises:
            AzureError: the URL leads away from the cloud's Resource Manager: the token must not go there.
        """
        host, own = host_of(url), host_of(self.session.cloud.resource_manager)
        if not (host and own) or not (host == own or host.endswith(f".{own}")):
            where = host or "something that is no https URL"
            raise AzureError(f"{about}: Azure's answer refers to {where}, which is not part of {own}; not followed.")
        return self._send("GET", url, about=about)

    def put(self, path: str, api_version: str, body: Any, *, about: str, if_match: str | None = None) -> Answer:
        """PUT, sent once: what it replaces may be another by the time it could be sent again.

        Raises:
            ArmError: Azure refused; with C(wait) where it asks for fewer requests.
            LostAnswer: Azure may have taken it.
            AzureError: no token.
        """
        headers = {"If-Match": if_match} if if_match else {}
        return self._send(
            "PUT", path, about=about, api_version=api_version, body=body, headers=headers, repeatable=False
        )

    def post(
        self, path: str, api_version: str, *, about: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """POST, for actions that may be repeated without harm.

        Args:
            path: below the endpoint.
            api_version: the API version to speak.
            about: what it is about, for messages; they never repeat the body, which may hold secrets.
            query: further parameters of the URL.
            body: JSON; None for none.

        Raises:
            ArmError: Azure refused.
            AzureError: no token, no connection, or no JSON.
        """
        return self._send("POST", path, about=about, api_version=api_version, query=query, body=body)

    def pages(self, path: str, api_version: str, *, about: str) -> Iterator[Any]:
        """The items of a list, page by page: all of them, or an error.

        Raises:
            ArmError: Azure refused a page.
            AzureError: a page could not be had or read.
        """
        answer = self.get(path, api_version, about=about)
        read = set()
        while True:
            if not isinstance(answer.body.get("value"), list):
                raise AzureError(f"{about}: Azure's answer holds no list. Is a proxy in between?")
            yield from answer.body["value"]
            following = answer.body.get("nextLink")
            if not following:
                return
            if str(following) in read:
                raise AzureError(f"{about}: Azure's list leads back to a page that was read before. Run again later.")
            read.add(str(following))
            answer = self.get_url(following, about=about)

    def _send(
        self,
        method: str,
        url: str,
        *,
        about: str,
        api_version: str | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        if api_version is not None:
            parameters = urlencode({"api-version": api_version, **(query or {})})
            url = f"{self.session.cloud.resource_manager}{quote(url)}?{parameters}"
        attempt, renewed = 0, False
        while True:
            self.sign_in(about)
            self.runtime.assert_wanted()
            attempt += 1
            request = HttpRequest(method, url, headers=dict(headers or {}), json=body)
            came = self._exchange(request, about, attempt, repeatable=repeatable)
            if isinstance(came, Answer):
                return came
            if came.unauthorized and not renewed:  # a token kept may have been revoked meanwhile
                renewed = True
                self.session.credential.forget()
            elif not repeatable:
                raise came.of_a_write
            elif came.wait is None or not self.pause(came.wait):
                raise came.error

    def _exchange(self, request: HttpRequest, about: str, attempt: int, *, repeatable: bool) -> Answer | _Trouble:
        """Send a request once."""
        try:
            response = self._client.send_request(request)
        except AzureError as error:  # our own, from a credential that was asked for another token
            raise AzureError(f"{about}: {error.message}", **error.details) from None
        except SdkError as error:
            known = explain_request_error(error, self.session)
            return _Trouble(
                AzureError(f"{about}: {known.message}", **known.details),
                LostAnswer(about, "The connection to Azure broke during the request."),
                None if "CERTIFICATE_VERIFY_FAILED" in str(error) else _connection_wait(attempt),
            )
        if response.status_code < 400:
            content = _object(response, repeatable=repeatable)
            if content is not None:
                return Answer(response.status_code, response.headers, content)
            strange = (
                f"what answered at {urlsplit(request.url).netloc} with HTTP {response.status_code} is not Azure "
                "Resource Manager (no JSON object). Is a proxy in between?"
            )
            refused = AzureError(f"{about}: {strange}", advice=PROXY_ADVICE, code=NOT_AZURE)
            return _Trouble(refused, LostAnswer(about, strange), _connection_wait(attempt))
        text = text_of(response)
        problem = read_problem(response.status_code, response.headers, text)
        return _Trouble(
            ArmError(about, problem),
            LostAnswer(about, f"Azure answered {problem.as_text()}", problem)
            if problem.status in TRANSIENT
            else ArmError(about, problem, wait=asked_wait(response.headers, text)),
            retry_wait(response.status_code, response.headers, text, attempt),
            unauthorized=response.status_code == 401,
        )

    def pause(self, seconds: float) -> bool:
        """Wait, unless that would pass the deadline; whether it did."""
        if self.deadline is not None and self.runtime.now() + seconds > self.deadline:
            return False
        self.runtime.sleep(seconds)
        return True

    def sign_in(self, about: str) -> None:
        """Have a token before anything is sent, so that a failed sign-in is never taken for a failed request."""
        try:
            self.session.credential.get_token(self.session.cloud.scope)
        except AzureError as error:
            raise AzureError(f"{about}: {error.message}", **error.details) from None


def _object(response: HttpResponse, *, repeatable: bool) -> Any:
    """The object in an accepted request's answer; None where there is none, or only a part of it.

    What has only been accepted (202) to be repeated or asked for elsewhere may come without: runCommand does.
    """
    if repeatable and response.status_code == 202 and not response.content:
        return {}
    body = parsed(response.content)
    return body if isinstance(body, dict) else None
