"""Over HTTP: a record that lands shows at once in answers about its firm and in prospects; receipts are replayed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from service.delta.delta import MOST_RECORDS
from service.snapshot.office_stages import office_stages
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import ingest_batch
from service.usecases.replay_receipt import replay_receipt
from service.web.encode import encode
from tests.cases_city import GREEN, deliver, penalty, unblemished_firms
from tests.shell import Shell, a_city, a_code

NOW = datetime(2024, 12, 2, 4, 0, tzinfo=UTC)
#: What differs between an answer over a snapshot and the same answer over the delta before it.
NAMES = ("snapshot_id", "receipt_id")
SEVERE = {"fact": "penalty_serious", "op": "ge", "value": 1}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = a_city(tmp_path_factory.mktemp("city") / "home")
    shell.clock.moment = NOW
    yield shell
    shell.office.close()


def get(city: Shell, path: str, **query: Any) -> Any:
    answer = city.http.get(path, params=query, headers=city.asks("office"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(city: Shell, cursor: str = "", limit: int = 200) -> Any:
    asked = {"conditions": {"all": [SEVERE]}, "limit": limit, **({"cursor": cursor} if cursor else {})}
    answer = city.http.post("/v1/prospects/search", json=asked, headers=city.asks("office"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def answers(city: Shell, firm: str) -> dict[str, Any]:
    return {
        "summary": get(city, f"/v1/firms/{firm}"),
        "profile": get(city, f"/v1/firms/{firm}/profile"),
        "score": get(city, f"/v1/firms/{firm}/score"),
        "options": get(city, f"/v1/firms/{firm}/options", **GREEN),
        "prospects": found(city),
    }


def unnamed(answer: Any) -> Any:
    """The answer without the names of snapshot and receipt, wherever they stand."""
    if isinstance(answer, dict):
        return {name: unnamed(value) for name, value in answer.items() if name not in NAMES}
    return [unnamed(each) for each in answer] if isinstance(answer, list) else answer


def test_a_record_shows_at_once_as_it_will_after_the_build(city: Shell) -> None:
    firm = unblemished_firms(city)[0]
    before = answers(city, firm)
    page = found(city, limit=1)
    deliver(city, "administrative_penalty", [penalty(firm)], NOW)
    after = answers(city, firm)
    snapshot_id = before["profile"]["snapshot_id"]
    assert after["profile"]["snapshot_id"].startswith(f"{snapshot_id}-")
    values = [{item["id"]: item["value"] for item in each["profile"]["items"]} for each in (before, after)]
    assert (values[0]["penalty_serious"], values[1]["penalty_serious"]) == (0, 1)
    assert after["summary"]["evaluation"]["score"] < before["summary"]["evaluation"]["score"]
    assert after["prospects"]["total"] == before["prospects"]["total"] + 1
    assert unnamed(after["options"]) != unnamed(before["options"])
    if page["next_cursor"]:
        following = found(city, page["next_cursor"], 1)
        assert following["snapshot_id"] == snapshot_id, "a page stays with the list it belongs to"

    ready = get(city, "/readyz")
    assert "delta" not in ready["reasons"]
    metrics = city.http.get("/metrics", headers=city.asks("auditor")).text
    assert "delta_firms 1" in metrics
    replayed = replay_receipt(city.office, after["options"]["receipt_id"])
    assert replayed.broken is None
    assert {check.part: check.said for check in replayed.checks}["snapshot"] == "gives the same facts"
    assert encode(replayed.answer) == encode(after["options"])

    build_snapshot(city.office, date(2024, 10, 31), NOW, stages=office_stages())
    built = answers(city, firm)
    assert "-" not in built["profile"]["snapshot_id"]
    assert unnamed(built) == unnamed(after)
    assert replay_receipt(city.office, after["options"]["receipt_id"]).broken is None


def test_a_firm_nobody_told_of_before_is_there_with_its_first_record(city: Shell, tmp_path: Path) -> None:
    firm = a_code(4_711)
    assert city.http.get(f"/v1/firms/{firm}", headers=city.asks("office")).status_code == 404
    total = found(city)["total"]
    deliver(city, "administrative_penalty", [penalty(firm, "融罚〔2024〕4711号")], NOW)
    assert get(city, f"/v1/firms/{firm}")["uscc"] == firm
    assert found(city)["total"] == total + 1


def test_a_batch_that_is_too_large_waits_and_readiness_says_so(city: Shell, tmp_path: Path) -> None:
    rows = [f"{a_code(number)},2023,A,2024-10-01" for number in range(10_000, 10_100 + MOST_RECORDS)]
    path = tmp_path / "many.csv"
    path.write_text("\n".join(["uscc,year,grade,rated_on", *rows]) + "\n", encoding="utf-8")
    report = ingest_batch(city.office, "tax_credit_rating", path, received_at=NOW)
    assert report.rows_landed == len(rows)
    assert city.http.get(f"/v1/firms/{a_code(10_000)}", headers=city.asks("office")).status_code == 404
    ready = get(city, "/readyz")
    assert ready["status"] == "ready"
    assert "1 batches wait for the next build" in ready["reasons"]["delta"]
