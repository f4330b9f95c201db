"""Work that comes round: asked for once a span whoever asks, run as a job; and feeds that lose their beginning."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models.errors import DataFileError
from models.tables import AuditEntry, Change, ConsentText, Job, PersonConsent, WebhookDelivery, WebhookEndpoint
from service.access.person_words import PURPOSE
from service.api.paging import write
from service.integration.changes import Kind, changes_after, first_number, last_number, publish
from service.integration.fanning import fan_out, is_anything_due
from service.jobs import rounds
from service.jobs.kinds import JobKind
from service.jobs.periodic import CLOCK, Round, ask_once, parse_rounds, shipped_rounds
from service.jobs.queue import Asked, enqueue
from service.jobs.shipped import KINDS
from service.jobs.worker import Worker
from service.office import Office, opened
from service.personal.rules import retention_rules
from service.personal.sweeps import IN_DATABASE
from service.usecases.deliver_webhooks import Round as Sent
from tests.shell import Clock, Shell, a_shell, is_problem

#: 18:30 in the city.
NOW = datetime(2024, 11, 5, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path) -> Any:
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("periodic"))


def jobs_of(office: Office, kind: str = "") -> list[Job]:
    with office.read() as session:
        query = select(Job).order_by(Job.seq)
        return list(session.scalars(query.where(Job.kind == kind) if kind else query))


def worker(office: Office, clock: Callable[[], datetime], did: list[datetime], each: Round) -> Worker:
    kinds = {each.kind: JobKind(each.kind, lambda office, work: did.append(work.now()) or {})}  # type: ignore[func-returns-value]
    return Worker(office, kinds=kinds, rounds=[each], now=clock)


def turn(made: Worker) -> int:
    """What a worker does that has rested once: ask for rounds, then work."""
    made.ask_rounds()
    return made.drain()


# ── what comes round, and when ───────────────────────────────────────────────────────────────────────────────────────
def test_what_comes_round_is_a_kind_of_job() -> None:
    shipped = {each.kind: each for each in shipped_rounds()}
    assert set(shipped) == {"need_clocks", "retention", "webhooks"}
    assert set(shipped) <= set(KINDS)
    assert shipped["retention"].every == shipped["need_clocks"].every == DAY
    assert shipped["webhooks"].every == timedelta(seconds=5)


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([5, 60, 1440 * 60]),
    st.integers(0, 86_399),
)
def test_spans_follow_each_other_without_gap(now: datetime, seconds: int, offset: int) -> None:
    each = Round("x", timedelta(seconds=seconds), timedelta(seconds=offset % seconds))
    began = each.began(now)
    assert began <= now < began + each.every
    assert each.began(began) == began
    assert each.began(began - timedelta(microseconds=1)) == began - each.every


def test_daily_work_has_its_time_of_day_in_the_city() -> None:
    nightly = next(each for each in shipped_rounds() if each.kind == "retention")
    assert nightly.began(NOW) == datetime(2024, 11, 4, 18, 0, tzinfo=UTC), (
        "02:00 in the city is 18:00 UTC the day before"
    )


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "x"},
        {"kind": "x", "every_minutes": 1, "every_seconds": 1},
        {"kind": "x", "every_minutes": 0},
        {"kind": "x", "every_minutes": "5"},
        {"kind": "x", "every_minutes": 60, "at": "02:00"},
        {"kind": "x", "every_minutes": 1440, "at": "24:00"},
        {"kind": "x", "every_minutes": 5, "until": "ever"},
        {"every_minutes": 5},
    ],
    ids=str,
)
def test_a_bad_entry_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(DataFileError):
        parse_rounds({"rounds": [entry]})


def test_a_kind_comes_round_once() -> None:
    twice = [{"kind": "x", "every_minutes": 5}, {"kind": "x", "every_minutes": 6}]
    with pytest.raises(DataFileError, match="once"):
        parse_rounds({"rounds": twice})


# ── asked for once ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_round_is_done_once_a_span_whichever_worker_comes_first(office: Office) -> None:
    clock, did, daily = Clock(NOW), list[datetime](), Round("daily", DAY)
    first, second = worker(office, clock, did, daily), worker(office, clock, did, daily)
    assert (turn(first), turn(second), turn(first)) == (1, 0, 0)
    clock.forward(hours=3)
    assert (turn(second), turn(first)) == (0, 0), "the same day"
    clock.forward(days=3)
    assert (turn(second), turn(first)) == (1, 0), "what was missed is made up for once"
    assert did == [NOW, NOW + timedelta(days=3, hours=3)]
    with office.read() as session:
        told = session.scalars(
            select(AuditEntry.reason).where(AuditEntry.actor != CLOCK).order_by(AuditEntry.seq)
        ).all()
        asked = session.scalars(select(AuditEntry.reason).where(AuditEntry.actor == CLOCK)).all()
    assert told == ["started", "done"] * 2
    assert asked == ["queued"] * 2


def test_of_workers_at_once_one_asks(office: Office) -> None:
    each = Round("daily", DAY)
    with ThreadPoolExecutor(6) as threads:
        asked = list(threads.map(lambda _: ask_once(office, each, NOW), range(12)))
    assert sum(asked) == len(jobs_of(office)) == 1


def test_what_is_given_up_is_tried_again_in_the_next_span_only(office: Office) -> None:
    clock, daily = Clock(NOW), Round("daily", DAY)

    def fails(office: Office, work: Any) -> dict[str, Any]:
        raise ValueError

    broken = Worker(office, kinds={"daily": JobKind("daily", fails)}, rounds=[daily], now=clock)
    for _ in range(6):
        turn(broken)
        clock.forward(minutes=1)
    assert [(job.state, job.attempts) for job in jobs_of(office)] == [("dead", 3)]
    fresh = worker(office, clock, [], daily)
    assert turn(fresh) == 0, "however often a worker is started"
    clock.forward(days=1)
    assert turn(fresh) == 1
    assert [job.state for job in jobs_of(office)] == ["dead", "done"]


def test_a_worker_asks_for_nothing_it_cannot_do(office: Office) -> None:
    assert turn(Worker(office, kinds={}, rounds=shipped_rounds(), now=Clock(NOW))) == 0
    assert jobs_of(office) == []


def test_the_daily_work_runs_on_an_office_and_is_in_its_journal(office: Office) -> None:
    clock = Clock(NOW)
    made = turn(Worker(office, rounds=shipped_rounds(), now=clock))
    assert made == 2, "no webhook is due"
    done = {job.kind: (job.state, job.asked_by) for job in jobs_of(office)}
    assert done == {"need_clocks": ("done", CLOCK), "retention": ("done", CLOCK)}
    with office.read() as session:
        assert session.scalar(select(AuditEntry.action).where(AuditEntry.action == "run_retention")) == "run_retention"


def test_a_worker_does_what_waits_before_it_asks_for_rounds(office: Office) -> None:
    clock, did, daily = Clock(NOW), list[str](), Round("daily", DAY)

    def note(name: str) -> JobKind:
        def do(office: Office, work: Any) -> dict[str, Any]:
            did.append(name)
            runs.stopping = len(did) == 2
            return {}

        return JobKind(name, do)

    runs = Worker(office, kinds={"daily": note("daily"), "asked": note("asked")}, rounds=[daily], now=clock)
    with office.write() as session:
        enqueue(session, Asked("asked", "k", {}, by="ana", role="office"), NOW)
    assert runs.run(poll_seconds=0.01) == 2
    assert did == ["asked", "daily"]


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def endpoint(office: Office, tenant: str, name: str = "w_1") -> None:
    with office.write() as session:
        session.add(
            WebhookEndpoint(
                id=name, tenant=tenant, address="https://hooks.bank.example/in", address_key=name, kinds=None,
                state="active", secret_version=1, previous_until=None, sent_through=0, made_by="t", made_at=NOW,
            )
        )  # fmt: skip


def tell(office: Office, tenant: str, at: datetime, times: int = 1) -> None:
    with office.write() as session:
        for _ in range(times):
            publish(session, tenant, Kind.NEED_STATED, "n", at)


def test_webhooks_are_sent_while_something_is_due_and_nothing_is_asked_for_otherwise(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender itself has tests of its own; here it is replaced by one that says what it would have sent."""
    clock, sent = Clock(NOW), list[int]()

    def deliver(office: Office, policy: Any, now: Callable[[], datetime], tls: Any, terms: Any) -> Sent:
        fan_out(office, now())
        with office.write() as session:
            waiting = session.scalars(select(WebhookDelivery).where(WebhookDelivery.state == "waiting")).all()
            for each in waiting[: terms.at_once]:
                each.state = "delivered"
        sent.append(len(waiting[: terms.at_once]))
        return Sent(sent[-1], sent[-1], 0)

    monkeypatch.setattr(rounds, "deliver", deliver)
    kinds = {"webhooks": KINDS["webhooks"]}
    runs = Worker(office, kinds=kinds, rounds=shipped_rounds(), now=clock)
    endpoint(office, "bank")
    assert (turn(runs), is_anything_due(office, NOW)) == (0, False)
    tell(office, "bank", NOW, 11)
    assert is_anything_due(office, NOW)
    assert turn(runs) == 1
    assert sent == [8, 3, 0], "in parts, so that a stop is heard"
    assert (turn(runs), is_anything_due(office, NOW)) == (0, False)
    clock.forward(seconds=5)
    tell(office, "bank", NOW)
    assert turn(runs) == 1
    assert jobs_of(office)[-1].result == {"tried": 1, "delivered": 1, "dead": 0}


