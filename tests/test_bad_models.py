"""Bad input around models in service: each refusal names the file or field; what is merely odd is scored and said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import RefusedInput
from models.kinds import Kind
from scoring.columns import Columns
from scoring.evaluation.evaluate import State
from scoring.monitoring.drift import reference_of, score_drift
from scoring.scorecard import Scorecard
from scoring.scorecard.inputs import Inputs
from scoring.training.level import Level, level_of
from scoring.training.own_error import own_error
from service.books.rulebook import pd_scale
from service.office import Office
from service.registry.bundle import read_bundle
from service.registry.files import folder_of
from service.registry.scoring import kinds_of, pd_scores
from service.registry.store import LoadedModel, load, register
from tests.made_models import a_bundle, a_scorecard, in_force, staffed

MANY = 1_000_000
SIGNED_FILES = ("scorecard.json", "card.json", "card.md", "manifest.json", "signature.json")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = staffed(Office.open(tmp_path_factory.mktemp("office") / "home"))
    in_force(made, a_bundle())
    yield made
    made.close()


@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.999], ids=["first", "early", "late", "last"])
@pytest.mark.parametrize("file", SIGNED_FILES)
def test_a_flipped_bit_anywhere_names_the_file(office: Office, file: str, place: float) -> None:
    path = folder_of(office, a_bundle().id) / file
    good = path.read_bytes()
    body = bytearray(good)
    body[int(place * len(body))] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(body))
    try:
        with pytest.raises(RefusedInput) as refused:
            load(office, a_bundle().id)
    finally:
        path.write_bytes(good)
    assert refused.value.field == f"models/{a_bundle().id}/{file}"
    assert refused.value.status == 409
    assert load(office, a_bundle().id).id == a_bundle().id


@pytest.mark.parametrize(
    ("file", "body", "field"),
    [
        ("scorecard.json", b"{}", "format"),
        ("scorecard.json", b"\x80\x04K\x01.", "file"),
        ("challenger.json", b'{"format": "rongqiao.challenger/9"}', "format"),
        ("card.json", b"[]", "card.json/name"),
        ("card.json", b'{"name": "pd", "catalogue_version": 7}', "card.json/catalogue_version"),
    ],
    ids=["no members", "a pickle", "another format", "a list", "a number for the catalogue"],
)
def test_a_folder_to_register_is_read_before_it_is_kept(
    office: Office, tmp_path: Path, file: str, body: bytes, field: str
) -> None:
    folder = tmp_path / "trained"
    a_bundle(777_000).write(folder)
    (folder / file).write_bytes(body)
    with pytest.raises(RefusedInput) as refused:
        register(office, read_bundle(folder), "ana")
    assert refused.value.field == field
    assert not folder_of(office, a_bundle(777_000).id).exists()


def test_a_model_of_an_item_this_catalogue_does_not_have_names_the_item(office: Office) -> None:
    line = replace(a_scorecard().lines[0], name="no_such_item")
    card = replace(a_scorecard(), lines=(line,))
    with pytest.raises(RefusedInput) as refused:
        register(office, a_bundle(scorecard=card.to_json()), "ana")
    assert (refused.value.code, refused.value.field) == ("other_catalogue", "catalogue_version")
    assert "no_such_item" in refused.value.rule


def scored(columns: Columns) -> dict[str, Any]:
    card = a_scorecard()
    model = LoadedModel("m", "pd-enterprise", {}, card, None, None)
    made = pd_scores(model, pd_scale(), columns, Columns(columns.n, {}), np.full(columns.n, State.SCORED))
    return dict(made.facts.values)


def test_a_column_nobody_delivered_is_unknown_for_everybody_and_says_so() -> None:
    size = np.zeros(3, np.int16)
    facts = scored(Columns(3, {"size_class": size}, {"size_class": ("micro",)}))
    # 500 at the base, unknown age and sales cost 9 and 7.5, micro 3.
    assert facts["pd_points"].tolist() == [480.5] * 3
    assert facts["pd_thin"].tolist() == [1] * 3
    assert (facts["pd_coverage"] < 0.5).all()


def test_a_category_no_model_has_seen_neither_helps_nor_harms() -> None:
    columns = Columns(
        2, {"size_class": np.array([0, -1], np.int16), "sales_12m": np.array([5 * 10**8, 5 * 10**8])},
        {"size_class": ("gigantic",)},
    )  # fmt: skip
    points = scored(columns)["pd_points"].tolist()
    assert points == [500 - 9 + 12.345 + 0, 500 - 9 + 12.345 - 1]


def test_a_card_scored_without_an_item_names_it() -> None:
    kinds = {name: kind for name, kind in kinds_of(a_scorecard().items).items() if name != "sales_12m"}
    inputs = Inputs.from_columns(Columns(1, {"firm_age_months": np.array([9])}), kinds)
    with pytest.raises(RefusedInput) as refused:
        a_scorecard().score(inputs)
    assert "sales_12m" in str(refused.value)
    assert kinds["firm_age_months"] is Kind.MONTHS


def test_a_million_firms_of_one_value() -> None:
    """Nothing to bin, nothing to rank, nothing to correct: no figure is made up and nothing fails."""
    alike = np.full(MANY, 600_000)
    error = own_error(alike, [alike] * 5, np.ones(MANY))
    assert error is not None
    assert (error.cuts, error.points) == ((), (0.0,))
    default = np.arange(MANY) % 50 == 0
    assert level_of(np.full(MANY, 0.02), default.astype(float), np.ones(MANY), None) == Level()
    reference = reference_of(alike / 1000)
    drift = score_drift(reference, alike / 1000, 0.99)
    assert drift is not None
    assert (drift.psi, drift.mean) == (0.0, 600.0)
    facts = scored(Columns(MANY, {"firm_age_months": np.full(MANY, 70)}))
    assert len(set(facts["pd_points"].tolist())) == len(set(facts["pd_coverage"].tolist())) == 1


def test_an_artefact_without_a_line_gives_everybody_the_base_and_is_no_thin_file() -> None:
    bare = replace(a_scorecard(), lines=())
    assert Scorecard.from_json(bare.to_json()) == bare
    model = LoadedModel("m", "pd-enterprise", {}, bare, None, None)
    made = pd_scores(model, pd_scale(), Columns(2, {}), Columns(2, {}), np.full(2, State.SCORED)).facts.values
    assert made["pd_points"].tolist() == [500.0] * 2
    assert (made["pd_coverage"].tolist(), made["pd_thin"].tolist()) == ([1.0] * 2, [0] * 2)
