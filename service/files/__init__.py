"""Readers: a delivered file, packed or not, in any accepted format, to chunks of columns with row numbers."""

from service.files.limits import Limits
from service.files.reading import Reading, open_rows

__all__ = ["Limits", "Reading", "open_rows"]
