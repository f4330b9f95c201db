"""Receipts of answers, and the evidence behind them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from models.tables import Receipt
from service.access.auth import Action, Caller, Role
from service.api.guard import requires
from service.api.route import DeskDep, router
from service.api.shapes_receipts import EvidenceShape, ReceiptShape
from service.books.receipts import find_receipt, unknown_receipt
from service.desk import Desk
from service.usecases.evidence_pack import evidence_pack, receipt_answer
from service.web.encode import answered

routes = router("receipts")
ReceiptId = Annotated[str, Path(max_length=64, description="receipt_id of an answer")]


@routes.get("/receipts/{receipt_id}", summary="One receipt", responses={200: {"model": ReceiptShape}})
async def read_receipt(
    caller: Annotated[Caller, requires(Action.READ_RECEIPT)], desk: DeskDep, receipt_id: ReceiptId
) -> Response:
    """What was asked, and the digests of the facts, the rules and the answer.

    The command `rongqiao replay` gives the answer again, byte for byte. A firm sees the receipts about itself.
    """
    return answered(receipt_answer(_own(desk, caller, receipt_id)))


@routes.get(
    "/receipts/{receipt_id}/evidence", summary="Evidence pack of a receipt", responses={200: {"model": EvidenceShape}}
)
async def read_evidence(
    caller: Annotated[Caller, requires(Action.READ_EVIDENCE)], desk: DeskDep, receipt_id: ReceiptId
) -> Response:
    """Inputs, every rule file, sources, steps, the answer and their hashes, signed by the office.

    Values of personal items are masked for staff; an answer that was given to the firm itself is the firm's to fetch.
    """
    _own(desk, caller, receipt_id)
    return answered(await run_in_threadpool(evidence_pack, desk.office, receipt_id, caller.role, desk.now()))


def _own(desk: Desk, caller: Caller, receipt_id: str) -> Receipt:
    receipt, _ = find_receipt(desk.office, receipt_id)
    if caller.role is Role.FIRM and receipt.subject != caller.tenant:
        raise unknown_receipt(receipt_id)
    return receipt
