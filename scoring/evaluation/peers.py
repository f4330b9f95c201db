"""Where a firm stands among its peers: firms scored by the same model, of its size class and industry section."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from scoring.columns import Array


class PeerGroup(IntEnum):
    """Which peers a percentile compares with: the narrowest group that has enough firms."""

    NONE = -1
    SIZE_AND_SECTION = 0
    SECTION = 1
    ALL = 2


def percentiles(total: Array, size: Array, section: Array, fewest: int) -> tuple[Array, Array, Array]:
    """Percentile (float64 0..1), :class:`PeerGroup` (int8) and number of peers (int32) of each firm.

    The percentile is the share of peers with fewer points, plus half of those with the same (itself among them).
    ``size`` and ``section`` are codes with -1 unknown: an unknown size falls back to the section, an unknown section to
    all. A group of fewer than ``fewest`` firms falls back likewise; all firms of the model are the last resort.
    """
    n = len(total)
    sections = section.astype(np.int64)
    keys = ((sections * 64 + size.astype(np.int64), (size >= 0) & (section >= 0)), (sections, section >= 0))
    group = np.full(n, PeerGroup.ALL, np.int8)
    rank, peers = _mid_ranks(np.zeros(n, np.int64), total)
    for level, (key, usable) in reversed(list(enumerate(keys))):
        level_rank, level_peers = _mid_ranks(key, total)
        enough = usable & (level_peers >= fewest)
        rank, peers = np.where(enough, level_rank, rank), np.where(enough, level_peers, peers)
        group[enough] = level
    return rank, group, peers.astype(np.int32)


def _mid_ranks(key: Array, total: Array) -> tuple[Array, Array]:
    """Mid-rank of ``total`` within equal ``key`` as a share of the group, and the size of the group."""
    if not len(total):
        return np.zeros(0), np.zeros(0, np.int64)
    order = np.argsort((key - key.min()) * (int(total.max()) + 1) + total, kind="stable")
    sorted_key, sorted_total = key[order], total[order]
    new_group = np.r_[True, sorted_key[1:] != sorted_key[:-1]]
    new_tie = new_group | np.r_[True, sorted_total[1:] != sorted_total[:-1]]
    start, size = _runs(new_group)
    tie_start, tie_size = _runs(new_tie)
    share = np.empty(len(total))
    peers = np.empty(len(total), np.int64)
    share[order] = (tie_start - start + tie_size / 2) / size
    peers[order] = size
    return share, peers


def _runs(new: Array) -> tuple[Array, Array]:
    """Start and length of the run each sorted position lies in."""
    starts = np.flatnonzero(new)
    lengths = np.diff(np.r_[starts, len(new)])
    return np.repeat(starts, lengths), np.repeat(lengths, lengths)
