"""``python -m bench.validate [id …]``: validates on the shipped data sets and renews the figures of docs/validation.md.

Figures are kept in ``docs/validation.json``; sets that are not named keep theirs. The page between its two marks is
made from that file alone. ``--page`` only renews the page; ``--without=toad,lightgbm`` leaves contenders out and says
so. ``--trials=FOLDER`` keeps what other people's models predicted and takes it from there the next time. ``--slow``
measures the contenders of SLOW beside the champion on the first repeat of the folds; otherwise they do not run.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.kept_trials import KeptTrials
from scoring.validation import cross_validate
from service.cli.validation import Rivals, field_of
from service.labels import labels
from service.learning.validation_answer import as_data
from service.learning.validation_tables import as_markdown, sections, summary
from service.settings import Settings
from service.usecases.validate_model import CHAMPION, Attempt, Field, Plan, read_dataset, validate_model

DOCS = Path(__file__).parent.parent / "docs"
PAGE, FIGURES, SLOW_FIGURES = (DOCS / name for name in ("validation.md", "validation.json", "validation_slow.json"))
#: Contenders that need a minute or more for one fit of a small set.
SLOW = frozenset({"ebm"})
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def kept(file: Path = FIGURES) -> dict[str, dict[str, Any]]:
    """The figures of the last runs by data set."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def render(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The generated part of the page: a summary, the slow contenders, then each data set."""
    english = labels("en")
    parts = [as_markdown([summary(figures.values(), english)], 2)]
    if slow := kept(SLOW_FIGURES):
        parts.append(_slow_table(slow))
    parts += [as_markdown(sections(each, english), 2) for each in figures.values()]
    return f"{BEGIN}\n" + "\n".join(parts).rstrip() + f"\n{END}"


def _slow_table(slow: Mapping[str, Mapping[str, Any]]) -> str:
    """The slow contenders against the champion on the same folds."""
    lines = [
        "## Explainable boosting, first repeat of the folds",
        "",
        "Four bags, ten pairs, steps of .05, not its defaults, which took 8 to 11 times as long. Judged on the first "
        "repeat only, and the champion on those same folds.",
        "",
        "| data set | judged on | model | AUC [95 %] | champion's | ahead by [95 %] | log loss | champion's |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, report in slow.items():
        for where, part in (("folds", report), ("later rows", report["out_of_time"])):
            if part:
                lines += _slow_rows(name, where, part["contenders"])
    return "\n".join(lines) + "\n"


def _slow_rows(name: str, where: str, contenders: list[dict[str, Any]]) -> list[str]:
    champion = contenders[0]
    return [
        f"| `{name}` | {where} | {each['en']} | {_interval(each['auc'], '.3f')} | {champion['auc']['value']:.3f} |"
        f" {_interval(each['champion_ahead'], '+.3f')} | {each['log_loss']['value']:.4f} |"
        f" {champion['log_loss']['value']:.4f} |"
        for each in contenders[1:]
        if not each["failed"]
    ]


def _interval(figure: Mapping[str, float], shape: str) -> str:
    return f"{figure['value']:{shape}} [{figure['low']:{shape}}, {figure['high']:{shape}}]"


def renew_page(text: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with its generated part replaced."""
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return before + render(figures) + after


def main(arguments: list[str]) -> int:
    """Run the named sets, all without a name; 2 for an unknown one."""
    from service.adapters.datasets import shipped

    known = shipped()
    options = dict(part.removeprefix("--").partition("=")[::2] for part in arguments if part.startswith("--"))
    asked = [part for part in arguments if not part.startswith("--")]
    unknown = [name for name in asked if name not in known]
    if unknown:
        print(f"No such data set: {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    slow = "slow" in options
    without = set(options.get("without", "").split(","))
    attempt = KeptTrials(Path(options["trials"])) if "trials" in options else cross_validate
    for name in [] if "page" in options else asked or known:
        start = time.perf_counter()
        report = _validated(name, without, attempt, slow)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        _keep(name, report, list(known), slow)
    PAGE.write_text(renew_page(PAGE.read_text(encoding="utf-8"), kept()), encoding="utf-8")
    return 0


def _keep(name: str, report: dict[str, Any], order: Sequence[str], slow: bool) -> None:
    """Put one report in its place in the file of figures."""
    file = SLOW_FIGURES if slow else FIGURES
    figures = {**kept(file), name: report}
    text = json.dumps({each: figures[each] for each in order if each in figures}, ensure_ascii=False, indent=1)
    file.write_text(text + "\n", encoding="utf-8")


def _validated(name: str, without: set[str], attempt: Attempt, slow: bool) -> dict[str, Any]:
    every = field_of(Rivals.AUTO)
    wanted = {CHAMPION, *SLOW} if slow else {each.id for each in every.contenders} - without - SLOW
    field = Field(
        [each for each in every.contenders if each.id in wanted],
        [*every.absent, *(f"{each.source} (not run)" for each in every.contenders if each.id in without)],
    )
    plan = Plan(repeats=1 if slow else 0)
    with tempfile.TemporaryDirectory() as home:
        described, table, notices = read_dataset(name, Settings().data, Path(home))
        return as_data(validate_model(described, table, field, plan, notices=notices, attempt=attempt))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
