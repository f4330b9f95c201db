"""Plain data that remembers where it was read, so that an error can name file and line."""

from __future__ import annotations

from typing import Any

from models.errors import DataFileError


class MarkedDict(dict[str, Any]):
    """A mapping from a data file, with the file, the line it starts on and the line of each key."""

    def __init__(self, *args: Any, file: str = "?", line: int = 0, lines: dict[str, int] | None = None):
        super().__init__(*args)
        self.file = file
        self.line = line
        self.lines = {} if lines is None else lines

    def wrong(self, field: str, rule: str, fix: str) -> DataFileError:
        """The error that this mapping's ``field`` breaks ``rule``; the caller raises it."""
        return DataFileError(self.file, self.lines.get(field, self.line), field, self.get(field), rule, fix)


def marked(data: dict[str, Any]) -> MarkedDict:
    """``data`` itself when it was read from a file, else the same mapping without a place (tests, API bodies)."""
    return data if isinstance(data, MarkedDict) else MarkedDict(data)
