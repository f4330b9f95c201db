"""`seed/applications.yaml`, parsed: states, clocks, reasons of refusal, tickets of repair, weights and priors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from matching.facts import FactBook
from matching.procedure import Clock, Limit, Procedure, clock_of, parse_limit, parse_procedure
from matching.products import SECURITIES
from matching.rulefile import Name, RuleFile
from matching.working_days import WorkingCalendar
from models.errors import RefusedInput

#: Who takes a step. ``clock`` is the platform itself, when a limit has passed or the need has ended.
LENDER, FIRM, CLOCK = "lender", "firm", "clock"
PARTIES = (LENDER, FIRM, CLOCK)
#: What a step may need, besides ``text``.
NEEDS = ("text", "consent", "reason", "terms", "loan")
#: States an application ends in well, or has been decided in: the figures count these.
APPROVED = ("approved", "drawn", "closed")
DECLINED = "declined"
DRAWN = ("drawn", "closed")
CRITERIA = ("cost", "chance", "speed", "fit")

_PARTS = (
    *("at_most_lenders", "longest_valid_days", "prefilled", "stages", "steps", "clocks", "aims", "not_reasons"),
    *("reasons", "tickets", "ticket_procedure", "ranking", "bank_value", "conversion", "hidden_criteria"),
)


@dataclass(frozen=True)
class RunningClock:
    """A limit that runs while an application is in one of the states ``runs``, whatever steps are taken within them."""

    id: str
    name: Name
    runs: tuple[str, ...]
    limit: Limit


@dataclass(frozen=True)
class DeclineReason:
    """A named reason of refusal. ``facts``: what it speaks of; ``ticket``: the type of repair, empty for none."""

    id: str
    name: Name
    facts: tuple[str, ...]
    ticket: str

    @property
    def repairable(self) -> bool:
        return bool(self.ticket)


@dataclass(frozen=True)
class TicketType:
    """One kind of repair: whose matter it is, what is done, in how many working days from the refusal."""

    id: str
    name: Name
    department: Name
    measure: Name
    working_days: int


@dataclass(frozen=True)
class Line:
    """Points of a criterion: 100 at ``full_at``, 0 at ``none_at``, on a straight line between, never outside."""

    full_at: Decimal
    none_at: Decimal

    def points(self, value: Decimal) -> Decimal:
        """Points of ``value``, 0 to 100."""
        share = (value - self.none_at) / (self.full_at - self.none_at)
        return 100 * min(max(share, Decimal(0)), Decimal(1))


@dataclass(frozen=True)
class BankValue:
    """What a bank's funding costs a year, and what it loses of each yuan in default, by security."""

    funding_annual_rate: Decimal
    loss_given_default: Mapping[str, Decimal]
    confirmed: bool


@dataclass(frozen=True)
class Shrinkage:
    """How many decisions a prior weighs as much as; ``interval`` is the probability an interval covers."""

    prior_decisions: int
    interval: Decimal
    speed_prior_decisions: int


@dataclass(frozen=True)
class HiddenTest:
    """When a product's decisions are held against its stated rules, and what is flagged."""

    least_decisions: int
    tolerated: Decimal
    error: Decimal


@dataclass(frozen=True)
class Aims:
    """What the office's figures are held against."""

    contacted_share: Decimal
    decision_days: int
    cite: str


@dataclass(frozen=True)
class ApplicationRules:
    """Everything an office may set about needs and applications."""

    at_most_lenders: int
    longest_valid_days: int
    prefilled: tuple[str, ...]
    procedure: Procedure
    clocks: Mapping[str, RunningClock]
    aims: Aims
    not_reasons: Mapping[str, Name]
    reasons: Mapping[str, DeclineReason]
    tickets: Mapping[str, TicketType]
    ticket_procedure: Procedure
    weights: Mapping[str, Decimal]
    lines: Mapping[str, Line]
    bank_value: BankValue
    shrinkage: Shrinkage
    hidden: HiddenTest

    def reason(self, reason_id: str) -> DeclineReason:
        """The reason; ``RefusedInput`` for a word that is none, with why where somebody might think it one."""
        if reason_id in self.reasons:
            return self.reasons[reason_id]
        known = self.not_reasons.get(reason_id)
        rule = f"{known.en}." if known else "There is no such reason."
        listed = ", ".join(self.reasons)
        raise RefusedInput("bad_reason", "reason", reason_id, rule, f"Name what stood against it: one of {listed}.")

    def clock_of_stage(self, stage: str) -> RunningClock | None:
        """The clock that runs in ``stage``; ``None`` where nobody is waited for."""
        return next((clock for clock in self.clocks.values() if stage in clock.runs), None)

    def due(self, stage: str, since: date | None, calendar: WorkingCalendar) -> Clock | None:
        """The clock of an application that has been in reach of it ``since`` a day."""
        running = self.clock_of_stage(stage)
        return clock_of(running.limit, since, calendar) if running and since else None

    def clock_since(self, before: str, since: date | None, to: str, today: date) -> date | None:
        """Since when the clock of ``to`` runs, reached from ``before`` whose clock ran ``since``."""
        running = self.clock_of_stage(to)
        if running is None:
            return None
        return since if before in running.runs and since is not None else today


