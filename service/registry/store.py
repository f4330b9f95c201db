"""The registry of models: what may be registered, what is in force, and what is loaded. Every step is a signed event.

Files come first (``service/registry/files.py``), the rows that make them visible second, in one transaction. Nothing
in a model's folder is parsed before signature and hashes hold.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import ActiveModel, Client, ModelRow
from scoring.pd_error import ErrorBands, error_bands_of
from scoring.scorecard.card import Scorecard
from service.access.auth import Role
from service.clock import utc_now
from service.office import Office
from service.registry.bundle import CARD, CHALLENGER, SCORECARD, ModelBundle, catalogue_version
from service.registry.events import EventKind, add_event, approval, checked_events, line_of_champions
from service.registry.files import contents_of, manifest_of, read_sealed, write_model
from service.registry.keys import public_keys, signer_of

if TYPE_CHECKING:
    from scoring.challenger.trees import Trees

STAFF = (Role.OFFICE, Role.APPROVER)


@dataclass(frozen=True)
class LoadedModel:
    """A model that may score: its signature, hashes and catalogue were checked. ``error`` is its own, as the card tells
    it; ``None`` where the card tells none.
    """

    id: str
    name: str
    card: Mapping[str, Any]
    scorecard: Scorecard
    challenger: Trees | None
    error: ErrorBands | None

    @property
    def version(self) -> str:
        """Version of the plan it was trained by, as its card says; empty where it does not say."""
        plan = self.card.get("model")
        return str(plan.get("plan_version", "")) if isinstance(plan, Mapping) else ""


@dataclass(frozen=True)
class Serving:
    """The model that scores now. ``fault``: why the active one does not, and an earlier one or none serves instead."""

    active_id: str | None
    model: LoadedModel | None
    fault: RefusedInput | None


def register(
    office: Office, bundle: ModelBundle, registered_by: str, why: str = "", now: datetime | None = None
) -> ModelRow:
    """Keep the bundle for good: files written and signed, then the row and the events registered and documented.

    ``registered_by`` is the id of a client of the office (role office or approver). The same bundle again gives the
    row that is there. ``RefusedInput``: an artefact that is none, a model of another catalogue, one learned from
    invented firms in an office of real ones, no signing key, a person who may not, other files under the same
    scorecard.
    """
    scorecard, _ = _parsed(bundle.scorecard, bundle.challenger)
    check_catalogue(scorecard.items, bundle.catalogue_version, bundle.id)
    check_invented(office, bundle.card, bundle.id)
    error_bands_of(bundle.card)
    files = contents_of(bundle)
    manifest = manifest_of(bundle, files)
    with _registry_lock(office):
        with office.read() as session:
            check_person(session, "registered_by", registered_by, STAFF)
            row = session.get(ModelRow, bundle.id)
        if row is not None:
            if row.manifest_sha256 == sha256(manifest).hexdigest():
                return row
            raise RefusedInput(
                "model_exists", "model", bundle.id, "This scorecard is registered already, with other files beside it.",
                "Train again, or use the one that is there.", status=409,
            )  # fmt: skip
        signer, at = signer_of(office), now or utc_now()
        manifest_sha256 = write_model(office, bundle, signer)
        row = ModelRow(
            id=bundle.id, name=bundle.name, catalogue_version=bundle.catalogue_version, manifest_sha256=manifest_sha256,
            registered_by=registered_by, registered_at=at,
        )  # fmt: skip
        with office.write() as session:
            session.add(row)
            session.flush()
            add_event(session, signer, row.id, EventKind.REGISTERED, registered_by, at, why, {})
            card = {"card_sha256": sha256(files[CARD]).hexdigest()}
            add_event(session, signer, row.id, EventKind.DOCUMENTED, registered_by, at, "", card)
    return row


def load(office: Office, model_id: str) -> LoadedModel:
    """A registered model, checked before it is parsed. ``NotFound`` for an id that is none; ``RefusedInput`` (409)
    where a file, the signature, the format or the catalogue is not what it was.
    """
    with office.read() as session:
        row, keys = row_of(session, model_id), public_keys(session)
    sealed = read_sealed(office, row.id, row.manifest_sha256, keys)
    scorecard, challenger = _parsed(sealed.files[SCORECARD], sealed.files.get(CHALLENGER))
    check_catalogue(scorecard.items, sealed.catalogue_version, row.id)
    card = orjson.loads(sealed.files[CARD])
    check_invented(office, card, row.id)
    return LoadedModel(row.id, row.name, card, scorecard, challenger, error_bands_of(card))


def load_approved(office: Office, model_id: str) -> LoadedModel:
    """Like :func:`load`, for a model that is to score: refused (409) without a signed approval by a second person."""
    with office.read() as session:
        row = row_of(session, model_id)
        events = checked_events(session, [model_id], public_keys(session))
    if approval(row, events) is None:
        raise RefusedInput(
            "not_approved", "model", model_id, "No second person has approved this model since it was last withdrawn.",
            f"Ask an approver: `rongqiao model approve {model_id} --by NAME --reason …`.", status=409,
        )  # fmt: skip
    return load(office, model_id)


def load_active(office: Office, name: str) -> LoadedModel | None:
    """The model of that name in force; ``None`` without one. ``RefusedInput`` where it cannot be trusted."""
    active = active_id(office, name)
    return None if active is None else load_approved(office, active)


def serving(office: Office, name: str) -> Serving:
    """The model in force, or where it cannot be trusted the last earlier one that can; never raises for a bad model."""
    active = active_id(office, name)
    if active is None:
        return Serving(None, None, None)
    try:
        return Serving(active, load_approved(office, active), None)
    except RefusedInput as refused:
        return Serving(active, last_good(office, name, active), refused)


def last_good(office: Office, name: str, instead_of: str) -> LoadedModel | None:
    """The model of that name which was in force last before ``instead_of`` and can be trusted; ``None`` without one."""
    try:
        champions = champions_of(office, name)
    except RefusedInput:
        return None
    for model_id in reversed([each for each in champions if each != instead_of]):
        try:
            return load_approved(office, model_id)
        except RefusedInput:
            continue
    return None


def champions_of(office: Office, name: str) -> list[str]:
    """Ids of the models of that name that were in force and not withdrawn, the latest last."""
    with office.read() as session:
        ids = list(session.scalars(select(ModelRow.id).where(ModelRow.name == name)))
        return line_of_champions(checked_events(session, ids, public_keys(session)))


def active_id(office: Office, name: str) -> str | None:
    """Id of the model in force under that name."""
    with office.read() as session:
        row = session.get(ActiveModel, name)
        return None if row is None else row.model_id


def row_of(session: Session, model_id: str) -> ModelRow:
    """The row of a registered model; ``NotFound`` otherwise."""
    row = session.get(ModelRow, model_id)
    if row is None:
        raise NotFound(
            "model", model_id, "No such model is registered.", "List them: `rongqiao model list`.", "unknown_model"
        )
    return row


def check_person(session: Session, field: str, person: str, roles: Iterable[Role]) -> None:
    """Raise the 403 refusal unless ``person`` is a client of the office, in force, with one of ``roles``."""
    client = session.get(Client, person)
    if client is None or client.disabled_at is not None or client.role not in {role.value for role in roles}:
        raise RefusedInput(
            "person_may_not", field, person, "This person may not do this here.",
            f"It takes a client of the office with a role of: {', '.join(sorted(roles))}.", status=403,
        )  # fmt: skip


def check_reason(reason: str) -> str:
    """The reason without blanks around it; ``RefusedInput`` without one."""
    said = reason.strip()
    if not said or len(said) > 2000:
        raise RefusedInput("no_reason", "reason", reason, "Every step says why, in at most 2000 characters.", "Say it.")
    return said


def check_catalogue(items: Iterable[str], wanted: str, model_id: str) -> None:
    """Raise (409) where a fact the model reads does not mean what it meant in training."""
    try:
        here = catalogue_version(items)
    except RefusedInput as refused:
        raise _other_catalogue(model_id, f"It reads {refused.value}, which this catalogue does not have.") from None
    if here != wanted:
        raise _other_catalogue(model_id, "A fact it reads means something else in this catalogue.")


def check_invented(office: Office, card: Mapping[str, Any], model_id: str) -> None:
    """Raise (409) for a model whose card says that its firms were invented, unless the office is a demo city."""
    if card.get("synthetic") and not office.invented:
        raise RefusedInput(
            "synthetic_model", "synthetic", model_id,
            "This model learned from invented firms; it says nothing of real ones and scores in a demo city only.",
            "Train a model on the office's own records: `rongqiao train`.", status=409,
        )  # fmt: skip


def _other_catalogue(model_id: str, rule: str) -> RefusedInput:
    return RefusedInput(
        "other_catalogue", "catalogue_version", model_id, rule, "Train and register a model for this catalogue.",
        status=409,
    )  # fmt: skip


def _parsed(scorecard: bytes, challenger: bytes | None) -> tuple[Scorecard, Trees | None]:
    if challenger is None:
        return Scorecard.from_json(scorecard), None
    from scoring.challenger.trees import Trees

    return Scorecard.from_json(scorecard), Trees.from_json(challenger)


@contextmanager
def _registry_lock(office: Office) -> Iterator[None]:
    """One registration at a time; the system frees the lock when the process dies."""
    with (office.work / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
