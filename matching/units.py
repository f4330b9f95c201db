"""Numbers that are likely in the wrong unit: 万元 where yuan are meant, per cent where a fraction is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from matching.facts import FactBook
from models.errors import DataFileError
from models.kinds import Kind
from models.marked import MarkedDict

#: An amount below this is rarely meant in yuan where a rule speaks of firms, loans and awards.
LEAST_YUAN = 1000
#: A fraction from here on is rarely meant: 2 is 200 %.
MOST_FRACTION = 2
#: Amounts of a benefit that are a whole award, loan or pot. What is paid per unit may well be small.
_WHOLE_AMOUNTS = ("cap_yuan", "limit_yuan", "floor_yuan", "pot_yuan", "yuan", "below_yuan")
#: Written so, a number is meant: "500.00".
_MEANT = re.compile(r"-?\d+\.\d\d", re.ASCII)


def suspicious(document: Any, facts: FactBook) -> Iterator[DataFileError]:
    """Every number of a rule file that looks like the wrong unit; ``DataFileError`` is returned, not raised."""
    if isinstance(document, list):
        for entry in document:
            yield from suspicious(entry, facts)
    elif isinstance(document, MarkedDict):
        yield from _condition(document, facts) if "fact" in document else _amounts(document)
        for value in document.values():
            yield from suspicious(value, facts)


def _condition(raw: MarkedDict, facts: FactBook) -> Iterator[DataFileError]:
    spec = facts.get(str(raw["fact"]))
    given = raw.get("value")
    for value in given if isinstance(given, list) else [given]:
        number = _number(value)
        if spec is None or number is None:
            continue
        if spec.kind is Kind.MONEY and 0 < abs(number) < LEAST_YUAN:
            yield _yuan(raw, "value", value)
        if spec.kind is Kind.RATIO and abs(number) >= MOST_FRACTION:
            rule = f"{spec.id} is a fraction; {value} would be {number * 100:g} %."
            yield raw.wrong("value", rule, f'Write 5 % as "0.05"; if it is meant, write "{number:.2f}".')


def _amounts(raw: MarkedDict) -> Iterator[DataFileError]:
    if "payee" in raw:
        return  # a fee may well be small
    for name in _WHOLE_AMOUNTS:
        number = _number(raw.get(name))
        if number is not None and 0 < number < LEAST_YUAN:
            yield _yuan(raw, name, raw[name])


def _yuan(raw: MarkedDict, name: str, value: object) -> DataFileError:
    rule = f"Amounts are yuan; {value} yuan is little. Is 万元 meant?"
    return raw.wrong(name, rule, f'Write 300 万元 as 3000000; if it is meant, write "{_number(value):.2f}".')


def _number(value: object) -> float | None:
    """A number as written, ``None`` for anything else and for one whose two decimals say that it is meant."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or _MEANT.fullmatch(value):
        return None
    try:
        return float(value)
    except ValueError:
        return None
