"""Tables of counts that may be published: no small cell is shown, nor can one be found by subtraction."""

from __future__ import annotations

from collections.abc import Sequence


def hidden(counts: Sequence[int], smallest: int) -> list[bool]:
    """Which cells of a table whose total is shown stay hidden, one bool per cell.

    A cell of 1 to ``smallest - 1`` firms is hidden. The total less the cells shown must not give one away either:
    while the hidden cells hold fewer than ``smallest`` firms together, or there is one alone, the smallest cell still
    shown is hidden as well. Empty cells tell nothing and are shown.
    """
    made = [0 < count < smallest for count in counts]
    if not any(made):
        return made
    shown = sorted((place for place, count in enumerate(counts) if count >= smallest), key=lambda place: counts[place])
    for place in shown:
        away = [count for count, gone in zip(counts, made, strict=True) if gone]
        if len(away) > 1 and sum(away) >= smallest:
            break
        made[place] = True
    return made
