"""What `rongqiao demo` tells: coverage, grades, one firm, its probability of default and its best options, one bank and
its prospects.
"""

from __future__ import annotations

import json
from typing import Any

from service.access.auth import Caller, Role
from service.access.disclosure import Viewer
from service.access.policy import Purpose
from service.answers.models import model_answer
from service.books.rulebook import lenders, offers, pd_scale
from service.cli.answers import show_options, show_prospects
from service.cli.output import Out, percent
from service.cli.pd import line_names, line_values, pd_pairs
from service.clock import utc_now
from service.market.seeker import Seeker
from service.office import Office
from service.registry.store import active_id
from service.snapshot.shelf import Shelf
from service.usecases import monitoring
from service.usecases.find_prospects import prospects_of_product
from service.usecases.firm_report import firm_score, firm_summary
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
    seeker = Seeker(shelf, caller, Purpose.PRE_LOAN, utc_now())
    options = list_options(office, snapshot, firm, _NEED, Viewer(Role.FIRM), utc_now())
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
        "model": _model(office, report),
        "firm": firm_summary(shelf, snapshot, firm, Viewer(Role.OFFICE)),
        "pd": firm_score(shelf, snapshot, firm, Viewer(Role.OFFICE))["pd"],
        "options": {**options, "options": options["options"][:_BEST]},
        "bank": {"id": bank["tenant"], "zh": bank["zh"], "en": bank["en"]},
        "prospects": prospects_of_product(seeker, product.id, "", _TOP),
    }


def _model(office: Office, report: DemoReport) -> dict[str, Any]:
    """The model in force with who did what to it; its ``id`` is ``None`` without one, and ``fault`` may say why."""
    active = active_id(office, pd_scale().model)
    if active is None:
        return {"id": None, "fault": report.model_fault, "history": []}
    answer = model_answer(office, active)
    steps = [{name: step[name] for name in ("kind", "by", "at", "why")} for step in answer["history"]]
    return {"id": active, "fault": answer["fault"], "name": answer["name"], "history": steps}


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
    _show_pd(out, story)
    out.heading(t("story.options", count=_BEST))
    show_options(out, story["options"])
    out.heading(t("story.bank", name=t.name(lenders()[story["bank"]["id"]].name)))
    show_prospects(out, story["prospects"])
    out.line(t("story.clients", file=story["clients_file"]))
    out.line(t("story.next", url=url))


def _show_pd(out: Out, story: dict[str, Any]) -> None:
    """The firm's probability of default, who let its model in, and what costs the firm most points."""
    t, model, pd = out.t, story["model"], story["pd"]
    out.heading(t("pd.title"))
    out.line(t("index.synthetic"))
    if model["id"] is None:
        out.line(model["fault"] or t("model.none"))
        return
    signed = [f"{t.word('model_step', step['kind'])}: {step['by']}" for step in model["history"] if step["why"]]
    out.pairs([*pd_pairs(out, pd), (t("story.signed"), "; ".join(signed))])
    worst = sorted(pd["lines"], key=lambda line: -float(line["lost"]))[:_BEST]
    out.table(
        [t("pd.line"), t("pd.value"), t("story.lost")],
        [(line_names(out, line), line_values(line), line["lost"]) for line in worst if float(line["lost"]) > 0],
        numbers=(2,),
    )


def _seconds(story: dict[str, Any]) -> str:
    return f"{sum(story['seconds'].values()):.1f}"
