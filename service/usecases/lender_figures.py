"""What applications came to, for the office: lenders against the aims, stated rules against decisions, ledgers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from statistics import median
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matching.applications.hidden import HiddenCriterion, hidden_criteria
from matching.nodes import leaves
from matching.products import Product
from models.tables import Application, LoanEntry, Need
from service.answers.application import fen_text, named
from service.books.rulebook import application_rules, lenders, offers
from service.clock import day_of
from service.market.published import rules_of
from service.needs.lapsing import run_out
from service.needs.outcomes import conversions, decisions_of_products
from service.office import Office


def lender_figures(office: Office, now: datetime, since: date | None = None) -> dict[str, Any]:
    """Each lender that was asked (on or after ``since``): whom it answered, how fast, how often it was silent, why it
    refused; beside the aims, and how many needs are in each state. What nobody can tell is ``None``."""
    run_out(office, now)
    aims = application_rules().aims
    by_lender: dict[str, list[Application]] = {}
    with office.read() as session:
        for row in session.scalars(select(Application).order_by(Application.lender, Application.id)):
            if since is None or day_of(row.offered_at) >= since:
                by_lender.setdefault(row.lender, []).append(row)
        states = session.execute(select(Need.state, func.count()).group_by(Need.state).order_by(Need.state))
        needs = {state: int(count) for state, count in states}
    return {
        "since": since,
        "needs": needs,
        "aims": {"contacted_share": aims.contacted_share, "decision_days": aims.decision_days, "cite": aims.cite},
        "items": [_of_lender(lender, rows) for lender, rows in by_lender.items()],
    }


def _of_lender(lender: str, rows: list[Application]) -> dict[str, Any]:
    aims, reasons = application_rules().aims, application_rules().reasons
    first = application_rules().procedure.first
    # Withdrawn before the lender answered, by the firm or because the need was met, is nobody's silence.
    counted = [row for row in rows if row.answered_at or row.silent]
    answered = sum(1 for row in counted if row.answered_at)
    days = sorted(row.decision_days for row in rows if row.decision_days is not None)
    given = Counter(row.reason for row in rows if row.reason)
    stages = Counter(row.stage for row in rows)
    return {
        "lender": named(lender, lenders().get(lender)),
        "asked": len(rows),
        "waiting": stages[first],
        "answered": answered,
        "contacted_share": answered / len(counted) if counted else None,
        "aim_met": None if not counted else answered / len(counted) >= float(aims.contacted_share),
        "decided": len(days),
        "approved": len(days) - sum(given.values()),
        "drawn": sum(1 for row in rows if row.drawn_fen is not None),
        "drawn_yuan": fen_text(sum(row.drawn_fen or 0 for row in rows)),
        "median_days_to_decision": median(days) if days else None,
        "longest_days_to_decision": days[-1] if days else None,
        "decided_in_time": sum(1 for each in days if each <= aims.decision_days),
        "silent": sum(1 for row in rows if row.silent),
        "reasons": [{**named(name, reasons.get(name)), "count": count} for name, count in given.most_common()],
    }


def product_figures(office: Office, now: datetime) -> dict[str, Any]:
    """Each product's decisions, and what they show that its stated rules do not say, with the numbers of each test."""
    run_out(office, now)
    rules, used = application_rules(), rules_of(office, day_of(now))
    with office.read() as session:
        known = conversions(session)
        found = dict(decisions_of_products(session))
    items = []
    for product_id, (approved, decisions) in known.of_products().items():
        product, held = used.offers.products.get(product_id), found.get(product_id, [])
        stated = _stated(product) if product else frozenset[str]()
        tests = hidden_criteria(held, stated, rules.reasons, rules.hidden) if product else ()
        items.append(
            {
                "product": named(product_id, product),
                "decisions": decisions,
                "approved": approved,
                "met_stated_rules": len(held),
                "declined_though_met": sum(1 for each in held if each.reason),
                "tested": len(held) >= rules.hidden.least_decisions,
                "hidden_criteria": [_hidden(each) for each in tests],
            }
        )
    return {"least_decisions": rules.hidden.least_decisions, "error": rules.hidden.error, "items": items}


def _stated(product: Product) -> frozenset[str]:
    """The facts a product's published conditions and limits are over."""
    nodes = (product.conditions, *((product.limits,) if product.limits else ()))
    return frozenset(leaf.fact for node in nodes for leaf in leaves(node))


def _hidden(each: HiddenCriterion) -> dict[str, Any]:
    reason = application_rules().reasons.get(each.name)
    return {
        "kind": each.kind,
        "factor": each.factor or None,
        **(named(each.name, reason) if each.kind == "reason" else {"id": each.name, "zh": each.name, "en": each.name}),
        "n": each.n,
        "declined": each.declined,
        "others": each.others,
        "others_declined": each.others_declined,
        "p_value": each.p_value,
        "low": each.low,
        "high": each.high if each.high != float("inf") else None,
        "error": each.error,
        "flagged": each.flagged,
    }


def ledger_figures(office: Office) -> dict[str, Any]:
    """What drawn loans took up: the loans, then each scheme's guarantees and promised subsidies, in yuan."""
    with office.read() as session:
        loans = _sums(session)
    drawn = loans.pop(("loan", ""), {"loans": 0, "yuan": fen_text(0), "unknown": 0})
    lines = [
        {"kind": kind, "scheme": named(scheme, offers().schemes.get(scheme)), **told}
        for (kind, scheme), told in sorted(loans.items())
    ]
    return {"drawn": drawn, "items": lines}


def _sums(session: Session) -> dict[tuple[str, str], Mapping[str, Any]]:
    query = select(
        LoanEntry.kind, LoanEntry.scheme, func.count(), func.sum(LoanEntry.fen), func.count(LoanEntry.fen)
    ).group_by(LoanEntry.kind, LoanEntry.scheme)
    return {
        (kind, scheme): {"loans": int(count), "yuan": fen_text(int(fen or 0)), "unknown": int(count) - int(known)}
        for kind, scheme, count, fen, known in session.execute(query)
    }
