"""The probability of default of one firm as tables."""

from __future__ import annotations

from typing import Any

from service.cli.output import Out, percent


def show_pd(out: Out, pd: dict[str, Any], override: dict[str, Any] | None) -> None:
    """The probability with its range, model and lines, and a grade adjusted by hand beside them."""
    t = out.t
    if override is not None:
        reason = t.name(override["reason"])
        told = t("override.words", **{**override, "day": override["expires_on"], "reason": reason})
        out.pairs([(t("override.title"), told)])
    out.heading(t("pd.title"))
    out.line(t.name(pd["note"]))
    if pd["pd"] is None:
        return
    out.pairs(pd_pairs(out, pd))
    if pd["lines_missing"]:
        out.line(pd["lines_missing"])
        return
    out.table(
        [t("pd.line"), t("pd.value"), t("pd.points")],
        [
            *((line_names(out, line), line_values(line), line["points"]) for line in pd["lines"]),
            (t("pd.base"), "", pd["base"]),
        ],
        numbers=(2,),
    )


def pd_pairs(out: Out, pd: dict[str, Any]) -> list[tuple[str, Any]]:
    """The probability with its range, what holds its grade, what is known, and the model, as names and values.

    Without a probability: why there is none.
    """
    t, cap = out.t, pd["capped_by"]
    if pd["pd"] is None:
        return [(t("pd.title"), t.name(pd["note"]))]
    return [
        (t("pd.title"), t("pd.words", pd=percent(pd["pd"]), points=f"{pd['points']:.1f}", grade=pd["grade"])),
        *([(t("pd.between"), f"{percent(pd['low'])} – {percent(pd['high'])}")] if pd["low"] is not None else []),
        *([(t("pd.held"), _cap_words(out, cap))] if cap else []),
        (t("pd.coverage"), f"{percent(pd['coverage'], 0)} {t('pd.thin') if pd['thin_file'] else ''}".rstrip()),
        (t("pd.model"), " ".join(pd["model"].values())),
    ]


def show_models(out: Out, models: dict[str, Any]) -> None:
    """The models that scores of an answer come from, in one line."""
    said = [f"{each['id']} {each['version']}" for each in models["evaluation"]]
    said += [" ".join(models["pd"].values())] if models["pd"] else []
    if said:
        out.line(out.t("pd.scored_by", models="; ".join(said)))


def _cap_words(out: Out, cap: dict[str, Any]) -> str:
    return out.t("pd.cap", at_most=cap["at_most"], official=cap["official_grade"], without=cap["without"])


def line_names(out: Out, line: dict[str, Any]) -> str:
    """What a line is about."""
    return " × ".join(out.t.name(item) for item in line["items"])


def line_values(line: dict[str, Any]) -> str:
    """The firm's values of it, a dash where unknown or masked; quotients to four places."""
    return " × ".join(_words(item["value"]) for item in line["items"])


def _words(value: object) -> str:
    if value is None:
        return "—"
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
