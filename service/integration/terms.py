"""The figures of ``seed/webhooks.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from matching.rulefile import RuleFile
from service.books.seedbook import rule_set

_PARTS = (
    *("ports", "most_endpoints", "pauses_seconds", "jitter", "answer_seconds", "at_once", "rotation_hours"),
    *("of_one_at_once", "replay_at_most"),
)


@dataclass(frozen=True)
class WebhookTerms:
    """``pauses``: after the first, second … failed try; after the last one a delivery is dead. ``jitter`` is a share
    of a pause.
    """

    ports: tuple[int, ...]
    most_endpoints: int
    pauses: tuple[timedelta, ...]
    jitter: float
    answer_seconds: int
    at_once: int
    of_one_at_once: int
    rotation: timedelta
    replay_at_most: int


@cache
def webhook_terms() -> WebhookTerms:
    """The terms as shipped."""
    return parse_terms(rule_set().document("webhooks.yaml"))


def parse_terms(document: object) -> WebhookTerms:
    """The terms of the file; ``DataFileError`` with the line of the first fault."""
    file = RuleFile.of(document, _PARTS, _PARTS)
    return WebhookTerms(
        ports=_numbers(file, "ports", 65_535),
        most_endpoints=file.whole("most_endpoints", 1, 1_000),
        pauses=tuple(timedelta(seconds=each) for each in _numbers(file, "pauses_seconds", 604_800)),
        jitter=float(file.decimal("jitter", "0", "0.9")),
        answer_seconds=file.whole("answer_seconds", 1, 60),
        at_once=file.whole("at_once", 1, 1_000),
        of_one_at_once=file.whole("of_one_at_once", 1, 1_000),
        rotation=timedelta(hours=file.whole("rotation_hours", 0, 24 * 30)),
        replay_at_most=file.whole("replay_at_most", 1, 1_000_000),
    )


def _numbers(file: RuleFile, name: str, most: int) -> tuple[int, ...]:
    listed = file.raw.get(name)
    if not isinstance(listed, list) or not listed or not all(type(each) is int and 0 < each <= most for each in listed):
        raise file.raw.wrong(name, f"This is a list of whole numbers from 1 to {most}.", "Write it like [5, 300].")
    return tuple(listed)
