"""Reads the data files of ``seed/``: YAML that remembers its lines, refuses repeated keys, and never runs code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from models.errors import DataFileError
from models.marked import MarkedDict

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _MarkedLoader(_Loader):  # type: ignore[misc, valid-type]
    """Safe loader whose mappings are ``MarkedDict``.

    Numbers with a point stay text, so that no digit is lost; only ``true`` and ``false`` are flags, so that a key
    called ``on`` or a code called ``no`` stays what it says.
    """


def _mapping(loader: Any, node: yaml.MappingNode) -> MarkedDict:
    loader.flatten_mapping(node)
    file = loader.rongqiao_file
    lines: dict[str, int] = {}
    made = MarkedDict(file=file, line=node.start_mark.line + 1, lines=lines)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if key in made:
            raise DataFileError(file, line, str(key), key, "A key stands once in a mapping.", "Remove or rename one.")
        lines[str(key)] = line
        made[key] = loader.construct_object(value_node, deep=True)
    return made


def _day(loader: Any, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        line = node.start_mark.line + 1
        raise DataFileError(
            loader.rongqiao_file, line, "date", node.value, "There is no such day.", "Write it like 2024-10-31."
        ) from None


_FLAGS = "tag:yaml.org,2002:bool"
_MarkedLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _FLAGS]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_MarkedLoader.add_implicit_resolver(_FLAGS, re.compile(r"^(?:true|false)$"), list("tf"))
_MarkedLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_MarkedLoader.add_constructor("tag:yaml.org,2002:timestamp", _day)
_MarkedLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: loader.construct_scalar(node))


def read_yaml(path: Path, root: Path | None = None) -> Any:
    """The content of one data file; it is called by its path below ``root`` in errors. See :func:`parse_yaml`."""
    name = str(path.relative_to(root)) if root else str(path)
    try:
        body = path.read_bytes()
    except OSError as problem:
        raise _unreadable(name, problem) from None
    return parse_yaml(body, name)


def parse_yaml(body: bytes | None, name: str) -> Any:
    """The content of a data file called ``name``; ``None`` stands for a file that is not there.

    Mappings are :class:`MarkedDict`; numbers with a decimal point arrive as text, for ``Decimal``.
    Raises ``DataFileError`` with file and line for anything that is not well-formed.
    """
    if body is None:
        raise _unreadable(name, "there is no such file")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise _unreadable(name, problem) from None
    loader = _MarkedLoader(text)
    loader.rongqiao_file = name
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 0
        raise DataFileError(
            name, line, "yaml", problem.problem, "The file is not well-formed YAML.", "Mend this line."
        ) from None
    except yaml.YAMLError as problem:
        raise _unreadable(name, problem) from None
    finally:
        loader.dispose()


def _unreadable(name: str, problem: object) -> DataFileError:
    return DataFileError(
        name, 0, "file", name.rpartition("/")[2], f"It cannot be read: {problem}.", "Check path and UTF-8."
    )
