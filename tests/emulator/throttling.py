"""Token buckets: AKS's own per cluster, subscription and group, and ARM's per subscription and principal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .clock import Clock
from .refusals import RefusalError, refusal
from .wire import JsonObject


@dataclass(frozen=True)
class Rule:
    """One documented bucket: its size, its refill per second, and whose it is."""

    size: int
    refill: float
    scope: str  # cluster | pool | group | subscription


# AKS `quotas-skus-regions.md`: bucket / refill.
AKS_RULES = {
    "cluster_put": Rule(20, 1 / 60, "cluster"),
    "pool_put": Rule(20, 1 / 60, "pool"),
    "cluster_get": Rule(60, 1, "cluster"),
    "operation_get": Rule(200, 2, "subscription"),
    "list_subscription": Rule(500, 1, "subscription"),
    "list_group": Rule(60, 1, "group"),
    "other": Rule(60, 1, "subscription"),
}
# ARM "request limits and throttling": per subscription + principal + region.
ARM_RULES = {
    "read": Rule(250, 25, "subscription"),
    "write": Rule(200, 10, "subscription"),
    "delete": Rule(200, 10, "subscription"),
}
KINDS = {"GET": "read", "HEAD": "read", "DELETE": "delete"}  # all else writes
# What ARM says is left (2026 recordings): header -> the value of a full bucket.
REMAINING = {
    "read": {"x-ms-ratelimit-remaining-subscription-global-reads": 16_499},
    "write": {
        "x-ms-ratelimit-remaining-subscription-writes": 800,
        "x-ms-ratelimit-remaining-subscription-global-writes": 12_000,
    },
    "delete": {
        "x-ms-ratelimit-remaining-subscription-deletes": 799,
        "x-ms-ratelimit-remaining-subscription-global-deletes": 11_999,
    },
}


@dataclass
class Bucket:
    """Tokens of one rule and one owner."""

    rule: Rule
    tokens: float
    filled: float  # emulated time of the last look
    taken: int = 0
    refused: int = 0

    def wait(self, now: float) -> float:
        """Take a token if there is one and return 0, else the seconds until there is one."""
        self.tokens = min(self.rule.size, self.tokens + (now - self.filled) * self.rule.refill)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            self.taken += 1
            return 0.0
        self.refused += 1
        return (1 - self.tokens) / self.rule.refill


class Throttle:
    """All buckets of one emulated cloud."""

    def __init__(self, clock: Clock, enabled: bool) -> None:
        """Start with full buckets. Where not enabled, only count."""
        self._clock = clock
        self._enabled = enabled
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def aks(self, name: str, owner: str) -> None:
        """Take a token from a provider bucket, or refuse with 429 and `Retry-After`."""
        if wait := self._take(name, owner, AKS_RULES[name]):
            raise throttled_by_aks(name, owner, math.ceil(wait))

    def arm(self, method: str, subscription: str, actor: str) -> dict[str, str]:
        """Take a token from ARM's bucket, or refuse. Return the headers that tell what is left."""
        kind = KINDS.get(method, "write")
        owner = f"{subscription.lower()}/{actor}"
        if wait := self._take(kind, owner, ARM_RULES[kind]):
            raise throttled_by_arm(kind, subscription, actor, math.ceil(wait))
        used = ARM_RULES[kind].size - self._buckets[(kind, owner)].tokens
        return {name: str(max(0, full - round(used))) for name, full in REMAINING[kind].items()}

    def view(self) -> list[JsonObject]:
        """The counters, for the control plane."""
        return [
            {
                "bucket": name,
                "owner": owner,
                "size": bucket.rule.size,
                "tokens": round(bucket.tokens, 3),
                "taken": bucket.taken,
                "refused": bucket.refused,
            }
            for (name, owner), bucket in self._buckets.items()
        ]

    def _take(self, name: str, owner: str, rule: Rule) -> float:
        now = self._clock.now()
        bucket = self._buckets.setdefault((name, owner), Bucket(rule, rule.size, now))
        wait = bucket.wait(now)
        return wait if self._enabled else 0.0


def throttled_by_aks(kind: str, scope: str, seconds: int | None) -> RefusalError:
    """The provider's 429. `seconds`: Retry-After, or None to leave it out."""
    return _with_retry_after(refusal("Throttled", kind=kind, scope=scope, seconds=seconds), seconds)


def throttled_by_arm(kind: str, subscription: str, actor: str, seconds: int | None) -> RefusalError:
    """ARM's 429."""
    error = refusal(
        "SubscriptionRequestsThrottled", kind=kind, subscription=subscription, actor=actor, seconds=seconds or 10
    )
    return _with_retry_after(error, seconds)


def _with_retry_after(error: RefusalError, seconds: int | None) -> RefusalError:
    if seconds is not None:
        error.answer.headers["Retry-After"] = str(seconds)
    return error
