"""Which encoding a text file has, decided by decoding it strictly: a byte that does not decode is never replaced."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from models.errors import RefusedInput
from service.files.content import gathered
from service.files.limits import Limits

UTF8, GB18030 = "utf-8", "gb18030"
_NAMES = {"utf-8": UTF8, "utf8": UTF8, "utf-8-sig": UTF8, "gb18030": GB18030, "gbk": GB18030, "gb2312": GB18030}
_BOM = codecs.BOM_UTF8
_BLOCK = 4 << 20
#: With this many common Chinese characters before its first fault, a file is UTF-8 with a fault, not GB18030.
_CONVINCING = 2


def as_utf8(data: memoryview, declared: str | None, name: str, work: Path, limits: Limits) -> tuple[memoryview, str]:
    """The text as UTF-8 without byte order mark, and the encoding it had.

    ``declared`` is the encoding the caller states, if any; then no other is tried. Raises ``RefusedInput`` that names
    byte offset and line of the first fault.
    """
    if bytes(data[:2]) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise RefusedInput("bad_encoding", "encoding", "utf-16", "The file is UTF-16.", "Save it as UTF-8 or GB18030.")
    encoding = _known(declared) if declared else None
    if encoding != GB18030:
        fault = _first_fault(data, UTF8)
        if fault < 0:
            return (data[len(_BOM) :] if bytes(data[:3]) == _BOM else data), UTF8
        if encoding == UTF8 or _is_broken_utf8(data, fault):
            raise _refusal(data, fault, UTF8, name, declared)
    fault = _first_fault(data, GB18030)
    if fault >= 0:
        raise _refusal(data, fault, GB18030, name, declared)
    return gathered((text.encode() for text in _decoded(data, GB18030)), work, limits), GB18030


def _known(declared: str) -> str:
    encoding = _NAMES.get(declared.strip().lower().replace("_", "-"))
    if encoding is None:
        raise RefusedInput(
            "unknown_encoding", "encoding", declared, "A text file is UTF-8 or GB18030.", "State one of the two."
        )
    return encoding


def _decoded(data: memoryview, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for start in range(0, len(data), _BLOCK):
        yield decoder.decode(bytes(data[start : start + _BLOCK]))
    yield decoder.decode(b"", final=True)


def _first_fault(data: memoryview, encoding: str) -> int:
    """Offset of the first byte that does not decode, or -1."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for start in range(0, len(data), _BLOCK):
        # Bytes of a character cut by the block's end wait in the decoder and count in the fault's place.
        waiting = len(decoder.getstate()[0])
        try:
            decoder.decode(bytes(data[start : start + _BLOCK]))
        except UnicodeDecodeError as fault:
            return start - waiting + fault.start
    waiting = len(decoder.getstate()[0])
    return len(data) - waiting if waiting else -1


def _is_broken_utf8(data: memoryview, fault: int) -> bool:
    """Whether the text before the fault could not well be anything but UTF-8."""
    if bytes(data[:3]) == _BOM:
        return True
    before = bytes(data[max(0, fault - _BLOCK) : fault]).decode(UTF8, "ignore")
    return sum("\u4e00" <= character <= "\u9fff" for character in before) >= _CONVINCING


def _refusal(data: memoryview, fault: int, encoding: str, name: str, declared: str | None) -> RefusedInput:
    line = 1 + sum(bytes(data[start : min(start + _BLOCK, fault)]).count(b"\n") for start in range(0, fault, _BLOCK))
    other = GB18030 if encoding == UTF8 else UTF8
    if declared and _first_fault(data, other) < 0:
        fix = f"It decodes as {other.upper()}: state that, or state none."
    else:
        fix = "Save the file again as UTF-8; the transfer or an export step damaged it."
    return RefusedInput(
        "bad_encoding",
        "file",
        name,
        f"Byte {fault} (0x{data[fault]:02X}) on line {line} is not {encoding.upper()}.",
        fix,
    )
