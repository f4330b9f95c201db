"""The journal: one unbroken chain, written with its effect, that tells the first place where it was touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.audit.chain import GENESIS, Break, Event, Link, entry_hash, first_break
from service.audit.journal import record, verify
from service.office import Office
from tests.shell import a_code

NOON = datetime(2024, 11, 5, 4, 0, tzinfo=UTC)


def an_event(number: int = 0, **changed: object) -> Event:
    return replace(
        Event(at=NOON, actor=f"bank-{number}", role="bank", action="read_firm", result="allowed", firm=a_code(number)),
        **changed,
    )


def a_chain(length: int) -> list[Link]:
    made: list[Link] = []
    previous = GENESIS
    for seq in range(1, length + 1):
        event = an_event(seq)
        made.append(Link(seq, previous, entry_hash(seq, previous, event), event))
        previous = made[-1].entry_hash
    return made


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office.open(tmp_path)


def written(office: Office, count: int) -> None:
    with office.write() as session:
        record(session, *(an_event(number) for number in range(1, count + 1)))


def tampered(office: Office, *statements: str) -> None:
    """What somebody with the database file can do: the triggers go first."""
    with office.store._writer.begin() as connection:
        if connection.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                connection.execute(text(f"drop trigger if exists audit_entry_no_{verb}"))
        else:
            connection.execute(text("drop trigger if exists audit_entry_only_grows on audit_entry"))
        for statement in statements:
            connection.execute(text(statement))


def test_a_whole_chain_ends_where_it_ends() -> None:
    chain = a_chain(5)
    assert first_break(chain) == (5, chain[-1].entry_hash)
    assert first_break(chain[2:], (2, chain[1].entry_hash)) == (5, chain[-1].entry_hash)
    assert first_break([]) == (0, GENESIS)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 7), kind=st.sampled_from(["change", "drop", "swap", "insert", "rehash"]))
def test_the_first_touched_entry_is_named(at: int, kind: str) -> None:
    chain = a_chain(8)
    if kind == "change":
        chain[at] = replace(chain[at], event=replace(chain[at].event, purpose="official"))
    elif kind == "drop" and at < 7:
        del chain[at]
    elif kind == "swap" and at < 7:
        chain[at], chain[at + 1] = chain[at + 1], chain[at]
    elif kind == "insert" and at < 7:
        chain.insert(at, chain[at])
        at += 1
        chain[at] = replace(chain[at], seq=at + 1)
    elif kind == "rehash":
        event = replace(chain[at].event, result="denied")
        chain[at] = replace(chain[at], event=event, entry_hash=entry_hash(at + 1, chain[at].previous_hash, event))
        at += 1  # the entry itself fits again; the one after it no longer does
        if at == 8:
            return
    else:
        return
    found = first_break(chain)
    assert isinstance(found, Break)
    assert found.seq == at + 1


@settings(max_examples=40, deadline=None)
@given(
    one=st.fixed_dictionaries({name: st.text(max_size=3) for name in ("actor", "person", "object_id", "reason")}),
    other=st.fixed_dictionaries({name: st.text(max_size=3) for name in ("actor", "person", "object_id", "reason")}),
)
def test_two_events_have_one_hash_only_if_they_are_one(one: dict[str, str], other: dict[str, str]) -> None:
    same = entry_hash(1, GENESIS, an_event(**one)) == entry_hash(1, GENESIS, an_event(**other))
    assert same == (one == other), "no text can move from one field into the next"


def test_the_journal_is_whole_after_writing(office: Office) -> None:
    written(office, 20)
    written(office, 5)
    found = verify(office)
    assert (found.entries, found.broken) == (25, None)


def test_an_entry_goes_with_the_effect_it_tells_of(office: Office) -> None:
    written(office, 2)

    def tells_and_fails() -> None:
        with office.write() as session:
            record(session, an_event(3))
            raise RuntimeError("the effect failed")

    with pytest.raises(RuntimeError, match="the effect failed"):
        tells_and_fails()
    assert (verify(office).entries, verify(office).broken) == (2, None)
    written(office, 1)
    assert (verify(office).entries, verify(office).broken) == (3, None)


@pytest.mark.parametrize(
    "statement", ["update audit_entry set purpose = 'own' where seq = 2", "delete from audit_entry where seq = 2"]
)
def test_the_database_refuses_to_change_the_journal(office: Office, statement: str) -> None:
    written(office, 3)
    with pytest.raises(DBAPIError, match="only grows"), office.write() as session:
        session.execute(text(statement))
    assert verify(office).broken is None


@pytest.mark.parametrize(
    ("statements", "first_bad", "fault"),
    [
        (["update audit_entry set actor = 'nobody' where seq = 4"], 4, "content"),
        (["update audit_entry set at = '2024-11-05 04:00:00.000001' where seq = 4"], 4, "content"),
        (["delete from audit_entry where seq = 4"], 4, "missing"),
        (
            [
                "update audit_entry set seq = 100 where seq = 4",
                "update audit_entry set seq = 4 where seq = 5",
                "update audit_entry set seq = 5 where seq = 100",
            ],
            4,
            "does not follow",
        ),
        (["delete from audit_entry where seq > 6"], 7, "10 entries long"),
    ],
    ids=["changed", "one microsecond", "deleted", "swapped", "cut off"],
)
def test_verifying_names_the_first_bad_entry(office: Office, statements: list[str], first_bad: int, fault: str) -> None:
    written(office, 10)
    tampered(office, *statements)
    found = verify(office).broken
    assert found is not None
    assert (found.seq, fault in found.fault) == (first_bad, True), found


def test_a_tail_cut_off_with_its_head_shows_against_an_anchor(office: Office) -> None:
    written(office, 10)
    with office.read() as session:
        six = session.execute(text("select entry_hash from audit_entry where seq = 6")).scalar_one()
        ten = session.execute(text("select entry_hash from audit_entry where seq = 10")).scalar_one()
    tampered(
        office,
        "delete from audit_entry where seq > 6",
        f"update audit_head set seq = 6, entry_hash = '{six}'",
    )
    assert verify(office).broken is None, "the chain alone cannot know"
    assert verify(office, [(6, six), (10, ten)]).broken == Break(7, "missing: an anchor holds entry 10")
    written(office, 10)
    rewritten = verify(office, [(10, ten)]).broken
    assert rewritten is not None
    assert rewritten.seq == 10


def test_eight_writers_make_one_chain(office: Office) -> None:
    def write(writer: int) -> None:
        for number in range(40):
            with office.write() as session:
                record(session, an_event(writer * 100 + number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    found = verify(office)
    assert (found.entries, found.broken) == (320, None)


def test_a_long_journal_is_read_page_by_page(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.audit.journal._PAGE", 7)
    written(office, 23)
    assert (verify(office).entries, verify(office).broken) == (23, None)
