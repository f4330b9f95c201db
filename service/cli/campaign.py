"""Commands of campaigns: draft, show, publish, outcome, report."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import RefusedInput
from service.access.auth import Caller, Role
from service.books.documents import read_yaml
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.market.campaign_spec import read_spec
from service.shown import percent
from service.snapshot.snapshots import open_snapshot
from service.usecases.draw_up_campaign import draw_up_campaign
from service.usecases.publish_campaign import publish_campaign
from service.usecases.read_campaigns import read_campaign, read_rows
from service.usecases.record_campaign_outcome import Told, tell_outcome
from service.usecases.report_campaign import report_campaign

group = typer.Typer(help="Quarterly lists of firms for lenders.", no_args_is_help=True)
CampaignId = Annotated[str, typer.Argument(metavar="ID", help="Of a campaign.")]
VersionOption = Annotated[int, typer.Option("--version", min=0, help="0: the newest.")]
#: Rows a terminal shows; ``--json`` has all.
_SHOWN = 30


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="campaign")


def _terminal(role: Role = Role.OFFICE, tenant: str = "", person: str = "") -> Caller:
    """The person at the office's terminal, or whoever the person says decides or tells."""
    return Caller("terminal", role, tenant, person=(person or getpass.getuser())[:64])


@group.command("draft")
def draft(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML or JSON: quarter, name, products, quotas …")],
    as_json: AsJson = False,
) -> None:
    """Draw a campaign up from the snapshot in force; with changes it is a new version."""
    said = read_yaml(file)
    if not isinstance(said, dict):
        raise RefusedInput("bad_campaign", "file", file.name, "The file is one mapping.", "See docs/campaigns.md.")
    spec, caller, now = read_spec(_plain(said)), _terminal(), utc_now()
    with office_of(settings_of()) as office:
        made = draw_up_campaign(office, open_snapshot(office), caller, spec, now, "")
        found = read_campaign(office, caller, made.id, made.version)
    _show(Out(as_json), found, [], as_json)


@group.command("show")
def show(campaign_id: CampaignId, version: VersionOption = 0, as_json: AsJson = False) -> None:
    """One version: how good the list is, and its rows."""
    with office_of(settings_of()) as office:
        found = read_campaign(office, _terminal(), campaign_id, version)
        rows = read_rows(office, _terminal(), campaign_id, found["version"], utc_now(), "")
    _show(Out(as_json), found, rows, as_json)


@group.command("publish")
def publish(
    campaign_id: CampaignId,
    version: Annotated[int, typer.Option("--version", min=1, help="The newest, as it was read.")],
    by: Annotated[str, typer.Option(help="Who publishes: another person than who drew it up.")],
    as_json: AsJson = False,
) -> None:
    """Publish the newest version; lenders see it from then on."""
    caller = _terminal(Role.APPROVER, person=by)
    with office_of(settings_of()) as office:
        publish_campaign(office, caller, campaign_id, version, utc_now(), "")
        found = read_campaign(office, caller, campaign_id, version)
    _show(Out(as_json), found, [], as_json)


@group.command("outcome")
def outcome(
    campaign_id: CampaignId,
    row: Annotated[str, typer.Argument(metavar="ROW", help="Of a row.")],
    state: Annotated[str, typer.Argument(metavar="STATE", help="contacted, in_process, approved, drawn, declined.")],
    lender: Annotated[str, typer.Option(help="Whose word it is.")],
    approved_yuan: Annotated[str | None, typer.Option("--approved-yuan", help="With approved.")] = None,
    drawn_yuan: Annotated[str | None, typer.Option("--drawn-yuan", help="With drawn: all so far.")] = None,
    reason: Annotated[str, typer.Option(help="With declined: a named reason.")] = "",
    as_json: AsJson = False,
) -> None:
    """Enter what a lender told of one of its rows."""
    said = Told(state, approved_yuan, drawn_yuan, reason)
    with office_of(settings_of()) as office:
        found = tell_outcome(office, _terminal(Role.BANK, lender), campaign_id, row, said, utc_now(), "")
    out = Out(as_json)
    if as_json:
        out.json(found)
    else:
        out.pairs((out.t(f"campaign.{name}"), _cell(out, name, found[name])) for name in _ROW)


