"""The published lending problem over the real firms: its three questions, beside simpler ways to lend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.strategy import (
    Applicants,
    ChurnTable,
    Counts,
    Solved,
    Terms,
    equal_split,
    prices,
    rating_order,
    solve,
    value,
)
from scoring.validation.own_models import OWN_MODELS
from service.adapters import cumcm2020c as source
from service.books.documents import read_yaml
from service.books.seedbook import SEED
from service.real.credit import Credit, credit_of, shifted
from service.real.strategy_report import AtBudget, Changed, GradeRow, IndustryRow, Shock, StrategyReport
from service.snapshot.snapshots import OpenSnapshot

Floats = NDArray[np.float64]
_PROBLEM = "strategy/cumcm2020c.yaml"


def real_strategy(data: Path, snapshot: OpenSnapshot, records: Sequence[source.CreditRecord]) -> StrategyReport | None:
    """Questions 1 to 3 of the published problem; ``None`` where its files are not beside the invoices."""
    problem = source.lending_problem(data)
    if problem is None:
        return None
    said = read_yaml(SEED / _PROBLEM, SEED)
    terms = _terms(said)
    churn = ChurnTable.of(problem.rates, problem.leave)
    falls_by = {label: float(fall) for label, fall in said["shock"]["falls"].items()}
    labels = [problem.industry[firm] for firm in problem.other_firms]
    falls = [falls_by.get(label, 0.0) for label in labels]
    codes = [source.placeholder_uscc(firm) for firm in problem.other_firms]
    credit = credit_of(snapshot, records, codes, falls)
    champion = OWN_MODELS[0].id
    chance = credit.others[champion]
    firms = Applicants.of(problem.other_firms, chance, credit.bands.grades(chance), labels)
    best = solve(firms, churn, terms)
    return StrategyReport(
        terms=terms,
        bands=credit.bands,
        best=best,
        reasons={reason: best.why.count(reason) for reason in dict.fromkeys(sorted(best.why))},
        grades=_by_grade(firms, best),
        prices=prices(firms, churn, terms, best),
        budgets=tuple(_at(firms, churn, replace(terms, budget=int(most))) for most in said["budgets_question_2"]),
        changes=tuple(_changes(firms, churn, terms, best, credit)),
        shock=_shock(firms, churn, terms, best, credit.shocked, said["shock"], falls_by),
        rated=_question_1(records, credit, churn, terms, said["budgets_question_1"], published=True),
        unrated=_question_1(records, credit, churn, terms, said["budgets_question_1"], published=False),
        offers=tuple(
            (firms.ids[row], firms.grades[row], int(best.plan.amount[row]), float(best.plan.rate[row]),
             float(firms.pd[row]))
            for row in np.flatnonzero(best.plan.offered)
        ),
    )  # fmt: skip


def _terms(said: Mapping[str, Any]) -> Terms:
    published, chosen = said["published"], said["chosen"]
    return Terms(
        budget=int(published["budget_yuan"]),
        least=int(published["least_yuan"]),
        most=int(published["most_yuan"]),
        rate_low=float(published["rate_low"]),
        rate_high=float(published["rate_high"]),
        rate_step=float(chosen["rate_step"]),
        loss_given_default=float(chosen["loss_given_default"]),
        funding_cost=float(chosen["funding_cost"]),
    )


def _by_grade(firms: Applicants, best: Solved) -> tuple[GradeRow, ...]:
    grades, made = np.array(firms.grades, dtype=object), []
    for grade in sorted(set(firms.grades), key=lambda one: (one == "", one)):
        inside = grades == grade
        taken = inside & best.plan.offered
        amount, rate = best.plan.amount[taken], best.plan.rate[taken]
        some = bool(taken.any())
        made.append(
            GradeRow(
                grade=grade,
                firms=int(inside.sum()),
                offered=int(taken.sum()),
                granted=int(amount.sum()),
                rate_low=float(rate.min()) if some else None,
                rate_mean=float(np.average(rate, weights=amount)) if some else None,
                rate_high=float(rate.max()) if some else None,
                pd_mean=float(np.average(firms.pd[taken], weights=amount)) if some else None,
                profit=float(best.valued.by_firm[inside].sum()),
            )
        )
    return tuple(made)


def _at(firms: Applicants, churn: ChurnTable, terms: Terms, outcomes: Floats | None = None) -> AtBudget:
    best = solve(firms, churn, terms)
    plans = (best.plan, equal_split(firms, churn, terms), rating_order(firms, churn, terms))
    worth = [value(plan, firms, churn, terms).profit for plan in plans]
    known = None
    if outcomes is not None:
        after = [value(plan, firms.with_pd(outcomes), churn, terms).profit for plan in plans]
        known = (after[0], after[1], after[2])
    return AtBudget(
        budget=terms.budget,
        firms=best.valued.firms,
        granted=best.valued.granted,
        profit=worth[0],
        marginal=best.shadow["budget"],
        gap=best.gap,
        equal_split=worth[1],
        rating_order=worth[2],
        known=known,
    )


def _changes(firms: Applicants, churn: ChurnTable, terms: Terms, base: Solved, credit: Credit) -> list[Changed]:
    """Other models, other levels of default, other terms. Grades, and with them churn, stay those of the base case."""
    made = []

    def changed(what: str, to: float | str, asked: Applicants, under: Terms) -> None:
        best = solve(asked, churn, under).valued.profit
        held = value(base.plan, asked, churn, under).profit
        made.append(Changed(what, to, best, held, best - held))

    for contender in OWN_MODELS[1:]:
        changed("model", contender.id, firms.with_pd(credit.others[contender.id]), terms)
    for factor in (0.5, 0.75, 1.5, 2.0):
        changed("odds", factor, firms.with_pd(shifted(firms.pd, factor)), terms)
    for loss in (0.45, 0.75):
        changed("loss_given_default", loss, firms, replace(terms, loss_given_default=loss))
    changed("funding_cost", 0.02, firms, replace(terms, funding_cost=0.02))
    changed("counts", Counts.DRAWN.value, firms, replace(terms, counts=Counts.DRAWN))
    return made


def _shock(
    firms: Applicants, churn: ChurnTable, terms: Terms, base: Solved, chance: Floats, said: Mapping[str, Any],
    falls: Mapping[str, float],
) -> Shock:  # fmt: skip
    """The base plan held, and a new one, when sales fall. Who is lent to and who leaves stays as it was."""
    hit = firms.with_pd(chance)
    best = solve(hit, churn, terms)
    lent = np.array([grade in churn.leave for grade in firms.grades])
    groups = np.array(firms.groups, dtype=object)
    rows = []
    for group in sorted(set(firms.groups), key=lambda one: -falls.get(one, 0.0)):
        inside = (groups == group) & lent
        before, after = (np.nanmean(one[inside]) if inside.any() else np.nan for one in (firms.pd, chance))
        granted = [int(plan.amount[inside].sum()) for plan in (base.plan, best.plan)]
        rows.append(
            IndustryRow(
                group, falls.get(group, 0.0), int(inside.sum()), float(before), float(after), granted[0], granted[1]
            )
        )
    return Shock(
        zh=str(said["zh"]),
        en=str(said["en"]),
        pd_before=float(np.nanmean(firms.pd[lent])),
        pd_after=float(np.nanmean(chance[lent])),
        before=base.valued.profit,
        old_plan=value(base.plan, hit, churn, terms).profit,
        best=best.valued,
        by_industry=tuple(rows),
    )


def _question_1(
    records: Sequence[source.CreditRecord], credit: Credit, churn: ChurnTable, terms: Terms, budgets: Sequence[int],
    published: bool,
) -> tuple[AtBudget, ...]:  # fmt: skip
    """The firms with a credit record at each budget, graded by the publisher or by our bands."""
    chance = credit.left_out[OWN_MODELS[0].id]
    grades = [record.rating for record in records] if published else credit.bands.grades(chance)
    firms = Applicants.of([record.firm for record in records], chance, grades)
    outcomes = np.array([float(record.defaulted) for record in records])
    return tuple(_at(firms, churn, replace(terms, budget=int(budget)), outcomes) for budget in budgets)
