"""Nobody reads or changes anything of a firm unseen: every action and every command leaves an entry in the journal."""

from __future__ import annotations

import getpass
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.routing import APIRoute
from sqlalchemy import select

import service
from models.tables import AuditEntry
from service.access.auth import MAY, Action, Role
from service.api.guard import FirmGuard
from service.app import guard_of
from service.audit.journal import verify
from service.audit.told import UNTOLD, is_told_at_the_door
from service.cli.program import PARTS, run_program, tree
from service.web.rate_limits import REFUSALS_TOLD
from tests.shell import Shell, a_code, a_shell

SERVICE = Path(service.__file__).parent
FIRM = a_code(1)
SAFE = {"GET", "HEAD"}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("told"))


def entries(shell: Shell, after: int = 0) -> list[AuditEntry]:
    with shell.office.read() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.seq > after).order_by(AuditEntry.seq)))


def guarded(shell: Shell) -> list[tuple[APIRoute, str]]:
    """Every guarded route with each of its methods."""
    return [
        (route, method)
        for route in shell.http.app.routes  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and guard_of(route)
        for method in sorted(route.methods)
    ]


def asking(shell: Shell, action: Action) -> dict[str, str]:
    """Headers of a caller who may take ``action``, as one who stands for somebody who knows nothing else."""
    role = sorted(MAY[action])[0]
    return shell.asks(role, {Role.FIRM: FIRM, Role.AGENCY: "tax"}.get(role, "" if role in STAFF else "nobody-bank"))


STAFF = {Role.OFFICE, Role.APPROVER, Role.AUDITOR}


# ── actions ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_reading_leaves_an_entry_before_it_is_done(shell: Shell) -> None:
    """Even a reading of something that is not there: the door does not know yet."""
    tried = 0
    for route, method in guarded(shell):
        guard = guard_of(route)
        assert guard is not None
        opens_file = isinstance(guard, FirmGuard)
        if guard.told_inside or not (opens_file or is_told_at_the_door(guard.action, method in SAFE)):
            continue
        path = re.sub(r"\{uscc\}", FIRM, route.path)
        path = re.sub(r"\{\w+\}", "unknown", path)
        before = entries(shell)[-1].seq if entries(shell) else 0
        answer = shell.http.request(
            method, path, headers=asking(shell, guard.action), json={} if method == "POST" else None
        )
        if answer.status_code == 422:
            continue  # the question itself was wrong: nothing was asked yet
        found = [each for each in entries(shell, before) if each.action == guard.action]
        assert found, f"{method} {route.path} left no entry"
        assert found[0].actor
        assert found[0].at == shell.clock.moment
        assert found[0].result in ("allowed", "denied")
        assert found[0].purpose or found[0].role in (Role.BANK, Role.GUARANTOR)
        assert "{uscc}" not in route.path or found[0].firm == FIRM
        tried += 1
    assert tried > 20


def test_every_change_is_told_by_its_use_case(shell: Shell) -> None:
    """A guard tells readings only, so each action that changes something stands in a use case that tells it."""
    changing = {
        guard.action
        for route, method in guarded(shell)
        if (guard := guard_of(route)) and not is_told_at_the_door(guard.action, method in SAFE)
    } - set(UNTOLD)
    assert len(changing) > 12
    told: set[str] = set()
    for path in SERVICE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if not {"api", "access"} & set(path.parts) and re.search(r"\brecord\(\s*session\b", source):
            told |= set(re.findall(r"\bAction\.([A-Z_]+)", source))
            told |= {word.upper() for word in re.findall(r'\btold\("([a-z_]+)"', source)}
    missing = {action.name for action in changing} - told
    assert missing == set()


def test_what_is_not_told_has_a_reason_and_says_nothing_of_a_firm(shell: Shell) -> None:
    for route, _ in guarded(shell):
        guard = guard_of(route)
        if guard and guard.action in set(UNTOLD) - {Action.READ_ACCESS_LOG}:
            assert "{uscc}" not in route.path, route.path
    assert all(reason.endswith(".") for reason in UNTOLD.values())
    assert set(UNTOLD) <= set(Action)


def test_what_a_role_is_refused_is_told_and_cannot_fill_the_journal(shell: Shell) -> None:
    """A firm that is there and one that is not leave the same entry; of a flood the first ten are written down."""
    known, unknown, agency = FIRM, a_code(99), shell.asks("agency", "tax")
    before = entries(shell)[-1].seq if entries(shell) else 0
    answers = [shell.http.get(f"/v1/firms/{code}/options", headers=agency) for code in (known, unknown)]
    assert {each.status_code for each in answers} == {403}
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    first, second = entries(shell, before)
    told = [(each.actor, each.tenant, each.action, each.result, each.reason, each.purpose) for each in (first, second)]
    assert told[0] == told[1] == ("agency-tax", "tax", "read_options", "denied", "not_your_role", "official")
    assert (first.firm, second.firm) == (known, unknown)
    for _ in range(30):
        assert shell.http.get(f"/v1/firms/{known}", headers=agency).status_code == 403
    assert len(entries(shell, before)) == REFUSALS_TOLD
    shell.http.get(f"/v1/firms/{known}", headers=shell.asks("auditor", "x"))
    assert entries(shell, before)[-1].actor == "auditor-x", "who floods silences nobody else"
    assert verify(shell.office).broken is None


