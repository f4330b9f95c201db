"""Reads ``seed/market.yaml``: what protects firms in the answers to searches, and the limits of contacts."""

from __future__ import annotations

from dataclasses import dataclass

from matching.rulefile import RuleFile


@dataclass(frozen=True)
class ReleaseTerms:
    """What a lender is told of firms that did not agree. ``smallest_group``, ``noise_*`` in firms.

    ``listed_share``: part of the firms found that is listed as cards. ``conditions_per_*``: of the different screens
    of one lender.
    """

    smallest_group: int
    noise_scale: int
    noise_most: int
    listed_share: float
    conditions_per_day: int
    conditions_per_quarter: int


@dataclass(frozen=True)
class ContactTerms:
    """``days`` a contact takes a place; the most a firm's word may say."""

    days: int
    longest_days: int
    most_at_a_time: int
    most_per_quarter: int


@dataclass(frozen=True)
class MarketTerms:
    """The whole file."""

    release: ReleaseTerms
    contact: ContactTerms


_RELEASE = (
    *("smallest_group", "noise_scale", "noise_most", "listed_share"),
    *("conditions_per_day", "conditions_per_quarter"),
)
_CONTACT = ("days", "longest_days", "most_at_a_time", "most_per_quarter")


def parse_market_terms(document: object) -> MarketTerms:
    """The terms of the file; ``DataFileError`` with the line of the first fault."""
    file = RuleFile.of(document, ("release", "contact"), ("release", "contact"))
    release = file.part("release", _RELEASE, _RELEASE)
    contact = file.part("contact", _CONTACT, _CONTACT)
    return MarketTerms(
        release=ReleaseTerms(
            smallest_group=release.whole("smallest_group", 3, 1_000),
            noise_scale=release.whole("noise_scale", 1, 100),
            noise_most=release.whole("noise_most", 1, int(release.raw["smallest_group"]) - 2),
            listed_share=float(release.decimal("listed_share", "0.01", "0.9")),
            conditions_per_day=release.whole("conditions_per_day", 1, 1_000_000),
            conditions_per_quarter=release.whole("conditions_per_quarter", 1, 1_000_000),
        ),
        contact=ContactTerms(*(contact.whole(name, 1, 3_660) for name in _CONTACT)),
    )
