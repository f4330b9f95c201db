"""The kinds of jobs that only come round: clocks of needs, and webhooks that are due."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.integration.addresses import shipped_policy
from service.integration.terms import webhook_terms
from service.jobs.kinds import JobKind, add_kind
from service.jobs.work import Work
from service.needs.lapsing import run_out
from service.office import Office
from service.usecases.deliver_webhooks import THREADS, deliver

NEED_CLOCKS, WEBHOOKS = "need_clocks", "webhooks"
#: Parts of one round of sending: a receiver that answers slowly keeps other jobs waiting for so many tries at most.
_PARTS = 20


def run_clocks(office: Office, work: Work) -> Mapping[str, Any]:
    """End what has run out and ask the next lenders, as ``rongqiao need clocks`` does."""
    return {"needs_changed": run_out(office, work.now())}


def run_webhooks(office: Office, work: Work) -> Mapping[str, Any]:
    """Send what is due, in parts small enough for a stop to be heard between two."""
    policy, tls = shipped_policy(), ssl.create_default_context()
    terms = replace(webhook_terms(), at_once=THREADS)
    tried = delivered = dead = 0
    for _ in range(_PARTS):
        made = deliver(office, policy, work.now, tls, terms=terms)
        tried, delivered, dead = tried + made.tried, delivered + made.delivered, dead + made.dead
        if not made.tried:
            break
        work.tell("sending", tried)
    return {"tried": tried, "delivered": delivered, "dead": dead}


add_kind(JobKind(NEED_CLOCKS, run_clocks))
add_kind(JobKind(WEBHOOKS, run_webhooks))
