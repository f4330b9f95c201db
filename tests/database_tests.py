"""Which test modules run on both databases: those that can open an office. The others could not tell the difference."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
#: Those whose subject is what the database decides: constraints, order, locks, transactions, migrations. They run on
#: PostgreSQL every time. The others open an office to compute or answer from it: `make test-postgresql` has them all.
STORED_STATE = frozenset({
    "test_applications", "test_audit", "test_audit_anchors", "test_bank_products", "test_borrowers", "test_changes",
    "test_client_keys", "test_consents", "test_contact", "test_cost_list_office", "test_idempotency",
    "test_identity_cli", "test_jobs", "test_jobs_leases", "test_keys", "test_migrations", "test_models", "test_needs",
    "test_periodic", "test_person_consents", "test_personal_data", "test_postgresql", "test_register_killed",
    "test_repairs", "test_reviews", "test_sign_in", "test_store", "test_tickets", "test_told", "test_webhooks",
})  # fmt: skip
#: What an office is opened with.
_OPENERS = ("service.office", "service.store", "service.app", "service.cli")


@cache
def opens_an_office(module: str) -> bool:
    """Whether the test module of this name imports what opens an office, itself or by way of another module of ours."""
    found = set(_imported(FOLDER / f"{module}.py"))
    if any(name == opener or name.startswith(f"{opener}.") for name in found for opener in _OPENERS):
        return True
    ours = {name.split(".")[1] for name in found if name.startswith("tests.")} - {module, "postgres", "database_tests"}
    return any(opens_an_office(each) for each in sorted(ours) if (FOLDER / f"{each}.py").exists())


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