# ── the beginning of a feed ──────────────────────────────────────────────────────────────────────────────────────────
def cut(office: Office, now: datetime, dry: bool = False) -> int:
    with office.write() as session:
        return IN_DATABASE["changes"](session, retention_rules().rules["changes"].over(now), dry)


def numbers(office: Office, tenant: str) -> list[int]:
    with office.read() as session:
        return [each.number for each in changes_after(session, tenant, 0, 1_000)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), max_size=12), st.integers(0, 10))
def test_what_is_cut_is_a_beginning_without_any_change_that_is_kept(
    shell: Shell, told: list[tuple[str, int]], limit: int
) -> None:
    """Against a list for each tenant; days may run backwards, as clocks of two machines do."""
    with shell.office.write() as session:
        session.query(Change).delete()
        start = {tenant: last_number(session, tenant) for tenant in "ab"}
        for tenant, day in told:
            publish(session, tenant, Kind.NEED_STATED, "n", NOW + day * DAY)
        session.flush()
        days = {tenant: [day for each, day in told if each == tenant] for tenant in "ab"}
        expected, removed = {}, 0
        for tenant, listed in days.items():
            gone = 0
            while gone < len(listed) and listed[gone] <= limit:
                gone += 1
            removed += gone
            expected[tenant] = [start[tenant] + 1 + place for place in range(gone, len(listed))]
        over = NOW + limit * DAY
        assert IN_DATABASE["changes"](session, over, True) == removed
        assert IN_DATABASE["changes"](session, over, False) == removed
    for tenant in "ab":
        assert numbers(shell.office, tenant) == expected[tenant]
        with shell.office.read() as session:
            kept = expected[tenant] or [start[tenant] + len(days[tenant]) + 1]
            assert first_number(session, tenant) == kept[0]


