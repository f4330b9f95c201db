"""A validation report as tables in Chinese or English, from its JSON form; the same tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from service.labels import Labels
from service.real.tables import Section

_WHY = {
    "target": ("目标列", "target"),
    "leak": ("事后信息（泄露）", "known only afterwards (leak)"),
    "described": ("说明文件剔除", "left out by the description"),
    "identifier": ("标识列", "identifier"),
    "group": ("分组列", "group"),
    "time": ("时间列", "time"),
    "weight": ("权重列", "weight"),
    "constant": ("只有一个值", "constant"),
    "empty": ("全为空", "empty"),
    "date": ("日期", "date"),
    "text": ("自由文本", "free text"),
}
_NOTICES = {
    "no_target": ("没有目标值、已去掉的行数：{said}", "{said} rows without a target are left out"),
    "copies": ("{said} 行与前面的行完全相同，始终在同一折", "{said} rows repeat another row; copies stay in one fold"),
    "odd_values": ("{column}：不是数值的 {said} 按缺失处理", "{column}: {said} is no number and counts as missing"),
    "suspect": (
        "{column}：单列 AUC {said}，疑为事后信息；若是，写入 leaks",
        "{column}: AUC {said} alone. It may have been written after the outcome; if so, list it under `leaks`",
    ),
    "spoiled_rows": ("{said} 行单元格数目不对，未读入", "{said} rows have a wrong number of cells and were not read"),
}


def sections(data: Mapping[str, Any], t: Labels) -> Iterator[Section]:
    """The report as tables, in the order a reader asks for them."""
    yield _facts(data, t)
    yield _separation(data, data["contenders"], t, t.pick("区分能力（交叉验证）", "Separation, cross-validated"))
    yield _probability(data, t)
    yield _deciles(data, t)
    later = data["out_of_time"]
    if later:
        title = t.pick(
            f"跨期：{later['column']} ≥ {later['from']:g}（{later['judged']:,} 行，{later['defaults']:,} 违约），"
            f"用此前 {later['trained']:,} 行训练",
            f"Out of time: {later['column']} from {later['from']:g} ({later['judged']:,} rows, "
            f"{later['defaults']:,} defaults), learnt from {later['trained']:,} earlier rows",
        )
        yield _separation(later, later["contenders"], t, title)
        yield _probability(later, t)


def _facts(data: Mapping[str, Any], t: Labels) -> Section:
    left_out = [
        (
            each["column"],
            t.pick(*_WHY[each["why"]]) + (f": {each['said']}" if each["said"] else ""),
        )
        for each in data["left_out"]
    ]
    notes = [
        t.pick(
            f"{data['rows']:,} 行，{data['defaults']:,} 违约（{data['default_rate']:.2%}；"
            f"{data['target']} = {data['bad']}），{data['columns']} 列，其中分类 {data['categorical']} 列。",
            f"{data['rows']:,} rows, {data['defaults']:,} defaults ({data['default_rate']:.2%}; "
            f"{data['target']} = {data['bad']}), {data['columns']} columns, {data['categorical']} of them categories.",
        ),
        t.pick(
            f"{data['folds']} 折 × {data['repeats']} 次，种子 {data['seed']}，自助法 {data['draws']:,} 次。",
            f"{data['folds']} folds × {data['repeats']}, seed {data['seed']}, {data['draws']:,} bootstrap draws.",
        ),
        *_named(t.pick("来源", "Source"), data["source"]),
        *_named(t.pick("许可", "Licence"), data["licence"]),
        *data["notes"],
        *(t.pick(*_NOTICES[each["code"]]).format(**each) for each in data["notices"]),
        *_named(t.pick("未参加", "Not installed or not run"), ", ".join(data["absent"])),
    ]
    return Section(
        f"{data['dataset']}  {t.name(data)}".rstrip(),
        (t.pick("未用的列", "column left out"), t.pick("原因", "why")),
        left_out,
        (),
        tuple(notes),
    )


def _named(name: str, text: str) -> list[str]:
    return [f"{name}: {text}"] if text else []


def _separation(data: Mapping[str, Any], contenders: Sequence[Mapping[str, Any]], t: Labels, title: str) -> Section:
    rows = [
        (
            t.name(each),
            _with_bounds(each["auc"]),
            _with_bounds(each["champion_ahead"], "+.3f"),
            _with_bounds(each["ks"]),
            f"{each['gini']['value']:.3f}",
            " / ".join(f"{value:.2f}" for value in each["lift"].values()),
        )
        if not each["failed"]
        else (t.name(each), f"{t.pick('失败', 'failed')}: {each['failed']}", *[None] * 4)
        for each in contenders
    ]
    headers = (
        t.pick("模型", "model"), "AUC [95 %]", t.pick("冠军领先 [95 %]", "champion ahead by [95 %]"), "KS [95 %]",
        "Gini", t.pick("提升 5/10/20 %", "lift 5/10/20 %"),
    )  # fmt: skip
    return Section(title, headers, rows, (1, 2, 3, 4, 5))


def _probability(data: Mapping[str, Any], t: Labels) -> Section:
    rows = [
        (
            t.name(each), _with_bounds(each["brier"], ".4f"), _with_bounds(each["log_loss"], ".4f"),
            _figure(each["calibration_slope"]), _figure(each["calibration_intercept"]),
            f"{each['calibration_error']:.4f}", f"{each['mean_pd']:.4f}", f"{each['fit_seconds']:.2f}",
            f"{each['score_microseconds']:.1f}",
        )
        for each in data["contenders"]
        if not each["failed"]
    ]  # fmt: skip
    headers = (
        t.pick("模型", "model"), "Brier [95 %]", t.pick("对数损失 [95 %]", "log loss [95 %]"),
        t.pick("校准斜率", "slope"), t.pick("截距", "intercept"), t.pick("校准误差", "calibration error"),
        t.pick("平均违约概率", "mean PD"), t.pick("训练秒", "fit, s"), t.pick("评分微秒/行", "score, µs a row"),
    )  # fmt: skip
    return Section(t.pick("概率与用时", "Probabilities and time"), headers, rows, tuple(range(1, 9)))


def _deciles(data: Mapping[str, Any], t: Labels) -> Section:
    champion = data["contenders"][0]
    rows = [
        (
            place, f"{row['cases']:,.0f}", f"{row['defaults']:,.1f}", f"{row['mean_pd']:.4f}", f"{row['observed']:.4f}"
        )
        for place, row in enumerate(champion["deciles"], start=1)
    ]  # fmt: skip
    headers = (
        t.pick("十分位", "tenth"), t.pick("户数", "cases"), t.pick("违约", "defaults"),
        t.pick("平均违约概率", "mean PD"), t.pick("实际违约率", "observed rate"),
    )  # fmt: skip
    title = t.pick("冠军的校准表", "Calibration of the champion")
    return Section(title, headers, rows, (0, 1, 2, 3, 4))


def _with_bounds(interval: Mapping[str, float] | None, form: str = ".3f") -> str | None:
    if interval is None:
        return None
    return f"{interval['value']:{form}} [{interval['low']:{form}}, {interval['high']:{form}}]"


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def as_markdown(parts: Iterable[Section], level: int = 2) -> str:
    """Sections as Markdown: the first heading at ``level``, the others one below."""
    lines: list[str] = []
    for place, section in enumerate(parts):
        lines += [f"{'#' * (level + (place > 0))} {section.title}", ""]
        lines += [f"- {_safe(note)}" for note in section.notes]
        lines += [""] if section.notes else []
        if section.rows:
            lines += [*_table(section), ""]
    return "\n".join(lines)


def _table(section: Section) -> list[str]:
    rule = ["---:" if place in section.numbers else "---" for place in range(len(section.headers))]
    cells = [section.headers, rule, *section.rows]
    return ["| " + " | ".join(_safe("—" if cell is None else str(cell)) for cell in row) + " |" for row in cells]


def _safe(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def summary(reports: Iterable[Mapping[str, Any]], t: Labels) -> Section:
    """One line per data set: the champion beside the best other scorecard and the best model of any kind."""
    rows = []
    for data in reports:
        champion, *others = (each for each in data["contenders"] if not each["failed"])
        cards = [each for each in others if each["kind"] == "scorecard"]
        own = champion["auc"]["value"]
        rows.append(
            (
                f"`{data['dataset']}`",
                f"{data['rows']:,}",
                f"{data['defaults']:,}",
                _with_bounds(champion["auc"]),
                *_best(cards, own, t),
                *_best(others, own, t),
                _figure(champion["calibration_slope"]),
            )
        )
    headers = (
        t.pick("数据集", "data set"), t.pick("行数", "rows"), t.pick("违约", "defaults"),
        t.pick("冠军 AUC [95 %]", "champion's AUC [95 %]"), t.pick("最好的其他评分卡", "best other scorecard"),
        t.pick("领先", "ahead"), t.pick("最好的其他模型", "best other model of any kind"), t.pick("领先", "ahead"),
        t.pick("校准斜率", "slope"),
    )  # fmt: skip
    title = t.pick("概览", "Overview")
    return Section(title, headers, rows, (1, 2, 3, 5, 7, 8))


def _best(others: Sequence[Mapping[str, Any]], own: float, t: Labels) -> tuple[str | None, str | None]:
    """Name and AUC of the best of these, and how far the champion is ahead of it."""
    if not others:
        return None, None
    best = max(others, key=lambda each: each["auc"]["value"])
    area = best["auc"]["value"]
    return f"{t.name(best)} {area:.3f}", f"{own - area:+.3f}"
