"""The bytes of a delivery: mapped from the file where possible, unpacked once otherwise, never more than the limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
import mmap
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from models.errors import RefusedInput
from service.files.limits import Limits

_BLOCK = 1 << 20
_PACKED = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def mapped(path: Path) -> memoryview:
    """The file's bytes, mapped. Raises ``RefusedInput`` if it is missing, a folder or empty."""
    try:
        with path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError:
        raise RefusedInput(
            "empty_file", "file", path.name, "The file has no bytes.", "Deliver it again; the transfer may have failed."
        ) from None
    except OSError as problem:
        raise RefusedInput(
            "unreadable_file", "file", path.name, f"It cannot be opened: {problem.strerror}.", "Check the path."
        ) from None


def packing(data: memoryview) -> str:
    """``gz``, ``bz2``, ``xz``, ``zst``, ``zip``, ``xlsx``, ``old_office`` or empty, from the first bytes."""
    start = bytes(data[:8])
    if start == _OLD_OFFICE:
        return "old_office"
    for magic, name in _PACKED:
        if start.startswith(magic):
            return "xlsx" if name == "zip" and _is_workbook(data) else name
    return ""


def unpacked(data: memoryview, kind: str, name: str, work: Path, limits: Limits) -> memoryview:
    """What a packed file holds. Raises ``RefusedInput`` for damage, bombs, and archives of several files."""
    return gathered(_counted(_blocks(data, kind, name), len(data), name, limits), work, limits)


def gathered(blocks: Iterable[bytes], work: Path, limits: Limits) -> memoryview:
    """The blocks as one buffer: in memory up to a bound, then in an unnamed file under ``work``."""
    kept = bytearray()
    rest = iter(blocks)
    for block in rest:
        kept += block
        if len(kept) > limits.memory_bytes:
            return _spilled(kept, rest, work)
    return memoryview(bytes(kept))


def _spilled(start: bytearray, rest: Iterable[bytes], work: Path) -> memoryview:
    with tempfile.TemporaryFile(dir=work) as file:
        file.write(start)
        file.writelines(rest)
        file.flush()
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _blocks(data: memoryview, kind: str, name: str) -> Iterator[bytes]:
    source = pa.BufferReader(pa.py_buffer(data))
    try:
        with _opened(source, kind, name) as file:
            while block := file.read(_BLOCK):
                yield block
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as problem:
        raise RefusedInput(
            "damaged_archive", "file", name, f"The {kind} archive cannot be unpacked: {problem}.", "Pack it again."
        ) from None


def _opened(source: pa.BufferReader, kind: str, name: str) -> BinaryIO:
    match kind:
        case "gz":
            return cast(BinaryIO, gzip.GzipFile(fileobj=source))
        case "bz2":
            return cast(BinaryIO, bz2.BZ2File(source))
        case "xz":
            return cast(BinaryIO, lzma.LZMAFile(source))
        case "zst":
            return cast(BinaryIO, pa.CompressedInputStream(source, "zstd"))
    archive = zipfile.ZipFile(cast(BinaryIO, source))
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise RefusedInput(
            "archive_members",
            "file",
            name,
            f"The archive holds {len(members)} files; a delivery is one.",
            "Pack one file per archive.",
        )
    if members[0].flag_bits & 1:
        raise RefusedInput("encrypted", "file", name, "The archive is encrypted.", "Deliver it without a password.")
    return cast(BinaryIO, archive.open(members[0]))


def _counted(blocks: Iterable[bytes], packed: int, name: str, limits: Limits) -> Iterator[bytes]:
    total = 0
    for block in blocks:
        total += len(block)
        limits.check_unpacked(total, packed, name)
        yield block


def _is_workbook(data: memoryview) -> bool:
    try:
        with zipfile.ZipFile(cast(BinaryIO, pa.BufferReader(pa.py_buffer(data)))) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
