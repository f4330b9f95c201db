"""Commands that start something: demo, real, serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from seed.city import plan_city, write_deliveries
from service.asking import asked_day
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.cli.story import demo_story, show_story
from service.real.report import as_data
from service.real.strategy_tables import strategy_sections
from service.real.tables import sections
from service.settings import Settings
from service.snapshot.shelf import Shelf
from service.usecases.run_demo import DEMO_MODEL, Delivered, DemoPlan, run_demo
from service.usecases.run_real import run_real
from service.web.serving import serve_office

Home = Annotated[Path | None, typer.Option("--home", help="Data folder; default RONGQIAO_HOME, else ./var.")]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on.")]


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.command("demo")(demo)
    app.command("real")(real)
    app.command("serve")(serve)


def _write(plan: DemoPlan, folder: Path, progress: Callable[[int, int], None]) -> Sequence[Delivered]:
    return write_deliveries(plan_city(plan.firms, plan.as_of, seed=plan.seed), folder, progress)


def demo(
    firms: Annotated[int, typer.Option(help="Firms of the city, 50 to 500,000.")] = 2000,
    as_of: Annotated[str, typer.Option("--as-of", help="Day the city stands at.")] = "2024-10-31",
    seed: Annotated[int, typer.Option(help="The same seed draws the same city.")] = 7,
    home: Home = None,
    port: Port = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop after the story.")] = False,
    as_json: AsJson = False,
) -> None:
    """An invented city through the real pipeline; tells its story, then serves it. Synthetic data throughout."""
    out = Out(as_json)
    settings = settings_of(home)
    plan = DemoPlan(firms, asked_day(as_of, "as_of"), seed)
    with office_of(settings) as office:
        with out.progress_by_stage() as tell:
            report = run_demo(office, plan, _write, tell, DEMO_MODEL)
        story = demo_story(office, Shelf(office), report)
        if as_json:
            out.json(story)
        else:
            show_story(out, story, _url(settings, port))
    if not no_serve:
        _serve(settings, None, port, out, quiet=as_json)


def real(
    data: Annotated[Path | None, typer.Option(help="Folder of the published files; default RONGQIAO_DATA.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """The same pipeline on the real invoices of 425 firms, compared with real default."""
    out = Out(as_json)
    settings = settings_of(home)
    # Real firms must not mix with a demo city, so that without --home they get a folder of their own.
    settings = settings if home else settings_of(settings.home / "real")
    with office_of(settings) as office, out.progress_by_stage() as tell:
        report = run_real(office, data or settings.data, progress=tell)
    if as_json:
        out.json(as_data(report))
        return
    lending = strategy_sections(report.strategy, out.t) if report.strategy else ()
    for section in (*sections(report, out.t), *lending):
        out.heading(section.title)
        out.table(section.headers, section.rows, section.numbers)
        for note in section.notes:
            out.line(note)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Port = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that answer on the port; default 1.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Serve the office over HTTP until Ctrl-C or SIGTERM; open requests are finished first."""
    settings = settings_of(home)
    if workers is not None:
        settings = settings.model_copy(update={"workers": workers})
    _serve(settings, host, port, Out(as_json), quiet=as_json)


def _url(settings: Settings, port: int | None) -> str:
    return f"http://{settings.host}:{settings.port if port is None else port}"


def _serve(settings: Settings, host: str | None, port: int | None, out: Out, quiet: bool) -> None:
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update=changes)

    def started(url: str) -> None:
        if quiet:
            out.json({"listening": url})
        else:
            out.line(out.t("serve.started", url=url))

    with office_of(settings) as office:
        serve_office(office, settings, started)
    if not quiet:
        out.line(out.t("serve.stopped"))
