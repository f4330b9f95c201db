"""A benefit on the terminal: what it gives, between which bounds, in which parts, and how often."""

from __future__ import annotations

from typing import Any

from service.cli.output import Out, money, percent


def show_benefit(out: Out, benefit: dict[str, Any], once: dict[str, Any] | None) -> None:
    """Amounts, parts, payments and steps; what a benefit of this kind does not have is left out."""
    t = out.t
    out.pairs([(name, said) for name, said in _amounts(out, benefit) if said])
    if benefit["parts"]:
        out.table(
            [t("benefit.part"), t("benefit.truth"), t("benefit.amount"), t("finding.cite")],
            [
                (t.name(part), t.word("truth", part["truth"]), money(part["amount_yuan"]), part["cite"])
                for part in benefit["parts"]
            ],
            numbers=(2,),
        )
    if once:
        out.pairs([(t("benefit.once"), f"{t.name(once)}: {t.word('truth', once['truth'])}  {once['cite']}")])
    for step in benefit["steps"]:
        out.line(f"  {t.name(step)}: {step['value']} {step['unit']}  {step['cite']}")


def gives_words(out: Out, benefit: dict[str, Any] | None) -> str:
    """What a scheme gives in a few words; empty where no yuan are known."""
    if benefit is None:
        return ""
    t = out.t
    if benefit["given"]:
        return t.name(benefit["given"])
    if benefit["amount_yuan"] is not None:
        return t("option.gives", amount=money(benefit["amount_yuan"]))
    most = benefit["at_most_yuan"] or benefit["funding_yuan"]
    return t("option.gives_at_most", amount=money(most)) if most is not None else ""


def _amounts(out: Out, benefit: dict[str, Any]) -> list[tuple[str, str]]:
    t = out.t

    def yuan(name: str) -> str:
        return "" if benefit[name] is None else t("unit.yuan", amount=money(benefit[name]))

    def rate(name: str) -> str:
        return "" if benefit[name] is None else percent(benefit[name])

    bounded = benefit["amount_yuan"] is None
    contribution = [money(benefit[f"contribution_{end}_yuan"]) for end in ("low", "high")]
    shares = [f"{t.word('bearer', bearer)} {percent(share, 0)}" for bearer, share in benefit["shares"].items()]
    return [
        (t("benefit.kind"), t.name(benefit)),
        (t("benefit.annual_rate"), rate("annual_rate")),
        (t("benefit.amount"), yuan("amount_yuan")),
        (t("benefit.at_least"), yuan("at_least_yuan") if bounded else ""),
        (t("benefit.at_most"), yuan("at_most_yuan") if bounded else ""),
        (t("benefit.per_year"), yuan("amount_per_year_yuan")),
        (t("benefit.fee_annual_rate"), rate("fee_annual_rate")),
        (t("benefit.fee"), yuan("fee_yuan")),
        (t("benefit.funding"), yuan("funding_yuan")),
        (t("benefit.contribution"), "–".join(contribution) if benefit["contribution_low_yuan"] is not None else ""),
        (t("benefit.given"), t.name(benefit["given"]) if benefit["given"] else ""),
        (t("benefit.shares"), ", ".join(shares)),
        *((t("benefit.paid_on", day=paid["on"]), money(paid["yuan"])) for paid in benefit["payments"]),
        (t("benefit.missing"), ", ".join(benefit["missing"])),
        (t("benefit.unconfirmed"), "; ".join(benefit["unconfirmed"])),
    ]