def test_a_cursor_before_what_is_kept_is_told_to_begin_anew(shell: Shell) -> None:
    bank, kept = "a-house", retention_rules().rules["changes"].days
    headers = shell.asks("bank", bank)
    old = shell.clock() - (kept + 1) * DAY
    tell(shell.office, bank, old, 5)
    tell(shell.office, bank, shell.clock(), 2)
    assert cut(shell.office, shell.clock(), dry=True) >= 5
    cut(shell.office, shell.clock())

    def read(cursor: str) -> Any:
        return shell.http.get("/v1/changes", params={"cursor": cursor}, headers=headers)

    for cursor in (write("0"), write("4")):
        problem = is_problem(read(cursor), 410, "cursor_expired")
        assert "number 6" in problem["rule"]
        assert problem["fix"].startswith("Read everything you mirror again")
    for cursor in ("", write("5")):
        assert [each["number"] for each in read(cursor).json()["items"]] == [6, 7]
    assert read(write("7")).json()["items"] == []
    is_problem(read(write("8")), 409, "cursor_beyond_end")
    tell(shell.office, bank, old)
    cut(shell.office, shell.clock() + (kept + 1) * DAY)
    is_problem(read(write("7")), 410, "cursor_expired")
    whole = read("").json()
    assert (whole["items"], whole["more"]) == ([], False)
    assert read(whole["next_cursor"]).status_code == 200, "an empty feed is come back to"


