"""With ``RONGQIAO_TEST_DATABASE=postgresql`` every office of the tests lives on PostgreSQL instead of SQLite."""

from __future__ import annotations

import os

from service import office
from tests import postgres

if os.environ.get("RONGQIAO_TEST_DATABASE") == "postgresql":
    office.default_url = lambda home: postgres.cluster().database(str(home.resolve()))
