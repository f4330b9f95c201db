"""The editor's kit: every fault of a rule file at once, by file and line; a new policy without Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from matching.editions import edition_clashes
from matching.lint import Remark
from matching.schemes import Scheme, parse_scheme
from service.books.documents import read_yaml
from service.books.rulebook import facts, offers, parameters
from service.books.seedbook import SEED
from service.usecases.check_rules import RuleCheck, check_rules

ROOT = Path(__file__).parent.parent

SCHEME = """\
id: a-scheme
kind: scheme
city: shenyang
zh: 政策
en: Scheme
offers: guarantee
office: {zh: 办, en: Office}
cite: "000:50"
confirmed: true
valid: {from: 2024-01-01, until: 2024-12-31, selected_by: loan_contract_on}
card: {beneficiaries: {zh: 小企业, en: Small firms}}
conditions:
  all:
    - {fact: size_class, op: in, value: [micro, small], cite: "000:50"}
    - {fact: loan_amount_yuan, op: le, value: 10000000, cite: "000:50"}
documents:
  - {zh: 合同, en: Contract}
"""
CASES = """\
rule: a-scheme
as_of: 2024-10-31
given: {size_class: small, loan_amount_yuan: 1000000, loan_contract_on: 2024-06-01}
cases:
  - {name: small, expect: met}
  - {name: size unknown, change: {size_class: null}, expect: unknown}
  - {name: large, change: {size_class: large}, expect: unmet}
  - {name: ten million, change: {loan_amount_yuan: 10000000}, expect: met}
  - {name: a fen more, change: {loan_amount_yuan: "10000000.01"}, expect: unmet}
  - {name: first day, change: {loan_contract_on: 2024-01-01}, expect: met}
  - {name: the day before, change: {loan_contract_on: 2023-12-31}, expect: not_yet}
  - {name: last day, change: {loan_contract_on: 2024-12-31}, expect: met}
  - {name: the day after, change: {loan_contract_on: 2025-01-01}, expect: expired}
