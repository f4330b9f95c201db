"""Conditions: the grammar that schemes, products and bank screens share, parsed into frozen nodes.

The nodes themselves are in ``matching/nodes.py`` and may be imported from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from matching.facts import STATED, FactBook, FactSpec, read_value
from matching.nodes import OPS_OF_KIND, ORDERING, All, Any, Condition, Node, Not, Op, leaves
from matching.parameters import ParameterBook, ParameterRef, parse_reference
from matching.regions import contradiction
from models.errors import DataFileError, RefusedInput
from models.kinds import Kind, Scalar
from models.marked import MarkedDict

__all__ = ["All", "Any", "Condition", "Node", "Not", "Op", "leaves", "parse_conditions"]

MAX_CONDITIONS = 200
MAX_DEPTH = 12
MAX_VALUES = 500


def parse_conditions(
    raw: object,
    facts: FactBook,
    where: str = "conditions",
    *,
    parameters: ParameterBook | None = None,
    cited: bool = False,
) -> Node:
    """The node that ``raw`` (``{all: […]}``, ``{any: […]}``, ``{not: …}`` or one condition) stands for.

    ``parameters``, when given, must hold every parameter named. ``cited`` makes ``cite`` compulsory. A fault raises
    ``DataFileError`` with file and line when ``raw`` was read from a file, else ``RefusedInput`` whose field starts
    with ``where``. Refused: unknown facts, facts not for matching, operators that do not fit the kind, values that
    cannot be stored exactly, conditions under one ``all`` that no firm can meet, more than 200 conditions.
    """
    parser = _Parser(facts, parameters, cited)
    if isinstance(raw, Mapping) and raw.get("all") == [] and len(raw) == 1:
        return All(())
    return parser.node(raw, _Place.of(raw, where), 1)


@dataclass(frozen=True)
class _Place:
    """Where a piece of the raw tree stands, for errors. ``path`` is its field path from the root."""

    raw: object
    path: str
    #: The nearest mapping that came from a file; ``None`` for input over an API.
    file: MarkedDict | None = None

    @classmethod
    def of(cls, raw: object, path: str, around: MarkedDict | None = None) -> _Place:
        return cls(raw, path, raw if isinstance(raw, MarkedDict) and raw.line else around)

    def inside(self, raw: object, step: str) -> _Place:
        """The place of a part of this one."""
        return _Place.of(raw, f"{self.path}.{step}", self.file)

    def refuse(self, code: str, name: str, rule: str, fix: str, value: object = None) -> DataFileError | RefusedInput:
        if value is None and isinstance(self.raw, Mapping):
            value = self.raw.get(name)
        if self.file is not None:
            line = self.file.lines.get(name, self.file.line)
            return DataFileError(self.file.file, line, name or self.path, value, rule, fix)
        return RefusedInput(code, f"{self.path}.{name}" if name else self.path, value, rule, fix)

    @property
    def text(self) -> str:
        return f"{self.file.file}:{self.file.line}" if self.file is not None else self.path


class _Parser:
    """One parse: counts conditions and remembers where each stood, so that a contradiction can name its line."""

    def __init__(self, facts: FactBook, parameters: ParameterBook | None, cited: bool):
        self.facts = facts
        self.parameters = parameters
        self.cited = cited
        self.count = 0
        self.places: dict[int, _Place] = {}

    def node(self, raw: object, place: _Place, depth: int) -> Node:
        if not isinstance(raw, Mapping):
            raise place.refuse(
                "bad_condition", "", "A condition is a mapping.", "Write {fact: …, op: …, value: …}.", raw
            )
        if depth > MAX_DEPTH:
            raise place.refuse("too_deep", "", f"Conditions nest {MAX_DEPTH} deep at most.", "Flatten the groups.")
        if "fact" in raw:
            return self._checked(self._condition(raw, place))
        if len(raw) != 1 or next(iter(raw)) not in ("all", "any", "not"):
            raise place.refuse(
                "bad_condition",
                "",
                "A node is `all`, `any`, `not` or a condition with `fact`.",
                "Keep exactly one of them.",
                sorted(map(str, raw)),
            )
        if "not" in raw:
            return Not(self.node(raw["not"], place.inside(raw["not"], "not"), depth + 1))
        name = "all" if "all" in raw else "any"
        listed = raw[name]
        if not isinstance(listed, list) or not listed:
            raise place.refuse(
                "bad_condition", name, f"`{name}` takes a list of conditions.", "Give it at least one or drop it."
            )
        children = tuple(
            self.node(child, place.inside(child, f"{name}[{index}]"), depth + 1) for index, child in enumerate(listed)
        )
        return Any(children) if name == "any" else self._checked(All(children))

    def _checked(self, node: All | Condition) -> Node:
        found = contradiction(node)
        if found:
            place = self.places[id(found.later)]
            raise place.refuse("contradiction", "fact", found.rule, "Change or drop one of them.")
        return node

    def _condition(self, raw: Mapping[str, object], place: _Place) -> Condition:
        self.count += 1
        if self.count > MAX_CONDITIONS:
            raise place.refuse(
                "too_many_conditions", "fact", f"There are {MAX_CONDITIONS} conditions at most.", "Drop some."
            )
        for name in raw:
            if name not in ("fact", "op", "value", "cite", "settled_by", "settled_by_zh"):
                raise place.refuse(
                    "bad_condition",
                    str(name),
                    "A condition has no such part.",
                    "Keep fact, op, value, cite, settled_by, settled_by_zh.",
                )
        if self.cited and not raw.get("cite"):
            raise place.refuse("no_citation", "cite", "A rule's condition names its clause.", "Add `cite:`.")
        if self.cited and bool(raw.get("settled_by")) is not bool(raw.get("settled_by_zh")):
            rule, fix = "A document is named in both languages.", "Add settled_by and settled_by_zh."
            raise place.refuse("one_language", "settled_by", rule, fix)
        spec = self._fact(raw, place)
        op = self._op(raw, spec, place)
        condition = Condition(
            spec=spec,
            op=op,
            values=self._values(raw, spec, op, place),
            cite=str(raw.get("cite", "")),
            settled_by=str(raw.get("settled_by", "")),
            where=place.text,
            settled_by_zh=str(raw.get("settled_by_zh", "")),
        )
        self.places[id(condition)] = place
        return condition

    def _fact(self, raw: Mapping[str, object], place: _Place) -> FactSpec:
        name = raw["fact"]
        if not isinstance(name, str) or name not in self.facts:
            near = self.facts.near(str(name))
            raise place.refuse("unknown_fact", "fact", "There is no such fact.", f"Did you mean {near}?")
        spec = self.facts[name]
        if not spec.matchable:
            raise place.refuse(
                "not_for_matching", "fact", "This fact is shown, never asked.", "Ask a fact whose use includes match."
            )
        return spec

    def _op(self, raw: Mapping[str, object], spec: FactSpec, place: _Place) -> Op:
        allowed = OPS_OF_KIND[spec.kind]
        if raw.get("op") not in tuple(Op) or Op(str(raw["op"])) not in allowed:
            names = ", ".join(op for op in Op if op in allowed)
            raise place.refuse("bad_operator", "op", f"{spec.id} is a {spec.kind}.", f"Use one of {names}.")
        return Op(str(raw["op"]))

    def _values(
        self, raw: Mapping[str, object], spec: FactSpec, op: Op, place: _Place
    ) -> tuple[Scalar | ParameterRef, ...]:
        if op is Op.KNOWN:
            if "value" in raw:
                raise place.refuse("bad_value", "value", "`known` takes no value.", "Drop it.")
            return ()
        if "value" not in raw:
            raise place.refuse("bad_value", "value", f"`{op}` needs a value.", "Add `value:`.")
        value = raw["value"]
        if op in (Op.IN, Op.NOT_IN):
            if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES:
                raise place.refuse(
                    "bad_value", "value", f"`{op}` takes a list of 1 to {MAX_VALUES} codes.", "Write [a, b]."
                )
            return tuple(dict.fromkeys(self._value(each, spec, place) for each in value))
        if op is Op.BETWEEN:
            if not isinstance(value, list) or len(value) != 2:
                raise place.refuse("bad_value", "value", "`between` takes the two ends.", "Write [low, high].")
            return tuple(self._argument(each, spec, op, place) for each in value)
        return (self._argument(value, spec, op, place),)

    def _argument(self, value: object, spec: FactSpec, op: Op, place: _Place) -> Scalar | ParameterRef:
        if not isinstance(value, Mapping):
            return self._value(value, spec, place)
        if op not in ORDERING or spec.kind is Kind.DATE:
            raise place.refuse(
                "bad_value", "value", "A parameter is compared by lt, le, gt, ge or between.", "Change the operator."
            )
        try:
            reference = parse_reference(value)
        except RefusedInput as problem:
            raise self._at(place, problem) from None
        dated = self.facts.get(reference.on)
        if reference.on != "as_of" and not (dated and dated.kind is Kind.DATE and dated.source in STATED):
            raise place.refuse(
                "bad_parameter",
                "value",
                f"{reference.on} is no day a parameter may be taken on.",
                "`on` is as_of or a date fact of the need, the loan or the claim.",
            )
        if self.parameters is not None:
            try:
                self.parameters.fits(reference.id, spec.kind)
            except RefusedInput as problem:
                raise self._at(place, problem) from None
        return replace(reference, settled_by=dated.settled_by) if dated else reference

    def _value(self, value: object, spec: FactSpec, place: _Place) -> Scalar:
        try:
            return read_value(spec, value, f"{place.path}.value")
        except RefusedInput as problem:
            raise self._at(place, problem) from None

    @staticmethod
    def _at(place: _Place, problem: RefusedInput) -> DataFileError | RefusedInput:
        return place.refuse(problem.code, "value", problem.rule, problem.fix, problem.value)
