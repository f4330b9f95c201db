"""Commands about jobs: add, list, cancel, and the worker that does them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Annotated, Any

import typer

from models.errors import RefusedInput
from service.access.auth import Caller, Role
from service.asking import asked_day
from service.cli.context import office_of, settings_of
from service.cli.output import AsJson, Out
from service.clock import utc_now
from service.jobs.periodic import shipped_rounds
from service.jobs.worker import Worker
from service.usecases.cancel_job import cancel_job
from service.usecases.read_jobs import list_jobs
from service.usecases.start_job import start_job
from service.web.logs import configure_logs

STATES = ("queued", "running", "done", "dead", "cancelled")
_TERMINAL = Caller("terminal", Role.OFFICE)
group = typer.Typer(help="Work that outlives a request.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Hang these commands into the tree."""
    app.add_typer(group, name="jobs")


@group.command("add")
def add(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Such as build.")],
    as_of: Annotated[str | None, typer.Option(help="Day the work is about (YYYY-MM-DD); default today.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put a job into the queue; the same wish is one job."""
    out = Out(as_json)
    day = asked_day(as_of, "as_of") if as_of else None
    with office_of(settings_of()) as office:
        _show(out, [start_job(office, _TERMINAL, kind, day, utc_now(), "")], one=True)


@group.command("list")
def list_all(
    state: Annotated[str, typer.Option(help=f"One of {', '.join(STATES)}; default all.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Newest first, at most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Jobs, the newest first."""
    out = Out(as_json)
    if state and state not in STATES:
        raise RefusedInput("unknown_state", "state", state, "No job is ever in it.", f"One of: {', '.join(STATES)}.")
    with office_of(settings_of()) as office:
        _show(out, list_jobs(office, state, limit))


@group.command("cancel")
def cancel(job: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Cancel a job: at once while it waits, at its next step while it runs."""
    out = Out(as_json)
    with office_of(settings_of()) as office:
        _show(out, [cancel_job(office, _TERMINAL, job, utc_now(), "")], one=True)


@group.command("work")
def work(
    once: Annotated[bool, typer.Option("--once", help="Do what is queued, no rounds, and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Work on jobs, and on what comes round by itself, until Ctrl-C or SIGTERM, which give the job at hand back."""
    out = Out(as_json)
    settings = settings_of()
    configure_logs()
    with office_of(settings) as office:
        worker = Worker(office, lease=timedelta(seconds=settings.job_lease_seconds), rounds=shipped_rounds())
        with _stopped_by_signals(worker):
            made = worker.drain() if once else worker.run()
    if as_json:
        out.json({"worker": worker.name, "attempts": made})
    else:
        out.line(out.t("jobs.worked", count=made))


@contextmanager
def _stopped_by_signals(worker: Worker) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        if worker.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        worker.stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(out: Out, jobs: list[dict[str, Any]], one: bool = False) -> None:
    if out.as_json:
        out.json(jobs[0] if one else {"items": jobs, "next_cursor": None})
        return
    t = out.t
    if not jobs:
        out.line(t("jobs.none"))
        return
    out.table(
        [t("jobs.id"), t("jobs.kind"), t("jobs.state"), t("jobs.stage"), t("jobs.attempts"), t("jobs.asked_at"),
         t("jobs.error")],
        [
            (
                job["id"],
                job["kind"],
                t.word("job_state", job["state"]),
                job["stage"],
                f"{job['attempts']}/{job['max_attempts']}",
                f"{job['asked_at']:%Y-%m-%d %H:%M} UTC",
                job["error"],
            )
            for job in jobs
        ],
        whole=(0,),
    )  # fmt: skip
