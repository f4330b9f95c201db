"""A cost list as the bank drafts it, or as an options answer reckoned it, stored as a version to confirm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from matching.cost_document import CostDocument
from matching.needs import read_need
from matching.option_cost import cost_list_of_option
from matching.options import options
from matching.question import Case, ProductQuestion
from models.errors import NotFound, RefusedInput
from models.tables import CostListFile, CostListVersion
from service.access.auth import Action
from service.audit.journal import record
from service.audit.told import told
from service.books.receipts import asked_again, find_receipt, read_facts, rules_folder
from service.books.rule_set import read_rule_set
from service.books.rulebook import Rules, rules
from service.cases.cost_lists import list_id, read_list
from service.integration.changes import Kind, publish
from service.office import Office
from service.usecases.replay_receipt import replay_receipt


@dataclass(frozen=True)
class DrawnUp:
    """``changed`` is false when the current version says exactly this already: nothing was written."""

    id: str
    version: int
    changed: bool


def draw_up_cost_list(office: Office, document: CostDocument, by: str, now: datetime) -> DrawnUp:
    """Store ``document`` as the newest version of its list; confirmations of the version before are void.

    ``by`` is the client that drafts. ``RefusedInput`` (409, ``agreed``) once both sides have confirmed the list.
    """
    wanted = list_id(document.lender, document.uscc, document.reference)
    with office.write() as session:
        version = 1
        file = session.get(CostListFile, wanted, with_for_update=True)
        if file is None:
            session.add(
                CostListFile(
                    id=wanted, uscc=document.uscc, lender=document.lender, reference=document.reference, version=1
                )
            )
            session.flush()
        else:
            kept = read_list(session, wanted)
            if kept.current.content_sha256 == document.digest:
                return DrawnUp(wanted, file.version, False)
            if kept.confirmed.confirmed:
                raise RefusedInput(
                    "agreed",
                    "reference",
                    document.reference,
                    "Both sides have confirmed this list; it stays as it is.",
                    "Draw up another list under another reference.",
                    409,
                )
            version = file.version = file.version + 1
        session.add(
            CostListVersion(
                list_id=wanted,
                version=version,
                content_sha256=document.digest,
                content=document.text,
                drafted_at=now,
                drafted_by=by,
            )
        )
        for tenant in (document.uscc, document.lender):
            publish(session, tenant, Kind.COST_LIST_DRAFTED, wanted, now)
        said = {"version": version, "content_sha256": document.digest}
        record(session, told(Action.DRAFT_COST_LIST, now, document.uscc, wanted, detail=said))
    return DrawnUp(wanted, version, True)


def document_of_option(office: Office, receipt_id: str, option_id: str, reference: str) -> CostDocument:
    """The list of one product of an old options answer, reckoned from what its receipt keeps.

    ``NotFound`` without such a receipt or product; ``RefusedInput`` where the receipt is not what it was, or the
    option has no cost.
    """
    replayed = replay_receipt(office, receipt_id)
    if replayed.broken:
        raise RefusedInput(
            "not_replayable",
            replayed.broken.part,
            receipt_id,
            f"A part of this receipt is not what it was: {replayed.broken.said}.",
            "Ask for options again.",
            409,
        )
    receipt, facts = find_receipt(office, receipt_id)
    kept = receipt.rules_digest
    used = rules() if rules().files.digest == kept else Rules(read_rule_set(rules_folder(office.home, kept)))
    asked = asked_again(receipt, read_facts(facts))
    need = read_need(asked.need, used.facts, used.offers.schemes, asked.as_of)
    case, offers = Case(asked.firm, need, asked.as_of), used.local_offers
    product = offers.products.get(option_id)
    if product is None:
        rule = "This answer has no such product."
        raise NotFound("option", option_id, rule, "Name a product of the answer.", "unknown_option")
    found = options(case.firm, case.need, offers, used.parameters, case.as_of)
    option = next(each for each in found if each.id == option_id)
    question = ProductQuestion(product, offers, used.parameters)
    return CostDocument(
        reference=reference,
        uscc=asked.uscc,
        firm_name=str(asked.facts.get("firm_name") or ""),
        lender=product.lender.id,
        lender_name=product.lender.name,
        product_name=product.name,
        cost=cost_list_of_option(option, question, case),
        receipt=receipt_id,
        option=option_id,
    )
