"""Reading the kinds that rest on a pot or on others' shares: equity, pool, pro-rata pot, guarantee."""

from __future__ import annotations

from decimal import Decimal

from matching.benefits.funds import ENDS, Equity, Layer, Pool, ProRataPot
from matching.benefits.guarantee import FeeTier, GuaranteeTerms
from matching.benefits.reader import Reader, optional_yuan
from matching.loans import LONGEST_MONTHS
from matching.parameters import parse_reference
from matching.rulefile import RuleFile
from models.errors import RefusedInput
from models.kinds import Kind


def equity(raw: RuleFile, reader: Reader) -> Equity:
    part = reader.known(raw, ("cap_yuan", "months_at_most", "return_cap"))
    names = ("parameter", "times", "plus", "on")
    cap = part.part("return_cap", names, ("parameter",))
    reader.ratio_parameter(cap, "parameter", cap.text("parameter"))
    if cap.has("on"):
        reader.day(cap, "on")
    said = {name: value for name, value in cap.raw.items() if name != "parameter"}
    try:
        reference = parse_reference({"param": cap.text("parameter"), **said})
    except RefusedInput as problem:
        raise cap.raw.wrong(problem.field, problem.rule, problem.fix) from None
    months = part.whole("months_at_most", 1, LONGEST_MONTHS)
    return Equity(part.yuan("cap_yuan"), months, reference, reader.clause(part))


def pool(raw: RuleFile, reader: Reader) -> Pool:
    part = reader.known(raw, ("multiple", "contribution", "waterfall"), ("pool", "pool_yuan", "lent"))
    paid_in = part.part("contribution", ("low", "high"), ("low", "high"))
    low, high = paid_in.decimal("low"), paid_in.decimal("high")
    if low > high:
        raise paid_in.raw.wrong("low", "The lower rate is not above the higher.", "Swap the two.")
    if part.has("pool") and part.has("pool_yuan"):
        raise part.raw.wrong("pool", "The pool is a fact or a sum, not both.", "Keep one of them.")
    pool = None
    if not part.has("pool_yuan"):
        pool = reader.fact(part, "pool", Kind.MONEY) if part.has("pool") else reader.facts["claim_pool_yuan"]
    return Pool(
        multiple=part.decimal("multiple", "0", "1000"),
        contribution_low=low,
        contribution_high=high,
        waterfall=_waterfall(part),
        cite=reader.clause(part),
        pool=pool,
        pool_yuan=optional_yuan(part, "pool_yuan"),
        lent=reader.fact(part, "lent", Kind.MONEY) if part.has("lent") else None,
    )


def _waterfall(part: RuleFile) -> tuple[Layer, ...]:
    """Bearers listed one after another make one layer as soon as their shares sum to one."""
    layers: list[Layer] = []
    shares: dict[str, Decimal] = {}
    ends: set[Decimal | str] = set()
    for entry in part.parts("waterfall", ("bearer", "share", "up_to"), ("bearer", "share")):
        if entry.text("bearer") in shares:
            raise entry.raw.wrong("bearer", "A bearer stands once in a layer.", "Join the two.")
        shares[entry.text("bearer")] = entry.decimal("share")
        if entry.has("up_to"):
            ends.add(str(entry.raw["up_to"]) if entry.raw["up_to"] in ENDS else entry.yuan("up_to"))
        total = sum(shares.values())
        if total > 1 or len(ends) > 1:
            rule = "Shares of one layer sum to 1 and end alike."
            raise entry.raw.wrong("share", rule, f"Correct them; up_to is yuan, {' or '.join(ENDS)}.")
        if total == 1:
            layers.append(Layer(shares, ends.pop() if ends else None))
            shares = {}
    if shares or not layers or layers[-1].up_to is not None:
        rule = "The last layer sums to 1 and has no end, so that every loss is borne."
        raise part.raw.wrong("waterfall", rule, "Complete it and drop its up_to.")
    if any(layer.up_to is None for layer in layers[:-1]):
        raise part.raw.wrong("waterfall", "Only the last layer has no end.", "Give the others an up_to.")
    return tuple(layers)


def pro_rata_pot(raw: RuleFile, reader: Reader) -> ProRataPot:
    part = reader.known(raw, ("pot_yuan", "by", "total"))
    by, total = reader.fact(part, "by", Kind.MONEY), reader.fact(part, "total", Kind.MONEY)
    return ProRataPot(part.yuan("pot_yuan"), by, total, reader.clause(part))


def guarantee(raw: RuleFile, reader: Reader) -> GuaranteeTerms:
    optional = ("fee_paid_by", "bank_share_at_least", "fee_relief", "compensation_caps", "beyond_caps")
    part = reader.known(raw, ("fee_tiers", "shares"), optional)
    tiers = []
    for tier in part.parts("fee_tiers", ("annual_rate", "below_yuan"), ("annual_rate",)):
        tiers.append(FeeTier(tier.decimal("annual_rate"), optional_yuan(tier, "below_yuan")))
    if not tiers or tiers[-1].below_yuan is not None:
        raise part.raw.wrong("fee_tiers", "The last tier is for every amount.", "End with one without below_yuan.")
    shares = _by_bearer(part, "shares")
    if sum(shares.values()) != 1:
        raise part.raw.wrong("shares", "Shares of a loss sum to 1.", "Correct one of them.")
    if part.has("bank_share_at_least") and shares.get("bank", Decimal(0)) < part.decimal("bank_share_at_least"):
        raise part.raw.wrong("shares", "The bank bears less than its least share.", "Raise `bank`.")
    caps, beyond = _by_bearer(part, "compensation_caps"), part.text("beyond_caps")
    if caps and (not set(caps) <= set(shares) or beyond not in shares or beyond in caps):
        rule = "A cap is on one who bears a share; what lies beyond falls to another of them, who has no cap."
        raise part.raw.wrong("compensation_caps", rule, "Name bearers of `shares`, and the other in beyond_caps.")
    if beyond and not caps:
        raise part.raw.wrong("beyond_caps", "Nothing lies beyond caps that are not there.", "Add compensation_caps.")
    return GuaranteeTerms(
        fee_tiers=tuple(tiers),
        shares=shares,
        cite=reader.clause(part),
        fee_paid_by=part.one_of("fee_paid_by", ("firm", "guarantor")) if part.has("fee_paid_by") else "firm",
        fee_relief=part.decimal("fee_relief") if part.has("fee_relief") else Decimal(0),
        compensation_caps=caps,
        beyond_caps=beyond,
    )


def _by_bearer(part: RuleFile, name: str) -> dict[str, Decimal]:
    if not part.has(name):
        return {}
    listed = part.part(name, part.raw[name])
    return {str(bearer): listed.decimal(str(bearer)) for bearer in listed.raw}
