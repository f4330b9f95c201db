"""The demo city: its make-up, the agreement of its feeds with one another, and the faults it declares."""

from __future__ import annotations

import copy
import re
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from models.dates import add_months, month_end
from models.errors import RefusedInput
from models.uscc import check_uscc
from scoring.feeds import ColumnType
from seed.city import LANDED, REFUSED, REPEAT, City, Delivery, plan_city, write_deliveries
from seed.city.dispatch import PLANNED_ENDS
from seed.city.fortunes import NO_MONTH
from seed.city.parameters import HERE, parameters
from seed.city.timeline import LEAD, timeline
from tests.city_files import FEEDS, faults, read_back

FIRMS = 600
#: Dates that name a day to come by their nature.
PLANNED = {*PLANNED_ENDS, "licence_until", "public_until"}

Sent = tuple[Delivery, list[dict[str, Any]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def city() -> City:
    return plan_city(FIRMS)


@pytest.fixture(scope="module")
def deliveries(city: City, tmp_path_factory: pytest.TempPathFactory) -> list[Delivery]:
    return write_deliveries(city, tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def sent(deliveries: list[Delivery]) -> list[Sent]:
    """Each delivery read back from its file: good rows and spoiled rows."""
    made = []
    for delivery in deliveries:
        rows = list(read_back(delivery))
        spoiled = {slip.row for slip in delivery.slips}
        assert len(rows) == delivery.rows
        made.append(
            (
                delivery,
                [row for number, row in enumerate(rows, 1) if number not in spoiled],
                [row for number, row in enumerate(rows, 1) if number in spoiled],
            )
        )
    return made


def test_every_feed_has_rows_of_36_months(city: City) -> None:
    assert set(city.tables) == set(FEEDS)
    months = set(pc.unique(city.tables["tax_filing"]["month"]).to_pylist())
    assert len(months) == 36
    assert (min(months), max(months)) == ("2021-11", "2024-10")
    empty = [feed for feed, table in city.tables.items() if not table.num_rows]
    # Rare things may miss a city of 600 firms; everything ordinary happens.
    assert set(empty) <= {"major_tax_case", "serious_violation", "sector_blacklist", "bankruptcy_case"} | {
        "guarantee_compensation",
        "administrative_coercion",
        "related_party_risk",
        "equity_freeze",
    }


def test_good_rows_obey_the_declarations_and_spoiled_rows_do_not(sent: list[Sent]) -> None:
    kinds: Counter[str] = Counter()
    for delivery, good, spoiled in sent:
        feed = FEEDS[delivery.feed]
        for row in good:
            assert not faults(feed, row), (delivery.path.name, row)
        for slip, row in zip(delivery.slips, spoiled, strict=True):
            assert faults(feed, row) == [slip.column], (delivery.path.name, slip, row)
            kinds[slip.kind] += 1
    assert {"check_character", "unknown_code", "missing_value", "impossible_date"} <= set(kinds)


def test_the_share_of_spoiled_rows_is_the_stated_one(deliveries: list[Delivery]) -> None:
    own = parameters()["deliveries"]["slips"]
    large = [d for d in deliveries if d.expected == LANDED and d.rows >= own["least_rows"]]
    share = sum(len(d.slips) for d in large) / sum(d.rows for d in large)
    assert share == pytest.approx(own["share"], rel=0.25)
    assert all(len(d.slips) < 0.05 * d.rows for d in deliveries if d.rows and d.expected != REFUSED)


def test_only_a_closed_world_feed_says_that_nothing_happened(deliveries: list[Delivery]) -> None:
    empty = {d.feed for d in deliveries if not d.rows}
    assert empty, "some rare events happen to nobody for a quarter"
    assert all(FEEDS[feed].absent_means_none for feed in empty)


def test_natural_keys_are_unique_before_the_agencies_err(city: City) -> None:
    for feed_id, table in city.tables.items():
        keys = table.select([*FEEDS[feed_id].key, "revision"])
        assert keys.group_by(keys.column_names).aggregate([]).num_rows == keys.num_rows, feed_id


def test_no_file_holds_one_key_twice_with_one_revision(sent: list[Sent]) -> None:
    for delivery, good, _ in sent:
        keys = Counter((*(row[name] for name in FEEDS[delivery.feed].key), row.get("revision", "1")) for row in good)
        assert not keys or max(keys.values()) == 1, delivery.path.name


def test_nothing_is_known_before_it_is_received(sent: list[Sent]) -> None:
    for delivery, good, _ in sent:
        feed = FEEDS[delivery.feed]
        assert delivery.received_at.utcoffset() is not None
        assert delivery.covers_to < delivery.received_at.date()
        past = [c.id for c in feed.file_columns if c.type is ColumnType.DATE and c.id not in PLANNED]
        for row in good:
            for name in past:
                assert row.get(name, "") <= str(delivery.covers_to), (delivery.path.name, name, row)
            if feed.column(feed.observed).type is ColumnType.MONTH:
                assert month_end(date.fromisoformat(row[feed.observed] + "-01")) <= delivery.covers_to


def test_deliveries_are_few_in_order_and_mixed(deliveries: list[Delivery]) -> None:
    assert len(deliveries) <= 420
    times = [delivery.received_at for delivery in deliveries]
    assert times == sorted(times)
    forms = {(d.format, d.encoding, d.compression) for d in deliveries}
    assert {
        ("csv", "utf-8", ""),
        ("csv", "utf-8", "gz"),
        ("csv", "utf-8-sig", ""),
        ("csv", "gb18030", ""),
        ("parquet", "utf-8", ""),
        ("ndjson", "utf-8", ""),
    } <= forms
    backfill = [d for d in deliveries if d.feed == "vat_invoice"]
    assert [d.covers_to.isoformat()[:7] for d in backfill] == [
        "2022-10",
        "2023-01",
        "2023-04",
        "2023-07",
        "2023-10",
        "2024-01",
        "2024-04",
        "2024-07",
        "2024-08",
        "2024-09",
        "2024-10",
    ]


def test_one_agency_is_silent_and_one_began_late(city: City, sent: list[Sent]) -> None:
    assert city.tables["gas_month"].num_rows
    assert not any(delivery.feed == "gas_month" for delivery, _, _ in sent)
    months = [row["month"] for delivery, good, _ in sent for row in good if delivery.feed == "water_month"]
    first = add_months(city.line.horizon, -18)
    assert min(months) > f"{first:%Y-%m}"


def test_late_files_come_after_the_others_of_their_month(deliveries: list[Delivery]) -> None:
    for feed_id, offset, extra in parameters()["deliveries"]["late_files"]:
        covers = add_months(date(2024, 10, 31), offset)
        late = next(d for d in deliveries if d.feed == feed_id and d.covers_to == covers)
        assert (late.received_at.date() - covers).days > extra


def test_the_refused_file_is_mended_and_the_repeated_file_is_the_same(sent: list[Sent]) -> None:
    refused = [entry for entry in sent if entry[0].expected == REFUSED]
    assert len(refused) == 1
    bad, _, spoiled = refused[0]
    assert len(spoiled) > 0.3 * bad.rows
    mended, good, still = next(
        e for e in sent if e[0].feed == bad.feed and e[0].covers_to == bad.covers_to and e[0] != bad
    )
    assert mended.received_at > bad.received_at
    assert (len(good) + len(still), mended.expected) == (bad.rows, LANDED)
    again = next(d for d, _, _ in sent if d.expected == REPEAT)
    before = next(d for d, _, _ in sent if d.feed == again.feed and d.covers_to == again.covers_to)
    assert before.expected == LANDED
    assert again.path.read_bytes() == before.path.read_bytes()


def test_rows_are_superseded_with_and_without_revision_numbers(sent: list[Sent]) -> None:
    history: dict[str, dict[tuple[Any, ...], list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for delivery, good, _ in sent:
        if delivery.expected == LANDED:
            for row in good:
                history[delivery.feed][tuple(row[name] for name in FEEDS[delivery.feed].key)].append(row)
    for feed_id, numbered in (
        ("vat_invoice", True),
        ("lawsuit", True),
        ("telecom_heat_month", False),
        ("overdue_to_sme", False),
    ):
        twice = [rows for rows in history[feed_id].values() if len(rows) > 1]
        assert twice, feed_id
        assert all(("revision" in rows[-1]) is numbered for rows in twice), feed_id
    # A repaired penalty is withdrawn by a later row, never in the file that first shows it.
    withdrawn = [rows for rows in history["administrative_penalty"].values() if "withdrawn_on" in rows[-1]]
    assert any(len(rows) == 2 and "withdrawn_on" not in rows[0] for rows in withdrawn)
    repaired = {
        row["document_no"] for rows in history["credit_repair"].values() for row in rows if row["state"] == "repaired"
    }
    assert {rows[-1]["document_no"] for rows in withdrawn} & repaired


def test_make_up_of_the_population(city: City) -> None:
    firms, own = city.firms, parameters()["population"]
    assert (firms.ownership == 0).mean() == pytest.approx(own["private_share"], abs=0.5 / FIRMS)
    assert (city.fortunes.status != 0).mean() == pytest.approx(own["not_live_share"], abs=0.5 / FIRMS)
    assert all(check_uscc(code).valid for code in firms.uscc)
    assert len(set(firms.uscc)) == len(set(firms.name)) == FIRMS
    assert all(code[2:6] == "2101" for code in firms.uscc)
    kinds = defaultdict(set)
    for code, entity in zip(firms.uscc, firms.entity_name, strict=True):
        kinds[str(entity)].add(str(code)[:2])
    assert kinds["sole_proprietor"] == {"92"}
    assert kinds["cooperative"] == {"93", "N2"}
    assert kinds["company"] == {"91"}
    assert len(set(firms.district.tolist())) >= 10
    assert all(name.startswith("融州市") for name in firms.name)
    assert 0.35 < firms.sole_proprietor.mean() < 0.50
    assert np.mean((firms.revenue < 3e6) | (firms.staff < 10)) > 0.75
    with_loan = len(np.unique(city.loans.firm)) / FIRMS
    assert 0.40 < with_loan < 0.60


def test_organisation_codes_carry_their_own_check_digit(city: City) -> None:
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    for code in city.firms.uscc[:100]:
        total = sum(weight * int(character, 36) for weight, character in zip(weights, str(code)[8:16], strict=True))
        assert str(code)[16] == "0123456789X"[(11 - total % 11) % 11]


def test_spring_festival_empties_its_month(city: City) -> None:
    steady = city.fortunes.alive.all(1)
    sales = city.fortunes.sales[steady].sum(0)
    for first, share in zip(city.line.firsts, city.line.festival, strict=True):
        if share > 0.6:
            place = city.line.firsts.index(first)
            around = np.r_[sales[place - 3 : place], sales[place + 1 : place + 4]]
            assert sales[place] < 0.85 * around.mean(), first


def test_festival_days_are_shared_between_months() -> None:
    line = timeline(date(2024, 10, 31), 36)
    by_month = dict(zip([str(first)[:7] for first in line.firsts], line.festival.tolist(), strict=True))
    # 22 January 2023: most quiet days in January; 10 February 2024: all in February.
    assert by_month["2023-01"] + by_month["2023-02"] == pytest.approx(1)
    assert by_month["2023-01"] > 0.7
    assert by_month["2024-02"] == pytest.approx(1)


def test_annual_revenue_is_what_was_invoiced(city: City) -> None:
    invoices = city.tables["vat_invoice"]
    issued = pc.year(invoices["issued_on"])
    mask = pc.and_(
        pc.equal(issued, 2023),
        pc.and_(pc.equal(invoices["direction"], "output"), pc.equal(invoices["status"], "valid")),
    )
    kept = invoices.filter(mask)
    invoiced: dict[str, float] = defaultdict(float)
    for code, amount in zip(kept["uscc"].to_pylist(), kept["amount_yuan"].to_pylist(), strict=True):
        invoiced[code] += float(amount)
    ratios = []
    for row in city.tables["financial_statement"].to_pylist():
        if row["period_end"] == date(2023, 12, 31) and row["uscc"] in invoiced:
            ratios.append(float(row["revenue_yuan"]) / invoiced[row["uscc"]])
    assert len(ratios) > 200
    assert np.quantile(ratios, 0.1) > 0.9
    assert np.median(ratios) == pytest.approx(1.02, abs=0.05)
    assert np.quantile(ratios, 0.9) < 1.35


def test_both_sides_of_a_sale_in_the_city_carry_one_number(city: City) -> None:
    rows = city.tables["vat_invoice"].to_pylist()
    sold = {
        (r["invoice_no"], r["uscc"], r["counterparty"]): r["amount_yuan"] for r in rows if r["direction"] == "output"
    }
    own = set(city.firms.uscc.tolist())
    bought = [r for r in rows if r["direction"] == "input" and r["counterparty"] in own]
    assert bought
    assert all(sold[(r["invoice_no"], r["counterparty"], r["uscc"])] == r["amount_yuan"] for r in bought)


def test_defaults_show_in_class_court_and_sales(city: City) -> None:
    fate, firms = city.fortunes, city.firms
    place = {code: number for number, code in enumerate(firms.uscc.tolist())}
    classes: dict[int, list[str]] = defaultdict(list)
    rank = FEEDS["loan_balance_month"].column("five_class").values
    for row in city.tables["loan_balance_month"].to_pylist():
        classes[place[row["uscc"]]].append(row["five_class"])
    failed = np.flatnonzero((fate.default >= LEAD) & (fate.default < city.line.length - 1))
    assert len(failed) > 5
    for firm in failed:
        assert max(rank.index(value) for value in classes[int(firm)]) >= 2
    sound = set(classes) - set(np.flatnonzero(fate.default < NO_MONTH).tolist())
    assert all(set(classes[firm]) <= {"normal", "special_mention"} for firm in sound)
    debtors = {(row["uscc"], row["case_no"]) for row in city.tables["enforcement_case"].to_pylist()}
    for row in city.tables["dishonest_debtor"].to_pylist():
        assert (row["uscc"], row["case_no"]) in debtors
    # Trouble is to be seen before the default: sales a year before against the three months before it.
    seen = failed[(fate.default[failed] >= LEAD + 12) & (fate.onset[failed] < fate.default[failed] - 4)]
    fall = [
        fate.sales[f, fate.default[f] - 3 : fate.default[f]].mean()
        / fate.sales[f, fate.default[f] - 15 : fate.default[f] - 9].mean()
        for f in seen
    ]
    assert np.median(fall) < 0.9


def test_records_stay_inside_a_firms_life(city: City) -> None:
    founded = dict(zip(city.firms.uscc.tolist(), city.firms.established.tolist(), strict=True))
    closed = dict(zip(city.firms.uscc.tolist(), city.fortunes.closed_on.tolist(), strict=True))
    for feed_id in ("vat_invoice", "administrative_penalty", "lawsuit", "loan_contract", "licence", "donation"):
        table = city.tables[feed_id]
        days = table[FEEDS[feed_id].observed].cast("int32").to_pylist()
        for code, day in zip(table["uscc"].to_pylist(), days, strict=True):
            assert founded[code] <= day < closed[code], (feed_id, code)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def digest(folder: str, seed: int) -> list[tuple[str, datetime, bytes, Any]]:
        made = write_deliveries(plan_city(80, seed=seed), tmp_path / folder)
        return [(d.feed, d.received_at, d.path.read_bytes(), d.slips) for d in made]

    assert digest("a", 7) == digest("b", 7)
    assert digest("c", 8) != digest("a", 7)


def test_levers_move_what_they_name() -> None:
    calm = copy.deepcopy(parameters())
    calm["fortunes"]["distress"]["monthly_rate"] = 1e-9
    calm["fortunes"]["default"]["sudden_monthly_rate"] = 1e-9
    quiet = plan_city(200, p=calm)
    assert (quiet.fortunes.default == NO_MONTH).all()
    assert quiet.tables["dishonest_debtor"].num_rows <= 1
    assert set(quiet.tables["loan_balance_month"]["five_class"].to_pylist()) <= {"normal", "special_mention"}


def test_another_day_and_window() -> None:
    made = plan_city(60, as_of=date(2025, 3, 14), months=24)
    months = set(made.tables["tax_filing"]["month"].to_pylist())
    assert (min(months), max(months)) == ("2023-03", "2025-02")


@pytest.mark.parametrize(("firms", "months"), [(10, 36), (1_000_000, 36), (2000, 3), (2000, 120)])
def test_a_city_out_of_bounds_is_refused(firms: int, months: int) -> None:
    with pytest.raises(RefusedInput):
        plan_city(firms, months=months)


def test_progress_reaches_its_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_deliveries(plan_city(50), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(FEEDS), len(FEEDS))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_every_lever_is_explained() -> None:
    lines = (HERE / "parameters.yaml").read_text(encoding="utf-8").splitlines()
    levers = [re.match(r"\s*(\w+):", line)[1] for line in lines if "# LEVER" in line]  # type: ignore[index]
    told = (HERE.parents[1] / "docs" / "demo-city.md").read_text(encoding="utf-8")
    assert levers
    assert [lever for lever in levers if f"`{lever}`" not in told] == []


def test_lenders_of_loans_have_the_kind_their_products_state() -> None:
    lenders = parameters()["borrowing"]["lenders"]
    shelf = {}
    for path in sorted((HERE.parent / "products").glob("*.yaml")):
        found = re.search(r"^lender: \{id: ([\w-]+),.* kind: (\w+)\}", path.read_text(encoding="utf-8"), re.M)
        if found:
            shelf[found[1]] = found[2]
    named = {lender: spec["kind"] for lender, spec in lenders.items() if lender in shelf}
    assert named
    assert all(shelf[lender] == kind for lender, kind in named.items())
