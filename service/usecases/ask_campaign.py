"""A campaign asked for over HTTP: a small one is drawn up at once, a larger one by a job."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from matching.rulefile import RuleFile
from service.access.auth import Caller
from service.answers.job import job_answer
from service.books.seedbook import rule_set
from service.cases.parties import content_digest
from service.clock import day_of
from service.jobs.queue import Asked, enqueue
from service.market.campaign_market import pairs_at_most
from service.market.campaign_rows import inputs_of
from service.market.campaign_spec import CampaignSpec
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.ask_export import kept_caller
from service.usecases.draw_up_campaign import DrawnUp, draw_up_campaign

#: The kind of the job, as :mod:`service.market.campaign_job` registers it.
JOB = "campaign"


@cache
def pairs_at_once() -> int:
    """How many pairs a request waits for, from ``seed/campaigns.yaml``."""
    file = RuleFile.of(rule_set().document("campaigns.yaml"), ("pairs_at_once",), ("pairs_at_once",))
    return file.whole("pairs_at_once", 0, 1_000_000)


def ask_campaign(
    office: Office, snapshot: OpenSnapshot, caller: Caller, spec: CampaignSpec, now: datetime, request_id: str
) -> DrawnUp | dict[str, Any]:
    """The version drawn up, or the job that draws it up, as it stands.

    Asked again by the same person while the job waits or runs, it is the same job: its key is over everything the list
    is made from and the campaign's newest version.
    """
    if pairs_at_most(spec, snapshot) <= pairs_at_once():
        return draw_up_campaign(office, snapshot, caller, spec, now, request_id)
    arguments = {"spec": spec.as_data(), "caller": kept_caller(caller), "request_id": request_id}
    with office.write() as session:
        made_from = inputs_of(session, spec, day_of(now)).as_data() | {"snapshot": snapshot.id}
        key = f"{JOB} {content_digest({**made_from, 'spec': arguments['spec'], 'caller': arguments['caller']})}"
        asked = Asked(
            JOB, key, arguments, caller.client_id, caller.role.value, caller.tenant, request_id=request_id
        )  # fmt: skip
        return job_answer(enqueue(session, asked, now))
