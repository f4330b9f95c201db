"""Commands about records: feeds, ingest, batches, build."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import Batch
from scoring.feeds import Feed
from service.answers.feeds import batch_answer, feed_answer
from service.asking import asked_day
from service.books.rulebook import agencies
from service.books.seedbook import feeds
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import today, utc_now
from service.records.templates import template as template_of
from service.snapshot.office_stages import stages_in_force
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import BatchReport, ingest_batch
from service.usecases.read_rejects import read_rejects


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.command("feeds")(list_feeds)
    app.command("ingest")(ingest)
    app.command("batches")(list_batches)
    app.command("build")(build)


def list_feeds(
    feed: Annotated[str | None, typer.Argument(metavar="[FEED]", help="Show the columns of this feed.")] = None,
    template: Annotated[
        Path | None, typer.Option(help="Write an empty template of FEED here (.csv, .xlsx, .ndjson).")
    ] = None,
    labels: Annotated[str, typer.Option(help="Header of the template: id, or zh for Chinese labels.")] = "id",
    as_json: AsJson = False,
) -> None:
    """The declared feeds; with FEED its columns, with --template an empty file to fill in."""
    out = Out(as_json)
    t = out.t
    if feed is None:
        if template is not None:
            raise RefusedInput("no_feed", "feed", None, "A template is of one feed.", "Name it: rongqiao feeds FEED.")
        if as_json:
            out.json({"items": [feed_answer(each) for each in feeds().values()], "next_cursor": None})
            return
        out.table(
            [t("feed.id"), t("feed.name"), t("feed.agency"), t("feed.period"), t("feed.share"), t("feed.columns")],
            [
                (
                    each.id,
                    t.name(each),
                    t.name(agencies()[each.agency]),
                    t.word("period", each.period),
                    t.word("share", each.share.value),
                    len(each.file_columns),
                )
                for each in feeds().values()
            ],
            numbers=(5,),
            whole=(0,),
        )
        return
    declared = feeds().get_or_refuse(feed)
    if template is not None:
        _write_template(declared, template, labels)
    if as_json:
        answer: dict[str, Any] = feed_answer(declared)
        out.json({**answer, "template": str(template)} if template else answer)
        return
    if template is not None:
        out.line(t("feed.template_written", feed=declared.id, file=template, columns=len(declared.file_columns)))
        return
    out.heading(f"{declared.id}  {t.name(declared)}")
    out.table(
        [
            t("column.id"),
            t("column.name"),
            t("column.type"),
            t("column.unit"),
            t("column.required"),
            t("column.values"),
        ],
        [(c.id, t.name(c), c.type.value, c.unit, c.required, ", ".join(c.values)) for c in declared.file_columns],
    )


def _write_template(feed: Feed, path: Path, labels: str) -> None:
    body = template_of(feed, path.suffix.removeprefix(".") or "csv", labels)
    try:
        path.write_bytes(body)
    except OSError as problem:
        raise RefusedInput(
            "unwritable_file", "template", str(path), f"It cannot be written: {problem.strerror}.", "Check the folder."
        ) from None


def ingest(
    feed: Annotated[str, typer.Argument(metavar="FEED")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE…")],
    covers_to: Annotated[str | None, typer.Option(help="Day up to which the delivery is complete.")] = None,
    max_bad_share: Annotated[float | None, typer.Option(help="Largest share of bad rows that still lands.")] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8 or gb18030; default: detected.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Write rejected rows here as CSV (one FILE only).")] = None,
    as_json: AsJson = False,
) -> None:
    """Deliver files of one feed. Each lands whole or not at all; exit 2 when one is refused."""
    out = Out(as_json)
    settings = settings_of()
    if rejects is not None and len(files) > 1:
        raise RefusedInput("many_files", "rejects", len(files), "One FILE has one list of rejects.", "Ingest one FILE.")
    if encoding not in (None, "utf-8", "gb18030"):
        raise RefusedInput(
            "bad_encoding", "encoding", encoding, "It is utf-8 or gb18030.", "Leave it out to detect it."
        )
    reports = []
    with office_of(settings) as office:
        for file in files:
            with out.progress(out.t("progress.ingest_file", file=file.name)) as report:
                made = ingest_batch(
                    office,
                    feed,
                    file,
                    received_at=utc_now(),
                    covers_to=asked_day(covers_to, "covers_to") if covers_to else None,
                    max_bad_share=settings.max_bad_share if max_bad_share is None else max_bad_share,
                    encoding=encoding,
                    progress=lambda done: report(done.rows_done, done.rows_total or 0),
                )
            reports.append((file, made))
            if rejects is not None and made.batch_id:
                rejects.write_bytes(b"".join(read_rejects(office, made.batch_id)))
    if as_json:
        out.json({"items": [{"file": str(file), **vars(made)} for file, made in reports], "next_cursor": None})
    else:
        _show_reports(out, reports)
    for file, made in reports:
        if made.status == "refused":
            raise RefusedInput(
                "too_many_bad_rows",
                "rows",
                f"{file.name}: {made.rows_rejected} of {made.rows_read} rows",
                "The share of bad rows is above what the office allows, so nothing of this file landed.",
                "Ingest it with --rejects FILE to see each row and reason, mend them, deliver again.",
            )


def _show_reports(out: Out, reports: list[tuple[Path, BatchReport]]) -> None:
    t = out.t
    out.table(
        [
            t("batch.file"),
            t("batch.status"),
            t("batch.rows_read"),
            t("batch.rows_landed"),
            t("batch.rows_unchanged"),
            t("batch.rows_rejected"),
            t("batch.covers_to"),
            t("batch.id"),
        ],
        [
            (
                file.name,
                t.word("status", made.status),
                made.rows_read,
                made.rows_landed,
                made.rows_unchanged,
                made.rows_rejected,
                made.covers_to,
                made.batch_id,
            )
            for file, made in reports
        ],
        numbers=(2, 3, 4, 5),
    )
    reasons: dict[str, int] = {}
    for _, made in reports:
        for reason, count in made.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    if reasons:
        rows = sorted(reasons.items(), key=lambda pair: -pair[1])
        out.table([t("batch.reason"), t("batch.count")], rows, numbers=(1,))


def list_batches(
    feed: Annotated[str | None, typer.Option(help="Only batches of this feed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Newest first, at most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Batches that arrived, newest first."""
    out = Out(as_json)
    query = select(Batch).order_by(Batch.seq.desc()).limit(limit)
    if feed is not None:
        query = query.where(Batch.feed == feeds().get_or_refuse(feed).id)
    with office_of(settings_of()) as office, office.read() as session:
        batches = session.scalars(query).all()
    if as_json:
        out.json({"items": [batch_answer(batch) for batch in batches], "next_cursor": None})
        return
    t = out.t
    if not batches:
        out.line(t("batch.none"))
        return
    out.table(
        [
            t("batch.id"),
            t("batch.feed"),
            t("batch.status"),
            t("batch.received_at"),
            t("batch.rows_landed"),
            t("batch.rows_unchanged"),
            t("batch.rows_rejected"),
            t("batch.covers_to"),
        ],
        [
            (
                batch.id,
                batch.feed,
                t.word("status", batch.status),
                f"{batch.received_at:%Y-%m-%d %H:%M} UTC",
                batch.rows_landed,
                batch.rows_unchanged,
                batch.rows_rejected,
                batch.covers_to,
            )
            for batch in batches
        ],
        numbers=(4, 5, 6),
        whole=(0,),
    )


