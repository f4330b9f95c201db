"""From inputs to the contents of a snapshot, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.kinds import Kind
from scoring.catalogue import Catalogue, Item
from scoring.columns import Columns
from scoring.evaluation.person_consent import with_consents
from scoring.feeds import FeedBook
from scoring.profile import Profile, assemble, auxiliary_items
from service.snapshot import folder as files
from service.snapshot.aggregate import Aggregated, FeedFiles, Limits, aggregate
from service.snapshot.build_inputs import Inputs
from service.snapshot.stages import Evaluated, Matched, Stages


@dataclass(frozen=True)
class BuildProgress:
    """How far a build is. Rows are those of the batches in play."""

    stage: str
    rows_done: int
    rows_total: int


@dataclass
class Run:
    """Timings and progress of one build. Neither enters the snapshot."""

    report: Callable[[BuildProgress], None] | None
    rows_total: int = 0
    rows_done: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        self._tell(name)
        yield
        self.seconds[name] = time.perf_counter() - start

    def feed_done(self, feed: FeedFiles) -> None:
        self.rows_done += feed.rows
        self._tell("aggregate")

    def _tell(self, stage: str) -> None:
        if self.report:
            self.report(BuildProgress(stage, self.rows_done, self.rows_total))


def make_contents(
    inputs: Inputs,
    described: Mapping[str, Any],
    catalogue: Catalogue,
    feeds: FeedBook,
    stages: Stages,
    limits: Limits,
    scratch: Path,
    run: Run,
) -> files.Contents:
    """Aggregate, assemble, derive, evaluate, sort, match. ``described`` is what the manifest says of the inputs."""
    auxiliary = auxiliary_items(catalogue, feeds)
    items = (*catalogue.items.values(), *auxiliary)
    with run.stage("aggregate"):
        found = aggregate(inputs.feeds, items, scratch, limits, run.feed_done)
    with run.stage("assemble"):
        profile = assemble(inputs.as_of, found.uscc, items, inputs.states, found.answers)
    described = {**described, "firms": len(found.uscc), "feeds": _feed_entries(inputs, found)}
    return contents_of(profile, found.texts, described, catalogue, feeds, stages, run)


def contents_of(
    profile: Profile,
    texts: Mapping[str, pa.Array],
    described: Mapping[str, Any],
    catalogue: Catalogue,
    feeds: FeedBook,
    stages: Stages,
    run: Run,
) -> files.Contents:
    """What follows from a profile, which is put in the order of scores. ``texts`` are those its texts point into."""
    as_of, auxiliary = profile.as_of, auxiliary_items(catalogue, feeds)
    with run.stage("derive"):
        derived = stages.derive(profile.columns, as_of)
    with run.stage("evaluate"):
        # The consents are seen by the evaluation alone and kept nowhere: no condition or screen may ask for them.
        asked = with_consents(profile.columns.merged(derived), profile.uscc, stages.person_consents)
        evaluated = stages.evaluate(asked, as_of)
    with run.stage("sort"):
        order = _by_score(profile, evaluated)
        profile.reorder(order)
        facts = derived.merged(evaluated.facts)
        facts = Columns(facts.n, {name: array[order] for name, array in facts.values.items()}, facts.codes)
        scores = {name: array[..., order] for name, array in evaluated.scores.items()}
    with run.stage("match"):
        matched = stages.match(profile.columns.merged(facts), as_of)
    manifest = {
        **described,
        "items": {item.id: _item_entry(item, feeds, profile) for item in catalogue.items.values()},
        "auxiliary": {item.id: _fact_entry(item.kind, profile.columns, item.id) for item in auxiliary},
        "derived": {name: _fact_entry(stages.kinds[name], facts, name) for name in facts.values},
        "scores": sorted(scores),
        "rules": list(matched.rule_ids),
    }
    return files.Contents(manifest, _arrays(catalogue, profile, facts, scores, matched), _texts(profile, texts))


def _by_score(profile: Profile, evaluated: Evaluated) -> NDArray[np.intp]:
    """Highest score first, unscored firms last, equal scores by code."""
    by_code = np.arange(len(profile.uscc))  # the profile comes in the order of codes
    score = evaluated.facts.get("score")
    return by_code if score is None else np.lexsort((by_code, -score))


def _feed_entries(inputs: Inputs, found: Aggregated) -> dict[str, Any]:
    return {
        feed_id: {
            "covered_to": state.covered_to.isoformat(),
            "batches": len(inputs.batches[feed_id]),
            "records": found.records[feed_id],
        }
        for feed_id, state in inputs.states.items()
    }


def _item_entry(item: Item, feeds: FeedBook, profile: Profile) -> dict[str, Any]:
    """What reading an item needs, kept with the snapshot so that a later catalogue does not change what it says."""
    return {
        **_fact_entry(item.kind, profile.columns, item.id),
        "unit": item.unit,
        "agency": item.agency,
        "feed": item.feed,
        "period": feeds[item.feed].period,
        "refresh_months": item.refresh_months,
        "years": item.compute.by_year,
    }


def _fact_entry(kind: Kind, columns: Columns, name: str) -> dict[str, Any]:
    return {"kind": str(kind), "codes": list(columns.codes.get(name, ()))}


def _arrays(
    catalogue: Catalogue, profile: Profile, facts: Columns, scores: Mapping[str, Any], matched: Matched
) -> dict[str, Any]:
    return {
        files.USCC: profile.uscc,
        files.USCC_ORDER: np.argsort(profile.uscc, kind="stable"),
        **{files.item_file(name): array for name, array in profile.columns.values.items()},
        **{files.observed_file(name): profile.observed[name] for name in catalogue.items},
        **{files.derived_file(name): array for name, array in facts.values.items()},
        **{files.score_file(name): array for name, array in scores.items()},
        files.MET: np.ascontiguousarray(matched.met),
        files.OPEN: np.ascontiguousarray(matched.open),
    }


def _texts(profile: Profile, texts: Mapping[str, pa.Array]) -> pa.RecordBatch:
    columns = {}
    for name, places in profile.texts.items():
        column = texts.get(name, pa.array([], pa.large_string()))
        columns[name] = column.take(pa.array(places, mask=places < 0))
    return pa.RecordBatch.from_pydict(columns)
