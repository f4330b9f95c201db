"""What objections and repairs share: who acts for which party, what names something said, the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from models.errors import RefusedInput
from service.access.auth import Action, Caller, Role
from service.access.policy import Purpose
from service.audit.chain import Event
from service.web.encode import canonical

_PARTIES = {Role.FIRM: "firm", Role.AGENCY: "agency", Role.OFFICE: "office", Role.APPROVER: "office"}
_LONGEST = 4_000


def party_of(caller: Caller) -> str:
    """The party of a procedure the caller acts for; empty for none."""
    return _PARTIES.get(caller.role, "")


def actor_of(caller: Caller) -> str:
    """The person where somebody signed in, else the system: what four eyes are counted by."""
    return caller.person or caller.client_id


def content_digest(content: Mapping[str, Any]) -> str:
    """What names something that was said: SHA-256 in hex over its canonical JSON."""
    return sha256(canonical(dict(content))).hexdigest()


def said_text(text: str, field: str, required: bool = True) -> str:
    """A text somebody wrote, trimmed; ``RefusedInput`` when it is empty though required, or too long."""
    text = text.strip()
    if required and not text:
        raise RefusedInput("text_missing", field, text, "This has to be said in words.", "Write it.")
    if len(text) > _LONGEST:
        rule = f"A text has at most {_LONGEST} characters."
        raise RefusedInput("text_too_long", field, text, rule, "Keep to the point, and attach the rest as material.")
    return text


def case_event(
    caller: Caller,
    action: Action,
    firm: str,
    object_id: str,
    now: datetime,
    request_id: str,
    detail: Mapping[str, Any] | None = None,
    result: str = "done",
    *,
    reason: str = "",
    purpose: Purpose | None = None,
    consent_id: str = "",
) -> Event:
    """The journal's entry of a change to a case, or (``allowed``) of a reading, with the consent it rests on."""
    return Event(
        at=now,
        actor=caller.client_id,
        person=caller.person,
        role=caller.role.value,
        tenant=caller.tenant,
        action=action.value,
        firm=firm,
        object_id=object_id,
        purpose=purpose.value if purpose else "",
        consent_id=consent_id,
        result=result,
        reason=reason,
        detail=canonical(dict(detail or {})).decode(),
        request_id=request_id,
    )
