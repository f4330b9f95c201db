"""How large a delivery may be once unpacked: what stands between the office and a decompression bomb."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import RefusedInput


@dataclass(frozen=True)
class Limits:
    """Bytes and rows. ``ratio`` (unpacked to packed) counts only once ``ratio_from_bytes`` are unpacked.

    A batch is checked and sorted in memory, at 0.5 to 0.8 kB per row of eight columns: ``rows`` bounds that too.
    """

    unpacked_bytes: int = 4 << 30
    ratio: int = 500
    ratio_from_bytes: int = 64 << 20
    workbook_bytes: int = 1 << 30
    workbook_cells: int = 30_000_000
    rows: int = 10_000_000
    line_bytes: int = 1 << 20
    memory_bytes: int = 64 << 20

    def check_unpacked(self, unpacked: int, packed: int, name: str) -> None:
        """Raise ``RefusedInput`` when a file unpacks to more than is allowed."""
        grown = unpacked > self.ratio_from_bytes and unpacked > self.ratio * max(packed, 1)
        if unpacked > self.unpacked_bytes or grown:
            raise too_large(name, f"It unpacks to more than {unpacked:,} bytes from {packed:,}.")

    def check_rows(self, rows: int, name: str) -> None:
        """Raise ``RefusedInput`` when a file has more rows than one batch may hold."""
        if rows > self.rows:
            raise too_large(name, f"It has more than {self.rows:,} rows.")


def too_large(name: str, rule: str) -> RefusedInput:
    """The refusal of a file over a limit."""
    return RefusedInput("too_large", "file", name, rule, "Deliver it in several files.", status=413)
