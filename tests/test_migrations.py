"""Migrations up, down and up with a row in every table, one step at a time, on the database of this run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, BigInteger, Column, Connection, MetaData, String, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

import models.tables
from models.tables import Base
from models.tables.base import UtcTime
from service.office import Office, opened
from service.store import newest_revision

AT = datetime(2024, 11, 5, 4, 0, 0, 250, tzinfo=UTC)
_SCRIPTS = ScriptDirectory(str(Path(models.tables.__file__).parent / "migrations"))
#: From the newest to the first.
REVISIONS = [script.revision for script in _SCRIPTS.walk_revisions()]
Rows = dict[str, list[dict[str, Any]]]


def a_value(column: Column[Any]) -> Any:
    """The widest value of a column: full length in characters that take the most bytes, the largest number."""
    if isinstance(column.type, UtcTime):
        return AT
    if isinstance(column.type, JSON):
        return {"融桥": [1, "\0", None]}
    kind = column.type.python_type
    if isinstance(column.type, String):
        return "𠮷" * (column.type.length or 5_000)
    if kind is int:
        return 2**63 - 1 if isinstance(column.type, BigInteger) else 2**31 - 1
    values: dict[type, Any] = {
        bool: True,
        float: 1 / 3,
        bytes: bytes(range(256)),
        date: date(2024, 2, 29),
    }
    return values[kind]


def a_row(table: Table, made: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A row that every reference of is met by the rows of ``made``."""
    row = {}
    for column in table.columns:
        reference = next(iter(column.foreign_keys), None)
        row[column.name] = made[reference.column.table.name][reference.column.name] if reference else a_value(column)
    return row


def filled(office: Office) -> None:
    """Put one row into every table that has none."""
    made: dict[str, dict[str, Any]] = {}
    with office.write() as session:
        for table in Base.metadata.sorted_tables:
            found = session.execute(select(table)).mappings().first()
            if found is None:
                session.execute(table.insert().values(a_row(table, made)))
                found = session.execute(select(table)).mappings().one()
            made[table.name] = dict(found)


def rows(office: Office) -> Rows:
    """Every row of every table that is there, whatever the models say."""
    with office.read() as session:
        found = MetaData()
        found.reflect(session.connection())
        return {
            name: [dict(row) for row in session.execute(select(table)).mappings()]
            for name, table in found.tables.items()
            if name != "alembic_version"
        }


def kept(before: Rows, after: Rows) -> Rows:
    """``before`` without the tables and columns that ``after`` has not."""
    return {
        name: [{column: row[column] for column in row if column in after[name][0]} for row in rows]
        for name, rows in before.items()
        if after.get(name)
    }


def triggers(connection: Connection) -> list[str]:
    asked = {
        "sqlite": "select name from sqlite_master where type = 'trigger'",
        "postgresql": "select tgname from pg_trigger where not tgisinternal",
    }[connection.dialect.name]
    return sorted(connection.execute(text(asked)).scalars())


def left_over(connection: Connection) -> set[str]:
    """Everything in the database that is not alembic's own."""
    asked = {
        "sqlite": "select name from sqlite_master where name not like 'sqlite_%'",
        "postgresql": "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " union select proname from pg_proc where pronamespace = 'public'::regnamespace"
        " union select typname from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e'",
    }[connection.dialect.name]
    return {name for name in connection.execute(text(asked)).scalars() if not name.startswith("alembic_version")}


def differences(office: Office) -> list[Any]:
    with office.store._writer.connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True, "compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def test_the_widest_row_of_every_table_comes_back_as_it_went(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        filled(office)
        made: dict[str, dict[str, Any]] = {}
        with office.read() as session:
            for table in Base.metadata.sorted_tables:
                found = dict(session.execute(select(table)).mappings().one())
                if table.name != "audit_head":
                    assert found == a_row(table, made), table.name
                made[table.name] = found


def test_each_step_down_and_up_again_keeps_every_row_it_does_not_drop(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        filled(office)
        for revision, below in zip(REVISIONS, [*REVISIONS[1:], "base"], strict=True):
            before = rows(office)
            office.store.downgrade(below)
            lower = {name: found for name, found in rows(office).items() if found}
            assert lower == kept(before, lower), f"down from {revision}"
            office.store.migrate(revision)
            assert kept(rows(office), lower) == lower, f"up to {revision}"
            office.store.downgrade(below)


def test_down_to_nothing_leaves_nothing_and_up_again_is_the_whole_schema(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        with office.store._writer.connect() as connection:
            whole = triggers(connection)
        filled(office)
        office.store.downgrade("base")
        with office.store._writer.connect() as connection:
            assert left_over(connection) == set()
        office.store.migrate()
        assert differences(office) == []
        with office.store._writer.connect() as connection:
            assert triggers(connection) == whole
            assert {table.name for table in Base.metadata.sorted_tables} < set(inspect(connection).get_table_names())
        filled(office)
        with pytest.raises(DBAPIError, match="only grows"), office.write() as session:
            session.execute(text("update audit_entry set actor = ''"))


def test_an_older_office_is_brought_up_to_date_when_it_is_opened(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        filled(office)
        office.store.downgrade(REVISIONS[-1])
        before = rows(office)
    with opened(tmp_path) as office:
        assert kept(rows(office), before) == {name: found for name, found in before.items() if found}
        assert differences(office) == []


def test_the_revisions_are_one_line() -> None:
    assert newest_revision() == REVISIONS[0]
    assert _SCRIPTS.get_heads() == [REVISIONS[0]]
    assert sorted(REVISIONS, reverse=True) == REVISIONS, "numbered in the order they are applied"
