"""Where the offices of the tests live: SQLite, or with ``RONGQIAO_TEST_DATABASE=postgresql`` PostgreSQL.

On PostgreSQL those are run whose subject is stored state; with ``RONGQIAO_TEST_WHOLE=1`` all that can open an office.
The rest knows no database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.database_tests import STORED_STATE, opens_an_office


def pytest_configure(config: pytest.Config) -> None:
    if postgres.chosen() and postgres.why_not():
        pytest.exit(f"skipped: {postgres.why_not()}", returncode=1 if postgres.must_be_there() else 0)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    if not is_test or not postgres.chosen():
        return None
    name = collection_path.stem
    runs = opens_an_office(name) if postgres.whole() else name in STORED_STATE
    return None if runs else True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    postgres.stop_using()  # a worker of xdist is killed when its exit takes long
    if postgres.chosen() and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


@pytest.fixture(scope="module", autouse=True)
def _databases_of_a_module() -> Iterator[None]:
    """The databases of a module's offices go with the module, and with them the connections nobody closed."""
    yield
    if postgres.server.cache_info().currsize:
        postgres.server().drop_all()
