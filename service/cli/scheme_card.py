"""Commands about one scheme as a firm reads it: scheme show, scheme usage."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from service.asking import asked_day
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import today
from service.usecases.count_usage import Usage, usage_by_scheme
from service.usecases.scheme_card import scheme_card


def show(
    scheme_id: Annotated[str, typer.Argument(metavar="ID")],
    as_of: Annotated[str | None, typer.Option(help="Day asked about (YYYY-MM-DD); default today.")] = None,
    applied_on: Annotated[str | None, typer.Option(help="Day of an application: when its clocks end.")] = None,
    as_json: AsJson = False,
) -> None:
    """The policy card of one scheme."""
    out = Out(as_json)
    day = asked_day(as_of, "as_of") if as_of else today()
    card = scheme_card(scheme_id, day, asked_day(applied_on, "applied_on") if applied_on else None)
    if as_json:
        out.json(card)
    else:
        show_card(out, card)


def show_card(out: Out, card: dict[str, Any]) -> None:
    """The card as a table of names and values."""
    t = out.t
    flags = [t("scheme.unconfirmed")] if not card["confirmed"] else []
    out.heading("  ".join([t.name(card), card["id"], t.word("state_of_scheme", card["state"]), *flags]))
    since, until = card["valid_from"] or "…", card["valid_until"] or "…"
    editions = [f"{t('scheme.supersedes')} {each['scheme']}" for each in card["supersedes"]]
    if card["superseded_by"]:
        editions.append(f"{t('scheme.successor')} {card['superseded_by']['scheme']}")
    out.pairs(
        [
            (t("scheme.offers"), t.word("offers", card["offers"])),
            (t("scheme.beneficiaries"), _named(out, card["beneficiaries"])),
            *_under(t("scheme.conditions"), [_condition(out, each) for each in card["conditions"]]),
            (t("scheme.once"), _named(out, card["once"])),
            (t("scheme.redeemed"), _named(out, card["redeemed"])),
            (t("scheme.place"), _named(out, card["place"])),
            (t("scheme.phone"), card["phone"]),
            (t("scheme.office"), t.name(card["office"])),
            (t("scheme.documents"), "; ".join(t.name(each) for each in card["documents"])),
            (t("scheme.valid"), " – ".join(map(str, (since, until))) + "".join(f"; {each}" for each in editions)),
            (t("scheme.selected_by"), t.name(card["selected_by"])),
            (t("scheme.class"), t.name(card["service_class"])),
            *_under(t("scheme.clocks"), [_clock(out, each) for each in card["clocks"]]),
            (t("scheme.readings"), "; ".join(t.name(each) for each in card["readings"])),
            (t("scheme.cite"), card["cite"]),
        ]
    )


def _under(name: str, lines: list[str]) -> list[tuple[str, str]]:
    """Several lines under one name."""
    return [(name if not at else "", line) for at, line in enumerate(lines)]


def _named(out: Out, thing: dict[str, str] | None) -> str:
    return out.t.name(thing) if thing else ""


def _condition(out: Out, condition: dict[str, Any]) -> str:
    return f"{out.t.name(condition)}  [{'; '.join(condition['cites'])}]"


def _clock(out: Out, clock: dict[str, Any]) -> str:
    t = out.t
    words = t("scheme.clock", name=t.name(clock), starts=t.name(clock["from"]), days=clock["working_days"])
    if clock["due_on"]:
        words = t("scheme.due", clock=words, day=clock["due_on"])
    return words if clock["confirmed"] else f"{words} ({t('scheme.unconfirmed')}: {clock['note']})"


def usage(
    since: Annotated[str, typer.Option(help="First day (YYYY-MM-DD).")] = "2000-01-01",
    until: Annotated[str | None, typer.Option(help="Last day (YYYY-MM-DD); default today.")] = None,
    as_json: AsJson = False,
) -> None:
    """How often each scheme was seen, self-tested, matched, applied for and paid."""
    out = Out(as_json)
    first: date = asked_day(since, "since")
    last = asked_day(until, "until") if until else today()
    with office_of(settings_of()) as office:
        counts = usage_by_scheme(office, first, last)
    if as_json:
        items = [{"scheme": scheme, **kinds} for scheme, kinds in counts.items()]
        out.json({"since": first, "until": last, "items": items})
        return
    t = out.t
    out.table(
        [t("scheme.id"), *(t(f"scheme.{kind}") for kind in Usage)],
        [(scheme, *kinds.values()) for scheme, kinds in counts.items()],
        numbers=range(1, len(Usage) + 1),
        whole=(0,),
    )
