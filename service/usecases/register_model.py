"""Registers the model in a folder: the first of two signatures."""

from __future__ import annotations

from pathlib import Path

from models.tables import ModelRow
from service.model_bundle import read_bundle
from service.model_store import check_reason, register
from service.office import Office


def register_model(office: Office, folder: Path, by: str, reason: str) -> ModelRow:
    """Register what `rongqiao train` wrote to ``folder``; see :func:`service.model_store.register`."""
    return register(office, read_bundle(folder), by, check_reason(reason))
