"""Data files: every fault has a file and a line, nothing is guessed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from models.errors import DataFileError
from service.books.documents import read_yaml


def written(folder: Path, text: str) -> Path:
    path = folder / "x.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_mappings_know_their_lines(tmp_path: Path) -> None:
    document = read_yaml(written(tmp_path, "a: 1\nb:\n  c: 2\n  d: 3\n"), tmp_path)
    fault = document["b"].wrong("d", "No.", "Yes.")
    assert (fault.file, fault.line, fault.value) == ("x.yaml", 4, 3)
    assert str(fault).startswith("x.yaml:4: d: 3:")


def test_values_stay_what_is_written(tmp_path: Path) -> None:
    text = "rate: 0.0345\non: no\nyes: true\nday: 2024-02-29\nwhole: 12\n"
    assert read_yaml(written(tmp_path, text)) == {
        "rate": "0.0345",
        "on": "no",
        "yes": True,
        "day": date(2024, 2, 29),
        "whole": 12,
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3),
        ("a: 1\nday: 2024-02-30\n", 2),
        ("a: [1\nb: 2\n", 2),
        ("a: !!python/name:os.system\n", 1),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(DataFileError) as caught:
        read_yaml(written(tmp_path, text), tmp_path)
    assert (caught.value.file, caught.value.line) == ("x.yaml", line)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("名称: 融桥".encode("gb18030"))
    with pytest.raises(DataFileError, match="UTF-8"):
        read_yaml(path)
