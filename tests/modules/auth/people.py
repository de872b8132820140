"""Who can sign in to the emulator of these tests, and how."""

from __future__ import annotations

import base64
import json
import time

SECRETIVE = "00000000-0000-0000-0000-0000000000a1"
SECRET = "S3cr~et.value-of_the-client"
CERTIFIED = "00000000-0000-0000-0000-0000000000b2"
FEDERATED = "00000000-0000-0000-0000-0000000000c3"
ISSUER, SUBJECT = "https://issuer.example", "system:serviceaccount:awx:runner"
MACHINE = "00000000-0000-0000-0000-0000000000d4"
USER, PASSWORD = "me@example.org", "pass~word-of_mine"


def federated_token(subject: str = SUBJECT, life: float = 3600) -> str:
    """A token of the issuer, as a Kubernetes API server would make it, without a real signature."""
    claims = {"iss": ISSUER, "sub": subject, "aud": "api://AzureADTokenExchange", "exp": int(time.time() + life)}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)] + [b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
