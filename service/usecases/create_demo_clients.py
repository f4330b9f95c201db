"""The nine clients of a demo city, and the file that tells their secrets. Nothing of it exists outside demo mode."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.tables import Client
from service.access.auth import Role, hashed, new_secret
from service.books.rulebook import lenders
from service.office import Office
from service.settings import DEMO_CLIENTS_FILE
from service.web.encode import encode

_DEMO_AGENCY = "tax"
#: The two persons of the office that a model needs.
ANALYST, APPROVER = "demo-analyst", "demo-approver"


def create_demo_clients(office: Office, firms: Sequence[str]) -> Path:
    """Create the demo clients for two ``firms`` and write ``demo-clients.json`` (mode 0600); its path.

    Without firms only those of the office, the lenders and the agency are made. Runs again without effect while file
    and database agree and nobody is missing; otherwise all get new secrets.
    """
    path = office.home / DEMO_CLIENTS_FILE
    cast = _cast(firms)
    if _agree(office, path, {entry["client_id"] for entry in cast}):
        return path
    for entry in cast:
        entry["client_secret"] = new_secret()
    with office.write() as session:
        for entry in cast:
            session.merge(
                Client(
                    id=entry["client_id"],
                    secret_sha256=hashed(entry["client_secret"]),
                    role=entry["role"],
                    tenant=entry["tenant"],
                    zh=entry["zh"],
                    en=entry["en"],
                    demo=True,
                    disabled_at=None,
                )
            )
    document = {
        "note": "Clients of an invented city. Synthetic data; never a real office's secrets.",
        "token_path": "/v1/oauth/token",
        "clients": cast,
    }
    unfinished = office.home / f".{DEMO_CLIENTS_FILE}.{secrets.token_hex(8)}"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(encode(document, indent=True) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    return path


def _cast(firms: Sequence[str]) -> list[dict[str, Any]]:
    banks = [lender for lender in lenders().values() if lender.kind == "bank"][:2]
    guarantor = next(lender for lender in lenders().values() if lender.kind == "guarantor")
    return [
        *(_client(f"demo-bank-{n}", Role.BANK, bank.id, bank.name.zh, bank.name.en) for n, bank in enumerate(banks, 1)),
        _client("demo-guarantor", Role.GUARANTOR, guarantor.id, guarantor.name.zh, guarantor.name.en),
        *(
            _client(f"demo-firm-{n}", Role.FIRM, uscc, f"演示企业{n}", f"Demo firm {n}")
            for n, uscc in enumerate(firms[:2], 1)
        ),
        _client(ANALYST, Role.OFFICE, "", "信用办分析员", "Office analyst"),
        _client(APPROVER, Role.APPROVER, "", "信用办审批员", "Office approver"),
        _client("demo-auditor", Role.AUDITOR, "", "审计员", "Auditor"),
        _client("demo-agency", Role.AGENCY, _DEMO_AGENCY, "税务局数据专员", "Tax agency data officer"),
    ]


def _client(client_id: str, role: Role, tenant: str, zh: str, en: str) -> dict[str, Any]:
    return {"client_id": client_id, "client_secret": "", "role": role.value, "tenant": tenant, "zh": zh, "en": en}


def _agree(office: Office, path: Path, wanted: set[str]) -> bool:
    try:
        entries = json.loads(path.read_bytes())["clients"]
        secrets_by_id = {entry["client_id"]: entry["client_secret"] for entry in entries}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if not wanted <= secrets_by_id.keys():
        return False
    with office.read() as session:
        kept = {client_id: session.get(Client, client_id) for client_id in secrets_by_id}
    return all(client is not None and client.secret_sha256 == hashed(secrets_by_id[i]) for i, client in kept.items())
