"""Campaigns drawn up as jobs. A version is written in one transaction or not at all, and the same again is no second
one, so an attempt that was cut off, before or after, is simply made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.access.auth import Action, check_may
from service.jobs.kinds import JobKind, add_kind
from service.jobs.work import Work
from service.market.campaign_spec import read_spec
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.ask_campaign import JOB
from service.usecases.ask_export import stored_caller
from service.usecases.draw_up_campaign import draw_up_campaign


def run_campaign(office: Office, work: Work) -> Mapping[str, Any]:
    """Draw it up from the newest snapshot, in the name of whoever asked; the result names the version."""
    with office.read() as session:
        caller = stored_caller(session, work.arguments["caller"])
    check_may(caller, Action.DRAW_UP_CAMPAIGN)
    work.tell("drawing")
    spec, told = read_spec(work.arguments["spec"]), str(work.arguments["request_id"])
    made = draw_up_campaign(office, Shelf(office).built(), caller, spec, work.now(), told)
    return {"campaign_id": made.id, "version": made.version, "changed": made.changed}


add_kind(JobKind(JOB, run_campaign))
