"""Random streams that depend on what they are for and on nothing drawn before."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def stream(seed: int, purpose: str, *labels: int) -> np.random.Generator:
    """A generator of its own for (seed, purpose, labels), such as a village's index and a month.

    Villages and months can therefore be generated in any order, or left out, with equal results.
    """
    return np.random.default_rng([seed, crc32(purpose.encode()), *labels])


def pick(draws: Floats, weights: npt.ArrayLike) -> Ints:
    """Index of the weight each uniform draw in [0, 1) falls on; weights need not sum to 1."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    found: Ints = np.searchsorted(edges, draws * edges[-1], side="right").astype(np.int64)
    return np.minimum(found, len(edges) - 1)
