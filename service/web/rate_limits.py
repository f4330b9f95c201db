"""How often somebody may ask: each client, each client about one firm, and each address that is not known yet.

The counters are this process's own: with N workers a client may ask up to N times as often in all. The limits are there
against runaway programs, guessing and copying the city firm by firm, for which that is good enough.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from models.errors import RefusedInput
from service.settings import Settings

WINDOW_SECONDS = 60


#: So many refusals of one client a minute are written into the journal; more of them tell nothing new.
REFUSALS_TOLD = 10


class Policy(StrEnum):
    """``CLIENT`` and ``LOOK_UP`` count who has proved who they are, ``REFUSED`` what they were refused at the door; the
    others count addresses.
    """

    CLIENT = "client"
    LOOK_UP = "look-up"
    TOKEN = "token"
    SIGN_IN = "sign-in"
    REFUSED = "refused"


_SAID = {
    Policy.CLIENT: "One client asks at most {quota} times a minute.",
    Policy.LOOK_UP: "One client reads one firm at most {quota} times a minute.",
    Policy.TOKEN: "One address asks for at most {quota} tokens a minute.",
    Policy.SIGN_IN: "One address tries to sign in at most {quota} times a minute.",
    Policy.REFUSED: "Of one client {quota} refusals a minute are written down.",
}


@dataclass(frozen=True)
class Standing:
    """What is left of one quota: requests, and the seconds until the count begins anew."""

    policy: Policy
    quota: int
    remaining: int
    reset: int
    exceeded: bool = False

    def headers(self) -> dict[str, str]:
        """``RateLimit`` and ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers), ``Retry-After`` when over."""
        told = {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset}',
        }
        return told | {"Retry-After": str(self.reset)} if self.exceeded else told

    def refusal(self) -> RefusedInput:
        """The 429 of a quota that is used up. Nothing is said of the firm that was asked about."""
        return RefusedInput(
            "too_many_requests",
            "request",
            None,
            _SAID[self.policy].format(quota=self.quota),
            f"Wait {self.reset} seconds, as the header Retry-After says.",
            status=429,
        )


class _Counters(Storage):
    """Counters in memory. The library's own storage begins a thread to sweep at nearly every count; here whoever counts
    sweeps, once a window.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}
        self._swept = time.time()
        self._lock = Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            if now - self._swept >= WINDOW_SECONDS:
                self._counts = {each: kept for each, kept in self._counts.items() if kept[1] > now}
                self._swept = now
            number, until = self._counts.get(key, (0, 0.0))
            number, until = (number + amount, until) if until > now else (amount, now + expiry)
            self._counts[key] = (number, until)
        return number

    def get(self, key: str) -> int:
        number, until = self._counts.get(key, (0, 0.0))
        return number if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            number = len(self._counts)
            self._counts.clear()
        return number

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)


class RateLimits:
    """The counters of one process."""

    def __init__(self, settings: Settings):
        self._limiter = FixedWindowRateLimiter(_Counters())
        self._items = {
            policy: RateLimitItemPerMinute(quota, namespace=policy.value)
            for policy, quota in {
                Policy.CLIENT: settings.requests_per_minute,
                Policy.LOOK_UP: settings.look_ups_per_minute,
                Policy.TOKEN: settings.tokens_per_minute,
                Policy.SIGN_IN: settings.sign_ins_per_minute,
                Policy.REFUSED: REFUSALS_TOLD,
            }.items()
        }

    def count(self, policy: Policy, *who: str) -> Standing:
        """Count one request of ``who`` (client, client and firm, or address) and answer with where it stands."""
        item = self._items[policy]
        allowed = self._limiter.hit(item, *who)
        window = self._limiter.get_window_stats(item, *who)
        reset = min(max(math.ceil(window.reset_time - time.time()), 1), WINDOW_SECONDS)
        return Standing(policy, item.amount, max(window.remaining, 0), reset, not allowed)
