"""Models beside the financing evaluation: their bands, whom they evaluate, what they may never touch, refused files."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DataFileError
from scoring.evaluation.beside import CONSENT, SideState, evaluate_beside, explain_beside
from scoring.evaluation.evaluate import UNKNOWN_POINTS, evaluate
from scoring.prepaid import NONE
from service.books import rulebook
from service.books.documents import read_yaml
from service.books.seedbook import SEED
from service.snapshot.office_stages import office_stages
from service.usecases.check_models import check_models
from service.usecases.check_rules import check_rules
from tests.evaluation_firms import AS_OF, random_firm
from tests.evaluation_firms import columns_of as main_columns
from tests.oracle_evaluation import tell
from tests.side_firms import FILES, SIDES, answered, book_of, clean, codes_of, columns_of

#: What each value of an item adds to a firm that has nothing adverse, worked out by hand from the model files.
#: Steps are tried at the bound, on either side of it, and past the floor or cap. Money is in fen.
HEALTH = {
    "sales_growth": [(-0.31, -10), (-0.30, -10), (-0.2999, -5), (-0.0001, -5), (0.0, 0), (0.15, 0), (0.1501, 2)],
    "invoicing_months": [(0, 0), (5, 0), (6, 5), (11, 5), (12, 10), (500, 10)],
    "insured_staff_growth": [(-0.2001, -10), (-0.20, -10), (-0.1999, -5), (-0.0001, -5), (0.0, 0)],
    "electricity_growth": [(-0.5, -6), (-0.30, -6), (-0.15, -3), (0.0, 0), (0.10, 2), (0.2, 2)],
    "judgment_debtor": [(0, 0), (1, -8), (9, -8)],
    "unpaid_judgment_months": [(0, 0), (1, -4), (6, -4), (7, -8)],
    "tax_arrears": [(0, 0), (1, -6)],
    "leverage": [(0.70, 0), (0.7001, -4), (0.90, -4), (0.9001, -8)],
    "abnormal_operation": [(False, 0), (True, -6)],
    "serious_violation": [(True, -14)],
    "dishonest_debtor": [(True, -14)],
    "penalty_general": [(1, -2), (3, -6), (4, -6)],
    "penalty_serious": [(1, -6), (2, -12), (3, -12)],
    "late_payroll_months": [(1, -4), (2, -4), (3, -8)],
    "key_group_jobs": [(1, 1), (4, 4), (5, 4)],
    "donations_24m": [(999_999, 0), (1_000_000, 2)],
    "open_complaints": [(1, -2), (3, -6), (4, -6)],
}
PERSON = {
    "consumption_restriction": [(True, -25)],
    "dishonest_debtor": [(True, -30)],
    "related_party_risk": [(1, -10), (2, -20), (3, -20)],
    "serious_violation": [(True, -20)],
    "promise_fulfilment": [("kept", 0), ("pending", 0), ("broken", -15)],
    "late_payroll_months": [(0, 0), (1, -10), (2, -10), (3, -20)],
    "key_group_jobs": [(1, 2), (4, 8), (5, 8)],
    "donations_24m": [(999_999, 0), (1_000_000, 6)],
}


def prepaid(rep: int, debtor: int, unpaid: int, tax: int, complaint: int, most: int, lists: int, **more: Any) -> Any:
    """The bands the seven prepaid models share, at their bounds."""
    full = -(-most // complaint)
    return {
        "representative_changes_12m": [(0, 0), (1, -rep), (2, -2 * rep), (3, -2 * rep)],
        "judgment_debtor": [(1, -debtor), (2, -debtor)],
        "unpaid_judgment_months": [(1, -unpaid / 2), (6, -unpaid / 2), (7, -unpaid)],
        "tax_arrears": [(1, -tax)],
        "prepaid_complaints_12m": [(1, -complaint), (full - 1, -complaint * (full - 1)), (full, -most), (99, -most)],
        "abnormal_operation": [(True, -(lists // 2))],
        "serious_violation": [(True, -lists)],
        "dishonest_debtor": [(True, -lists)],
        **more,
    }


SHOPS_10 = [(1, -5), (2, -10), (3, -10)]
SHOPS_15 = [(1, -5), (3, -15), (4, -15)]
SHOPS_20 = [(1, -5), (4, -20), (5, -20)]
WAGES_10 = [(1, -4), (2, -4), (3, -10)]
OPEN = [(1, -3), (4, -12), (5, -12), (6, -12)]
BY_HAND = {
    "economy_health": HEALTH,
    "person_health": PERSON,
    "prepaid_real_estate": prepaid(
        8, 12, 12, 10, 4, 20, 20, assets_seized=[(1, -13)], equity_frozen=[(1, -10)],
        open_complaints=[(1, -2), (5, -10), (6, -10)],
    ),
    "prepaid_property": prepaid(
        7, 10, 10, 8, 4, 30, 20, late_payroll_months=[(2, -6), (3, -15)], open_complaints=[(1, -3), (5, -15), (6, -15)]
    ),
    "prepaid_tutoring": prepaid(
        10, 10, 10, 8, 5, 25, 20, late_payroll_months=WAGES_10, branches_closed_12m=SHOPS_10, open_complaints=OPEN
    ),
    "prepaid_early_education": prepaid(
        10, 10, 10, 8, 5, 25, 15, late_payroll_months=WAGES_10, branches_closed_12m=SHOPS_15, open_complaints=OPEN
    ),
    "prepaid_gym": prepaid(
        10, 10, 10, 8, 5, 30, 15, branches_closed_12m=SHOPS_20, open_complaints=[(1, -3), (5, -15), (6, -15)]
    ),
    "prepaid_decoration": prepaid(
        10, 12, 12, 8, 5, 25, 20, other_suits=[(1, -3), (5, -15), (6, -15)], open_complaints=OPEN
    ),
    "prepaid_beauty": prepaid(
        8, 10, 10, 8, 5, 35, 15, branches_closed_12m=SHOPS_20, open_complaints=[(1, -3), (5, -15), (6, -17), (7, -17)]
    ),
}  # fmt: skip
#: A firm without anything adverse: the bases, and what zeros give in the bands that start low.
BLANK = {"economy_health": 25 + 20 + 9 + 10 + 10 + 6, "person_health": 86}
MANY = settings(max_examples=40, deadline=None)


def test_every_side_model_is_worked_out_by_hand() -> None:
    assert set(BY_HAND) == set(SIDES)
    for name, document in SIDES.items():
        asked = {band["item"] for dimension in document["dimensions"] for band in dimension["bands"]}
        assert asked == set(BY_HAND[name]), name
        assert sum(dimension["max"] for dimension in document["dimensions"]) == 100


@pytest.mark.parametrize("name", SIDES)
def test_each_band_at_its_bounds(name: str) -> None:
    blank = clean(name)
    cases = [(item, value, add) for item, tried in BY_HAND[name].items() for value, add in tried]
    made = answered(name, blank, *({**blank, item: value} for item, value, _ in cases))
    base = BLANK.get(name, 100)
    assert made.total[0] == base * 1000
    for total, (item, value, add) in zip(made.total[1:], cases, strict=True):
        assert total == round((base + add) * 1000), (item, value)
    assert (made.low == made.total).all(), "nothing is unknown"
    assert (made.high == made.total).all()


@pytest.mark.parametrize("name", SIDES)
@MANY
@given(seed=st.integers(0, 2**32), unknown=st.sampled_from([0.0, 0.3, 0.9]))
def test_side_models_agree_with_the_oracle(name: str, seed: int, unknown: float) -> None:
    rng = np.random.default_rng(seed)
    firms = [random_side_firm(name, rng, unknown) for _ in range(8)]
    made = answered(name, *firms)
    document = {**SIDES[name], "official_cap": {"limits": {}}}
    for place, firm in enumerate(firms):
        told = tell(document, firm, official_used=False)
        if told.coverage == 0:
            assert made.state[place] == SideState.NOTHING_KNOWN
            continue
        assert made.state[place] == SideState.EVALUATED
        assert (made.total[place], made.low[place], made.high[place]) == (told.total, told.low, told.high)
        assert made.coverage[place] == pytest.approx(told.coverage)
        grade = made.model.grades[made.grade[place]] if made.grade[place] >= 0 else None
        assert grade == told.grade
        lines = explain_beside(made.model, columns_of(firms), place)
        assert sum(int(line.points * 1000) for line in lines) == told.total


def random_side_firm(name: str, rng: np.random.Generator, unknown: float) -> dict[str, Any]:
    """A firm the model is for, each fact at one of the hand-worked values or unknown."""
    firm = clean(name)
    for item, tried in BY_HAND[name].items():
        values = [*(value for value, _ in tried), firm[item]]
        firm[item] = None if rng.random() < unknown else values[int(rng.integers(len(values)))]
    return firm


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, SideState.EVALUATED),
        ({"prepaid_industry": "beauty"}, SideState.NOT_AMONG),
        ({"prepaid_industry": NONE}, SideState.NOT_AMONG),
        ({"prepaid_industry": None}, SideState.AMONG_UNKNOWN),
        ({"registration_status": None}, SideState.EVALUATED),
        ({"registration_status": "cancelled"}, SideState.NOT_LIVE),
        ({"registration_status": "cancelled", "prepaid_industry": "beauty"}, SideState.NOT_AMONG),
    ],
)
def test_a_gym_is_evaluated_as_a_gym(change: dict[str, Any], state: SideState) -> None:
    made = answered("prepaid_gym", {**clean("prepaid_gym"), **change})
    assert SideState(int(made.state[0])) is state
    known = made.total[0] != UNKNOWN_POINTS
    assert known == (state is SideState.EVALUATED)
    assert (made.grade[0] >= 0) == known
    assert np.isnan(made.coverage[0]) == (not known)


def test_nothing_is_made_of_a_firm_of_whom_nothing_is_known() -> None:
    made = answered("prepaid_gym", {"prepaid_industry": "gym"})
    assert made.state[0] == SideState.NOTHING_KNOWN
    assert made.total[0] == UNKNOWN_POINTS


@pytest.mark.parametrize(
    ("private", "consent", "state"),
    [
        (True, True, SideState.EVALUATED),
        (True, False, SideState.NO_CONSENT),
        (True, None, SideState.NO_CONSENT),
        (None, True, SideState.AMONG_UNKNOWN),
        (False, True, SideState.NOT_AMONG),
    ],
)
def test_a_person_is_evaluated_only_with_a_recorded_consent(
    private: bool | None, consent: bool | None, state: SideState
) -> None:
    firm = {**clean("person_health"), "private_owned": private, CONSENT: consent}
    made = answered("person_health", firm)
    assert SideState(int(made.state[0])) is state
    without = {name: value for name, value in firm.items() if name != CONSENT}
    assert answered("person_health", without).state[0] != SideState.EVALUATED, "no register of consents: nobody"


def test_the_person_model_is_off_for_the_office_alone_and_in_no_aggregate() -> None:
    person = next(side for side in rulebook.evaluations().sides if side.card.id == "person_health")
    assert person.personal
    assert not person.card.enabled
    assert not person.aggregated
    assert person.shown_to == {"office"}
    assert all(side.proposed for side in rulebook.evaluations().sides)
    assert not any(side.personal for side in rulebook.evaluations().sides if side is not person)


@MANY
@given(seed=st.integers(0, 2**32), points=st.integers(-90, 90).filter(bool), enabled=st.booleans())
def test_a_side_model_never_changes_score_grade_or_order(seed: int, points: int, enabled: bool) -> None:
    rng = np.random.default_rng(seed)
    document = {**SIDES["prepaid_gym"], "id": "another", "purpose": "another", "enabled": enabled, "among": []}
    spec = {"id": "x", "zh": "x", "en": "x", "item": "judgment_debtor", "kind": "threshold", "ge": 1, "expected": 0}
    document["dimensions"] = [{**document["dimensions"][0], "max": 100, "bands": [{**spec, "points": points}]}]
    mains = [each for each in FILES.values() if "use" not in each]
    alone, beside = book_of(*mains), book_of(*SIDES.values(), document, *mains)
    firms = [random_firm(rng, 0.3) for _ in range(12)]
    asked = [{**random_side_firm("prepaid_gym", rng, 0.3), "private_owned": True} for _ in firms]
    columns = columns_of(asked).merged(main_columns(firms))
    before, after = evaluate(alone, columns, AS_OF), evaluate(beside, columns, AS_OF)
    for field in fields(before):
        if isinstance(getattr(before, field.name), np.ndarray):
            assert np.array_equal(getattr(before, field.name), getattr(after, field.name), equal_nan=True), field.name
    assert before.slots == after.slots
    stages = office_stages()
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(rulebook, "evaluations", lambda: alone)
        plain = stages.evaluate(columns, AS_OF)
        patched.setattr(rulebook, "evaluations", lambda: beside)
        more = stages.evaluate(columns, AS_OF)
    # What conditions may ask, and what the order of a snapshot is made of, is the same to the last bit.
    assert list(plain.facts.values) == list(more.facts.values)
    for name, column in plain.facts.values.items():
        assert column.tobytes() == more.facts.values[name].tobytes(), name
    assert {name for name in more.scores if name not in plain.scores} == {
        name for name in more.scores if name.startswith("side.")
    }
    assert any(name.startswith("side.another.") for name in more.scores) is enabled


def damaged(name: str, **changes: Any) -> Any:
    document = read_yaml(SEED / "evaluations" / f"{name}.yaml", SEED)
    document.update(changes)
    return document


def band_of(document: Any, **changes: Any) -> Any:
    document["dimensions"][0]["bands"][0].update(changes)
    return document


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        (damaged("prepaid_gym", applies_to="enterprise"), "applies_to", "sets no score, grade or order"),
        (damaged("prepaid_gym", official_cap={"limits": {}}), "official_cap", "sets no score, grade or order"),
        (damaged("prepaid_gym", review={"grades": [], "share": 0}), "review", "sets no score, grade or order"),
        (damaged("prepaid_gym", use="grade"), "use", "beside"),
        (damaged("prepaid_gym", sets="grade"), "sets", "no such part"),
        (damaged("prepaid_gym", grades=[{"grade": "A", "from": 5}, {"grade": "z", "from": 0}]), "grades", "A: grades"),
        (damaged("prepaid_gym", among=[{"item": "prepaid_industry", "in": ["casino"]}]), "in", "Codes of the item"),
        (damaged("prepaid_gym", among=[{"item": "no_such", "is": True}]), "item", "no such item"),
        (damaged("prepaid_gym", among=[{"item": "private_owned", "is": False}]), "item", "A test is a flag"),
        (damaged("prepaid_gym", shown_to=["everybody"]), "shown_to", "office, firm, lender"),
        (damaged("prepaid_gym", shown_to=[]), "shown_to", "office, firm, lender"),
        (damaged("prepaid_gym", enabled="yes"), "enabled", "true or false"),
        (damaged("prepaid_gym", proposed=1), "proposed", "true or false"),
        (damaged("person_health", shown_to=["office", "firm"]), "shown_to", "office alone"),
        (damaged("person_health", aggregated=True), "aggregated", "not aggregated"),
        (band_of(damaged("prepaid_gym"), item="no_such_item"), "item", "no such item"),
        (band_of(damaged("prepaid_gym"), item="legal_representative"), "item", "shown but not scored"),
        (damaged("prepaid_gym", id="twin"), "among", "prepaid_gym evaluates the same firms"),
        (damaged("prepaid_gym", purpose="more"), "id", "used once"),
    ],
)  # fmt: skip
def test_a_faulty_side_model_is_refused(document: Any, field: str, says: str) -> None:
    others = [each for each in FILES.values() if each["id"] != document["id"]]
    if document.get("purpose") == "more":
        others.append(FILES["prepaid_gym"])
    with pytest.raises(DataFileError, match=says) as refused:
        book_of(*others, document)
    assert refused.value.field == field


def test_models_of_one_purpose_may_follow_each_other_or_stand_apart() -> None:
    first, second = damaged("prepaid_gym", valid_until="2025-12-31"), damaged("prepaid_gym", id="next")
    second["valid_from"] = "2026-01-01"
    book = book_of(first, second)
    gym = columns_of([clean("prepaid_gym")])
    used = [
        [m.model.card.id for m in evaluate_beside(book, gym, day)] for day in (date(2025, 12, 31), date(2026, 1, 1))
    ]
    assert used == [["prepaid_gym"], ["next"]]
    second["valid_from"] = "2025-12-31"
    with pytest.raises(DataFileError, match="evaluates the same firms"):
        book_of(first, second)
    second["enabled"] = False
    assert len(book_of(first, second).sides) == 2
    second |= {"enabled": True, "among": [{"item": "prepaid_industry", "in": ["beauty"]}]}
    assert len(book_of(first, second).sides) == 2


def test_no_firm_is_evaluated_by_two_models_of_one_purpose() -> None:
    firms = columns_of([{"prepaid_industry": code, "private_owned": True} for code in codes_of("prepaid_industry")])
    by_purpose: dict[str, Any] = {}
    for made in evaluate_beside(rulebook.evaluations(), firms, AS_OF):
        mine = made.state != SideState.NOT_AMONG
        by_purpose[made.model.purpose] = by_purpose.get(made.model.purpose, 0) + mine.astype(int)
    assert by_purpose["prepaid"].tolist() == [0, 1, 1, 1, 1, 1, 1, 1]


def test_the_check_reads_the_models_of_the_seed() -> None:
    found = check_models()
    assert not found.problems
    kinds = {each.id: each.kind for each in found.items}
    assert {name for name, kind in kinds.items() if kind == "side"} == set(SIDES)
    assert kinds["prepaid-watch"] == "watch"


@pytest.mark.parametrize(
    ("source", "before", "after", "field"),
    [
        ("evaluations/prepaid_gym.yaml", "in: [gym]", "in: [casino]", "in"),
        ("evaluations/prepaid_gym.yaml", "item: tax_arrears", "item: tax_arrear", "item"),
        ("evaluations/prepaid_gym.yaml", "proposed: true", "official_cap: {limits: {D: steady}}", "official_cap"),
        ("evaluations/prepaid_gym.yaml", "id: prepaid_gym", "id: gym2", "among"),
        ("watch/prepaid.yaml", "value: none", "value: casino", "value"),
        ("watch/prepaid.yaml", "fact: complaints_12m", "fact: complaint_12m", "fact"),
        ("watch/prepaid.yaml", "severity: medium", "severity: red", "severity"),
        ("watch/prepaid.yaml", "dated_by: [listed_abnormal_on]", "dated_by: [district]", "dated_by"),
        ("watch/prepaid.yaml", "id: closing-shops\n", "id: blacklisted\n", "id"),
        ("watch/prepaid.yaml", "groups: prepaid_industry", "groups: branches", "groups"),
        ("watch/prepaid.yaml", "dated_by: [listed_dishonest_on]", "dated_by: [no_such_day]", "dated_by"),
    ],
)
def test_the_check_names_file_and_line(tmp_path: Path, source: str, before: str, after: str, field: str) -> None:
    text = (SEED / source).read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    (problem,) = check_rules([path]).problems
    assert (problem.file, problem.field) == (str(path), field)
    changed = text.replace(before, after, 1).splitlines()
    if field not in ("among", "id"):
        assert after.split(":")[0].strip().split(" ")[-1] in changed[problem.line - 1], changed[problem.line - 1]


def test_own_files_are_held_to_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "again.yaml"
    text = (SEED / "evaluations" / "prepaid_gym.yaml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    assert "used once" in check_models([path]).problems[0].rule
    path.write_text(text.replace("enabled: true", "enabled: false").replace("id: prepaid_gym", "id: gym_2027"), "utf-8")
    report = check_rules([path])
    assert not report.problems
    assert [(each.id, each.kind) for each in report.models] == [("gym_2027", "side")]
    assert report.items == ()
