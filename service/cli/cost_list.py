"""Commands about cost lists, for the office's own desk: draft, list, show, confirm, charge."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from matching.charged_cost import Side
from matching.cost_document import CostDocument
from models.errors import RefusedInput
from models.money import parse_yuan
from service.api.inputs_cost_list import read_draft
from service.asking import asked_code, asked_day
from service.books.rulebook import lenders, offers
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import today, utc_now
from service.labels import LANGUAGES
from service.office import Office
from service.pages.cost_list import TEMPLATE
from service.pages.render import sheet
from service.shown import moment, money, percent
from service.usecases.confirm_cost_list import confirm_cost_list
from service.usecases.draw_up_cost_list import document_of_option, draw_up_cost_list
from service.usecases.record_charged_costs import ToldCharge, record_charged_costs
from service.usecases.show_cost_lists import show_cost_list, show_cost_lists
from service.web.strict_json import parse_strict

#: Who says so when it is typed at the office: both sides signed on paper.
_TERMINAL = "terminal"
ListId = Annotated[str, typer.Argument(metavar="ID", help="Id of a cost list.")]
SideOf = Annotated[Side, typer.Option("--side", help="Whose word it is.")]
cost_lists_app = typer.Typer(help="Cost lists of loans (企业贷款综合融资成本清单): draft, list, show, confirm, charge.")


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(cost_lists_app, name="cost-list")


@cost_lists_app.command("draft")
def draft(
    file: Annotated[Path | None, typer.Option("--from", help="JSON file: the body of POST …/cost-lists.")] = None,
    uscc: Annotated[str, typer.Option(help="With --from: the firm.")] = "",
    lender: Annotated[str, typer.Option(help="With --from: id of the lender.")] = "",
    receipt: Annotated[str, typer.Option(help="receipt_id of an options answer.")] = "",
    option: Annotated[str, typer.Option(help="With --receipt: id of a product of the answer.")] = "",
    reference: Annotated[str, typer.Option(help="With --receipt: the lender's number of the loan.")] = "",
    as_json: AsJson = False,
) -> None:
    """Store a list from a file, or from an option of a receipt; a changed draft voids earlier confirmations."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        if (file is None) == (not receipt):
            rule = "A list is drafted from a file or from a receipt."
            raise RefusedInput("from_what", "--from", receipt, rule, "Give --from FILE, or --receipt with --option.")
        document = _from_file(file, uscc, lender) if file else _from_receipt(office, receipt, option, reference)
        made = draw_up_cost_list(office, document, _TERMINAL, utc_now())
        answer = show_cost_list(office, made.id, today())
    if as_json:
        out.json(answer)
        return
    _show(out, answer)
    if not made.changed:
        out.line(out.t("cost_list.unchanged"))


@cost_lists_app.command("list")
def list_all(uscc: Annotated[str, typer.Option(help="Only of this firm.")] = "", as_json: AsJson = False) -> None:
    """Every stored list."""
    out, t = Out(as_json), Out(as_json).t
    if uscc:
        asked_code(uscc)
    with office_of(settings_of()) as office:
        found = show_cost_lists(office, uscc)
    if as_json:
        out.json({"items": found, "next_cursor": None})
        return
    out.table(
        [t("cost_list.id"), t("cost_list.reference"), t("cost_list.firm"), t("cost_list.lender"), t("cost_list.state")],
        [
            (a["id"], a["reference"], a["firm_name"], t.name(a["lender"]), t.word("cost_list_state", a["state"]))
            for a in found
        ],
        whole=(0,),
    )


@cost_lists_app.command("show")
def show(
    list_id: ListId,
    until: Annotated[str | None, typer.Option(help="Compare up to this day (YYYY-MM-DD); default today.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write the form to this new HTML file, to print.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the form: zh or en; default the terminal's.")] = "",
    as_json: AsJson = False,
) -> None:
    """One list: items, confirmations, promised against charged."""
    out = Out(as_json)
    settings = settings_of()
    with office_of(settings) as office:
        answer = show_cost_list(office, list_id, _day(until, "until") or today())
    if page:
        _write(page, answer, lang or out.t.language, settings.is_demo)
    if as_json:
        out.json(answer)
        return
    _show(out, answer)
    if page:
        out.line(out.t("cost_list.page_written", file=page))


@cost_lists_app.command("confirm")
def confirm(
    list_id: ListId,
    side: SideOf,
    name: Annotated[str, typer.Option(help="The person who signed.")],
    sha256: Annotated[str, typer.Option(help="content_sha256 of what was signed.")],
    as_json: AsJson = False,
) -> None:
    """Enter a signature given on paper; the same one again changes nothing."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        confirm_cost_list(office, list_id, side, name, sha256, _TERMINAL, utc_now())
        answer = show_cost_list(office, list_id, today())
    if as_json:
        out.json(answer)
        return
    out.line(out.t("cost_list.confirmed", side=out.t.word("side", side.value), name=name.strip()))
    out.line(out.t.word("cost_list_state", answer["state"]))


@cost_lists_app.command("charge")
def charge(
    list_id: ListId,
    side: SideOf,
    on: Annotated[str, typer.Option(help="The day the money moved (YYYY-MM-DD).")],
    yuan: Annotated[str, typer.Option(help="The amount; 0 says that nothing moved.")],
    item: Annotated[str, typer.Option(help="Id of an item or preference of the list; none: undisclosed.")] = "",
    name: Annotated[str, typer.Option(help="What an undisclosed charge was for.")] = "",
    charged_by: Annotated[str, typer.Option(help="Who charged it, a known kind.")] = "",
    charger: Annotated[str, typer.Option(help="The name of who charged it.")] = "",
    reference: Annotated[str, typer.Option(help="Voucher; tells apart equal charges of one day.")] = "",
    returned: Annotated[bool, typer.Option("--returned", help="The money went back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Enter what was charged, and show promised against charged."""
    out = Out(as_json)
    told = ToldCharge(
        item, asked_day(on, "on"), parse_yuan(yuan, "yuan"), name, charged_by, charger, reference, returned
    )
    with office_of(settings_of()) as office:
        stored = record_charged_costs(office, list_id, side, [told], _TERMINAL, utc_now())
        answer = show_cost_list(office, list_id, today())
    if as_json:
        out.json({"recorded": stored.recorded, "known": stored.known, "cost_list": answer})
        return
    out.line(out.t("cost_list.recorded", recorded=stored.recorded, known=stored.known))
    _compared(out, answer["comparison"])


