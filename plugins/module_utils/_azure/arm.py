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

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.aks.kube_proxy.plugins.module_utils._azure import libraries
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.authentication import Session, explain_request_error
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.errors import AzureError
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.problems import (
    ArmError,
    LostAnswer,
    read_problem,
)
from ansible_collections.aks.kube_proxy.plugins.module_utils._azure.runtime import Runtime

try:
    from azure.core.exceptions import AzureError as SdkError
    from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy, UserAgentPolicy
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest, HttpResponse
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
except ImportError:
    pass  # libraries.require() tells

VERSION = "1.0.0"
USER_AGENT = f"ansible-collection/aks.kube_proxy/{VERSION}"
CONNECT_SECONDS = 20
READ_SECONDS = 120
TRIES = 6
CONNECTION_TRIES = 4
BACKOFF_SECONDS = (2.0, 4.0, 8.0, 16.0, 32.0)
LONGEST_WAIT_SECONDS = 300.0
TRANSIENT = (408, 500, 502, 503, 504)
THROTTLED_STATUS = 429


@dataclass(frozen=True)
class Answer:
    """An accepted request's answer.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever the case.
        body: the JSON, or None where there was none.
    """

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def correlation_id(self) -> str:
        """What Azure's support asks for; may be empty."""
        return self.headers.get("x-ms-correlation-request-id") or self.headers.get("x-ms-request-id") or ""


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
        self._client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
            base_url=session.cloud.resource_manager,
            policies=[
                RequestIdPolicy(),
                HeadersPolicy({"Accept": "application/json"}),
                UserAgentPolicy(USER_AGENT),
                ARMChallengeAuthenticationPolicy(session.credential, session.cloud.scope),
            ],
            transport=RequestsTransport(
                connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, connection_verify=session.verify
            ),
        )

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
        host, own = (urlsplit(text).netloc.lower() for text in (url, self.session.cloud.resource_manager))
        if urlsplit(url).scheme != "https" or not (host == own or host.endswith(f".{own}")):
            raise AzureError(f"{about}: Azure's answer refers to {host}, which is not part of {own}; not followed.")
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

    def post(self, path: str, api_version: str, *, about: str) -> Answer:
        """POST without a body, for actions that may be repeated without harm.

        Raises:
            ArmError: Azure refused.
            AzureError: no token, no connection, or no JSON.
        """
        return self._send("POST", path, about=about, api_version=api_version)

    def pages(self, path: str, api_version: str, *, about: str) -> Iterator[Any]:
        """The items of a list, page by page: all of them, or an error.

        Raises:
            ArmError: Azure refused a page.
            AzureError: a page could not be had or read.
        """
        answer = self.get(path, api_version, about=about)
        while True:
            if not isinstance(answer.body.get("value"), list):
                raise AzureError(f"{about}: Azure's answer holds no list. Is a proxy in between?")
            yield from answer.body["value"]
            following = answer.body.get("nextLink")
            if not following:
                return
            answer = self.get_url(following, about=about)

    def _send(
        self,
        method: str,
        url: str,
        *,
        about: str,
        api_version: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        if api_version is not None:
            url = f"{self.session.cloud.resource_manager}{quote(url)}?api-version={api_version}"
        attempt, renewed = 0, False
        while True:
            self.sign_in(about)
            self.runtime.assert_wanted()
            attempt += 1
            try:
                response = self._client.send_request(HttpRequest(method, url, headers=dict(headers or {}), json=body))
            except AzureError as error:  # our own, from a credential that was asked for another token
                raise AzureError(f"{about}: {error.message}", **error.details) from None
            except SdkError as error:
                if not repeatable:
                    raise LostAnswer(about, "The connection to Azure broke during the request.") from None
                final = attempt >= CONNECTION_TRIES or "CERTIFICATE_VERIFY_FAILED" in str(error)
                if final or not self.pause(BACKOFF_SECONDS[attempt - 1]):
                    raise AzureError(f"{about}: {explain_request_error(error, self.session).message}") from None
                continue
            if response.status_code < 400:
                return Answer(response.status_code, response.headers, _json(response, about, repeatable=repeatable))
            if response.status_code == 401 and not renewed:  # a token kept may have been revoked meanwhile
                renewed = True
                self.session.credential.forget()
                continue
            text = response.text()
            problem = read_problem(response.status_code, response.headers, text)
            if not repeatable:
                if problem.status in TRANSIENT:
                    raise LostAnswer(about, f"Azure answered {problem.as_text()}", problem)
                raise ArmError(about, problem, wait=asked_wait(response.headers, text))
            wait = retry_wait(response.status_code, response.headers, text, attempt)
            if wait is None or not self.pause(wait):
                raise ArmError(about, problem)

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


def _json(response: HttpResponse, about: str, *, repeatable: bool) -> Any:
    """The object in an accepted request's answer; all that is asked for here is answered by one."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    strange = (
        f"what answered at {urlsplit(response.request.url).netloc} with HTTP {response.status_code} is not Azure "
        "Resource Manager (no JSON object). Is a proxy in between?"
    )
    if repeatable:
        raise AzureError(f"{about}: {strange}")
    raise LostAnswer(about, strange)
