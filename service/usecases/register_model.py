"""Registers the model in a folder: the first of two signatures."""

from __future__ import annotations

from pathlib import Path

from models.tables import ModelRow
from service.office import Office
from service.registry.bundle import read_bundle
from service.registry.store import check_reason, register


def register_model(office: Office, folder: Path, by: str, reason: str) -> ModelRow:
    """Register what `rongqiao train` wrote to ``folder``; see :func:`service.registry.store.register`."""
    return register(office, read_bundle(folder), by, check_reason(reason))
