"""A city that has answered, and copies of its office that may be damaged: for receipts and evidence packs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from models.tables import FactSet, Receipt
from service.access.auth import Role
from service.access.disclosure import Viewer
from service.books.receipts import rules_folder
from service.books.rulebook import rules_digest
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.list_options import list_options
from tests.postgres import copy_office
from tests.shell import Shell

NEED = {"amount_yuan": "3000000", "term_months": 12, "purpose": "working_capital"}
NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)


def asked(city: Shell, snapshot: OpenSnapshot, row: int = 2, viewer: Role = Role.OFFICE) -> dict[str, Any]:
    return list_options(city.office, snapshot, snapshot.firm_at(row), NEED, Viewer(viewer), NOW)


@contextmanager
def damageable(city: Shell, snapshot: OpenSnapshot, folder: Path) -> Iterator[tuple[Office, str]]:
    """An office of its own with one answer in it, free to be damaged, and that answer's receipt."""
    answer = asked(city, snapshot)
    city.office.close()
    copy_office(city.office.home, folder / "home", "lake", "deliveries")
    office = Office.open(folder / "home")
    try:
        yield office, answer["receipt_id"]
    finally:
        office.close()


def damage(office: Office, part: str, receipt: str) -> str:
    """Damage one part of a receipt; the name a replay should give to it."""
    folder = rules_folder(office.home, rules_digest())
    scheme = folder / "schemes" / "shenyang" / "sy-first-loan-subsidy-2024.yaml"
    with office.write() as session:
        row = session.get(Receipt, receipt)
        assert row is not None
        match part:
            case "question":
                row.question = {**row.question, "need": {**NEED, "amount_yuan": "30"}}
            case "answer_sha256":
                row.answer_sha256 = "0" * 64
            case "as_of":
                row.as_of = date(2024, 10, 30)
            case "facts":
                body = session.get(FactSet, row.facts_sha256)
                assert body is not None
                body.body = body.body.replace('"size_class":"micro"', '"size_class":"small"').replace("1", "2", 1)
            case "no facts":
                session.delete(session.get(FactSet, row.facts_sha256))
    match part:
        case "rule":
            scheme.chmod(0o644)
            scheme.write_text(scheme.read_text(encoding="utf-8").replace("0.02", "0.03"), encoding="utf-8")
            return "rules/schemes/shenyang/sy-first-loan-subsidy-2024.yaml"
        case "rule gone":
            scheme.unlink()
            return "rules/schemes/shenyang/sy-first-loan-subsidy-2024.yaml"
        case "rule added":
            (folder / "schemes" / "more.yaml").write_text("id: more\n")
            return "rules/schemes/more.yaml"
        case "no rules":
            shutil.rmtree(folder)
            return "rules"
        case "facts" | "no facts":
            return "facts"
    return "receipt"
