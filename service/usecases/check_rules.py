"""Rule files and the cases beside them, read and tried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matching.cases import run_cases
from matching.products import parse_product
from matching.schemes import parse_scheme
from models.errors import DataFileError, RefusedInput
from service.documents import read_yaml
from service.rulebook import CASES, facts, offers, parameters, rule_files
from service.seedbook import SEED


@dataclass(frozen=True)
class CheckedRule:
    """One rule file that holds, with the number of cases tried beside it."""

    file: str
    id: str
    kind: str
    cases: int


def check_rules(files: Sequence[Path] = ()) -> list[CheckedRule]:
    """Parse ``files`` (default: every scheme and product of the seed) and run their cases.

    ``DataFileError`` with file and line at the first fault; ``RefusedInput`` for a case that does not hold, or for
    something no case tries.
    """
    if not files:
        offers()  # products against schemes, successions, ids used twice
    chosen = files or [*rule_files("schemes"), *rule_files("products")]
    return [_check(path) for path in chosen]


def _check(path: Path) -> CheckedRule:
    root = SEED if path.is_relative_to(SEED) else None
    name = str(path.relative_to(SEED)) if root else str(path)
    document = read_yaml(path, root)
    kind = document.get("kind") if isinstance(document, dict) else None
    parse = parse_product if kind == "product" else parse_scheme
    rule = parse(document, facts(), parameters())
    cases = path.with_name(path.name.removesuffix(".yaml") + CASES)
    if not cases.exists():
        raise DataFileError(
            name,
            1,
            "cases",
            cases.name,
            "Every rule has its cases beside it.",
            f"Add {cases.name}; copy a neighbour's.",
        )
    report = run_cases(read_yaml(cases, root), rule, facts(), parameters())
    if not report.passed:
        raise RefusedInput(
            "cases_fail",
            rule.id,
            "; ".join((*report.failures, *report.missing))[:2000],
            "Each case gives its expected answer, and each condition has a case on either side.",
            f"Mend {name} or {cases.name}.",
        )
    return CheckedRule(name, rule.id, str(kind), report.tried)
