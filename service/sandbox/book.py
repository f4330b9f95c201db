"""The firms of ``seed/sandbox.yaml`` and what each always does ("magic codes")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from matching.applications.rules import CLOCK, PARTIES
from matching.rulefile import RuleFile
from models.dates import parse_date
from models.errors import RefusedInput
from models.uscc import check_uscc
from service.books.documents import read_yaml
from service.books.rulebook import application_rules
from service.books.seedbook import SEED, catalogue, feeds

FILE = "sandbox.yaml"
WHOLE, NOTHING, REVOKED, NONE = "whole", "nothing", "revoked", "none"
#: How the registrar, kind, region and the unissued block of a magic code begin; drawn firms have larger numbers.
_CODES = "91210100QX0000"
_FIRM = ("id", "uscc", "zh", "en", "known", "consent", "contested", "steps", "answers")
#: Statuses that may stand in place of an answer.
_SAID = (429, 503)
_ANSWERS = ("status", "retry_after_seconds", "slow_seconds")


@dataclass(frozen=True)
class Move:
    """A step of an application that the sandbox takes: by ``lender``, ``firm`` or ``clock``."""

    by: str
    step: str
    reason: str = ""


@dataclass(frozen=True)
class Played:
    """What stands in place of a successful answer about the firm: a ``status``, after ``seconds``."""

    status: int = 0
    retry_after: int = 0
    seconds: int = 0


@dataclass(frozen=True)
class MagicFirm:
    """``known``: all feeds, one feed or nothing. ``consent``: over everything, over one dimension, revoked or none.

    ``moves`` is ``None`` for a firm that states no need.
    """

    id: str
    uscc: str
    zh: str
    en: str
    known: str = WHOLE
    consent: str = WHOLE
    contested: str = ""
    moves: tuple[Move, ...] | None = None
    answers: Played | None = None

    @property
    def name(self) -> str:
        """Its name in the registers."""
        return f"沙箱示例企业 {self.id}（虚构）"


@dataclass(frozen=True)
class SandboxBook:
    """The whole file. ``copied``: the place in the drawn city of the firm that all magic firms are copies of."""

    firms_drawn: int
    months: int
    seed: int
    as_of: date
    copied: int
    need: Mapping[str, Any]
    terms: Mapping[str, Any]
    firms: Mapping[str, MagicFirm] = field(default_factory=dict)


@cache
def sandbox_book() -> SandboxBook:
    """The book as shipped."""
    return parse_book(read_yaml(SEED / FILE, SEED))


def parse_book(document: object) -> SandboxBook:
    """The book of a parsed file; ``DataFileError`` with the line of the first fault. ``firms`` are by code."""
    parts = ("city", "need", "terms", "firms")
    file = RuleFile.of(document, parts, parts)
    city = file.part("city", named := ("firms", "months", "seed", "as_of", "copied"), named)
    firms: dict[str, MagicFirm] = {}
    for part in file.parts("firms", _FIRM, ("id", "uscc", "zh", "en")):
        firm = _firm(part)
        if firm.uscc in firms or firm.id in {each.id for each in firms.values()}:
            raise part.raw.wrong("uscc", "A code and an id stand once.", "Take the next number.")
        firms[firm.uscc] = firm
    drawn = city.whole("firms", 50, 2_000)
    try:
        as_of = parse_date(city.text("as_of"))
    except RefusedInput as refused:
        raise city.raw.wrong("as_of", refused.rule, refused.fix) from None
    return SandboxBook(
        firms_drawn=drawn,
        months=city.whole("months", 12, 60),
        seed=city.whole("seed", 0, 1_000_000),
        as_of=as_of,
        copied=city.whole("copied", 0, drawn - 1),
        need=_need(file),
        terms=_terms(file),
        firms=firms,
    )


def _need(file: RuleFile) -> dict[str, Any]:
    named = ("low_yuan", "high_yuan", "months", "use", "security", "days")
    part = file.part("need", named, named)
    return {
        "low": part.yuan("low_yuan"),
        "high": part.yuan("high_yuan"),
        "months": part.whole("months", 1, 360),
        "use": part.text("use"),
        "security": part.text("security"),
        "days": part.whole("days", 1, application_rules().longest_valid_days),
    }


def _terms(file: RuleFile) -> dict[str, Decimal | int]:
    part = file.part("terms", named := ("amount_yuan", "annual_rate", "months"), named)
    return {
        "amount": part.yuan("amount_yuan"),
        "rate": part.decimal("annual_rate", "0", "0.24"),
        "months": part.whole("months", 1, 360),
    }


def _firm(part: RuleFile) -> MagicFirm:
    code, dimensions = part.text("uscc"), [each.id for each in catalogue().dimensions]
    if not check_uscc(code).valid or not code.startswith(_CODES):
        fix = "Take the next number of the block."
        raise part.raw.wrong("uscc", f"A magic code is a valid code that begins with {_CODES}.", fix)
    known = part.one_of("known", (WHOLE, NOTHING, *feeds())) if part.has("known") else WHOLE
    consents = (WHOLE, REVOKED, NONE, *dimensions)
    return MagicFirm(
        id=part.text("id"),
        uscc=code,
        zh=part.text("zh"),
        en=part.text("en"),
        known=known,
        consent=part.one_of("consent", consents) if part.has("consent") else WHOLE,
        contested=part.one_of("contested", catalogue().items) if part.has("contested") else "",
        moves=tuple(_move(part, each) for each in part.texts("steps")) if part.has("steps") else None,
        answers=_played(part) if part.has("answers") else None,
    )


def _move(part: RuleFile, text: str) -> Move:
    rules, (by, step, reason) = application_rules(), (*text.split(), "", "", "")[:3]
    named = rules.procedure.steps.get(step)
    if by not in PARTIES or named is None or by not in named.by or (reason and by == CLOCK):
        raise part.raw.wrong("steps", f"`{text}` is no party with a step it may take.", "Write `lender accept`.")
    if ("reason" in named.needs) != bool(reason) or (reason and reason not in rules.reasons):
        raise part.raw.wrong(
            "steps", f"`{text}`: a refusal names a reason, nothing else does.", "See applications.yaml."
        )
    return Move(by, step, reason)


def _played(part: RuleFile) -> Played:
    said = part.part("answers", _ANSWERS)
    if said.has("slow_seconds"):
        return Played(seconds=said.whole("slow_seconds", 1, 30))
    status = said.whole("status", 400, 599)
    if status not in _SAID:
        raise said.raw.wrong("status", "There are no words for this status.", f"One of {', '.join(map(str, _SAID))}.")
    return Played(status, said.whole("retry_after_seconds", 1, 60))
