"""Finds a data set by id or path and reads it as text, with the description that says what its columns are."""

from __future__ import annotations

import difflib
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from pandas import DataFrame

from models.errors import NotFound, RefusedInput
from models.uscc import check_uscc
from scoring.validation import Description, Notice, parse_description
from seed.city.codes import INVENTED_BLOCK
from service.books.documents import read_yaml
from service.books.seedbook import SEED
from service.files.reading import open_rows

FOLDER = "datasets"
_PACKED = (".xz", ".gz", ".bz2", ".zst", ".zip")


def shipped() -> dict[str, Description]:
    """The descriptions that come with the product, by id."""
    found = {}
    for path in sorted((SEED / FOLDER).glob("*.yaml")):
        described = parse_description(read_yaml(path, SEED))
        found[described.id] = described
    return found


def find(
    asked: str, *, target: str = "", bad: str = "", describe: Path | None = None
) -> tuple[Description, Path | None]:
    """The description of what was asked for and, for a file of the caller's own, its path.

    ``asked`` is the id of a shipped description or the path of a file; beside a file ``<name>.yaml`` describes it
    unless ``describe`` names another. ``target`` and ``bad`` win over the description. Raises ``NotFound`` with the
    ids that come near, and ``DataFileError`` for a faulty description.
    """
    path = Path(asked)
    if path.is_file():
        beside = describe or path.with_name(_stem(path) + ".yaml")
        known = beside.is_file() or describe is not None
        described = parse_description(read_yaml(beside), path.name) if known else Description(path.name)
        own: Path | None = path
    else:
        described, own = _shipped(asked), None
        if describe is not None:
            described = parse_description(read_yaml(describe), asked)
    if target and target != described.target:
        described = replace(described, target=target, bad=bad)
    elif bad:
        described = replace(described, bad=bad)
    return described, own


def _stem(path: Path) -> str:
    name = path.name
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return Path(name).stem


def _shipped(asked: str) -> Description:
    every = shipped()
    if asked in every:
        return every[asked]
    near = difflib.get_close_matches(asked, every, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise NotFound(
        "dataset",
        asked,
        "It is neither a file nor the id of a shipped description.",
        f"{hint}There are {', '.join(every)}; or name a CSV file.",
        code="unknown_dataset",
    )


def read(described: Description, own: Path | None, data: Path) -> tuple[DataFrame, tuple[Notice, ...]]:
    """The table of a description as text, and what must be said of the reading. ``data`` holds the shipped sets' files.

    ``RefusedInput`` for a file that is absent, unreadable or empty, and for labels that were invented.
    """
    path = own or data / described.file
    if not path.is_file():
        raise RefusedInput(
            "data_absent",
            "dataset",
            described.id,
            f"Its file {path} is not there; published data are no part of the project.",
            "Set RONGQIAO_DATA to the folder that holds it.",
        )
    with tempfile.TemporaryDirectory() as folder:
        table, spoiled = _read(path, Path(folder))
    return table, (Notice("spoiled_rows", "", str(spoiled)),) if spoiled else ()


def _read(path: Path, work: Path) -> tuple[DataFrame, int]:
    reading = open_rows(path, work)
    twice = {name for name in reading.header if reading.header.count(name) > 1}
    if twice:
        raise RefusedInput(
            "repeated_column", "file", path.name, f"Two columns are called {sorted(twice)[0]!r}.", "Rename one."
        )
    parts, spoiled = [], 0
    for chunk in reading.chunks:
        spoiled += len(chunk.spoiled)
        parts.append(pa.table({name: _text(column) for name, column in chunk.columns.items()}))
    if not parts:
        return DataFrame(columns=list(reading.header)), spoiled
    return pa.concat_tables(parts, promote_options="default").to_pandas().fillna(""), spoiled


def _text(column: pa.Array) -> pa.Array:
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def refuse_invented(table: DataFrame) -> None:
    """Credit codes of the demo city carry a block that no registrar issues; their outcomes were drawn, not observed."""
    for name in table.columns:
        codes = table[name].head(200)
        if len(codes) and codes.str[8:10].eq(INVENTED_BLOCK).all() and all(check_uscc(code).valid for code in codes):
            raise invented_labels(str(name), str(codes.iloc[0]))


def invented_labels(field: str, value: str) -> RefusedInput:
    """The refusal of labels that a generator drew."""
    return RefusedInput(
        "synthetic_labels",
        field,
        value,
        "These are invented firms. Their outcomes were drawn by a generator, and no accuracy follows from them.",
        "Validate on observed outcomes.",
    )
