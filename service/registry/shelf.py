"""The models in use: each loaded once, kept in memory, and the one in force checked again every so often."""

from __future__ import annotations

import time
from threading import Lock

from service.office import Office
from service.registry.store import LoadedModel, Serving, load, serving


class ModelShelf:
    """Hands out checked models. What was good stays in memory: a file changed later fails readiness, not answers."""

    def __init__(self, office: Office, check_seconds: float = 1.0):
        self._office = office
        self._check_seconds = check_seconds
        self._serving: dict[str, tuple[float, Serving]] = {}
        self._loaded: dict[str, LoadedModel] = {}
        self._lock = Lock()

    def by_id(self, model_id: str) -> LoadedModel:
        """The model a snapshot names; ``RefusedInput`` where it was never good here and cannot be trusted now."""
        with self._lock:
            if model_id not in self._loaded:
                self._loaded[model_id] = load(self._office, model_id)
            return self._loaded[model_id]

    def in_force(self, name: str) -> Serving:
        """The model of that name in force, its files read and checked again at most every ``check_seconds``."""
        now = time.monotonic()
        with self._lock:
            looked_at, found = self._serving.get(name, (float("-inf"), None))
            if found is None or now - looked_at >= self._check_seconds:
                found = serving(self._office, name)
                self._serving[name] = (now, found)
                if found.model is not None:
                    self._loaded.setdefault(found.model.id, found.model)
            return found
