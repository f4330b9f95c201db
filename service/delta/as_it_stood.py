"""Puts what did not change of some firms into their new profile: items of feeds that were not read for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.catalogue import Item
from scoring.columns import Array, Columns
from scoring.profile import Profile
from service.delta.codes import joined, recoded
from service.snapshot.snapshots import OpenSnapshot

#: A snapshot, and for each of some firms its row there, -1 for none. A firm stands in one source at most.
Source = tuple[OpenSnapshot, NDArray[np.int64]]


def with_what_stood(
    profile: Profile,
    texts: Mapping[str, pa.Array],
    items: Iterable[Item],
    sources: Sequence[Source],
    stale: Mapping[str, NDArray[np.bool_]],
) -> tuple[Profile, dict[str, pa.Array]]:
    """The profile, and the texts its places point into, with every item taken from ``sources`` for the firms that are
    ``stale`` in its feed: all of them where the feed is not named.
    """
    values, codes = dict(profile.columns.values), dict(profile.columns.codes)
    observed, places, told = dict(profile.observed), dict(profile.texts), dict(texts)
    for item in items:
        for snapshot, rows in sources:
            here = rows >= 0
            if item.feed in stale:
                here &= stale[item.feed]
            if not here.any():
                continue
            there = rows[here]
            if item.id in snapshot.observed:
                observed[item.id] = _with(observed[item.id], here, snapshot.observed[item.id][there])
            if item.id in places:
                before = told.get(item.id, pa.array([], pa.large_string()))
                own = snapshot.texts.column(item.id).take(pa.array(there))
                told[item.id] = pa.concat_arrays([before, own.cast(pa.large_string())])
                places[item.id] = _with(places[item.id], here, len(before) + np.arange(len(there)))
                continue
            for name in (item.id, *(f"{item.id}.y{year}" for year in range(1, item.compute.by_year + 1))):
                theirs = snapshot.columns.values[name][there]
                if name in codes:
                    own_codes, their_codes = codes[name], snapshot.columns.codes[name]
                    codes[name] = joined(own_codes, their_codes)
                    values[name] = recoded(values[name], own_codes, codes[name])
                    theirs = recoded(theirs, their_codes, codes[name])
                values[name] = _with(values[name], here, theirs)
    return replace(profile, columns=Columns(profile.columns.n, values, codes), observed=observed, texts=places), told


def _with(column: Array, here: NDArray[np.bool_], theirs: Array) -> Array:
    mixed = column.copy()  # items may share one array
    mixed[here] = theirs
    return mixed
