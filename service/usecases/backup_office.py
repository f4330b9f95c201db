"""An office as one file, made while it works, and an office made of such a file, checked before it is used."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.errors import RefusedInput
from service.audit.journal import verify
from service.database_copy import check_integrity, copy_database, return_database
from service.office import DATABASE, Office
from service.records.lake import sync_folder
from service.web.encode import encode

_FORMAT = "rongqiao-backup/1"
_MANIFEST = "MANIFEST.json"
#: Unfinished things and locks are no part of an office; the database travels as a copy.
_LEFT_OUT = frozenset({"work", DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"})


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds, or what was restored."""

    file: Path
    files: int
    bytes: int
    audit_entries: int
    made_at: str


def backup_office(office: Office, target: Path, now: datetime) -> BackupReport:
    """Write the whole office into the new file ``target`` (tar) while others go on working.

    The database is copied first: every file it speaks of was complete before its row was committed and never changes,
    so the files copied afterwards are all there. The file appears under its name only when it is whole and on disk.
    ``RefusedInput`` when ``target`` exists.
    """
    if target.exists():
        raise _refused("file", target, "A backup does not overwrite a file.", "Name a new file.")
    if not target.parent.is_dir():
        raise _refused("file", target, "There is no such folder.", "Create it first, or name another.")
    unfinished = target.with_name(f".{target.name}.part")
    manifest: dict[str, Any] = {"format": _FORMAT, "version": version("rongqiao"), "made_at": now.isoformat()}
    # Before the copy: it may hold more entries than this, never fewer.
    manifest["audit_entries"] = verify(office).entries
    try:
        with _scratch(office.work) as scratch, unfinished.open("wb") as raw:
            os.fchmod(raw.fileno(), 0o600)
            database = copy_database(office.store, scratch)
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT, dereference=True) as tar:
                files = {database.name: _add(tar, database, database.name)}
                for path in _files(office.home):
                    name = f"home/{path.relative_to(office.home).as_posix()}"
                    files[name] = _add(tar, path, name)
                manifest["files"] = files
                body = encode(manifest, indent=True)
                entry = tarfile.TarInfo(_MANIFEST)
                entry.size, entry.mode = len(body), 0o600
                tar.addfile(entry, io.BytesIO(body))
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.rename(target)
        try:
            sync_folder(target.parent)
        except OSError:
            # Its name may not outlast the power: no backup was made, and the next one may have this name.
            target.unlink(missing_ok=True)
            raise
    finally:
        unfinished.unlink(missing_ok=True)
    return _report(target, manifest)


def restore_office(source: Path, home: Path, database_url: str = "") -> BackupReport:
    """Make the office of the folder ``home``, which must not exist or be empty, from a backup.

    Everything is unpacked beside it, held against the manifest by size and SHA-256, the database and the audit chain
    are checked, and only then the folder gets its name. ``RefusedInput`` names the first thing that is not as it was.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise _refused("home", home, "An office is restored into an empty folder.", "Name another folder.")
    unfinished = home.with_name(f".{home.name}.restoring")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        manifest = _unpack(source, unfinished)
        copy = next(unfinished / name for name in manifest["files"] if not name.startswith("home/"))
        inside = unfinished / "home"
        inside.mkdir(exist_ok=True)
        url = return_database(copy, database_url, inside / DATABASE)
        restored = Office.open(inside, url)
        try:
            check_integrity(restored.store)
            found = verify(restored)
        finally:
            restored.close()
        if found.broken or found.entries < manifest["audit_entries"]:
            fault = found.broken.fault if found.broken else f"{found.entries} of {manifest['audit_entries']} entries"
            raise _refused("audit", source, f"The journal in the backup is not whole: {fault}.", "Use another backup.")
        _flush(inside)
        if home.exists():
            home.rmdir()
        inside.rename(home)
        sync_folder(home.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return _report(source, manifest)


def _flush(folder: Path) -> None:
    """Put every file and folder of a restored office on disk before it gets its name."""
    for path in (*folder.rglob("*"), folder):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _unpack(source: Path, folder: Path) -> dict[str, Any]:
    """Unpack ``source``, and answer with its manifest once every member is what the manifest says."""
    try:
        with tarfile.open(source, mode="r:") as tar:
            tar.extractall(folder, filter="data")
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_bytes())
        files = dict(manifest["files"])
    except (tarfile.TarError, OSError, ValueError, KeyError) as problem:
        reason = problem.__class__.__name__
        raise _refused("file", source, f"This is no whole backup ({reason}).", "Use another backup.") from None
    if manifest.get("format") != _FORMAT:
        raise _refused("format", manifest.get("format"), "This version cannot read it.", f"Expected {_FORMAT}.")
    unpacked = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {_MANIFEST}
    if odd := sorted(unpacked ^ set(files)):
        raise _refused("files", odd[0], "The backup and its manifest differ in this file.", "Use another backup.")
    for name, expected in files.items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected["sha256"]:
                raise _refused("files", name, "The content is not what was backed up.", "Use another backup.")
    return manifest


def _files(home: Path) -> Iterator[Path]:
    for top in sorted(home.iterdir()):
        if top.name in _LEFT_OUT or top.name.startswith("."):
            continue
        yield from sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else (top,)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> dict[str, Any]:
    """Put one file into the tar, and what it was by size and digest."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        entry = tar.gettarinfo(name, name, file)
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        tar.addfile(entry, file)
    return {"sha256": digest, "size": entry.size}


@contextmanager
def _scratch(work: Path) -> Iterator[Path]:
    folder = work / "backup"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _report(file: Path, manifest: dict[str, Any]) -> BackupReport:
    files = manifest["files"].values()
    size = sum(entry["size"] for entry in files)
    return BackupReport(file, len(files), size, manifest["audit_entries"], manifest["made_at"])


def _refused(field: str, value: object, rule: str, fix: str) -> RefusedInput:
    return RefusedInput("bad_backup", field, str(value), rule, fix)
