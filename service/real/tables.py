"""The report of ``rongqiao real`` as tables, in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from scoring.metrics import Interval
from service.labels import Labels
from service.real.report import RealReport, Separation


@dataclass(frozen=True)
class Section:
    """A heading, a table whose columns in ``numbers`` are set right, and notes below it."""

    title: str
    headers: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    numbers: tuple[int, ...]
    notes: tuple[str, ...] = ()


def sections(report: RealReport, t: Labels) -> Iterator[Section]:
    """The report as tables, in the order a reader asks for them."""
    yield _files(report, t)
    yield _items(report, t)
    yield _scores(report, t)
    yield _rules(report, t)
    yield _main(report, t)
    yield _days(report, t)
    yield _figures_by_day(report, t)
    yield _stages(report, t)


def _files(report: RealReport, t: Labels) -> Section:
    rows = [
        (
            file.source.removesuffix(".csv.xz"), file.read, file.before_start, file.landed, file.unchanged,
            file.rejected, ", ".join(f"{name} {count:,}" for name, count in file.reasons.items()),
            f"{file.seconds:.1f}",
        )
        for file in report.files
    ]  # fmt: skip
    read = sum(file.read for file in report.files)
    return Section(
        t.pick(f"发票：{report.firms} 户，{read:,} 张", f"Invoices: {read:,} of {report.firms} firms"),
        (
            t.pick("文件", "file"), t.pick("读取", "read"), t.pick("早于起点", "before start"),
            t.pick("入库", "landed"), t.pick("重复或已有", "repeated or known"), t.pick("隔离", "quarantined"),
            t.pick("原因", "reasons"),
            t.pick("秒", "s"),
        ),
        rows,
        (1, 2, 3, 4, 5, 7),
        (
            t.pick(
                f"补齐前导零 {sum(file.padded for file in report.files):,} 张；状态去空格 "
                f"{sum(file.trimmed for file in report.files):,} 张；同号先有效后作废 "
                f"{sum(file.voided_later for file in report.files)} 张。统一社会信用代码为占位编码。",
                f"{sum(file.padded for file in report.files):,} numbers padded with leading zeros, "
                f"{sum(file.trimmed for file in report.files):,} statuses trimmed, "
                f"{sum(file.voided_later for file in report.files)} invoices listed both as valid and void. "
                "The credit codes are placeholders.",
            ),
        ),
    )  # fmt: skip


def _items(report: RealReport, t: Labels) -> Section:
    known = [item for item in report.known_items if item.firms]
    full = sum(item.firms for item in known) / (report.items * report.firms)
    return Section(
        t.pick(
            f"画像：{report.items} 项中可知 {len(known)} 项", f"Profile: {len(known)} of {report.items} items known"
        ),
        (t.pick("编号", "code"), t.pick("项目", "item"), t.pick("可知户数", "firms known"), t.pick("未知", "unknown")),
        [(item.code, t.name(item), item.firms, report.firms - item.firms) for item in known],
        (2, 3),
        (
            t.pick(
                f"其余 {report.items - len(known)} 项对所有企业未知；已知单元格占 {full:.1%}。"
                "未知不等于零，也不等于否。",
                f"The other {report.items - len(known)} items are unknown for every firm; {full:.1%} of all cells are "
                "known. Unknown is neither zero nor no.",
            ),
        ),
    )


def _scores(report: RealReport, t: Labels) -> Section:
    scores = report.scores
    rows = [
        (
            t.pick("不评级", "no grade") if grade == "none" else grade,
            count,
            scores.worst_possible[grade],
            scores.best_possible[grade],
        )
        for grade, count in scores.grades.items()
    ]
    low, q1, mid, q3, high = scores.points
    return Section(
        t.pick(
            f"融资评价（{report.main}）：{scores.scored} 户",
            f"Financing evaluation on {report.main}: {scores.scored} firms",
        ),
        (
            t.pick("等级", "grade"), t.pick("户数", "firms"), t.pick("最差可能", "worst possible"),
            t.pick("最好可能", "best possible"),
        ),
        rows,
        (1, 2, 3),
        (
            t.pick(
                f"分数 {low:.0f}–{high:.0f}（四分位 {q1:.0f}/{mid:.0f}/{q3:.0f}）；"
                f"覆盖率中位数 {scores.coverage[2]:.1%}，未知项使分数可能相差 {scores.width:.0f} 分，故不给等级。",
                f"Scores {low:.0f} to {high:.0f} (quartiles {q1:.0f}, {mid:.0f}, {q3:.0f}). Median coverage "
                f"{scores.coverage[2]:.1%}: what is unknown could move a score by {scores.width:.0f} points, "
                "so no grade is given below the model's coverage limit.",
            ),
        ),
    )  # fmt: skip


def _rules(report: RealReport, t: Labels) -> Section:
    met, unknown, unmet = (sum(getattr(rule, name) for rule in report.rules) for name in ("met", "unknown", "unmet"))
    return Section(
        t.pick(f"匹配：{len(report.rules)} 个产品", f"Matching: {len(report.rules)} products"),
        (
            t.pick("产品", "product"), t.pick("符合", "eligible"), t.pick("待核", "unknown"),
            t.pick("不符合", "ineligible"),
        ),
        [(t.name(rule), rule.met, rule.unknown, rule.unmet) for rule in report.rules],
        (1, 2, 3),
        (
            t.pick(
                f"合计 {met + unknown + unmet:,} 个判断：符合 {met:,}，待核 {unknown:,}，不符合 {unmet:,}。",
                f"{met + unknown + unmet:,} verdicts: {met:,} eligible, {unknown:,} unknown, {unmet:,} ineligible.",
            ),
            t.pick(
                "对所有企业未知、产品又要求的事项（产品数）：",
                "Asked by products and unknown for every firm (number of products): ",
            )
            + ", ".join(f"{t.name(fact)} {fact.products}" for fact in report.open_facts[:8]),
            t.pick(
                "只比对产品对企业的条件；货架为演示用，2023 年起有效，此处不问有效期。",
                "Only what products ask of the firm is matched. The shelf is the demo shelf, valid from 2023; validity "
                "is asked with a need, not here.",
            ),
        ),
    )  # fmt: skip


def _main(report: RealReport, t: Labels) -> Section:
    day = report.main_day
    good = report.firms_with_record - report.firms_defaulted
    rating = report.rating.found
    notes = [
        t.pick(
            f"{report.firms_defaulted} 户违约、{good} 户未违约；区间为 95% 自助法。违约标记没有日期，"
            "因此这是相关程度，不是提前一年的预测能力。",
            f"{report.firms_defaulted} firms defaulted, {good} did not; 95 % bootstrap intervals. The default flag has "
            "no date, so this is association, not a forecast a year ahead.",
        ),
        t.pick(
            "分数来自专家模型，没有用违约标记拟合任何参数；各单项的方向在看数据之前取自目录。",
            "The score is an expert score: nothing was fitted on the labels, and the direction of each item is the "
            "catalogue's, set before looking.",
        ),
    ]
    if rating:
        notes.append(
            t.pick(
                f"仅作对照：发布者的信誉评级 AUC {rating.auc}；D 级全部违约，评级几乎就是标记，从不作为输入。",
                f"For comparison only: the publisher's rating has AUC {rating.auc}. All firms rated D defaulted; it "
                "nearly is the flag, and it is never an input.",
            )
        )
    return Section(
        t.pick(f"与真实违约对照（{report.main}）", f"Against real default, as of {report.main}"),
        _separation_headers(t),
        [_separation_row(separation) for separation in (day.score, *day.figures)],
        (1, 2, 3, 4),
        tuple(notes),
    )


def _separation_headers(t: Labels) -> tuple[str, ...]:
    return (
        t.pick("指标", "figure"), t.pick("风险端", "risky end"), t.pick("可知户数（违约）", "firms known (bad)"),
        "AUC [95 %]", "KS [95 %]",
    )  # fmt: skip


def _separation_row(separation: Separation) -> tuple[str, ...]:
    found = separation.found
    return (
        separation.figure,
        separation.risk_when,
        f"{separation.known} ({separation.known_bad})",
        _shown(found.auc if found else None),
        _shown(found.ks if found else None),
    )


def _shown(interval: Interval | None) -> str:
    return "—" if interval is None else str(interval)


def _days(report: RealReport, t: Labels) -> Section:
    return Section(
        t.pick("随截止日的变化", "How the score's figures move with the day"),
        (
            t.pick("截止日", "as of"),
            t.pick("其后仍开票（违约/全部）", "invoice later (bad)"),
            t.pick("有分数（违约）", "scored (bad)"),
            "AUC [95 %]",
            "KS [95 %]",
        ),
        [
            (
                _day(day.as_of, report),
                f"{day.later_good + day.later_bad} ({day.later_bad})",
                f"{day.score.known} ({day.score.known_bad})",
                *_separation_row(day.score)[3:],
            )
            for day in report.days
        ],
        (1, 2, 3, 4),
        (
            t.pick(
                f"* {report.main}：有信贷记录的每一户在此之后都还有发票，停止开票这件事不会泄露。"
                f"{report.complete_to} 之后并非每户都齐全，窗口最晚到这一天。",
                f"* {report.main} is the last month end after which every firm with a credit record still invoices, so "
                f"that falling silent cannot leak in. No window reaches past {report.complete_to}, the last day "
                "to which the invoices of every firm were drawn.",
            ),
        ),
    )


def _figures_by_day(report: RealReport, t: Labels) -> Section:
    by_day = [{one.figure: one for one in day.figures} for day in report.days]
    return Section(
        t.pick("单项 AUC 随截止日的变化", "AUC of single figures by day"),
        (t.pick("指标", "figure"), *(_day(day.as_of, report) for day in report.days)),
        [
            (name, *(f"{one.found.auc.value:.3f}" if (one := figures[name]).found else "—" for figures in by_day))
            for name in by_day[0]
        ],
        tuple(range(1, 1 + len(report.days))),
    )


def _day(day: date, report: RealReport) -> str:
    return f"{day} *" if day == report.main else str(day)


def _stages(report: RealReport, t: Labels) -> Section:
    rows = [
        (
            stage.name,
            f"{stage.seconds:.2f}",
            stage.rows or None,
            round(stage.rows / stage.seconds) if stage.rows else None,
        )
        for stage in report.stages
    ]
    return Section(
        t.pick("用时", "Time taken"),
        (t.pick("阶段", "stage"), t.pick("秒", "seconds"), t.pick("行", "rows"), t.pick("行/秒", "rows per second")),
        rows,
        (1, 2, 3),
        (
            t.pick(
                f"共 {report.seconds:.1f} 秒，入库 {report.rows:,} 行，每秒 {report.rows_per_second:,.0f} 行。",
                f"{report.rows:,} rows in {report.seconds:.1f} s, {report.rows_per_second:,.0f} a second in all.",
            )
            if report.rows
            else t.pick(
                f"共 {report.seconds:.1f} 秒；记录与快照已由先前的运行生成。",
                f"{report.seconds:.1f} s; records and snapshots were there from an earlier run.",
            ),
        ),
    )
