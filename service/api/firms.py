"""One firm: summary, profile, evaluation, options."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action
from service.access.reading import Access
from service.api.guard import FirmGuard, XPurpose, reads_firm
from service.api.inputs import AsOf, Uscc
from service.api.route import DeskDep, desk_of, router
from service.api.shapes_firm import FirmAnswer, ProfileAnswer, ScoreAnswer
from service.api.shapes_options import OptionsAnswer
from service.usecases.firm_report import firm_profile, firm_score, firm_summary
from service.usecases.list_options import encoded_options, kept_options
from service.usecases.rests_on import RestsOn, rests_on
from service.web.encode import answered

routes = router("firms")
Opened = Annotated[Access, reads_firm(Action.READ_FIRM)]


class OptionsGuard(FirmGuard):
    """Opens a firm's file, and looks in the same transaction at what an answer about its options rests on."""

    async def __call__(  # type: ignore[override]  # the handler is told more
        self, request: Request, uscc: Uscc, x_purpose: XPurpose = None
    ) -> tuple[Access, RestsOn]:
        desk = desk_of(request)
        receipts, day = desk.kept.receipts_about(uscc), desk.today()

        def beside(session: Session) -> RestsOn:
            return rests_on(session, desk.office, uscc, day, receipts)

        return await self.opened(request, uscc, x_purpose, beside)


@routes.get("/firms/{uscc}", summary="One firm", responses={200: {"model": FirmAnswer}})
async def read_firm(access: Opened, desk: DeskDep, uscc: Uscc, as_of: AsOf = None) -> Response:
    """Registration, size class and evaluation in one screen, with the frozen result of the last quarter end.

    A firm sees itself, the office every firm. A lender is told that there is no such firm until the firm consents.
    """
    return answered(firm_summary(desk.shelf, desk.shelf.on(as_of), uscc, access.viewer, access.marks))


@routes.get("/firms/{uscc}/profile", summary="The 139 items of a firm", responses={200: {"model": ProfileAnswer}})
async def read_profile(access: Opened, desk: DeskDep, uscc: Uscc, as_of: AsOf = None) -> Response:
    """Every item with value, observed day, age, source and whether it is past its refresh period.

    Missing is null with known false, never zero. Values of personal items are masked for staff.
    """
    return answered(firm_profile(desk.shelf.on(as_of), uscc, access.viewer, access.marks))


@routes.get("/firms/{uscc}/score", summary="The evaluation of a firm", responses={200: {"model": ScoreAnswer}})
async def read_score(access: Opened, desk: DeskDep, uscc: Uscc, as_of: AsOf = None) -> Response:
    """Score, grade, range for missing items, standing among peers, and the lines that sum to the score exactly."""
    return answered(firm_score(desk.shelf, desk.shelf.on(as_of), uscc, access.viewer, access.marks))


@routes.get("/firms/{uscc}/options", summary="What financing fits a firm", responses={200: {"model": OptionsAnswer}})
async def read_options(
    opened: Annotated[tuple[Access, RestsOn], Depends(OptionsGuard(Action.READ_OPTIONS))],
    desk: DeskDep,
    uscc: Uscc,
    as_of: AsOf = None,
    amount_yuan: Annotated[
        str | None, Query(max_length=40, description="Amount wanted, yuan above zero", examples=["3000000"])
    ] = None,
    term_months: Annotated[int | None, Query(description="Term wanted, months", examples=[12])] = None,
    purpose: Annotated[
        str | None, Query(max_length=40, description="What the money is for", examples=["working_capital"])
    ] = None,
    security: Annotated[str | None, Query(max_length=40, description="What the firm can offer")] = None,
    enjoyed: Annotated[
        str | None,
        Query(
            max_length=4000,
            description="What the firm had before: SCHEME=DATE, SCHEME=DATE:YUAN or SCHEME=never, joined by commas",
            examples=["sy-building-awards-2024=2024-05-31:100000"],
        ),
    ] = None,
) -> Response:
    """Every product and scheme with status, findings, cost in yuan and as an all-in rate, and what is missing.

    Best first: eligible, unknown, near miss, not eligible. What the need leaves open is taken from each product's
    usual case, and `assumed` says so. Of a scheme that `enjoyed` does not name nothing is known: it stays as it is.
    Under a narrower consent the answer is made of what it covers, and `not_covered` says what would complete it.
    """
    need = {
        "amount_yuan": amount_yuan,
        "term_months": term_months,
        "purpose": purpose,
        "security": security,
        "enjoyed": None if enjoyed is None else enjoyed.split(","),
    }
    (access, rest), snapshot, until = opened, desk.shelf.on(as_of), as_of or desk.today()
    before = kept_options(desk.kept, rest, snapshot, uscc, need, access.viewer, access.marks, until)
    if before is not None:
        return answered(before)
    asked = (snapshot, uscc, need, access.viewer, desk.now(), access.marks, until)
    return answered(await run_in_threadpool(encoded_options, desk.kept, desk.office, *asked))
