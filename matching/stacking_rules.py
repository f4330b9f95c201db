"""What a scheme's text says about being combined with others: the part `stacking` of a scheme file, parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from matching.rulefile import RuleFile

STACKING_PARTS = ("group", "group_rule", "one_per_loan", "tags", "excludes", "permits", "cite")
_TAG = re.compile(r"^[a-z0-9]+([-_][a-z0-9]+)*$", re.ASCII)


class GroupRule(StrEnum):
    """How the members of a group are paid."""

    HIGHEST_ONLY = "highest_only"


@dataclass(frozen=True)
class Stacking:
    """The clause on combining.

    ``group``: of its members only the one that pays most counts. ``one_per_loan``: a loan that enjoys this scheme
    enjoys no other that says the same of itself. ``excludes``: scheme ids, groups or tags this scheme is not paid
    beside, from either side. ``permits``: scheme ids the text allows beside it (可兼得), named in the answer.
    ``tags``: further names other texts may exclude this scheme by. Every scheme also answers to its ``offers``.
    """

    group: str = ""
    group_rule: GroupRule = GroupRule.HIGHEST_ONLY
    one_per_loan: bool = False
    excludes: tuple[str, ...] = ()
    permits: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cite: str = ""


#: What a scheme says whose text has no clause on combining.
SILENT = Stacking()


def parse_stacking(part: RuleFile) -> Stacking:
    """The clause of one scheme's part ``stacking``; ``DataFileError`` with file and line at the first fault.

    A clause cites its text, says something, and never excludes what it permits.
    """
    file = RuleFile.of(part.raw, STACKING_PARTS, ("cite",))
    group, excludes, permits = file.text("group"), file.texts("excludes"), file.texts("permits")
    tags, one_per_loan = file.texts("tags"), file.flag("one_per_loan", False)
    for name, listed in (("group", (group,) if group else ()), ("excludes", excludes), ("permits", permits)):
        _named(file, name, listed)
    _named(file, "tags", tags)
    if file.has("group_rule") and not group:
        raise file.raw.wrong("group_rule", "A group rule belongs to a group.", "Add `group:`.")
    if not (group or excludes or permits or one_per_loan or tags):
        raise file.raw.wrong("stacking", "A clause on combining says something.", "Add group, excludes or permits.")
    if both := sorted(set(excludes) & set(permits)):
        raise file.raw.wrong("permits", f"{both[0]} is excluded and permitted at once.", "Keep one of the two.")
    rule = file.choice("group_rule", GroupRule) if file.has("group_rule") else GroupRule.HIGHEST_ONLY
    return Stacking(group, rule, one_per_loan, excludes, permits, tags, file.text("cite"))


def _named(file: RuleFile, name: str, listed: tuple[str, ...]) -> None:
    for each in listed:
        if not _TAG.match(each):
            raise file.raw.wrong(name, f"{each!r} is no id or tag.", "Write lower case words joined by - or _.")
    if len(set(listed)) < len(listed):
        raise file.raw.wrong(name, "A name stands here twice.", "Keep it once.")
