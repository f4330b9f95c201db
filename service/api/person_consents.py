"""Consents of persons to be evaluated through the firm they lead: the words, recording, listing, withdrawing."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action, Caller, Role
from service.access.reading import Access
from service.api.guard import reads_firm, requires
from service.api.inputs import Body, Cursor, Limit, Uscc
from service.api.paging import page_answer
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_trust import PersonConsentAnswer, PersonTextAnswer
from service.asking import asked_day
from service.usecases.person_consent import (
    PersonSigned,
    consent_words,
    list_person_consents,
    record_person_consent,
    withdraw_person_consent,
)
from service.web.encode import answered

routes = router("consents")
Person = Annotated[str, Query(max_length=120, description="The legal representative's name", examples=["示例"])]
SignedOn = Annotated[str, Query(max_length=10, description="Day it is or was signed (YYYY-MM-DD)")]


class PersonConsentBody(Body):
    """What the office holds on paper."""

    person: str = Field(max_length=120, description="The legal representative's name")
    given_on: str = Field(max_length=10, description="Day it was signed (YYYY-MM-DD)")
    text_sha256: str = Field(max_length=64, description="Names the text that was signed")
    document: str = Field(max_length=200, description="Where the signed paper is kept")


@routes.get(
    "/firms/{uscc}/person-consents/text",
    summary="The words of a person's consent",
    responses={200: {"model": PersonTextAnswer}},
)
async def read_text(
    caller: Annotated[Caller, requires(Action.RECORD_PERSON_CONSENT)],
    desk: DeskDep,
    uscc: Uscc,
    person: Person,
    given_on: SignedOn,
) -> Response:
    """What the person who leads the firm signs, in both languages, with the digest that names these very words."""
    return answered(consent_words(desk.shelf.current(), uscc, person, asked_day(given_on, "given_on")))


@routes.post(
    "/firms/{uscc}/person-consents",
    status_code=201,
    summary="Record a person's consent",
    responses={201: {"model": PersonConsentAnswer}},
)
async def record_consent(
    caller: Annotated[Caller, requires(Action.RECORD_PERSON_CONSENT)],
    desk: DeskDep,
    uscc: Uscc,
    body: PersonConsentBody,
) -> Response:
    """From the next build on the person may be evaluated; for the office alone. Recorded twice, it is one consent."""
    signed = PersonSigned(uscc, body.person, asked_day(body.given_on, "given_on"), body.text_sha256, body.document)
    made = await run_in_threadpool(
        record_person_consent, desk.office, desk.shelf.current(), signed, caller.client_id, desk.now()
    )
    return answered(made, 201)


@routes.get(
    "/firms/{uscc}/person-consents",
    summary="Consents of the persons who lead a firm",
    responses={200: {"model": Page[PersonConsentAnswer]}},
)
async def read_consents(
    access: Annotated[Access, reads_firm(Action.READ_PERSON_CONSENTS)],
    desk: DeskDep,
    uscc: Uscc,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Response:
    """Every consent recorded for the firm, withdrawn ones too, the newest first."""
    desk.shelf.current().row_of(uscc)
    found = await run_in_threadpool(list_person_consents, desk.office, uscc)
    return page_answer(found, cursor, limit)


@routes.post(
    "/person-consents/{consent_id}/withdrawal",
    summary="Withdraw a person's consent",
    responses={200: {"model": PersonConsentAnswer}},
)
async def withdraw(
    caller: Annotated[Caller, requires(Action.WITHDRAW_PERSON_CONSENT)],
    desk: DeskDep,
    consent_id: Annotated[str, Path(max_length=40)],
) -> Response:
    """At once: nothing computed under it is shown any more, and the next build computes nothing. By the office, or by
    the firm itself. Withdrawing twice changes nothing.
    """
    firm = caller.tenant if caller.role is Role.FIRM else ""
    return answered(
        await run_in_threadpool(withdraw_person_consent, desk.office, consent_id, caller.client_id, desk.now(), firm)
    )
