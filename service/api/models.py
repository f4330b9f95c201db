"""Registered models: what is there, its history, and the second signature."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.access.auth import Action, Caller
from service.answers.models import model_answer, models_answer
from service.api.guard import requires
from service.api.inputs import Body
from service.api.route import DeskDep, router
from service.api.shapes import Page
from service.api.shapes_models import ModelDetail, ModelShape
from service.usecases.approve_model import approve_model
from service.web.encode import answered

routes = router("models")
ModelId = Annotated[str, Path(max_length=20, description="Id of a registered model")]


class Approval(Body):
    """Why the model may be used."""

    reason: str = Field(min_length=1, max_length=2000)


@routes.get("/models", summary="Registered models", responses={200: {"model": Page[ModelShape]}})
async def list_models(caller: Annotated[Caller, requires(Action.READ_MODELS)], desk: DeskDep) -> Response:
    """Every model that was ever registered, the newest first."""
    return answered(await run_in_threadpool(models_answer, desk.office))


@routes.get("/models/{model_id}", summary="One model", responses={200: {"model": ModelDetail}})
async def read_model(
    caller: Annotated[Caller, requires(Action.READ_MODELS)], desk: DeskDep, model_id: ModelId
) -> Response:
    """Status, card, gates and signed history. A model whose files were changed is shown with its fault."""
    return answered(await run_in_threadpool(model_answer, desk.office, model_id))


@routes.post("/models/{model_id}/approval", summary="Approve a model", responses={200: {"model": ModelDetail}})
async def approve(
    caller: Annotated[Caller, requires(Action.APPROVE_MODEL)], desk: DeskDep, model_id: ModelId, approval: Approval
) -> Response:
    """The second signature: by an approver who did not register the model. Nothing overrides a failed gate."""
    await run_in_threadpool(approve_model, desk.office, model_id, caller.client_id, approval.reason, desk.now())
    return answered(await run_in_threadpool(model_answer, desk.office, model_id))