"""


def checked(folder: Path, scheme: str = SCHEME, cases: str | None = CASES, name: str = "a-scheme") -> RuleCheck:
    path = folder / f"{name}.yaml"
    path.write_text(scheme, encoding="utf-8")
    if cases is not None:
        (folder / f"{name}.cases.yaml").write_text(cases, encoding="utf-8")
    return check_rules([path])


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def at(remarks: tuple[Remark, ...]) -> set[tuple[int, str]]:
    return {(remark.line, remark.field) for remark in remarks}


def test_the_whole_book_is_without_fault() -> None:
    report = check_rules()
    assert [f"{each.file}:{each.line}: {each.rule}" for each in report.problems] == []
    assert {each.id for each in report.items} == {*offers().products, *offers().schemes}


def test_what_is_not_confirmed_is_listed_as_a_note() -> None:
    notes = {(note.file.rpartition("/")[2], note.field) for note in check_rules().notes}
    for scheme in offers().schemes.values():
        assert ((f"{scheme.id}.yaml", "confirmed") in notes) == (not scheme.confirmed)
        assert ((f"{scheme.id}.yaml", "terms_published") in notes) == (not scheme.terms_published)
        for reading in scheme.readings:
            assert (f"{scheme.id}.yaml", reading.id) in notes


def test_a_sound_scheme_of_ones_own_passes(tmp_path: Path) -> None:
    report = checked(tmp_path)
    assert report.problems == ()
    assert [(each.id, each.cases) for each in report.items] == [("a-scheme", 9)]


def test_every_fault_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    faulty = SCHEME.replace("size_class", "size_klass").replace(', cite: "000:50"}\ndoc', "}\ndoc")
    faulty = faulty.replace("value: 10000000", "value: 1000").replace(
        "documents:", "    - {fact: live, op: lt, value: true, cite: x}\ndocuments:"
    )
    report = checked(tmp_path, faulty)
    assert at(report.problems) == {(14, "fact"), (15, "cite"), (16, "op")}
    by_line = {problem.line: problem for problem in report.problems}
    assert "size_class" in by_line[14].fix
    assert report.items == ()


@pytest.mark.parametrize(
    ("old", "new", "field", "line"),
    [
        ("value: 10000000", "value: 300", "value", 15),
        ("value: 10000000", 'value: "999.9"', "value", 15),
        ("loan_amount_yuan, op: le, value: 10000000", "loan_annual_rate, op: le, value: 5", "value", 15),
        ("loan_amount_yuan, op: le, value: 10000000", "sales_growth, op: ge, value: 15", "value", 15),
        ("documents:", 'limit: {yuan: 500, larger_loans: excluded, cite: "000:50"}\ndocuments:', "yuan", 16),
        ("documents:", 'benefit: {kind: fixed, cite: "000:50", yuan: 50}\ndocuments:', "yuan", 16),
    ],
)
def test_a_number_in_the_wrong_unit_is_asked_about(tmp_path: Path, old: str, new: str, field: str, line: int) -> None:
    report = checked(tmp_path, SCHEME.replace(old, new))
    suspicious = [each for each in report.problems if "if it is meant" in each.fix]
    assert at(tuple(suspicious)) == {(line, field)}


@pytest.mark.parametrize("value", ['"300.00"', "1000", "300.00", "0"])
def test_a_small_amount_that_is_meant_is_written_with_two_decimals(tmp_path: Path, value: str) -> None:
    report = checked(tmp_path, SCHEME.replace("value: 10000000", f"value: {value}"))
    assert not [each for each in report.problems if "if it is meant" in each.fix]


def with_condition(text: str) -> str:
    return SCHEME.replace("documents:", f"{text}\ndocuments:")


@pytest.mark.parametrize(
    ("scheme", "line", "says"),
    [
        (with_condition("    - {fact: size_class, op: is, value: large, cite: x}"), 16, "No firm can meet this"),
        (with_condition("    - {fact: loan_amount_yuan, op: gt, value: 10000000, cite: x}"), 16, "No firm can meet"),
        (
            with_condition(
                "    - any:\n        - {fact: size_class, op: is, value: medium, cite: x}\n"
                "        - {fact: live, op: is, value: true, cite: x}"
            ),
            17,
            "can never be met",
        ),
        (with_condition("    - {fact: loan_contract_on, op: ge, value: 2025-06-01, cite: x}"), 12, "on the days"),
        (
            with_condition(
                'benefit:\n  kind: tiers\n  cite: "000:50"\n  counting: highest\n  tiers:\n'
                "    - {when: {fact: size_class, op: is, value: large}, give: {kind: fixed, yuan: 10000}, "
                'zh: 大, en: Large, cite: "000:50"}'
            ),
            21,
            "can never reach",
        ),
    ],
)
def test_what_can_never_be_met_is_found_where_it_stands(tmp_path: Path, scheme: str, line: int, says: str) -> None:
    problems = checked(tmp_path, scheme).problems
    assert [each.line for each in problems if says in each.rule] == [line], problems


@pytest.mark.parametrize(
    ("scheme", "line"),
    [
        (with_condition("    - {fact: loan_amount_yuan, op: le, value: 20000000, cite: x}"), 16),
        (with_condition("    - {fact: loan_contract_on, op: ge, value: 2023-01-01, cite: x}"), 16),
        (
            with_condition(
                "    - any:\n        - {fact: firm_age_months, op: ge, value: 12, cite: x}\n"
                "        - {fact: firm_age_months, op: ge, value: 24, cite: x}"
            ),
            18,
        ),
    ],
)
def test_what_asks_nothing_new_is_a_note(tmp_path: Path, scheme: str, line: int) -> None:
    report = checked(tmp_path, scheme)
    assert line in {note.line for note in report.notes}
    assert not [each for each in report.problems if "never" in each.rule and "case" not in each.field]


def test_known_and_parameters_are_not_mistaken_for_redundant(tmp_path: Path) -> None:
    scheme = with_condition(
        "    - {fact: firm_age_months, op: known, cite: x}\n    - {fact: firm_age_months, op: ge, value: 12, cite: x}\n"
        "    - {fact: loan_annual_rate, op: gt, value: {param: lpr_1y}, cite: x}"
    )
    assert not {note.line for note in checked(tmp_path, scheme).notes} & {16, 17, 18}


def test_a_case_that_fails_and_a_boundary_nobody_tries_have_their_lines(tmp_path: Path) -> None:
    cases = CASES.replace("expect: met}\n  - {name: size", "expect: unmet}\n  - {name: size")
    cases = cases.replace('  - {name: a fen more, change: {loan_amount_yuan: "10000000.01"}, expect: unmet}\n', "")
    problems = checked(tmp_path, cases=cases).problems
    failing = next(each for each in problems if each.rule.startswith("small: "))
    assert (Path(failing.file).name, failing.line) == ("a-scheme.cases.yaml", line_of(cases, "name: small"))
    untried = next(each for each in problems if "nothing next to 10000000" in each.rule)
    assert (Path(untried.file).name, untried.line) == ("a-scheme.yaml", 15)


TIERED = SCHEME.replace(
    "documents:",
    """benefit:
  kind: tiers
  cite: "000:50"
  counting: highest
  tiers:
    - zh: 一档
      en: First
      when: {fact: sales_12m, op: gt, value: 25000000}
      give: {kind: fixed, yuan: 200000}
    - zh: 二档
      en: Second
      when: {fact: sales_12m, op: ge, value: 50000000}
      give: {kind: fixed, yuan: 300000}
