"""Invented names of firms, people and streets, all of a city that does not exist."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seed.city.draws import Ints
from seed.city.parameters import Parameters


def trade_names(rng: np.random.Generator, words: Parameters, size: int) -> list[str]:
    """``size`` different trade names of three invented syllables, of four once those run out."""
    first, middle, last = words["trade_first"], words["trade_middle"], words["trade_last"]
    combinations = len(first) * len(middle) * len(last)
    serial = np.concatenate([rng.permutation(combinations) for _ in range(-(-size // combinations))])[:size]
    names = []
    for place, number in enumerate(serial.tolist()):
        number, c = divmod(number, len(last))
        a, b = divmod(number, len(middle))
        again = place // combinations
        names.append(first[a] + middle[b] + last[c] + (middle[again - 1] if again else ""))
    return names


def firm_names(
    words: Parameters, trade: Sequence[str], entity: Sequence[str], section: Sequence[str], district: Sequence[str]
) -> list[str]:
    """Names in the registers' style: city, trade name, line of business, legal form."""
    made = []
    for name, kind, line, place in zip(trade, entity, section, district, strict=True):
        company, shop, _ = words["trades"][line]
        if kind == "sole_proprietor":
            made.append(f"{words['city']}{place}{name}{shop}")
        elif kind == "village":
            made.append(f"{words['city']}{place}{name}{words['village_form']}")
        else:
            made.append(f"{words['city']}{name}{company}{words['forms'][kind]}")
    return made


def people(rng: np.random.Generator, words: Parameters, size: int) -> tuple[list[str], list[str]]:
    """Pools of family and given names with ``size`` draws joined: (names, references)."""
    surname = rng.integers(0, len(words["surnames"]), size).tolist()
    given = rng.integers(0, len(words["given"]), size).tolist()
    names = [words["surnames"][a] + words["given"][b] for a, b in zip(surname, given, strict=True)]
    return names, [f"P{number:08d}" for number in range(1, size + 1)]


def addresses(rng: np.random.Generator, words: Parameters, district: Sequence[str]) -> list[str]:
    """A street and a number in each district."""
    street: Ints = rng.integers(0, len(words["streets"]), len(district))
    number: Ints = rng.integers(1, 400, len(district))
    return [
        f"{words['city']}{place}{words['streets'][s]}{n}号"
        for place, s, n in zip(district, street.tolist(), number.tolist(), strict=True)
    ]
