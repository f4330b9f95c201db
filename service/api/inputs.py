"""Types of what comes in over HTTP. Each refuses anything but the one spelling the contract names."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from service.asking import asked_code, asked_day

EXAMPLE_USCC = "91210100MA0UXYT71A"


class Body(BaseModel):
    """A JSON body: members that are not declared are refused, types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _day(field: str, meaning: str) -> Any:
    return Annotated[
        date | None,
        BeforeValidator(lambda value: None if value is None else asked_day(value, field)),
        WithJsonSchema({"type": "string", "format": "date", "description": meaning, "examples": ["2024-10-31"]}),
    ]


AsOf = _day("as_of", "The day asked about")
On = _day("on", "The day asked about; default today")
Since = _day("since", "The first day looked at; default a week back")
AppliedOn = _day("applied_on", "The day of an application, from which its clocks run")
ExpiresOn = _day("expires_on", "The last day an adjusted grade is shown")
CoversTo = _day("covers_to", "The day up to which the delivery is complete; default its last observed day")
Until = _day("until", "The day up to which promised and charged are compared; default today")
Uscc = Annotated[
    str, BeforeValidator(asked_code), Path(description="Unified social credit code", examples=[EXAMPLE_USCC])
]
Cursor = Annotated[str, Query(max_length=400, description="next_cursor of the page before; empty: the first page")]
Limit = Annotated[int, Query(ge=1, le=500, description="Most items of one page")]
#: What a caller that asks about many firms reads for; lenders must say it.
Purposed = Annotated[
    str | None,
    Header(alias="X-Purpose", max_length=40, description="pre_loan, in_loan, post_loan: lenders must say it; official"),
]