once: {per: firm, window_months: 12, cite: "000:50"}
documents:""",
)
TIERED_CASES = f"""{CASES}\
  - {{name: on the first line, change: {{sales_12m: 25000000}}, expect: {{verdict: met, amount_yuan: 0}}}}
  - {{name: past it, change: {{sales_12m: "25000000.01"}}, expect: {{verdict: met, amount_yuan: 200000}}}}
  - {{name: below the second, change: {{sales_12m: "49999999.99"}}, expect: {{verdict: met, amount_yuan: 200000}}}}
  - {{name: on the second, change: {{sales_12m: 50000000}}, expect: {{verdict: met, amount_yuan: 300000}}}}
  - {{name: a year ago, change: {{claim_last_enjoyed_on: 2023-10-31}}, expect: met}}
  - {{name: a day less, change: {{claim_last_enjoyed_on: 2023-11-01}}, expect: unmet}}
"""


def test_both_sides_of_every_tier_and_of_the_window_are_tried(tmp_path: Path) -> None:
    assert checked(tmp_path, TIERED, TIERED_CASES).problems == ()
    for case, says, part in (
        ("on the first line", "sales_12m gt 25000000: 25000000 itself is not tried", "when: {fact: sales_12m, op: gt"),
        ("past it", "sales_12m gt 25000000: nothing next to 25000000", "when: {fact: sales_12m, op: gt"),
        ("below the second", "sales_12m ge 50000000: nothing next to 50000000", "when: {fact: sales_12m, op: ge"),
        ("on the second", "sales_12m ge 50000000: 50000000 itself is not tried", "when: {fact: sales_12m, op: ge"),
    ):
        fewer = "".join(line for line in TIERED_CASES.splitlines(True) if f"name: {case}," not in line)
        problems = checked(tmp_path, TIERED, fewer).problems
        assert any(problem.rule.startswith(says) for problem in problems), case
        assert {problem.line for problem in problems} == {line_of(TIERED, part)}


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("a year ago", {"once: never met.", "once: the boundary itself is not tried."}),
        ("a day less", {"once: never unmet.", "once: nothing next to the boundary on the other side."}),
    ],
)
def test_both_sides_of_a_once_only_window_are_tried(tmp_path: Path, case: str, says: set[str]) -> None:
    fewer = "".join(line for line in TIERED_CASES.splitlines(True) if f"name: {case}," not in line)
    assert {problem.rule for problem in checked(tmp_path, TIERED, fewer).problems} == says


@pytest.mark.parametrize(
    ("clause", "field", "fix"),
    [
        ("excludes: [sy-first-loan-subsidy-2023]", "excludes", "Did you mean sy-first-loan-subsidy-2024"),
        ("permits: [sy-industry-growth-years-2025]", "permits", "Did you mean sy-industry-growth-year-2025"),
        ("permits: [interest_subsidy]", "permits", "Did you mean"),
        ("excludes: [a-scheme]", "excludes", "Drop it."),
    ],
)
def test_a_clause_on_combining_names_what_there_is(tmp_path: Path, clause: str, field: str, fix: str) -> None:
    scheme = SCHEME.replace("documents:", f"stacking:\n  cite: x\n  {clause}\ndocuments:")
    (problem,) = checked(tmp_path, scheme).problems
    assert (problem.line, problem.field) == (line_of(scheme, clause), field)
    assert fix in problem.fix


def test_a_clause_may_exclude_a_scheme_a_group_a_tag_or_a_kind(tmp_path: Path) -> None:
    clause = "excludes: [sy-first-loan-subsidy-2024, interest_subsidy, own-tag], tags: [own-tag], cite: x"
    assert checked(tmp_path, SCHEME.replace("documents:", f"stacking: {{{clause}}}\ndocuments:")).problems == ()


def test_faulty_cases_are_told_by_their_own_line(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, cases=CASES.replace("size_class: large", "size_klass: large")).problems
    assert Path(problem.file).name == "a-scheme.cases.yaml"
    assert problem.line == line_of(CASES, "name: large")


def test_cases_are_asked_for_and_the_file_is_named_after_the_rule(tmp_path: Path) -> None:
    problems = checked(tmp_path, cases=None, name="other").problems
    assert at(problems) == {(1, "cases"), (1, "id")}


@pytest.mark.parametrize(
    ("text", "line"),
    [("- a list\n", 0), ("id: x\nid: y\n", 2), ("id: [\n", 2), ("", 0), ("id: x\nkind: gift\n", 0)],
)
def test_what_is_no_rule_file_is_refused(tmp_path: Path, text: str, line: int) -> None:
    report = checked(tmp_path, text)
    assert report.items == ()
    assert report.problems
    assert report.problems[0].line >= line


def edition(name: str, since: str, until: str = "", **parts: object) -> Scheme:
    document = read_yaml(SEED / "schemes" / "shenyang" / "sy-government-guarantee-2024.yaml")
    valid = {"from": since, **({"until": until} if until else {}), "selected_by": "loan_contract_on"}
    return parse_scheme({**document, "id": name, "valid": valid, **parts}, facts(), parameters())


@pytest.mark.parametrize(
    ("until", "since", "error", "says"),
    [
        ("2024-12-31", "2024-12-31", True, "before this edition ends"),
        ("2024-12-31", "2025-01-02", False, "neither"),
        ("", "2025-01-01", True, "so it ends"),
        ("2024-12-31", "2025-01-01", None, ""),
    ],
)
def test_editions_follow_each_other(until: str, since: str, error: bool | None, says: str) -> None:
    old = edition("old", "2024-01-01", until, superseded_by="new")
    new = edition("new", since, supersedes=["old"])
    found = list(edition_clashes({"old": old, "new": new}))
    assert [clash.error for clash in found] == ([] if error is None else [error])
    assert all(says in clash.rule for clash in found)


def test_two_policies_of_one_name_on_the_same_days_are_told_of() -> None:
    one, other = edition("one", "2024-01-01", "2024-12-31"), edition("other", "2024-06-01", "2025-06-01")
    (clash,) = edition_clashes({"one": one, "other": other})
    assert (clash.scheme, clash.field, clash.error) == ("other", "valid", True)
    later = edition("other", "2025-01-01")
    assert not list(edition_clashes({"one": one, "other": later}))


def test_successions_are_two_sided_and_do_not_run_in_a_ring() -> None:
    widow = edition("widow", "2024-01-01", "2024-12-31", superseded_by="nobody")
    assert [clash.field for clash in edition_clashes({"widow": widow})] == ["superseded_by"]
    one = edition("one", "2024-01-01", "2024-12-31", superseded_by="other", supersedes=["other"])
    other = edition("other", "2025-01-01", "2025-12-31", superseded_by="one", supersedes=["one"])
    assert {clash.rule for clash in edition_clashes({"one": one, "other": other})} == {
        "Its successors lead back to it."
    }


def test_an_id_of_the_book_is_known_and_a_double_one_is_told(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        checked(folder)
    report = check_rules([first / "a-scheme.yaml", second / "a-scheme.yaml"])
    assert [(each.line, each.field) for each in report.problems] == [(1, "id")]
    succeeding = SCHEME.replace("card:", "superseded_by: cn-re-guarantee\ncard:")
    assert at(checked(tmp_path, succeeding).problems) == {(11, "superseded_by")}


def test_a_new_policy_needs_no_python(tmp_path: Path) -> None:
    # docs/rules.md: two files below seed/schemes, and the check; the new scheme is listed and answers
    shutil.copytree(SEED, tmp_path / "seed", ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path / "seed" / "schemes" / "benxi"
    folder.mkdir()
    (folder / "a-scheme.yaml").write_text(SCHEME, encoding="utf-8")
    (folder / "a-scheme.cases.yaml").write_text(CASES, encoding="utf-8")
    told = said(tmp_path, "scheme", "check", "seed/schemes/benxi/a-scheme.yaml", "--json")
    assert json.loads(told)["problems"] == []
    listed = json.loads(said(tmp_path, "scheme", "list", "--json"))["items"]
    assert "a-scheme" in {each["id"] for each in listed}
    (tmp_path / "f.json").write_text('{"size_class": "small", "loan_amount_yuan": 5, "loan_contract_on": "2024-06-01"}')
    answer = json.loads(said(tmp_path, "scheme", "evaluate", "a-scheme", "--facts", "f.json", "--json"))
    assert answer["verdict"] == "met"
    (folder / "a-scheme.yaml").write_text(SCHEME.replace("size_class", "size"), encoding="utf-8")
    refused = said(tmp_path, "scheme", "check", "seed/schemes/benxi/a-scheme.yaml", code=2)
    assert "seed/schemes/benxi/a-scheme.yaml:14: " in refused


def said(folder: Path, *arguments: str, code: int = 0) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "en_GB.UTF-8"}
    command = [sys.executable, "-m", "service.cli", *arguments]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode()
