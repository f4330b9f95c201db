"""The file of an office's folder that says that it is a sandbox, of which city and for which lender."""

from __future__ import annotations

import json
import os

from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import Batch
from service.office import Office
from service.settings import SANDBOX_FILE


def lender_of(office: Office) -> str:
    """The lender a sandbox was made for."""
    return str(json.loads((office.home / SANDBOX_FILE).read_bytes())["lender"])


def claim(office: Office, lender: str) -> None:
    """Mark the folder before anything lands in it; ``RefusedInput`` where it holds something else."""
    if office.is_sandbox:
        if (held := lender_of(office)) != lender:
            rule = f"It holds the sandbox of {held}."
            raise RefusedInput("other_sandbox", "home", str(office.home), rule, "Name a new --home for each lender.")
        return
    with office.read() as session:
        in_use = session.scalar(select(Batch.id).limit(1)) is not None
    if in_use or office.invented:
        rule = "It holds another office, and a sandbox must not mix with one."
        raise RefusedInput("home_in_use", "home", str(office.home), rule, "Name an empty folder with --home.")
    unfinished = office.work / SANDBOX_FILE
    unfinished.write_text(json.dumps({"lender": lender}), encoding="utf-8")
    os.replace(unfinished, office.home / SANDBOX_FILE)
