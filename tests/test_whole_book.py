"""What holds of every scheme of the book: caps, the unknown, split loans; and five schemes against plain Python."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from matching.benefits.combined import whens
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.nodes import leaves
from matching.scheme_parts import BEFORE, LAST_ON
from matching.schemes import Scheme, parse_scheme
from matching.verdicts import Verdict
from models.kinds import Kind, Scalar
from service.books.documents import read_yaml
from service.books.rulebook import CASES, facts, offers, parameters, rule_files
from service.books.seedbook import SEED
from tests import oracle_shenyang, test_fushun_policies
from tests.oracle_book import ORACLES

D = Decimal
SCHEMES = offers().schemes
PATHS = {path.stem: path for path in rule_files("schemes")}
Values = Mapping[str, Scalar | None]


def cases(scheme_id: str) -> Iterator[tuple[dict[str, Scalar | None], date]]:
    """The facts and the day of every worked case of a scheme."""
    path = PATHS[scheme_id]
    document = read_yaml(path.with_name(path.stem + CASES), SEED)
    for case in document["cases"]:
        values = facts().read_values({**document["given"], **case.get("change", {})})
        yield values, case.get("as_of", document["as_of"])


def asked(scheme: Scheme, values: Values, as_of: date) -> SchemeResult:
    return evaluate_scheme(scheme, values, parameters(), as_of)


# ---------------------------------------------------------------- a larger cap never lowers a benefit
CAPS = ("cap_yuan", "limit_yuan", "cap", "pot_yuan", "months_at_most")
LIFTED = {"cap": "1", "months_at_most": 120}
#: What the firm gets out of a scheme: money kept, its bounds, money lent.
GETS = ("amount_yuan", "at_least_yuan", "at_most_yuan", "annual_rate", "funding_yuan")


def capped(part: Any) -> Iterator[tuple[Any, str]]:
    """Every place in a scheme's benefit that holds a cap."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name in CAPS:
                yield part, name
            yield from capped(value)
    elif isinstance(part, list):
        for each in part:
            yield from capped(each)


def with_larger_caps(scheme_id: str) -> list[Scheme]:
    """The scheme with one cap lifted, for each of its caps in turn."""
    document = read_yaml(PATHS[scheme_id], SEED)
    made = []
    for place in range(len(list(capped(document.get("benefit"))))):
        lifted = deepcopy(document)
        part, name = list(capped(lifted["benefit"]))[place]
        part[name] = LIFTED.get(name) or int(D(str(part[name])) * 2)
        used = str({name: value for name, value in lifted.items() if name != "readings"})
        kept = [each for each in lifted.get("readings", []) if str({"reading": each["id"]}) in used]
        lifted["readings"] = kept
        made.append(parse_scheme(lifted, facts(), parameters()))
    return made


CAPPED = sorted(scheme for scheme, path in PATHS.items() if list(capped(read_yaml(path, SEED).get("benefit"))))


@pytest.mark.parametrize("scheme_id", CAPPED)
def test_a_larger_cap_never_lowers_a_benefit(scheme_id: str) -> None:
    larger = with_larger_caps(scheme_id)
    for values, as_of in cases(scheme_id):
        before = asked(SCHEMES[scheme_id], values, as_of)
        for scheme in larger:
            after = asked(scheme, values, as_of)
            assert after.verdict is before.verdict
            for name in GETS:
                low, high = getattr(before.benefit, name, None), getattr(after.benefit, name, None)
                assert low is None or high is None or high >= low, (name, values)


def test_the_caps_of_the_book_are_lifted_at_all() -> None:
    grown = {
        scheme_id
        for scheme_id in CAPPED
        for values, as_of in cases(scheme_id)
        for scheme in with_larger_caps(scheme_id)
        if (more := asked(scheme, values, as_of).benefit) != asked(SCHEMES[scheme_id], values, as_of).benefit and more
    }
    assert grown == set(CAPPED), "each cap binds in some worked case, so that lifting it shows"


# ---------------------------------------------------------------- the unknown
def asked_facts(scheme: Scheme) -> set[str]:
    """Facts the scheme asks in its conditions and the parts of its benefit."""
    return {leaf.fact for node in (scheme.conditions, *whens(scheme.benefit)) for leaf in leaves(node)}


@pytest.mark.parametrize("scheme_id", sorted(SCHEMES))
def test_filling_an_unknown_favourably_never_turns_met_or_unknown_into_unmet(scheme_id: str) -> None:
    rng, scheme = random.Random(scheme_id), SCHEMES[scheme_id]
    met = [each for each in cases(scheme_id) if asked(scheme, *each).verdict is Verdict.MET]
    if not met:
        assert not scheme.grantable, "a scheme that is in force is met in some case"
        return
    for _ in range(12):
        values, as_of = rng.choice(met)
        favourable = {BEFORE: False, **values} if scheme.once and values.get(LAST_ON) is None else dict(values)
        hidden = rng.sample(sorted(favourable), rng.randint(1, len(favourable)))
        known = {fact: value for fact, value in favourable.items() if fact not in hidden}
        verdicts = [asked(scheme, known, as_of).verdict]
        for fact in hidden:
            known[fact] = favourable[fact]
            verdicts.append(asked(scheme, known, as_of).verdict)
        assert set(verdicts) <= {Verdict.MET, Verdict.UNKNOWN}, (values, hidden)
        assert verdicts[-1] is Verdict.MET
        settled = verdicts.index(Verdict.MET)
        assert set(verdicts[settled:]) == {Verdict.MET}, "what is met with facts unknown stays met as they come in"