def test_deliveries_go_with_their_changes_and_are_not_replayed(shell: Shell) -> None:
    bank = "another-house"
    headers = shell.asks("bank", bank)
    endpoint(shell.office, bank, "w_cut")
    old = shell.clock() - 500 * DAY
    tell(shell.office, bank, old, 3)
    tell(shell.office, bank, shell.clock(), 2)
    fan_out(shell.office, shell.clock())
    cut(shell.office, shell.clock())
    with shell.office.read() as session:
        left = session.scalars(select(WebhookDelivery.number).where(WebhookDelivery.endpoint_id == "w_cut"))
        assert sorted(left) == [4, 5]

    def replayed(first: int) -> Any:
        body = {"first": first, "last": 5}
        return shell.http.post("/v1/webhooks/w_cut/replays", json=body, headers=headers)

    assert "from 4 to 5" in is_problem(replayed(3), 422, "bad_range")["rule"]
    assert replayed(4).json()["queued"] == 2


# ── what else has had its time ───────────────────────────────────────────────────────────────────────────────────────
def person_consent(firm: str, words: str, withdrawn: datetime | None) -> PersonConsent:
    return PersonConsent(
        id=f"pc_{firm}_{words}", firm=firm, person_name="某人", given_on=date(2020, 1, 1), text_sha256=words,
        document="shelf 1", open_key=None if withdrawn else firm, recorded_by="t", recorded_at=NOW - 1500 * DAY,
        withdrawn_by="t" if withdrawn else "", withdrawn_at=withdrawn,
    )  # fmt: skip


def test_a_withdrawn_consent_of_a_person_goes_after_its_time_with_its_words(office: Office) -> None:
    rule = retention_rules().rules["person_consents"]
    over = rule.over(NOW)
    assert (rule.years, over.year) == (3, 2021)
    with office.write() as session:
        for words in ("gone", "shared", "standing", "young"):
            session.add(ConsentText(sha256=words, purpose=PURPOSE, version="1", zh="某人", en="somebody"))
        session.add(ConsentText(sha256="of a firm", purpose="pre_loan", version="1", zh="", en=""))
        session.add_all(
            [
                person_consent("a", "gone", over),
                person_consent("b", "shared", over - DAY),
                person_consent("c", "shared", None),
                person_consent("d", "standing", None),
                person_consent("e", "young", over + timedelta(seconds=1)),
            ]
        )
        session.flush()
        sweep = IN_DATABASE["person_consents"]
        assert sweep(session, over, True) == 2
        assert session.query(PersonConsent).count() == 5, "a dry run removes nothing"
        assert sweep(session, over, False) == 2
        assert sweep(session, over, False) == 0
    with office.read() as session:
        assert sorted(session.scalars(select(PersonConsent.firm))) == ["c", "d", "e"]
        left = set(session.scalars(select(ConsentText.sha256)))
    assert left == {"shared", "standing", "young", "of a firm"}


def test_rows_of_rounds_go_and_those_of_jobs_somebody_asked_for_stay(office: Office) -> None:
    clock, daily = Clock(NOW), Round("daily", DAY)
    runs = worker(office, clock, [], daily)
    turn(runs)
    with office.write() as session:
        session.query(Job).update({"asked_by": CLOCK})
        row = session.query(Job).one()
        copy = {name: getattr(row, name) for name in ("kind", "arguments", "tenant", "asked_at", "due_at", "attempts")}
        copy |= {"max_attempts": 3, "fence": 0, "worker": "", "cancel_asked": False, "checkpoint": {}, "progress": {}}
        session.add(Job(id="j_mine", key="k", asked_by="ana", state="done", error="", ended_at=NOW, **copy))
        session.add(Job(id="j_runs", key="r", asked_by=CLOCK, state="running", error="", ended_at=None, **copy))
        session.flush()
        over = retention_rules().rules["rounds"].over(NOW + 31 * DAY)
        assert IN_DATABASE["rounds"](session, over, False) == 1
    assert [job.id for job in jobs_of(office)] == ["j_mine", "j_runs"]
