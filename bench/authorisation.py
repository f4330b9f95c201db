"""The authorisation tables of docs/security.md, made from the policy itself: ``python -m bench.authorisation``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from service.access.auth import MAY, NEEDS_POWER, NO_POWER, Role
from service.access.disclosure import Consent, Viewer
from service.access.policy import LENDING, PURPOSES, Reason
from service.books.seedbook import catalogue

PAGE = Path(__file__).parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- made by bench/authorisation.py -->\n", "<!-- end -->\n"


def lines() -> Iterator[str]:
    """Role by action, role by purpose, and what of a profile each role is shown."""
    roles = list(Role)
    yield f"| action | {' | '.join(roles)} | power of a firm's person |"
    yield "|---" * (len(roles) + 2) + "|"
    for action, allowed in MAY.items():
        marks = ("yes" if role in allowed else "" for role in roles)
        power = "" if Role.FIRM not in allowed else "any" if action in NO_POWER else NEEDS_POWER.get(action, "view")
        yield f"| {action} | {' | '.join(marks)} | {power} |"
    yield ""
    yield f"| purpose | {' | '.join(roles)} | a consent must name it |"
    yield "|---" * (len(roles) + 2) + "|"
    for purpose in dict.fromkeys(each for role in roles for each in PURPOSES[role]):
        marks = ("yes" if purpose in PURPOSES[role] else "" for role in roles)
        yield f"| {purpose} | {' | '.join(marks)} | {'yes' if purpose in LENDING else ''} |"
    yield ""
    yield "| of a profile | firm itself | staff | lender without consent | with | with, personal too |"
    yield "|---|---|---|---|---|---|"
    items = catalogue().items.values()
    everything = frozenset(item.dimension for item in items)
    viewers = (
        Viewer(Role.FIRM), Viewer(Role.OFFICE), Viewer(Role.BANK), Viewer(Role.BANK, Consent(everything)),
        Viewer(Role.BANK, Consent(everything, personal=True)),
    )  # fmt: skip
    for words, personal in (("items of the firm", False), ("items about persons", True)):
        item = next(each for each in items if each.personal is personal)
        yield f"| {words} | {' | '.join(viewer.shown(item) for viewer in viewers)} |"
    yield ""
    yield f"Reasons a journal entry gives: {', '.join(f'`{reason}`' for reason in Reason)}."


def render(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + "\n".join(lines()) + "\n\n" + END + after


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
