"""The files of a snapshot: where each column is, and how a folder of them is written whole or not at all.

| file | holds |
|---|---|
| `manifest.json` | what the snapshot was made of; kinds, codes, sources and rules of its columns |
| `uscc.npy`, `uscc_order.npy` | firms (S18) by score, highest first; their order by code |
| `items/<item>.npy`, `items/<item>.y1.npy` | item columns, in the forms of `models/kinds.py` |
| `observed/<item>.npy` | int32 days since 1970 |
| `derived/<fact>.npy`, `scores/<name>.npy` | facts made of items; what the evaluation keeps, firms on the last axis |
| `matches/met.npy`, `matches/open.npy` | packed bits, one row per rule |
| `texts.arrow` | text items, one Arrow record batch |
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from service.records.lake import sync_folder

#: Goes into every snapshot's id; raise it when the same inputs would give other bytes.
FORMAT = 1
MANIFEST = "manifest.json"
USCC, USCC_ORDER, TEXTS = "uscc.npy", "uscc_order.npy", "texts.arrow"
MET, OPEN = "matches/met.npy", "matches/open.npy"


def item_file(name: str) -> str:
    return f"items/{name}.npy"


def observed_file(item_id: str) -> str:
    return f"observed/{item_id}.npy"


def derived_file(fact: str) -> str:
    return f"derived/{fact}.npy"


def score_file(name: str) -> str:
    return f"scores/{name}.npy"


@dataclass(frozen=True)
class Contents:
    """Everything a snapshot folder holds. ``arrays`` maps file name to array; names may share one array."""

    manifest: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    texts: pa.RecordBatch


def json_bytes(document: Any, *, sort_keys: bool = False) -> bytes:
    """Compact UTF-8 JSON; with ``sort_keys`` its bytes do not depend on the order of keys."""
    return json.dumps(document, ensure_ascii=False, sort_keys=sort_keys, separators=(",", ":")).encode()


def write_folder(folder: Path, contents: Contents) -> str:
    """Write every file into the new ``folder`` and flush them to disk; returns the manifest's SHA-256.

    An array under several names is written once and linked.
    """
    folder.mkdir(parents=True)
    written: dict[int, Path] = {}
    for name, array in contents.arrays.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if id(array) in written:
            os.link(written[id(array)], path)
        else:
            _save(path, array)
            written[id(array)] = path
    with pa.OSFile(str(folder / TEXTS), "wb") as sink, pa.ipc.new_file(sink, contents.texts.schema) as writer:
        writer.write_batch(contents.texts)
    manifest = json_bytes(contents.manifest)
    (folder / MANIFEST).write_bytes(manifest)
    for path in (*written.values(), folder / TEXTS, folder / MANIFEST):
        _flush(path)
    for path in (*(sub for sub in sorted(folder.iterdir()) if sub.is_dir()), folder):
        sync_folder(path)
    return sha256(manifest).hexdigest()


def _save(path: Path, array: NDArray[Any]) -> None:
    """``numpy.save``, but a full disk is an ``OSError`` with its number, not a count of items."""
    header = np.lib.format.header_data_from_array_1_0(array)
    body = array.T if header["fortran_order"] else array
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(np.ascontiguousarray(body).reshape(-1).view(np.uint8).data)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