@group.command("report")
def report(campaign_id: CampaignId, version: VersionOption = 0, as_json: AsJson = False) -> None:
    """What came of it, to the yuan."""
    with office_of(settings_of()) as office:
        found = report_campaign(office, _terminal(), campaign_id, version)
    out = Out(as_json)
    if as_json:
        out.json(found)
        return
    t, figures = out.t, ("rows", "contacted", "in_process", "approved_rows", "approved_yuan", "drawn_yuan", "declined")
    for cut in ("all", "by_lender", "by_product", "by_district", "by_size_class"):
        out.heading(t(f"campaign.{cut}"))
        lines = [{"group": "", **found["all"]}] if cut == "all" else found[cut]
        out.table(
            [t("campaign.group"), *(t(f"campaign.{name}") for name in figures), t("campaign.conversion")],
            [
                (line["group"], *(f"{line[name]:,}" for name in figures), percent(line["conversion"], 1))
                for line in lines
            ],
            numbers=tuple(range(1, len(figures) + 2)),
        )


#: What a terminal shows of a row.
_ROW = ("row", "product", "place", "amount_yuan", "uscc", "name", "district", "size_class", "state")


def _show(out: Out, found: dict[str, Any], rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        out.json({**found, "items": rows} if rows else found)
        return
    t, summary = out.t, found["summary"]
    bound = summary["bound"]
    out.pairs(
        [
            (t("campaign.id"), found["id"]),
            (t("campaign.quarter"), found["quarter"]),
            (t("campaign.version"), found["version"]),
            (t("campaign.published"), found["published_at"]),
            (t("campaign.rows"), found["rows"]),
            (t("campaign.firms"), f"{summary['firms_listed']:,} / {summary['firms_eligible']:,}"),
            (t("campaign.blocking"), summary["blocking_pairs"]),
            (t("campaign.behind"), summary.get("behind")),
            (t("campaign.bound"), percent(bound["share"], 1) if bound else None),
            (t("campaign.heaviest"), percent(bound.get("heaviest_share"), 1) if bound else None),
        ]
    )
    if summary["limits"]:
        out.table(
            [t("campaign.limit"), t("campaign.most"), t("campaign.used")],
            [(f"{one['kind']} {one['id']}", one["most"], one["used"]) for one in summary["limits"]],
            numbers=(1, 2),
        )
    if summary["fair"]:
        out.table(
            [t("campaign.group"), t("campaign.eligible"), t("campaign.wanted"), t("campaign.reached"),
             t("campaign.possible"), t("campaign.binding")],
            [
                (one["group"], one["eligible"], one["wanted"], one["reached"], one["possible"],
                 ", ".join(one["binding"]))
                for one in summary["fair"]
            ],
            numbers=(1, 2, 3),
        )  # fmt: skip
    if rows:
        out.table(
            [t(f"campaign.{name}") for name in _ROW],
            [[_cell(out, name, row[name]) for name in _ROW] for row in rows[:_SHOWN]],
            numbers=(2, 3),
        )
    if len(rows) > _SHOWN:
        out.line(t("campaign.more", count=len(rows) - _SHOWN))


def _cell(out: Out, name: str, value: Any) -> Any:
    if name == "state":
        return out.t.word("campaign", value)
    return f"{value:,}" if name == "amount_yuan" else value


def _plain(said: Any) -> Any:
    """A parsed file without what it remembers of its lines, days as text."""
    if isinstance(said, dict):
        return {str(name): _plain(value) for name, value in said.items()}
    if isinstance(said, list):
        return [_plain(value) for value in said]
    return said.isoformat() if hasattr(said, "isoformat") else said
