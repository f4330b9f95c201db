"""Random draws of the city. Each part has its own stream: a change in one part leaves the others as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: No such day: later than any date of the city. Becomes an empty cell.
NEVER = np.int64(10_000_000)


def stream(seed: int, part: str) -> np.random.Generator:
    """The generator of one part of the city: the same for the same seed and name."""
    return np.random.default_rng([seed, crc32(part.encode())])


def weighted(rng: np.random.Generator, weights: Sequence[float], size: int) -> Ints:
    """``size`` places drawn with the given weights."""
    edges = np.cumsum(np.asarray(weights, float))
    return np.searchsorted(edges / edges[-1], rng.random(size), side="right").astype(np.int64)


def quota(rng: np.random.Generator, shares: Mapping[str, float], size: int) -> Ints:
    """``size`` places in shuffled order whose counts meet ``shares`` to within one (largest remainder)."""
    share = np.array(list(shares.values()), float)
    exact = share / share.sum() * size
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: size - counts.sum()]] += 1
    return rng.permutation(np.repeat(np.arange(len(counts)), counts))


def between(rng: np.random.Generator, bounds: Sequence[float], size: int) -> Floats:
    """Uniform draws between two bounds."""
    return rng.uniform(bounds[0], bounds[1], size)


def whole_between(rng: np.random.Generator, bounds: Sequence[int], size: int) -> Ints:
    """Uniform whole numbers between two bounds, both possible."""
    return rng.integers(bounds[0], bounds[1] + 1, size)


def by_key(values: Mapping[str, float], keys: Sequence[str], default: float = 0.0) -> Floats:
    """The value of each key; ``all``/``other`` in the mapping, then ``default``, where a key is not named."""
    rest = values.get("all", values.get("other", default))
    return np.array([float(values.get(key, rest)) for key in keys])


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatters whole numbers over 64 bits (splitmix64), so that a pair can stand for a random draw."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