def build(
    as_of: Annotated[str | None, typer.Option(help="Day the profiles stand for (YYYY-MM-DD); default today.")] = None,
    engine: Annotated[str, typer.Option(help="duckdb")] = "duckdb",
    as_json: AsJson = False,
) -> None:
    """Build a snapshot: profiles, evaluations and matches of every firm."""
    out = Out(as_json)
    if engine != "duckdb":
        raise RefusedInput("unknown_engine", "engine", engine, "The one engine here is duckdb.", "Leave --engine out.")
    day: date = asked_day(as_of, "as_of") if as_of else today()
    with office_of(settings_of()) as office, out.progress_by_stage() as tell:
        built = build_snapshot(
            office,
            day,
            utc_now(),
            stages=stages_in_force(office),
            progress=lambda step: tell("build", step.rows_done, step.rows_total),
        )
    seconds = round(sum(built.seconds.values()), 2)
    if as_json:
        out.json(
            {
                "snapshot_id": built.snapshot_id,
                "as_of": built.as_of,
                "known_by": built.known_by,
                "firms": built.firms,
                "records": built.records,
                "is_new": built.is_new,
                "seconds": seconds,
            }
        )
        return
    t = out.t
    out.heading(t("build.done") if built.is_new else t("build.known"))
    out.pairs(
        [
            (t("build.id"), built.snapshot_id),
            (t("build.as_of"), built.as_of),
            (t("build.firms"), built.firms),
            (t("build.records"), built.records),
            (t("build.seconds"), seconds),
        ]
    )
