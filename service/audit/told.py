"""Who stands behind what the code does, and what is written down of it where.

The guard of a route and the command line say who asks (``asked_by``); a use case that changes something writes
``record(session, told(…))`` in the transaction of the change. Everything else is told at the door: before the handler
runs, by the guard; before the office is opened to a command, by :mod:`service.cli.context`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.access.auth import Action, Caller, Role
from service.access.policy import PURPOSES
from service.audit.chain import Event
from service.web.encode import canonical


@dataclass(frozen=True)
class Asker:
    """A client or person over HTTP, or the operating system's user at the office's terminal."""

    actor: str
    role: Role
    person: str = ""
    tenant: str = ""
    purpose: str = ""
    request_id: str = ""


#: Code that runs for nobody in particular: a job, a build of the demo.
NOBODY = Asker("office", Role.OFFICE, purpose=PURPOSES[Role.OFFICE][0].value)
_asker: ContextVar[Asker] = ContextVar("asker", default=NOBODY)


def asker_of(caller: Caller, purpose: str, request_id: str) -> Asker:
    """A caller of a route. Who has one purpose only need not name it."""
    named = purpose or ("" if caller.is_lender else PURPOSES[caller.role][0].value)
    return Asker(caller.client_id, caller.role, caller.person, caller.tenant, named, request_id)


def asked_by(asker: Asker) -> None:
    """Say who asks, for the rest of this context and the threads it starts."""
    _asker.set(asker)


@contextmanager
def asking(asker: Asker) -> Iterator[None]:
    """Say who asks, for the length of a block."""
    token = _asker.set(asker)
    try:
        yield
    finally:
        _asker.reset(token)


def told(
    action: str,
    now: datetime,
    firm: str = "",
    object_id: str = "",
    result: str = "done",
    detail: Mapping[str, Any] | None = None,
) -> Event:
    """The journal's entry of what is done now for whoever asks."""
    asker = _asker.get()
    return Event(
        at=now,
        actor=asker.actor,
        role=asker.role.value,
        action=str(action),
        result=result,
        person=asker.person,
        tenant=asker.tenant,
        firm=firm,
        object_id=object_id,
        purpose=asker.purpose,
        detail=canonical(dict(detail or {})).decode(),
        request_id=asker.request_id,
    )


#: Actions that say nothing of any firm or person, and why nobody writes down who took them.
UNTOLD: dict[Action, str] = {
    Action.OPEN_HOME: "Counts of the caller's own matters; each page it leads to is told as it is read.",
    Action.READ_CATALOGUE: "The published catalogue of items.",
    Action.READ_FEEDS: "The published columns of the feeds.",
    Action.READ_PRODUCTS: "Published products.",
    Action.READ_SCHEMES: "Published schemes, asked with stated facts that are not kept; uses are counted by scheme.",
    Action.READ_MONITORING: "Counts over groups; small groups are withheld.",
    Action.READ_ACCESS_LOG: "Who else read the firm's data, shown to the firm alone.",
    Action.READ_CHANGES: "Ids of the caller's own objects, for a machine; each object is told as it is read.",
    Action.READ_METRICS: "Counts of requests by route, read every few seconds by a machine.",
}


def is_told_at_the_door(action: Action, only_asks: bool) -> bool:
    """Whether a guard writes down that ``action`` was taken.

    A request that changes something (not ``only_asks``) is told by its use case, with what came of it; actions that
    read or find only ask, whatever their method.
    """
    return action not in UNTOLD and (only_asks or action.startswith(("read_", "find_")))
