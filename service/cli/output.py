"""What a command says: a readable table in the language of the terminal, or with ``--json`` one JSON value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from models.errors import DataFileError, RefusedInput
from service.cli.interrupt import stop_if_pressed
from service.labels import Labels, labels, of_terminal
from service.shown import money as money
from service.shown import percent as percent
from service.web.encode import encode
from service.web.problem import problem_of, problem_of_data_file, safe

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of a table.")]
Report = Callable[..., None]
StageReport = Callable[[str, int, int], None]
#: Width of tables when the output is no terminal, so that a file does not depend on who wrote it.
_FILE_WIDTH = 140


class Out:
    """Standard output of one command."""

    def __init__(self, as_json: bool):
        self.as_json = as_json
        self.t: Labels = labels(of_terminal())
        width = None if sys.stdout.isatty() else _FILE_WIDTH
        self.console = Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)

    def json(self, answer: Any) -> None:
        """One JSON value and a line end."""
        sys.stdout.buffer.write(encode(answer, indent=True) + b"\n")
        sys.stdout.flush()

    def line(self, text: str = "") -> None:
        """One line of plain text."""
        self.console.print(Text(text))

    def heading(self, text: str) -> None:
        self.console.print(Text(text, style="bold"))

    def pairs(self, rows: Iterable[tuple[str, Any]]) -> None:
        """Names and values, one pair a line."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(escape(name), escape(cell(value)))
        self.console.print(table)

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[Any]],
        numbers: Sequence[int] = (),
        whole: Sequence[int] = (),
    ) -> None:
        """A table; columns whose places are in ``numbers`` are set right, those in ``whole`` are never broken."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for place, header in enumerate(headers):
            table.add_column(
                escape(header),
                justify="right" if place in numbers else "left",
                overflow="fold",
                no_wrap=place in whole,
            )
        for row in rows:
            table.add_row(*(escape(cell(value)) for value in row))
        self.console.print(table)

    @contextmanager
    def progress(self, what: str) -> Iterator[Report]:
        """A bar on a terminal (done, rate, time left), nothing elsewhere. Call with (done, total); total 0: unknown."""
        if not sys.stderr.isatty():
            yield lambda done, total, stage=what: stop_if_pressed()
            return
        rate = TextColumn("{task.fields[rate]}")
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            rate,
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        with bar:
            task = bar.add_task(what, total=None, rate="")

            def report(done: int, total: int, stage: str = what) -> None:
                stop_if_pressed()
                speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
                words = self.t("progress.rate", rate=f"{speed:,.0f}") if speed else ""
                bar.update(task, description=stage, completed=done, total=total or None, rate=words)

            yield report

    @contextmanager
    def progress_by_stage(self) -> Iterator[StageReport]:
        """Like :meth:`progress` for work in stages: call with (stage, done, total)."""
        with self.progress("") as report:

            def tell(stage: str, done: int, total: int) -> None:
                report(done, total, self.t.texts.get(f"progress.{stage}", stage))

            yield tell


def cell(value: Any) -> str:
    """A value as a table shows it: thousands grouped, unknown as a dash."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def complain(error: RefusedInput | DataFileError, as_json: bool) -> None:
    """Say on standard error what was refused: field, value, rule, fix; with ``--json`` the problem object."""
    if as_json:
        problem = problem_of(error) if isinstance(error, RefusedInput) else problem_of_data_file(error, 422)
        sys.stderr.buffer.write(encode(problem, indent=True) + b"\n")
        sys.stderr.flush()
        return
    t = labels(of_terminal())
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _FILE_WIDTH)
    console.print(Text(t("error.refused", field=error.field), style="bold red"))
    place = [(t("error.file"), f"{error.file}:{error.line}")] if isinstance(error, DataFileError) else []
    for name, value in (
        *place,
        (t("error.value"), error.value),
        (t("error.rule"), error.rule),
        (t("error.fix"), error.fix),
    ):
        shown = value if name in (t("error.rule"), t("error.fix")) else safe(value)
        console.print(Text(f"  {name}: {shown}"), soft_wrap=True)
