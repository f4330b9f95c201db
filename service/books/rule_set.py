"""A rule set: every data file an answer may rest on, held as read, and named by the digest of its bytes.

Everything a process answers with is parsed from one reading of the files, so that the digest in a receipt is the digest
of the rules that answered, whatever happens to the files meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from service.books.documents import parse_yaml

#: Beside each rule file stand its cases, under the same name with this ending. No answer rests on them.
CASES = ".cases.yaml"
#: What of `seed/` holds no rules: invented cities and firms, descriptions of public data sets and problems.
_NOT_RULES = ("city/", "datasets/", "strategy/", "sandbox.yaml")


@dataclass(frozen=True)
class RuleSet:
    """``files``: content by path below the root (``schemes/shenyang/x.yaml``), in order of path."""

    files: Mapping[str, bytes]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every path and content."""
        digest = hashlib.sha256()
        for name, body in self.files.items():
            digest.update(f"{name}\0{len(body)}\0".encode())
            digest.update(body)
        return digest.hexdigest()

    def file_digests(self) -> dict[str, str]:
        """SHA-256 of each file by path."""
        return {name: hashlib.sha256(body).hexdigest() for name, body in self.files.items()}

    def document(self, name: str) -> Any:
        """One parsed file; ``DataFileError`` when it is missing or not well-formed."""
        return parse_yaml(self.files.get(name), name)

    def documents(self, folder: str) -> Iterator[Any]:
        """Every parsed file below ``folder``, in order of path."""
        return (self.document(name) for name in self.files if name.startswith(f"{folder}/"))


def read_rule_set(root: Path) -> RuleSet:
    """Every rule file below ``root`` as it is now."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*.yaml") if not path.name.endswith(CASES)}
    kept = sorted(name for name in found if not name.startswith(_NOT_RULES))
    return RuleSet({name: found[name].read_bytes() for name in kept})
