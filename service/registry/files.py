"""The files of a registered model: written once, hashed, signed, and checked before anything in them is read.

| file | holds |
|---|---|
| `scorecard.json`, `challenger.json` | the artefacts, as trained; the second only where there is one |
| `card.json`, `card.md` | the model card, for programs and for people |
| `manifest.json` | format, id, name, catalogue version, SHA-256 and length of each file |
| `signature.json` | algorithm, key id and signature over the manifest |
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from models.errors import RefusedInput
from service.office import Office
from service.records.lake import sync_folder
from service.registry.bundle import CARD, CHALLENGER, SCORECARD, ModelBundle
from service.registry.keys import PublicKey, Signer
from service.registry.model_card import card_page
from service.snapshot.folder import json_bytes

FORMAT = "rongqiao.model/1"
MANIFEST, SIGNATURE, CARD_PAGE = "manifest.json", "signature.json", "card.md"
#: Says what is signed, so that a signature over something else is never taken for one over a manifest.
_SIGNED = b"rongqiao model manifest\n"


@dataclass(frozen=True)
class Sealed:
    """A model's folder whose signature and hashes held. ``files`` are the bytes that were hashed."""

    id: str
    name: str
    catalogue_version: str
    files: Mapping[str, bytes]


def folder_of(office: Office, model_id: str) -> Path:
    """Where the files of a model are."""
    return office.home / "models" / model_id


def contents_of(bundle: ModelBundle) -> dict[str, bytes]:
    """Every file of the bundle but manifest and signature."""
    card = {**bundle.card, "name": bundle.name, "catalogue_version": bundle.catalogue_version}
    files = {SCORECARD: bundle.scorecard, CARD: json_bytes(card, sort_keys=True), CARD_PAGE: card_page(card).encode()}
    return files if bundle.challenger is None else {**files, CHALLENGER: bundle.challenger}


def manifest_of(bundle: ModelBundle, files: Mapping[str, bytes]) -> bytes:
    """The manifest as canonical JSON: equal bundles have equal bytes."""
    return json_bytes(
        {
            "format": FORMAT,
            "id": bundle.id,
            "name": bundle.name,
            "catalogue_version": bundle.catalogue_version,
            "files": {name: {"sha256": sha256(body).hexdigest(), "bytes": len(body)} for name, body in files.items()},
        },
        sort_keys=True,
    )


def write_model(office: Office, bundle: ModelBundle, signer: Signer) -> str:
    """Write and sign the bundle's folder, whole or not at all; the manifest's SHA-256.

    A folder of that id which is there already is one that a killed process left without its row; it is replaced.
    The caller holds the registry's lock.
    """
    files = contents_of(bundle)
    manifest = manifest_of(bundle, files)
    signature = {
        "algorithm": signer.algorithm,
        "key_id": signer.key_id,
        "signature": signer.sign(_SIGNED + manifest),
    }
    files |= {MANIFEST: manifest, SIGNATURE: json_bytes(signature, sort_keys=True)}
    unfinished = office.work / f"model-{secrets.token_hex(8)}"
    for left in office.work.glob("model-*"):
        shutil.rmtree(left)
    unfinished.mkdir()
    for name, body in files.items():
        with os.fdopen(os.open(unfinished / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(unfinished)
    folder = folder_of(office, bundle.id)
    folder.parent.mkdir(exist_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(unfinished, folder)
    sync_folder(folder.parent)
    return sha256(manifest).hexdigest()


def read_sealed(
    office: Office, model_id: str, manifest_sha256: str, keys: Mapping[str, PublicKey], *, with_format: str = FORMAT
) -> Sealed:
    """The model's files, once signature and hashes hold. Nothing but the manifest is parsed before.

    ``RefusedInput`` names the file that is not what was registered: missing, another manifest, a key or an algorithm
    the office does not know, a signature that does not hold, a changed byte, a format this version does not read.
    """
    folder = folder_of(office, model_id)
    manifest = _read(folder, MANIFEST)
    if sha256(manifest).hexdigest() != manifest_sha256:
        raise changed_model(MANIFEST, model_id, "It is not the manifest that was registered.")
    signature = _document(folder, SIGNATURE)
    key = keys.get(str(signature.get("key_id")))
    if key is None or key.algorithm != signature.get("algorithm"):
        raise changed_model(SIGNATURE, model_id, "It was not made with a key of this office.")
    if not key.verifies(_SIGNED + manifest, str(signature.get("signature"))):
        raise changed_model(SIGNATURE, model_id, "It does not hold for the manifest.")
    said = orjson.loads(manifest)
    if said["format"] != with_format:
        raise RefusedInput(
            "model_format", "format", said["format"], f"This version reads {with_format}.",
            "Train and register the model again.", status=409,
        )  # fmt: skip
    files: dict[str, bytes] = {}
    for name, entry in said["files"].items():
        files[name] = _read(folder, name)
        if len(files[name]) != entry["bytes"] or sha256(files[name]).hexdigest() != entry["sha256"]:
            raise changed_model(name, model_id, "Its bytes are not those that were signed.")
    return Sealed(said["id"], said["name"], said["catalogue_version"], files)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as problem:
        raise changed_model(name, folder.name, f"It cannot be read: {problem.strerror}.") from None


def _document(folder: Path, name: str) -> Mapping[str, Any]:
    try:
        document = orjson.loads(_read(folder, name))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise changed_model(name, folder.name, "It is no JSON object.")
    return document


def changed_model(file: str, model_id: str, rule: str) -> RefusedInput:
    """The refusal of a model whose ``file`` is not what was registered."""
    fix = f"Restore models/{model_id} from a backup, or roll back."
    return RefusedInput("changed_model", f"models/{model_id}/{file}", model_id, rule, fix, status=409)
