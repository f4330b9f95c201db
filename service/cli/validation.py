"""The command that validates: rongqiao validate DATASET."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import RefusedInput
from service.cli.context import settings_of
from service.cli.output import AsJson, Out

if TYPE_CHECKING:
    from service.usecases.validate_model import Field


class Rivals(StrEnum):
    """Which models of other packages take part: those installed, none, or all of them and no excuse."""

    AUTO = "auto"
    NONE = "none"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Hang this command into the tree."""
    app.command("validate")(validate)


def validate(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Id of a shipped description, or the path of a CSV file.")
    ],
    target: Annotated[str, typer.Option(help="Column that tells the outcome.")] = "",
    bad: Annotated[str, typer.Option(help="Its value that means default; without one, the rarer.")] = "",
    describe: Annotated[Path | None, typer.Option(help="Description file; default NAME.yaml beside NAME.csv.")] = None,
    folds: Annotated[int | None, typer.Option(min=2, max=50, help="Folds; default: the description's, else 5.")] = None,
    repeats: Annotated[
        int | None, typer.Option(min=1, max=100, help="Repeats; default: the description's, else 2.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Folds and resamples follow from it.")] = 7,
    rivals: Annotated[Rivals, typer.Option(help="Models of other packages.")] = Rivals.AUTO,
    data: Annotated[Path | None, typer.Option(help="Folder of the published files; default RONGQIAO_DATA.")] = None,
    home: Annotated[Path | None, typer.Option(help="Data folder; default RONGQIAO_HOME or ./var.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report here as Markdown, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Validate the scorecard on observed outcomes, beside other models on the same folds."""
    # Imported here: scikit-learn takes a second to load, and no other command should wait for it.
    from service.learning.validation_answer import as_data
    from service.learning.validation_tables import as_markdown, sections
    from service.usecases.validate_model import Plan, read_dataset, validate_model

    shown = Out(as_json)
    settings = settings_of(home)
    described, table, notices = read_dataset(
        dataset, data or settings.data, settings.home / "real", target=target, bad=bad, describe=describe
    )
    plan = Plan(folds or 0, repeats or 0, seed)
    with shown.progress_by_stage() as tell:
        report = validate_model(described, table, field_of(rivals), plan, notices=notices, progress=tell)
    answer = as_data(report)
    if out is not None:
        _write(out, as_markdown(sections(answer, shown.t), 1))
    if as_json:
        shown.json(answer)
        return
    for section in sections(answer, shown.t):
        shown.heading(section.title)
        if section.rows:
            shown.table(section.headers, section.rows, section.numbers)
        for note in section.notes:
            shown.line(note)
    if out is not None:
        shown.line(shown.t("validation.written", file=out))


def field_of(asked: Rivals) -> Field:
    """The contenders; ``RefusedInput`` when all rivals are asked for and one is not installed."""
    from scoring.validation.own_models import OWN_MODELS
    from service.adapters.plain_models import PLAIN_MODELS
    from service.adapters.rival_models import installed_rivals
    from service.usecases.validate_model import Field

    own = [*OWN_MODELS, *PLAIN_MODELS]
    if asked is Rivals.NONE:
        return Field(own)
    here, absent = installed_rivals()
    if asked is Rivals.ALL and absent:
        raise RefusedInput(
            "rival_absent", "rivals", "all", f"Not installed: {', '.join(absent)}.", "Install the extra `bench`."
        )
    return Field([*own, *here], absent)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise RefusedInput(
            "unwritable_file", "out", str(path), f"It cannot be written: {problem.strerror}.", "Check the folder."
        ) from None