def parse_application_rules(document: object, facts: FactBook) -> ApplicationRules:
    """The rules of ``seed/applications.yaml``; ``DataFileError`` with file and line at the first fault."""
    file = RuleFile.of(document, _PARTS, _PARTS)
    procedure = parse_procedure(file, PARTIES)
    for step in procedure.steps.values():
        if strange := [each for each in step.needs if each not in NEEDS]:
            raise file.raw.wrong(
                "steps", f"{step.id} needs {strange[0]}, which is none.", f"One of {', '.join(NEEDS)}."
            )
    aims = file.part("aims", ("contacted_share", "decision_days", "cite"), ("contacted_share", "decision_days", "cite"))
    tickets = _tickets(file)
    ranking = file.part("ranking", ("weights", *CRITERIA), ("weights", *CRITERIA))
    conversion = file.part("conversion", ("prior_decisions", "interval", "speed_prior_decisions"), ("prior_decisions",))
    hidden = file.part("hidden_criteria", ("least_decisions", "tolerated", "error"), ("least_decisions",))
    return ApplicationRules(
        at_most_lenders=file.whole("at_most_lenders", 1, 50),
        longest_valid_days=file.whole("longest_valid_days", 1, 3650),
        prefilled=_known(file, "prefilled", facts),
        procedure=procedure,
        clocks=_clocks(file, procedure),
        aims=Aims(aims.decimal("contacted_share"), aims.whole("decision_days", 1, 365), aims.text("cite")),
        not_reasons={each.text("id"): each.name() for each in file.parts("not_reasons", ("id", "zh", "en"), ("id",))},
        reasons=_reasons(file, tickets, facts),
        tickets=tickets,
        ticket_procedure=parse_procedure(file.part("ticket_procedure", ("stages", "steps")), ("firm", "office")),
        weights=_weights(ranking),
        lines={each: _line(ranking, each) for each in CRITERIA},
        bank_value=_bank_value(file),
        shrinkage=Shrinkage(
            conversion.whole("prior_decisions", 1, 10_000),
            conversion.decimal("interval", "0.5", "0.999"),
            conversion.whole("speed_prior_decisions", 1, 10_000),
        ),
        hidden=HiddenTest(
            hidden.whole("least_decisions", 1, 10_000),
            hidden.decimal("tolerated"),
            hidden.decimal("error", "0.0001", "0.5"),
        ),
    )


def _known(part: RuleFile, name: str, facts: FactBook) -> tuple[str, ...]:
    named = part.texts(name)
    if strange := [each for each in named if each not in facts]:
        raise part.raw.wrong(name, f"There is no fact {strange[0]}.", "Name an item or a derived fact.")
    return named


def _clocks(file: RuleFile, procedure: Procedure) -> dict[str, RunningClock]:
    found: dict[str, RunningClock] = {}
    taken: set[str] = set()
    for each in file.parts("clocks", ("id", "zh", "en", "runs", "limit"), ("id", "runs", "limit")):
        runs = each.texts("runs")
        strange = [stage for stage in runs if stage not in procedure.stages or procedure.stages[stage].closed]
        if strange or taken & {*runs}:
            raise each.raw.wrong("runs", "A clock runs in open states, each state in one clock.", "Correct the list.")
        taken |= {*runs}
        found[each.text("id")] = RunningClock(each.text("id"), each.name(), runs, parse_limit(each, "limit"))
    return found


def _tickets(file: RuleFile) -> dict[str, TicketType]:
    parts = ("id", "zh", "en", "department", "measure", "working_days")
    return {
        each.text("id"): TicketType(
            each.text("id"),
            each.name(),
            each.part("department", ("zh", "en")).name(),
            each.part("measure", ("zh", "en")).name(),
            each.whole("working_days", 1, 500),
        )
        for each in file.parts("tickets", parts, parts)
    }


def _reasons(file: RuleFile, tickets: Mapping[str, TicketType], facts: FactBook) -> dict[str, DeclineReason]:
    found: dict[str, DeclineReason] = {}
    barred = {part.text("id") for part in file.parts("not_reasons", ("id", "zh", "en"))}
    for each in file.parts("reasons", ("id", "zh", "en", "facts", "ticket"), ("id",)):
        reason = each.text("id")
        if reason in found or reason in barred:
            raise each.raw.wrong("id", "A reason is declared once, and is none of not_reasons.", "Remove one of them.")
        ticket = each.one_of("ticket", tickets) if each.has("ticket") else ""
        found[reason] = DeclineReason(reason, each.name(), _known(each, "facts", facts), ticket)
    return found


def _weights(ranking: RuleFile) -> dict[str, Decimal]:
    part = ranking.part("weights", CRITERIA, CRITERIA)
    weights = {each: part.decimal(each, "0", "1000") for each in CRITERIA}
    if not any(weights.values()):
        raise part.raw.wrong("cost", "Something must count.", "Give one criterion a weight above zero.")
    return weights


def _line(ranking: RuleFile, name: str) -> Line:
    part = ranking.part(name, ("full_at", "none_at"), ("full_at", "none_at"))
    line = Line(part.decimal("full_at", "0", "1000"), part.decimal("none_at", "0", "1000"))
    if line.full_at == line.none_at:
        raise part.raw.wrong("full_at", "Full and no points lie apart.", "Give two numbers.")
    return line


def _bank_value(file: RuleFile) -> BankValue:
    names = ("funding_annual_rate", "loss_given_default", "confirmed")
    part = file.part("bank_value", names, names)
    lost = part.part("loss_given_default", SECURITIES, SECURITIES)
    return BankValue(
        part.decimal("funding_annual_rate"),
        {each: lost.decimal(each) for each in SECURITIES},
        part.flag("confirmed"),
    )