@pytest.mark.parametrize("scheme_id", sorted(scheme.id for scheme in SCHEMES.values() if scheme.grantable))
def test_what_is_met_without_a_fact_of_its_conditions_is_met_with_any_value_of_it(scheme_id: str) -> None:
    rng, scheme = random.Random(scheme_id), SCHEMES[scheme_id]
    for values, as_of in cases(scheme_id):
        if asked(scheme, values, as_of).verdict is not Verdict.MET:
            continue
        defined = {definition.fact for definition in scheme.definitions}  # worked out from the facts that are known
        for fact in sorted(asked_facts(scheme) - defined):
            if values.get(fact) is None:
                drawn = any_value(fact, rng)
                assert asked(scheme, {**values, fact: drawn}, as_of).verdict is Verdict.MET, (fact, drawn)


def any_value(fact: str, rng: random.Random) -> Scalar:
    spec = facts()[fact]
    match spec.kind:
        case Kind.FLAG:
            return rng.random() < 0.5
        case Kind.CODE:
            return rng.choice(spec.codes or ("C3311",))
        case Kind.DATE:
            return date(2024, rng.randint(1, 12), 1)
        case Kind.MONEY:
            return D(rng.randint(0, 10**12)) / 100
        case Kind.RATIO | Kind.NUMBER:
            return rng.random()
    return rng.randint(0, 1000)


# ---------------------------------------------------------------- splitting a loan
SUBSIDIES = sorted(scheme.id for scheme in SCHEMES.values() if scheme.offers == "interest_subsidy" and scheme.benefit)


@pytest.mark.parametrize("scheme_id", SUBSIDIES)
def test_splitting_a_loan_never_raises_its_subsidy(scheme_id: str) -> None:
    """Whole and in two: the second loan is asked after the first, whose principal then counts against the limit."""
    rng, scheme, compared = random.Random(scheme_id), SCHEMES[scheme_id], 0
    met = [(values, as_of) for values, as_of in cases(scheme_id) if asked(scheme, values, as_of).verdict is Verdict.MET]
    for _ in range(60):
        values, as_of = rng.choice(met)
        fen = int(10 ** rng.uniform(4, 10))  # a hundred yuan to a hundred million
        first = rng.randint(1, fen - 1)
        whole, parts = D(fen) / 100, (D(first) / 100, D(fen - first) / 100)
        enjoyed = D(str(values.get("claim_subsidised_principal_yuan") or 0))
        paid = [subsidy(scheme, values, as_of, whole, enjoyed)]
        paid += [subsidy(scheme, values, as_of, part, enjoyed + at * parts[0]) for at, part in enumerate(parts)]
        if None in paid:
            continue  # above a limit that shuts larger loans out there is nothing to compare with
        compared += 1
        assert sum(paid[1:], D(0)) <= paid[0], (values, parts)  # type: ignore[operator, arg-type]
    assert compared >= 5


def subsidy(scheme: Scheme, values: Values, as_of: date, amount: Decimal, enjoyed: Decimal) -> Decimal | None:
    loan = {"loan_amount_yuan": amount, "claim_subsidised_principal_yuan": enjoyed}
    result = asked(scheme, {**values, **loan}, as_of)
    return result.benefit.amount_yuan if result.verdict is Verdict.MET and result.benefit else None


# ---------------------------------------------------------------- oracles: see tests/oracle_book.py
@pytest.mark.parametrize("scheme_id", ORACLES)
def test_an_oracle_written_from_the_text_gives_the_same_answer(scheme_id: str) -> None:
    rng, (oracle, as_of, domains) = random.Random(scheme_id), ORACLES[scheme_id]
    met = 0
    for _ in range(500):
        firm = {fact: rng.choice(values) for fact, values in domains.items()}
        found, expected = asked(SCHEMES[scheme_id], firm, as_of), oracle(firm)
        assert found.verdict is (Verdict.UNMET if expected is None else Verdict.MET), firm
        if expected is not None:
            met += 1
            benefit = found.benefit
            assert benefit is not None
            if benefit.fee_yuan is not None:
                assert (benefit.fee_yuan,) * 2 == expected, firm
            else:
                assert (benefit.at_least_yuan, benefit.at_most_yuan) == expected, firm
    assert 25 < met < 500, "both answers are drawn often"


def test_the_ten_schemes_that_ask_most_have_an_oracle() -> None:
    def weight(scheme: Scheme) -> int:
        parts = whens(scheme.benefit)
        return sum(1 for node in (scheme.conditions, *parts) for _ in leaves(node)) + 2 * len(parts)

    ranked = sorted((each for each in SCHEMES.values() if each.benefit), key=lambda each: (-weight(each), each.id))
    covered = {*ORACLES, *oracle_shenyang.ORACLES, *test_fushun_policies.ORACLES}
    assert {scheme.id for scheme in ranked[:10]} <= covered
