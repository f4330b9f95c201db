"""Facts about the project itself: sizes, recipe, locks, documents that must not drift from the code."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench import acceptance

ROOT = Path(__file__).parent.parent
ROOMS = ("models", "scoring", "matching", "service", "seed", "bench", "tests")
PYTHON_FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_over_500_lines_and_most_are_short() -> None:
    sizes = sorted(lines(path) for path in PYTHON_FILES if path.name != "__init__.py")
    assert sizes[-1] <= 500, [str(path) for path in PYTHON_FILES if lines(path) > 500]
    assert sizes[len(sizes) // 2] <= 150
    assert sizes[int(len(sizes) * 0.9)] <= 350


def test_no_room_for_odds_and_ends() -> None:
    names = {path.stem for path in PYTHON_FILES}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"})


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_are_hashed_and_name_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"^[a-z0-9][\w.\-\[\]]*==", text, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > 30
    entries = re.split(r"\n(?=[a-zA-Z0-9])", text.strip())
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_dependency_is_locked_and_explained() -> None:
    explained = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    locked = (ROOT / "requirements-bench.lock").read_text(encoding="utf-8").lower()
    extras = PROJECT["project"]["optional-dependencies"]
    for requirement in [*PROJECT["project"]["dependencies"], *(r for name in extras for r in extras[name])]:
        name = re.match(r"[\w\-]+", requirement)[0].lower()  # type: ignore[index]
        assert name in explained, f"docs/dependencies.md does not say why {name} is here"
        # Two extras are added by an operator to a running office; the locks are of what all run, test and measure.
        if requirement not in (*extras["spark"], *extras["otel"]) or requirement in extras["dev"]:
            assert re.search(rf"^{re.escape(name)}(\[[^\]]*\])?==", locked, re.MULTILINE), f"{name} is not locked"


def test_each_path_and_command_of_the_dockerfile_exists() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    for line in copies:
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
    copied = {source for line in copies for source in line.split()[:-1]}
    assert {"models", "scoring", "matching", "seed", "service", "requirements.lock"} <= copied
    command = re.search(r'^CMD \["rongqiao", "(\w+)"', text, re.MULTILINE)
    assert command, "the last line starts the service"
    answer = subprocess.run(
        [sys.executable, "-m", "service.cli", command[1], "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    for option in re.findall(r'"(--[a-z\-]+)"', text.splitlines()[-1]):
        assert option in answer.stdout
    assert re.search(r"^USER (?!root)\w+", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert "apt-get" not in text, "the slim image gets no build tools"


def test_each_name_in_the_glossary_is_used() -> None:
    rows = re.findall(
        r"^\| (`.+?) \| (.+?) \| (.+?) \|$", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) > 40
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for room in ROOMS[:5]
        for pattern in ("*.py", "*.yaml")
        for path in (ROOT / room).rglob(pattern)
    )
    for cell, chinese, english in rows:
        assert chinese.strip(), cell
        assert english.strip(), cell
        for name in re.findall(r"[a-z_0-9]+", cell.split(":")[0]):
            assert re.search(rf"\b{name}s?\b", code, re.IGNORECASE), f"{name} is in the glossary, not in the code"


def test_every_make_target_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for readme in ("README.md", "README.zh-CN.md"):
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / readme).read_text(encoding="utf-8"), re.MULTILINE))
        assert {"demo", "test"} <= named
        assert named <= targets


def test_links_between_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_acceptance_page_is_current_and_its_tests_exist() -> None:
    assert (ROOT / "docs" / "acceptance.md").read_text(encoding="utf-8") == acceptance.render()
    for row in acceptance.rows():
        assert row["state"] in {"built", "part", "not yet"}
        assert bool(row["tests"]) == (row["state"] != "not yet"), row["ask"]["en"]
        for test in row["tests"]:
            assert (ROOT / test).exists(), test
