"""Everything the office holds of a person, to read and to take away (查阅、复制)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.errors import RefusedInput
from service.books.seedbook import feeds
from service.labels import labels
from service.office import Office
from service.personal.about import is_sole_proprietor, personal_feeds
from service.personal.held import held_facts, held_records, held_rows
from service.personal.rules import retention_rules
from service.records.quarantine import guarded
from service.web.encode import encode

FORMATS = ("json", "csv", "html")


def export_personal_data(office: Office, uscc: str, now: datetime) -> dict[str, Any]:
    """What is held of the firm, for who may read it all: records about persons (of a sole proprietor all records), and
    every row of the office's own tables. ``sole_proprietor`` is ``None`` where no registration record says.

    A firm nothing is held of gets empty sections: that, too, is an answer to the question.
    """
    sole = is_sole_proprietor(office, uscc)
    records = held_records(office, personal_feeds(sole), uscc)
    with office.read() as session:
        rows, facts = held_rows(session, uscc), held_facts(session, uscc)
    sections = [
        {"id": f"record/{feed}", "zh": feeds()[feed].zh, "en": feeds()[feed].en, "items": items}
        for feed, items in records.items()
    ]
    sections += [{"id": f"table/{name}", **_named(name), "items": items} for name, items in rows.items()]
    if facts:
        sections.append({"id": "table/fact_set", **_named("fact_set"), "items": facts})
    rules = retention_rules()
    return {
        "uscc": uscc,
        "made_at": now,
        "sole_proprietor": sole,
        "sections": sections,
        "retention": [vars(rule) for rule in rules.rules.values()],
        "stays": [vars(each) for each in rules.stays],
    }


def as_csv(answer: Mapping[str, Any]) -> bytes:
    """The export as one table: section, number of the item, field, value. UTF-8 with byte order mark, no formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("section", "item", "field", "value"))
    for section in answer["sections"]:
        for number, item in enumerate(section["items"], 1):
            for name, value in flat(item):
                writer.writerow((section["id"], number, name, value))
    return b"".join(guarded(io.StringIO(text.getvalue(), newline="")))


def flat(item: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Fields of an item with their values as text; inner mappings by dotted names, what is unknown left out."""
    found: list[tuple[str, str]] = []
    for name, value in item.items():
        if isinstance(value, Mapping):
            found += flat(value, f"{prefix}{name}.")
        elif value is not None and value != "":
            text = value if isinstance(value, str) else encode(value).decode().strip('"')
            found.append((prefix + name, text))
    return found


def check_format(asked: str) -> str:
    """The format itself; ``RefusedInput`` for one there is not."""
    if asked not in FORMATS:
        raise RefusedInput("bad_format", "format", asked, "There is no such format.", f"One of {', '.join(FORMATS)}.")
    return asked


def _named(table: str) -> dict[str, str]:
    return {language: labels(language).texts.get(f"held.{table}", table) for language in ("zh", "en")}
