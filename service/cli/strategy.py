"""The command that plans credit: rongqiao strategy FIRMS --churn TABLE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.errors import RefusedInput
from service.cli.output import AsJson, Out
from service.shown import percent

if TYPE_CHECKING:
    from service.usecases.plan_credit import CreditPlan

#: Offers a terminal shows; ``--json`` has all.
_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Hang this command into the tree."""
    app.command("strategy")(strategy)


def strategy(
    firms: Annotated[Path, typer.Argument(metavar="FIRMS", help="Table: firm, pd, grade, and group if wanted.")],
    churn: Annotated[Path, typer.Option(help="Table: rate, and per grade the share of clients who leave at it.")],
    budget: Annotated[int, typer.Option(help="Yuan in all.")],
    least: Annotated[int, typer.Option(help="Least amount of a firm that gets one, yuan.")] = 100_000,
    most: Annotated[int, typer.Option(help="Largest amount of a firm, yuan.")] = 1_000_000,
    rate_low: Annotated[float, typer.Option("--rate-low", help="Lowest rate, fraction a year.")] = 0.04,
    rate_high: Annotated[float, typer.Option("--rate-high", help="Highest rate.")] = 0.15,
    rate_step: Annotated[float, typer.Option("--rate-step", help="Rates are offered in steps of this.")] = 0.0005,
    loss_given_default: Annotated[float, typer.Option("--lgd", help="Share of the principal lost in default.")] = 1.0,
    funding_cost: Annotated[float, typer.Option("--funding-cost", help="Cost of a drawn yuan a year.")] = 0.0,
    counts: Annotated[str, typer.Option(help="What uses up the budget: granted or drawn yuan.")] = "granted",
    group_most: Annotated[list[str] | None, typer.Option("--group-most", help="GROUP=YUAN; may be repeated.")] = None,
    loss_most: Annotated[int | None, typer.Option("--loss-most", help="Largest expected loss, yuan.")] = None,
    firms_most: Annotated[int | None, typer.Option("--firms-most", help="Most firms.")] = None,
    as_json: AsJson = False,
) -> None:
    """Whom to lend how much at which rate, for the best expected profit under limits; and what each limit costs."""
    # Imported here: the solver takes a second to load, and no other command should wait for it.
    from matching.strategy import Counts, Terms
    from service.usecases.plan_credit import plan_credit

    if counts not in list(Counts):
        raise RefusedInput("bad_terms", "counts", counts, f"One of {', '.join(Counts)}.", "Correct it.")
    terms = Terms(
        budget=budget,
        least=least,
        most=most,
        rate_low=rate_low,
        rate_high=rate_high,
        rate_step=rate_step,
        loss_given_default=loss_given_default,
        funding_cost=funding_cost,
        counts=Counts(counts),
        group_most=dict(_cap(text) for text in group_most or ()),
        loss_most=loss_most,
        firms_most=firms_most,
    )
    found = plan_credit(firms, churn, terms)
    out = Out(as_json)
    if as_json:
        out.json(as_data(found))
    else:
        _show(out, found)


def _cap(text: str) -> tuple[str, int]:
    group, found, amount = text.rpartition("=")
    if not found or not amount.isascii() or not amount.isdigit():
        raise RefusedInput(
            "bad_terms", "group_most", text, "A group, = and whole yuan.", "Write it like retail=500000."
        )
    return group, int(amount)


def as_data(found: CreditPlan) -> dict[str, Any]:
    """Everything of the plan as one JSON-ready value."""
    best, firms = found.best, found.firms
    return {
        "terms": found.terms,
        "expected": {name: figure for name, figure in vars(best.valued).items() if name != "by_firm"},
        "bound": best.bound,
        "gap": best.gap,
        "prices": found.prices,
        "equal_split": found.equal_split.profit,
        "rating_order": found.rating_order.profit,
        "firms": [
            {
                "firm": firms.ids[row],
                "grade": firms.grades[row],
                "group": firms.groups[row],
                "pd": firms.pd[row],
                "why": best.why[row],
                "amount": int(best.plan.amount[row]),
                "rate": best.plan.rate[row],
                "profit": best.valued.by_firm[row],
            }
            for row in range(len(firms))
        ],
    }


def _show(out: Out, found: CreditPlan) -> None:
    t, best, firms, worth = out.t, found.best, found.firms, found.best.valued
    out.line(
        t(
            "strategy.expected",
            firms=worth.firms,
            gap=f"{best.gap:.1e}",
            bound=_yuan(best.bound),
            **{name: _yuan(getattr(worth, name)) for name in _EXPECTED},
        )
    )
    out.table(
        [t("strategy.way"), t("strategy.profit")],
        [
            (t("strategy.best"), _yuan(worth.profit)),
            (t("strategy.equal_split"), _yuan(found.equal_split.profit)),
            (t("strategy.rating_order"), _yuan(found.rating_order.profit)),
        ],
        numbers=(1,),
    )
    out.table(
        [t(f"strategy.{name}") for name in ("constraint", "limit", "used", "shadow", "price")],
        [
            (
                t.word("strategy", price.constraint),
                percent(price.limit) if price.constraint.startswith("rate") else _yuan(price.limit),
                _yuan(price.used),
                "—" if price.shadow is None else f"{price.shadow:.5f}",
                _yuan(price.price),
            )
            for price in found.prices
        ],
        numbers=(1, 2, 3, 4),
    )
    rows = sorted((row for row in range(len(firms)) if best.plan.offered[row]), key=lambda row: -worth.by_firm[row])
    out.table(
        [t(f"strategy.{name}") for name in ("firm", "grade", "pd", "amount", "rate", "profit")],
        [
            (
                firms.ids[row],
                firms.grades[row],
                percent(firms.pd[row]),
                int(best.plan.amount[row]),
                percent(best.plan.rate[row]),
                _yuan(worth.by_firm[row]),
            )
            for row in rows[:_SHOWN]
        ],
        numbers=(2, 3, 4, 5),
    )
    if len(rows) > _SHOWN:
        out.line(t("strategy.more", count=len(rows) - _SHOWN))
    out.heading(t("strategy.why"))
    out.pairs((t.word("strategy", why), best.why.count(why)) for why in dict.fromkeys(sorted(best.why)))


#: Figures of the plan in the opening sentence.
_EXPECTED = ("profit", "granted", "drawn", "interest", "loss", "funding")


def _yuan(amount: float | None) -> str:
    return "—" if amount is None else f"{amount:,.0f}"
