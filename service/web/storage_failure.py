"""A disk that is full or broken, told as what it is: nobody's input is at fault, and what was asked was not done."""

from __future__ import annotations

import errno

from models.errors import RefusedInput

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BROKEN = frozenset({errno.EIO, errno.EROFS, errno.ENXIO, errno.ESTALE})


def storage_failure(error: OSError) -> RefusedInput | None:
    """The problem a failed write or read comes to (507 full, 503 broken); ``None`` for any other ``OSError``.

    Everything that was begun is undone or invisible by then, so the same may be asked again once there is room.
    """
    if error.errno in _FULL:
        rule = "The office's disk is full; nothing of this was kept."
        fix = "Make room, then send it again: it is safe to repeat."
        return RefusedInput("storage_full", "request", None, rule, fix, status=507)
    if error.errno in _BROKEN:
        rule = "The office's disk failed; nothing of this was kept."
        fix = "Look at the disk, then send it again: it is safe to repeat."
        return RefusedInput("storage_failed", "request", None, rule, fix, status=503)
    return None
