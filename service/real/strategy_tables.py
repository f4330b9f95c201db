"""The credit strategy over the real firms as tables, in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service.labels import Labels
from service.real.strategy_report import AtBudget, StrategyReport
from service.real.tables import Section
from service.shown import percent


def strategy_sections(report: StrategyReport, t: Labels) -> Iterator[Section]:
    """The published problem, question 2 first, since it is the base case."""
    yield _best(report, t)
    yield _prices(report, t)
    yield _budgets(t.pick("问题2：总额与方案", "Question 2: budget and ways to lend"), report.budgets, t)
    yield _changes(report, t)
    yield _shock(report, t)
    yield _budgets(
        t.pick("问题1：123 户，发布者评级", "Question 1: 123 firms, graded by the publisher"), report.rated, t
    )
    yield _budgets(t.pick("问题1：123 户，本模型评级", "Question 1: 123 firms, graded by our bands"), report.unrated, t)


def _yuan(amount: float | None) -> str:
    return "—" if amount is None else f"{amount:,.0f}"


def _best(report: StrategyReport, t: Labels) -> Section:
    best, terms = report.best, report.terms
    rows = [
        (
            row.grade or t.pick("未知", "unknown"), row.firms, row.offered, _yuan(row.granted), percent(row.rate_low),
            percent(row.rate_mean), percent(row.rate_high), percent(row.pd_mean), _yuan(row.profit),
        )
        for row in report.grades
    ]  # fmt: skip
    worth = best.valued
    return Section(
        t.pick(
            f"信贷策略（问题2）：{terms.budget:,} 元给 302 户",
            f"Credit strategy (question 2): {terms.budget:,} yuan among 302 firms",
        ),
        (
            t.pick("等级", "grade"), t.pick("户数", "firms"), t.pick("放款户", "offered"), t.pick("授信额", "granted"),
            t.pick("最低利率", "lowest rate"), t.pick("平均", "mean"), t.pick("最高", "highest"), "PD",
            t.pick("期望利润", "expected profit"),
        ),
        rows,
        tuple(range(1, 9)),
        (
            t.pick(
                f"期望利润 {worth.profit:,.0f} 元：授信 {worth.granted:,}，预计用信 {worth.drawn:,.0f}，利息 "
                f"{worth.interest:,.0f}，损失 {worth.loss:,.0f}；上界 {best.bound:,.0f}，差距 {best.gap:.1e}。",
                f"Expected profit {worth.profit:,.0f} yuan: {worth.granted:,} granted, {worth.drawn:,.0f} drawn, "
                f"interest {worth.interest:,.0f}, loss {worth.loss:,.0f}. No plan exceeds {best.bound:,.0f}; gap "
                f"{best.gap:.1e}.",
            ),
            t.pick(
                f"等级按本模型违约概率分档，档次比例同 123 户（一致 {report.bands.agrees:.0%}，相差不过一档 "
                f"{report.bands.within_one:.0%}）；D 不放款。",
                "Grades are bands of our probability, in the publisher's shares of the 123 (same grade "
                f"{report.bands.agrees:.0%}, within one {report.bands.within_one:.0%}). D is not lent to.",
            ),
        ),
    )  # fmt: skip


def _prices(report: StrategyReport, t: Labels) -> Section:
    rows = [
        (
            t.word("strategy", price.constraint), _limit(price.constraint, price.limit), _yuan(price.used),
            "—" if price.shadow is None else f"{price.shadow:.5f}", _yuan(price.without), _yuan(price.price),
        )
        for price in report.prices
    ]  # fmt: skip
    return Section(
        t.pick("每个约束的代价", "What each constraint costs"),
        (
            t.pick("约束", "constraint"), t.pick("限值", "limit"), t.pick("已用", "used"),
            t.pick("再放宽一单位", "one more unit"), t.pick("取消后利润", "profit without"), t.pick("代价", "price"),
        ),
        rows,
        (1, 2, 3, 4, 5),
        (
            t.pick(
                "利率两端即流失表两端，表外无人知晓，故无代价可言。",
                "The range of rates is that of the churn table; beyond it nobody knows who leaves, hence no price.",
            ),
        ),
    )  # fmt: skip


def _limit(constraint: str, limit: float) -> str:
    return percent(limit, 2) if constraint.startswith("rate") else _yuan(limit)


def _budgets(title: str, rows: Sequence[AtBudget], t: Labels) -> Section:
    known = any(row.known for row in rows)
    headers = [
        t.pick("总额", "budget"), t.pick("户数", "firms"), t.pick("授信额", "granted"),
        t.pick("最优", "best"), t.pick("再加一元", "one more yuan"), t.pick("平均分配", "equal split"),
        t.pick("按评级", "rating order"),
    ]  # fmt: skip
    notes = []
    if known:
        headers += [t.pick("实际：最优", "known: best"), t.pick("平均", "equal"), t.pick("按评级", "rating")]
        notes.append(
            t.pick(
                "“实际”用违约标记代替概率；每户的概率来自没有见过它的模型。",
                "Known: with default flags in place of probabilities, each of which is from a fit without the firm.",
            )
        )
    return Section(
        title,
        tuple(headers),
        [
            (
                _yuan(row.budget), row.firms, _yuan(row.granted), _yuan(row.profit), f"{row.marginal:.4f}",
                _yuan(row.equal_split), _yuan(row.rating_order), *(_yuan(worth) for worth in row.known or ()),
            )
            for row in rows
        ],
        tuple(range(len(headers))),
        tuple(notes),
    )  # fmt: skip


def _changes(report: StrategyReport, t: Labels) -> Section:
    return Section(
        t.pick("敏感性", "If something were otherwise"),
        (
            t.pick("改变", "change"), t.pick("取值", "to"), t.pick("那时最优", "best then"),
            t.pick("原方案那时", "base plan then"), t.pick("坚持原方案的代价", "cost of holding on"),
        ),
        [
            (
                t.word("strategy", row.change), str(row.value), _yuan(row.best), _yuan(row.base_plan),
                _yuan(row.regret),
            )
            for row in report.changes
        ],
        (2, 3, 4),
        (
            t.pick(
                "等级与流失曲线不变，只换所列的一项。", "Grades, and with them who leaves, stay; one thing changes."
            ),
        ),
    )  # fmt: skip


def _shock(report: StrategyReport, t: Labels) -> Section:
    shock = report.shock
    return Section(
        t.pick(f"问题3：{shock.zh}", f"Question 3: {shock.en}"),
        (
            t.pick("行业（参赛者标注）", "industry (contestants' label)"), t.pick("销售下降", "sales fall"),
            t.pick("可放款户", "firms lent to"), t.pick("PD 前", "PD before"), t.pick("PD 后", "PD after"),
            t.pick("授信前", "granted before"), t.pick("授信后", "granted after"),
        ),
        [
            (
                row.industry, percent(row.fall, 0), row.firms, percent(row.pd_before), percent(row.pd_after),
                _yuan(row.granted_before), _yuan(row.granted_after),
            )
            for row in shock.by_industry
        ],
        (1, 2, 3, 4, 5, 6),
        (
            t.pick(
                f"冲击前 {shock.before:,.0f}；原方案 {shock.old_plan:,.0f}；调整后 {shock.best.profit:,.0f} 元。",
                f"Expected profit {shock.before:,.0f} before; {shock.old_plan:,.0f} with the old plan under the "
                f"shock; {shock.best.profit:,.0f} with the best plan under it.",
            ),
        ),
    )  # fmt: skip
