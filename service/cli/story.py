"""What `rongqiao demo` tells: coverage, grades, one firm and its best options, one bank and its prospects."""

from __future__ import annotations

import json
from typing import Any

from service.access.auth import Caller, Role
from service.access.opaque import office_key
from service.books.rulebook import lenders, offers
from service.cli.answers import show_options, show_prospects
from service.cli.output import Out, percent
from service.clock import utc_now
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases import monitoring
from service.usecases.find_prospects import prospects_of_product
from service.usecases.firm_report import firm_summary
from service.usecases.list_options import list_options
from service.usecases.run_demo import DemoReport

_NEED = {"amount_yuan": "3000000", "term_months": 12, "purpose": "working_capital"}
_BEST, _TOP = 3, 5


def demo_story(office: Office, shelf: Shelf, report: DemoReport) -> dict[str, Any]:
    """The story as plain values; every part is an answer of the API, as its viewer gets it."""
    snapshot = shelf.on(report.as_of)
    clients = json.loads(report.clients_file.read_bytes())["clients"]
    bank = next(client for client in clients if client["role"] == "bank")
    firm = next(client["tenant"] for client in clients if client["role"] == "firm")
    counts = {each["id"]: each["met"] for each in monitoring.matches(snapshot)["matches"]}
    own = [product for product in offers().products.values() if product.lender.id == bank["tenant"]]
    product = max(own, key=lambda each: counts.get(each.id, 0))
    caller = Caller(bank["client_id"], Role.BANK, bank["tenant"])
    options = list_options(office, snapshot, firm, _NEED, Role.FIRM, utc_now())
    return {
        "synthetic": True,
        "home": str(office.home),
        "clients_file": str(report.clients_file),
        "fresh": report.fresh,
        "files": report.files,
        "rows": report.rows,
        "outcomes": report.outcomes,
        "seconds": report.seconds,
        "overview": monitoring.overview(office, snapshot),
        "grades": monitoring.grades(snapshot)["grades"],
        "firm": firm_summary(shelf, snapshot, firm, Role.OFFICE),
        "options": {**options, "options": options["options"][:_BEST]},
        "bank": {"id": bank["tenant"], "zh": bank["zh"], "en": bank["en"]},
        "prospects": prospects_of_product(shelf, office_key(office.home), caller, product.id, "", _TOP),
    }


def show_story(out: Out, story: dict[str, Any], url: str) -> None:
    """The story as a person reads it in a minute."""
    t, overview = out.t, story["overview"]
    out.heading(t("story.title"))
    out.line(t("index.synthetic"))
    if story["fresh"]:
        out.line(t("story.ingested", files=story["files"], rows=f"{story['rows']:,}", seconds=_seconds(story)))
    else:
        out.line(t("story.found", home=story["home"]))
    out.pairs(
        [
            (t("firm.as_of"), overview["as_of"]),
            (t("story.firms"), t("story.firms_words", firms=f"{overview['firms']:,}", live=f"{overview['live']:,}")),
            (t("story.private"), percent(overview["private_share"], 1)),
            (t("story.records"), overview["records"]),
            (t("story.feeds"), f"{overview['feeds_delivered']}/{overview['feeds_declared']}"),
            (t("firm.coverage"), percent(overview["mean_coverage"], 1)),
        ]
    )
    out.heading(t("story.grades"))
    out.table(
        [t("prospect.grade"), t("story.count"), t("story.share"), t("story.zhejiang")],
        [(g["grade"], g["firms"], percent(g["share"], 1), percent(g["zhejiang_share"], 1)) for g in story["grades"]],
        numbers=(1, 2, 3),
    )
    firm, evaluation = story["firm"], story["firm"]["evaluation"]
    out.heading(t("story.firm", name=firm["name"]))
    out.pairs(
        [
            (t("firm.size"), t.word("size", firm["size_class"])),
            (t("firm.score"), t("story.score", score=f"{evaluation['score']:.1f}", grade=evaluation["grade"] or "—")),
            (t("firm.official"), evaluation["official_grade"]),
        ]
    )
    out.heading(t("story.options", count=_BEST))
    show_options(out, story["options"])
    out.heading(t("story.bank", name=t.name(lenders()[story["bank"]["id"]].name)))
    show_prospects(out, story["prospects"])
    out.line(t("story.clients", file=story["clients_file"]))
    out.line(t("story.next", url=url))


def _seconds(story: dict[str, Any]) -> str:
    return f"{sum(story['seconds'].values()):.1f}"
