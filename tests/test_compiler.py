"""The compiler's text: one pass where that is enough, dates as literals, refusals by name, two dialects."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from models.errors import RefusedInput
from models.kinds import Kind
from scoring.catalogue import Compute, Item, Op
from scoring.compiler import DUCKDB, SPARK, FeedState, compile_feed
from scoring.compiler.parts import UNLISTED_CODE
from scoring.compiler.queries import FIRM, one_a_day
from scoring.feeds import parse_feeds
from scoring.profile import assemble
from service.books import seedbook
from service.snapshot.aggregate import FeedFiles, aggregate
from tests.random_records import firm_codes, random_batches, write_batch
from tests.synthetic_items import FEEDS

AS_OF, COVERED = date(2024, 10, 31), date(2024, 9, 30)


def state(feed_id: str, contested: bool = False, covered_to: date = COVERED) -> FeedState:
    return FeedState(seedbook.feeds()[feed_id], AS_OF, covered_to, contested)


def items_of(feed_id: str) -> tuple[Item, ...]:
    return seedbook.catalogue().of_feed(feed_id)


def test_a_feed_without_corrections_is_one_pass_without_joins_or_ranking() -> None:
    for feed_id in ("social_insurance_month", "business_registration", "electricity_month", "administrative_penalty"):
        (query,) = compile_feed(state(feed_id), items_of(feed_id))
        assert query.sql.count("{records}") == 1
        assert not re.search(r"ROW_NUMBER|EXISTS|JOIN|PIVOT", query.sql)


def test_corrections_rank_only_the_contested_keys() -> None:
    (query,) = compile_feed(state("social_insurance_month", contested=True), items_of("social_insurance_month"))
    assert "contested_key" in query.sql
    assert query.sql.index("revision_place = 1") < query.sql.index("withdrawn_on\" > DATE '2024-10-31'")


def test_windows_close_on_the_covered_day_and_currency_on_the_day_asked() -> None:
    (shares,) = compile_feed(state("shareholder"), items_of("shareholder"))
    assert "\"ended_on\" > DATE '2024-10-31'" in shares.sql
    filings, *_ = compile_feed(state("tax_filing"), items_of("tax_filing"))
    assert "\"observed_on\" > DATE '2023-09-30' AND \"observed_on\" <= DATE '2024-09-30'" in filings.sql


def test_calendar_months_count_the_oldest_whole_and_tile() -> None:
    mid = state("administrative_penalty", covered_to=date(2024, 3, 15))
    newest, older = mid.calendar_months(0, 2), mid.calendar_months(2, 60)
    assert (newest.start, newest.end) == (date(2024, 1, 31), date(2024, 3, 15))
    assert (older.start, older.end) == (date(2019, 1, 31), newest.start)
    closed = state("administrative_penalty", covered_to=date(2024, 2, 29)).calendar_months(0, 36)
    assert (closed.start, closed.end) == (date(2021, 2, 28), date(2024, 2, 29))


def test_years_back_tile_the_whole_window() -> None:
    leap = state("administrative_penalty", covered_to=date(2024, 2, 29))
    years = [leap.year_back(number) for number in (1, 2, 3)]
    assert years[0].end == leap.window(36).end
    assert years[2].start == leap.window(36).start
    assert all(newer.start == older.end for newer, older in pairwise(years))


def test_items_that_need_the_same_aggregate_share_a_column() -> None:
    (query,) = compile_feed(state("financial_statement"), items_of("financial_statement"))
    assert query.parts["leverage"]["per"] == query.parts["total_assets"]["value"]
    assert query.parts[FIRM].keys() == {"records", "oldest", "newest"}
    grouped = compile_feed(state("vat_invoice"), items_of("vat_invoice"))
    assert [sorted(query.parts) for query in grouped][1] == ["customers_12m", "top5_customer_share"]


def test_the_day_alone_decides_only_where_the_key_says_so() -> None:
    feeds, items = seedbook.feeds(), seedbook.catalogue().items
    assert one_a_day(feeds["electricity_month"], items["electricity_overdue"].compute)
    assert one_a_day(feeds["financial_statement"], items["revenue"].compute)
    assert not one_a_day(feeds["financial_statement"], replace(items["revenue"].compute, where=()))
    assert not one_a_day(feeds["inspection"], items["inspection_result"].compute)


def test_every_feed_compiles_for_both_dialects_and_spark_keeps_to_what_it_knows() -> None:
    for feed in seedbook.feeds().values():
        for contested in (False, True):
            for dialect in (DUCKDB, SPARK):
                assert compile_feed(state(feed.id, contested), items_of(feed.id), dialect)
    vat = "\n".join(query.sql for query in compile_feed(state("vat_invoice", True), items_of("vat_invoice"), SPARK))
    assert "`amount_fen`" in vat
    assert "SHIFTLEFT" in vat
    assert not re.search(r'ARG_MAX|<<|"', vat)


def test_quotes_in_a_declared_value_stay_inside_the_literal() -> None:
    (item,) = items_of("tax_abnormal_household")
    feed = parse_feeds([FEEDS])["open_feed"]
    asked = replace(item, feed=feed.id, compute=Compute(Op.EXISTS, where=(("party", ("x' OR 1=1 --",)),)))
    (query,) = compile_feed(FeedState(feed, AS_OF, COVERED), [asked])
    assert "\"party\" = 'x'' OR 1=1 --'" in query.sql


BAD = [
    ("sum of a code", Compute(Op.SUM, of="kind"), Kind.COUNT, "of"),
    ("mean without a column", Compute(Op.MEAN), Kind.NUMBER, "of"),
    ("money called a number", Compute(Op.SUM, of="amount_yuan"), Kind.NUMBER, "kind"),
    ("a count called a flag", Compute(Op.COUNT), Kind.FLAG, "kind"),
    ("a ratio of a code", Compute(Op.LATEST, of="kind", per="heads"), Kind.RATIO, "ratio"),
    ("a streak without a window", Compute(Op.STREAK), Kind.MONTHS, "window"),
    ("growth without a window", Compute(Op.GROWTH, of="amount_yuan"), Kind.RATIO, "window"),
    ("top_share of nothing", Compute(Op.TOP_SHARE, of="amount_yuan", by="party"), Kind.RATIO, "top"),
    ("years of a maximum", Compute(Op.MAX, of="heads", by_year=3), Kind.COUNT, "by_year"),
    ("a negative text", Compute(Op.SHARE, part_or_negative="party"), Kind.RATIO, "or_negative"),
]


@pytest.mark.parametrize(("why", "compute", "kind", "says"), BAD, ids=[why for why, *_ in BAD])
def test_what_columns_cannot_answer_is_refused_by_name(why: str, compute: Compute, kind: Kind, says: str) -> None:
    feed = parse_feeds([FEEDS])["open_feed"]
    item = replace(items_of("tax_penalty")[0], id="wrong", feed=feed.id, compute=compute, kind=kind)
    with pytest.raises(RefusedInput, match=says) as refused:
        compile_feed(FeedState(feed, AS_OF, COVERED), [item])
    assert refused.value.value == "wrong"


def one_feed(tmp_path: Path, **cells: object) -> FeedFiles:
    """A feed whose rows all carry ``cells``."""
    feed = parse_feeds([FEEDS])["open_feed"]
    (batch,) = random_batches(feed, firm_codes(1), random.Random(1), batches=1, rows=20, corrections=0)
    for row in batch.rows:
        row |= {"observed_on": date(2024, 5, 5), "withdrawn_on": None, "contested": False, **cells}
    return FeedFiles(FeedState(feed, AS_OF, COVERED), (write_batch(tmp_path, feed, batch),))


def test_a_sum_beyond_64_bits_is_an_error_that_names_the_feed(tmp_path: Path) -> None:
    item = replace(
        items_of("tax_arrears_notice")[0],
        feed="open_feed",
        compute=Compute(Op.SUM, of="sure_yuan"),
        valid_for_months=99,
    )
    fits = aggregate([one_feed(tmp_path, sure_fen=2**58)], [item], tmp_path)
    assert fits.answers["open_feed"][item.id]["value"].values.dtype == "int64"
    with pytest.raises(RefusedInput, match="64 bits") as refused:
        aggregate([one_feed(tmp_path, sure_fen=2**62)], [item], tmp_path)
    assert refused.value.value == "open_feed"


def test_a_code_no_dictionary_lists_is_refused_not_called_unknown(tmp_path: Path) -> None:
    item = replace(
        items_of("tax_arrears_notice")[0],
        feed="open_feed",
        kind=Kind.CODE,
        codes=("low", "middle", "high"),
        compute=Compute(Op.HIGHEST, of="kind"),
    )
    files = one_feed(tmp_path, kind="enormous")
    found = aggregate([files], [item], tmp_path)
    assert found.answers["open_feed"][item.id]["value"].values.tolist() == [UNLISTED_CODE]
    with pytest.raises(RefusedInput, match="does not list"):
        assemble(AS_OF, found.uscc, [item], {"open_feed": files.state}, found.answers)


def test_a_lost_batch_file_is_named(tmp_path: Path) -> None:
    files = one_feed(tmp_path)
    files.paths[0].unlink()
    with pytest.raises(RefusedInput, match="backup") as refused:
        aggregate([files], [], tmp_path)
    assert refused.value.value == files.paths[0].name


def test_an_empty_delivery_means_delivered(tmp_path: Path) -> None:
    feed = seedbook.feeds()["dishonest_debtor"]
    (batch,) = random_batches(feed, firm_codes(1), random.Random(1), batches=1, rows=1)
    batch.rows.clear()
    batch.received_at = datetime(2024, 11, 1, tzinfo=UTC)
    empty = FeedFiles(FeedState(feed, AS_OF, COVERED), (write_batch(tmp_path, feed, batch),))
    other = one_feed(tmp_path)
    items = items_of(feed.id)
    found = aggregate([empty, other], items, tmp_path)
    profile = assemble(AS_OF, found.uscc, items, {feed.id: empty.state}, found.answers)
    assert profile.columns.values["dishonest_debtor"].tolist() == [0]
    assert aggregate([empty], items, tmp_path).uscc.tolist() == []
