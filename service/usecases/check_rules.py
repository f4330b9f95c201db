"""Rule files and the cases beside them, read as an editor wants them read: every fault with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matching.editions import edition_clashes, stacking_clashes
from matching.lint import Remark, Rule, lint_cases, lint_rule
from matching.products import Product
from matching.schemes import Scheme
from models.errors import DataFileError
from models.marked import MarkedDict, marked
from service.books.documents import read_yaml
from service.books.rulebook import CASES, facts, offers, parameters, rule_files
from service.books.seedbook import SEED
from service.usecases.check_models import CheckedModel, ModelCheck, check_models, is_model


@dataclass(frozen=True)
class CheckedRule:
    """One rule file that was read, with the number of cases tried beside it."""

    file: str
    id: str
    kind: str
    cases: int


@dataclass(frozen=True)
class RuleCheck:
    """``items``: the rules that could be read, ``models`` the evaluation models and watch lists.

    ``problems`` keep a file out; ``notes`` are worth knowing.
    """

    items: tuple[CheckedRule, ...]
    problems: tuple[Remark, ...]
    notes: tuple[Remark, ...]
    models: tuple[CheckedModel, ...] = ()


@dataclass(frozen=True)
class _Read:
    name: str
    document: MarkedDict
    rule: Rule


def check_rules(files: Sequence[Path] = ()) -> RuleCheck:
    """Read ``files`` (default: every scheme, product, evaluation model and watch list of the seed), run the cases of
    the rules, and hold the files to each other.

    Files of one's own are held to the schemes of the book as well. Nothing is raised for a faulty rule file;
    ``DataFileError`` for a file that is not there, and for faulty facts or parameters, on which every rule rests.
    """
    of_models = [path for path in files if is_model(path)]
    chosen = [path for path in files if path not in of_models]
    if not files:
        chosen = [*rule_files("schemes"), *rule_files("products")]
    models = check_models(of_models) if of_models or not files else ModelCheck((), ())
    items: list[CheckedRule] = []
    remarks: list[Remark] = [*models.problems]
    read: list[_Read] = []
    for path in chosen:
        found, said, tried = _check(path)
        remarks += said
        if found is not None:
            kind = "product" if isinstance(found.rule, Product) else "scheme"
            items.append(CheckedRule(found.name, found.rule.id, kind, tried))
            read.append(found)
    remarks += _together(read, [] if not files else _book_without(read))
    if not files and not any(remark.error for remark in remarks):
        remarks += _offers_fit()
    ordered = sorted(dict.fromkeys(remarks), key=lambda remark: (remark.file, remark.line))
    return RuleCheck(
        tuple(items),
        tuple(remark for remark in ordered if remark.error),
        tuple(remark for remark in ordered if not remark.error),
        models.items,
    )


def _check(path: Path) -> tuple[_Read | None, list[Remark], int]:
    root = SEED if path.is_relative_to(SEED) else None
    name = str(path.relative_to(SEED)) if root else str(path)
    try:
        document = read_yaml(path, root)
    except DataFileError as fault:
        if not path.is_file():
            raise
        return None, [Remark.of(fault)], 0
    rule, remarks = lint_rule(document, facts(), parameters())
    if rule is None:
        return None, remarks, 0
    spec = marked(document)
    if path.name != f"{rule.id}.yaml":
        remarks.append(Remark.of(spec.wrong("id", "The file is named after the rule.", f"Call it {rule.id}.yaml.")))
    cases = path.with_name(path.name.removesuffix(".yaml") + CASES)
    if not cases.exists():
        fix = f"Add {cases.name}; copy a neighbour's."
        remarks.append(Remark(name, spec.line, "cases", True, "Every rule has its cases beside it.", fix))
        return _Read(name, spec, rule), remarks, 0
    try:
        tried, said = lint_cases(read_yaml(cases, root), rule, facts(), parameters())
    except DataFileError as fault:
        tried, said = 0, [Remark.of(fault)]
    return _Read(name, spec, rule), [*remarks, *said], tried


def _book_without(read: Iterable[_Read]) -> list[Scheme]:
    """The schemes of the book that are not being checked; none while the book itself has a fault."""
    ids = {each.rule.id for each in read}
    try:
        return [scheme for scheme in offers().schemes.values() if scheme.id not in ids]
    except DataFileError:
        return []


def _together(read: Sequence[_Read], book: Iterable[Scheme]) -> list[Remark]:
    """What is wrong between the rules: ids used twice, editions that do not fit, clauses that name nothing."""
    remarks: list[Remark] = []
    places: dict[str, _Read] = {}
    for each in read:
        if each.rule.id in places:
            rule = f"{places[each.rule.id].name} has this id already."
            remarks.append(Remark.of(each.document.wrong("id", rule, "Choose another.")))
        places.setdefault(each.rule.id, each)
    schemes: Mapping[str, Scheme] = {
        **{scheme.id: scheme for scheme in book},
        **{name: each.rule for name, each in places.items() if isinstance(each.rule, Scheme)},
    }
    for clash in (*edition_clashes(schemes), *stacking_clashes(schemes)):
        place = places.get(clash.scheme)
        if place is not None:
            line = _line(place.document, clash.field)
            remarks.append(Remark(place.name, line, clash.field, clash.error, clash.rule, clash.fix))
    return remarks


def _line(document: MarkedDict, field: str) -> int:
    """The line of a part of a rule file, or of one of its clause on combining."""
    clause = document.get("stacking")
    lines = marked(clause).lines if field not in document and isinstance(clause, dict) else document.lines
    return lines.get(field, document.line)


def _offers_fit() -> list[Remark]:
    """Products against the guarantees they rest on."""
    try:
        offers()
    except DataFileError as fault:
        return [Remark.of(fault)]
    return []
