"""The rules of ``seed/retention.yaml``: how long what is kept, and what stays whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from models.dates import add_months
from models.marked import MarkedDict, marked
from service.books.seedbook import rule_set

FILE = "retention.yaml"
#: Every rule there is code for; the file has each of them once.
RULES = (
    "tokens",
    "sessions",
    "assertions",
    "kept_answers",
    "quarantine",
    "receipt_facts",
    "consent_details",
    "personal_records",
    "rebuilt_snapshots",
    "person_consents",
    "changes",
    "rounds",
)


@dataclass(frozen=True)
class Rule:
    """Things of one kind go once ``days`` and ``years`` have passed since the moment ``since`` names."""

    id: str
    zh: str
    en: str
    since: str
    days: int
    years: int
    cite: str
    confirmed: bool

    def over(self, now: datetime) -> datetime:
        """What ended at this moment or earlier has had its time at ``now``."""
        day = add_months(now.date(), -12 * self.years)
        return now.replace(year=day.year, month=day.month, day=day.day) - timedelta(days=self.days)


@dataclass(frozen=True)
class Stays:
    """What is not deleted although somebody asks, and why."""

    id: str
    zh: str
    en: str
    why_zh: str
    why_en: str
    cite: str


@dataclass(frozen=True)
class RetentionRules:
    """All of the file."""

    rules: dict[str, Rule]
    stays: tuple[Stays, ...]
    backups: dict[str, str]
    sha256: str


@cache
def retention_rules() -> RetentionRules:
    """The rules as shipped."""
    return parse_retention_rules(rule_set().document(FILE), rule_set().file_digests()[FILE])


def parse_retention_rules(document: object, sha256: str = "") -> RetentionRules:
    """The rules of a parsed file; ``DataFileError`` naming the line of what is missing or makes no sense."""
    whole = marked(document if isinstance(document, dict) else {})
    rules = {rule.id: rule for rule in map(_rule, _entries(whole, "rules"))}
    if set(rules) != set(RULES):
        raise whole.wrong("rules", f"There is one rule for each of {', '.join(RULES)}.", "See the file as shipped.")
    backups = marked(whole.get("backups") or {})
    said = {language: _text(backups, language) for language in ("zh", "en")}
    return RetentionRules(rules, tuple(map(_stays, _entries(whole, "kept"))), said, sha256)


def _entries(whole: MarkedDict, name: str) -> list[MarkedDict]:
    found = whole.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise whole.wrong(name, "This is a list of entries.", "See the file as shipped.")
    return [marked(each) for each in found]


def _rule(raw: MarkedDict) -> Rule:
    keep = raw.get("keep")
    if not isinstance(keep, dict) or not keep or set(keep) - {"days", "years"}:
        raise raw.wrong("keep", "A time is in days, years or both.", "Write keep: {years: 5}.")
    if any(type(number) is not int or not 0 <= number <= 10_000 for number in keep.values()):
        raise raw.wrong("keep", "A time is a whole number from 0 to 10,000.", "Write keep: {days: 90}.")
    if type(raw.get("confirmed")) is not bool:
        raise raw.wrong("confirmed", "It says whether the clause itself sets this time.", "Write true or false.")
    text = {name: _text(raw, name) for name in ("id", "zh", "en", "cite")}
    return Rule(
        since=_text(raw, "from"),
        days=keep.get("days", 0),
        years=keep.get("years", 0),
        confirmed=raw["confirmed"],
        **text,
    )


def _stays(raw: MarkedDict) -> Stays:
    return Stays(**{name: _text(raw, name) for name in ("id", "zh", "en", "why_zh", "why_en", "cite")})


def _text(raw: MarkedDict, name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip():
        raise raw.wrong(name, "This has to be said.", "Write it.")
    return value