def _from_file(path: Path, uscc: str, lender: str) -> CostDocument:
    asked_code(uscc)
    try:
        body = path.read_bytes()
    except OSError as problem:
        raise RefusedInput(
            "unreadable_file", "--from", str(path), f"It cannot be read: {problem.strerror}.", "Check the path."
        ) from None
    draft = read_draft(parse_strict(body))
    if lender not in lenders():
        rule = "No lender of this id is on the shelf."
        raise RefusedInput("unknown_lender", "lender", lender, rule, "Take an id from `rongqiao options`.")
    return draft.document(uscc, lenders()[lender], offers())


def _from_receipt(office: Office, receipt: str, option: str, reference: str) -> CostDocument:
    if not reference.strip():
        rule = "A list carries the lender's number of the loan."
        raise RefusedInput("no_reference", "reference", reference, rule, "Give --reference.")
    return document_of_option(office, receipt, option, reference)


def _day(text: str | None, field: str) -> date | None:
    return asked_day(text, field) if text is not None else None


def _write(path: Path, answer: dict[str, Any], language: str, demo: bool) -> None:
    if language not in LANGUAGES:
        rule = "The form is in Chinese or English."
        raise RefusedInput("unknown_language", "lang", language, rule, f"One of {', '.join(LANGUAGES)}.")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(sheet(TEMPLATE, language, form=answer, demo=demo))
    except OSError as problem:
        raise RefusedInput(
            "unwritable_file", "page", str(path), f"It cannot be written: {problem.strerror}.", "Name a new file."
        ) from None


def _show(out: Out, answer: dict[str, Any]) -> None:
    t = out.t
    out.heading(f"{t('cost_list.title')}  {t('cost_list.drawn', id=answer['id'], version=answer['version'])}")
    out.pairs(
        [
            (t("cost_list.reference"), answer["reference"]),
            (t("cost_list.state"), t.word("cost_list_state", answer["state"])),
            (t("cost_list.firm"), f"{answer['firm_name']}  {answer['uscc']}"),
            (t("cost_list.lender"), f"{t.name(answer['lender'])}  {t.name(answer['product'])}"),
            (t("cost_list.principal"), t("unit.yuan", amount=money(answer["principal_yuan"]))),
            (t("cost_list.term"), f"{answer['drawn_on']} – {answer['ends_on']}"),
            (t("cost_list.rate"), percent(answer["contract_annual_rate"])),
            (t("cost_list.all_in"), percent(answer["all_in_annual_rate"], 4)),
        ]
    )
    rows = [
        (
            each["id"],
            t.name(each),
            each["charger"] or t.word("charger", each["charged_by"]),
            t.word("when", each["when"]),
            money(each["yuan"]) if each["kind"] != "deposit" else t("cost_list.held", amount=money(each["held_yuan"])),
            percent(each["annual_rate"], 4),
        )
        for each in answer["items"]
    ]
    rows += [
        (
            each["id"],
            t.name(each),
            t("cost_list.preference"),
            "",
            f"-{money(each['yuan'])}",
            percent(each["annual_rate"], 4),
        )
        for each in answer["preferences"]
    ]
    rows.append(
        ("", t("cost_list.total"), "", "", money(answer["total_yuan"]), percent(answer["total_annual_rate"], 4))
    )
    headers = ("cost_list.line", "cost_list.item", "cost_list.charged_by", "cost_list.when", "cost_list.yuan")
    out.table([*(t(header) for header in headers), t("cost_list.a_year")], rows, numbers=(4, 5), whole=(0,))
    for each in answer["reductions_open"]:
        out.line(f"{t('cost_list.open')}: {t.name(each)}: {money(each['yuan'])}  {t.name(each['reason'])}")
    for each in answer["confirmations"]:
        out.line(f"{t.word('side', each['side'])}: {each['name']}  {moment(each['at'])}")
    if answer["comparison"]:
        _compared(out, answer["comparison"])
    else:
        out.line(t("cost_list.confirm_this", digest=answer["content_sha256"]))


def _compared(out: Out, compared: dict[str, Any]) -> None:
    t = out.t
    out.heading(t("cost_list.compared", day=compared["until"]))
    out.table(
        [
            *(t(f"cost_list.{part}") for part in ("item", "promised", "charged", "surplus")),
            t("cost_list.outcome"),
        ],
        [
            (
                f"{t.name(line)} ({line['charger'] or t.word('charger', line['charged_by'])})"
                if line["charged_by"]
                else t.name(line),
                money(line["promised_yuan"]),
                money(line["charged_yuan"]),
                money(line["surplus_yuan"]),
                t.word("outcome", line["outcome"]),
            )
            for line in compared["lines"]
        ],
        numbers=(1, 2, 3),
    )
    out.line(f"{t('cost_list.surplus_sum')}: {money(compared['surplus_yuan'])}")
    rates = (percent(compared[f"{part}_annual_rate"], 4) for part in ("promised", "charged"))
    out.line(f"{t('cost_list.all_in')}: {' → '.join(rates)}")
