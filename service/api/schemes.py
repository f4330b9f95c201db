"""Schemes and dated parameters."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from starlette.background import BackgroundTask
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.answers.rules import parameter_answer, scheme_answer
from service.api.guard import requires
from service.api.inputs import AppliedOn, AsOf, Body, Cursor, Limit, On
from service.api.paging import page_of, paged
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_card import CardShape
from service.api.shapes_rules import ParameterShape, SchemeResultShape, SchemeShape
from service.books.rulebook import offers, parameters
from service.desk import Desk
from service.usecases.ask_scheme import ask_scheme
from service.usecases.count_usage import Usage, count_usage
from service.usecases.scheme_card import scheme_card
from service.web.encode import answered
from service.web.idempotency import unkeyed

routes = router("schemes")
_EXAMPLE: JsonDict = {
    "as_of": "2024-10-31",
    "facts": {
        "size_class": "small",
        "loan_first": True,
        "loan_lender_kind": "bank",
        "loan_amount_yuan": "3000000",
        "loan_annual_rate": "0.0435",
        "loan_contract_on": "2024-06-18",
        "loan_term_months": 12,
    },
}


class SchemeQuestion(Body):
    """The facts of a firm and a loan. What is left out is unknown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    facts: dict[str, Any] = Field(
        description="Fact id to value: amounts as text in yuan, dates ISO, rates as fractions"
    )
    as_of: AsOf = Field(default=None, description="The day asked about; default today")


@routes.get("/schemes", summary="Public support schemes", responses={200: {"model": Page[SchemeShape]}})
async def list_schemes(
    caller: Annotated[Caller, requires(Action.READ_SCHEMES)], cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """Interest subsidies, guarantees and re-guarantees, each with its clause and our readings of its gaps."""
    schemes = offers().schemes
    page, following = page_of(list(schemes.values()), list(schemes), cursor, limit)
    return answered(paged([scheme_answer(scheme) for scheme in page], following))


@routes.post(
    "/schemes/{scheme_id}/evaluate",
    summary="Ask one scheme",
    responses={200: {"model": SchemeResultShape}},
    openapi_extra=unkeyed("It asks and changes nothing"),
)
async def evaluate(
    caller: Annotated[Caller, requires(Action.READ_SCHEMES)],
    desk: DeskDep,
    question: SchemeQuestion,
    scheme_id: Annotated[str, Path(max_length=120, examples=["sy-first-loan-subsidy-2024"])],
) -> Response:
    """The verdict (met, unmet, unknown, expired, not_yet), every finding, and the benefit in yuan with its steps.

    The facts are the caller's, not a firm's profile, and are not stored; that the scheme was tried is counted.
    """
    answer = ask_scheme(scheme_id, question.facts, question.as_of or desk.today())
    return _counted(desk, answer, Usage.SELF_TESTED, scheme_id)


@routes.get("/schemes/{scheme_id}/card", summary="The policy card of a scheme", responses={200: {"model": CardShape}})
async def read_card(
    caller: Annotated[Caller, requires(Action.READ_SCHEMES)],
    desk: DeskDep,
    scheme_id: Annotated[str, Path(max_length=120, examples=["sy-first-loan-subsidy-2024"])],
    as_of: AsOf = None,
    applied_on: AppliedOn = None,
) -> Response:
    """For whom, conditions in words, how and where it is granted, documents, dates, edition, service class and clocks.

    Clocks run in working days; with `applied_on` each says when it ends and whether that is confirmed.
    """
    return _counted(desk, scheme_card(scheme_id, as_of or desk.today(), applied_on), Usage.SEEN, scheme_id)


def _counted(desk: Desk, answer: dict[str, Any], kind: Usage, scheme_id: str) -> Response:
    """The answer, and the event counted after it was sent: counting makes nobody wait."""
    response = answered(answer)
    response.background = BackgroundTask(count_usage, desk.office, desk.today(), kind, scheme_id)
    return response


@routes.get("/parameters/{parameter_id}", summary="A dated number", responses={200: {"model": ParameterShape}})
async def read_parameter(
    caller: Annotated[Caller, requires(Action.READ_SCHEMES)],
    desk: DeskDep,
    parameter_id: Annotated[str, Path(max_length=120, examples=["lpr_1y"])],
    on: On = None,
) -> Response:
    """The value on a day, its source, and how far it is confirmed.

    A day beyond the last confirmed one is answered with the last confirmed value, and says so.
    """
    value = parameters().on(parameter_id, on or desk.today())
    parameter = parameters()[parameter_id]
    return answered(parameter_answer(value, parameter.zh, parameter.en))