def commands(part: typer.Typer, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Callable[..., Any]]]:
    for each in part.registered_commands:
        assert each.callback
        yield (*words, str(each.name)), each.callback
    for group in part.registered_groups:
        assert group.typer_instance
        yield from commands(group.typer_instance, (*words, str(group.name)))


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────
#: Ways into an office's data that do not go through ``office_of``, and why they may.
OTHER_DOORS = {
    "office.py": "defines them",
    "cli/context.py": "is the door",
    "database_copy.py": "checks a copy of the database while it is restored",
    "usecases/backup_office.py": "opens the restored copy to check it; the copy's journal is the backed up one",
    "real/firms.py": "opens an office of published files in a folder of its own",
}


def test_no_command_has_another_way_into_an_office() -> None:
    found = {
        str(path.relative_to(SERVICE))
        for path in SERVICE.rglob("*.py")
        if re.search(r"with opened\(|Office\.open\(|\bOffice\(|\bStore\(", path.read_text(encoding="utf-8"))
    }
    assert found - {"store.py"} == set(OTHER_DOORS)


def goes_through_the_door(run: Callable[..., Any], seen: frozenset[str] = frozenset()) -> bool:
    """Whether a function calls ``office_of``, itself or through functions of its module."""
    source, module = inspect.getsource(run), inspect.getmodule(run)
    called = set(re.findall(r"\b(\w+)\(", source)) - seen
    helpers = [getattr(module, name) for name in called if inspect.isfunction(getattr(module, name, None))]
    inner = [each for each in helpers if each.__module__ == run.__module__ and each is not run]
    return "office_of" in called or any(goes_through_the_door(each, seen | called) for each in inner)


def test_every_command_opens_an_office_through_the_door_or_none_at_all() -> None:
    without = {words for words, run in commands(tree()) if not goes_through_the_door(run)}
    assert without == set(WITHOUT_OFFICE)


#: Commands that open no office: nothing they show is of an office's firms.
WITHOUT_OFFICE = {
    ("feeds",): "shipped declarations",
    ("size",): "works out a size class from stated figures",
    ("uscc",): "checks the form of a code",
    ("strategy",): "works on a published data set, not on an office",
    ("validate",): "works on published data sets, not on an office",
    ("restore",): "makes an office; its journal comes with the backup",
    ("scheme", "list"): "published schemes",
    ("scheme", "check"): "rule files",
    ("scheme", "evaluate"): "a published scheme with stated facts, which are not kept",
    ("scheme", "show"): "a published scheme",
}
#: Arguments that make a command go as far as the office. What comes after that may fail: the entry is there first.
ASKED = {
    ("firm",): [FIRM], ("options",): [FIRM], ("prospects",): ["contract-loan"], ("batches",): [],
    ("build",): ["--as-of", "2024-10-31"], ("replay",): ["r_0"], ("objection", "list"): [],
    ("objection", "show"): ["o_0"], ("repair", "list"): [FIRM], ("review", "list"): [], ("model", "list"): [],
    ("model", "keys", "rotate"): [], ("client", "list"): [], ("client", "add"): ["a-bank", "--role", "office"],
    ("person", "list"): [], ("audit", "list"): [], ("audit", "alarms"): [], ("cost-list", "list"): [],
    ("cost-list", "show"): ["x"], ("objection", "late"): [],
    ("review", "decide"): ["c", "confirm", "--by", "x", "--reason", "as_expected"],
}  # fmt: skip


def test_the_commands_named_here_are_commands() -> None:
    assert set(ASKED) <= {words for words, _ in commands(tree())}


@pytest.mark.parametrize("words", sorted(ASKED), ids=" ".join)
def test_a_command_is_in_the_journal_with_who_ran_it(
    words: tuple[str, ...], shell: Shell, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(shell.office.home))
    before = entries(shell)[-1].seq if entries(shell) else 0
    run_program([*words, *ASKED[words], "--json"])
    capfd.readouterr()
    first = entries(shell, before)[0]
    assert (first.action, first.object_id, first.actor) == ("run_command", " ".join(words), "terminal")
    assert first.person == getpass.getuser()[:64]
    assert first.purpose == "official"
    assert first.firm == (FIRM if FIRM in ASKED[words] else "")


def test_a_command_line_loads_every_module_its_command_is_in() -> None:
    brought = {}
    for part in PARTS:
        alone = typer.Typer()
        importlib.import_module(f"service.cli.{part}").register(alone)
        brought[part] = {words[0] for words, _ in commands(alone)}
    assert brought == {part: set(words) for part, words in PARTS.items()}
    with_commands = {file.stem for file in (SERVICE / "cli").glob("*.py") if "def register(" in file.read_text("utf-8")}
    assert with_commands == set(PARTS)
