"""``kill -9`` at random moments of six stories: nothing acknowledged is missing, nothing is doubled, no trace is left.

``make soak`` does the same a thousand times.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.kills import Teller, a_teller, survive
from bench.stories import STORIES
from service.office import opened

SEED = 11
#: Steps and kills of each story here: some ten seconds in all.
SIZES = {"ingest": (8, 4), "build": (2, 3), "consent": (9, 5), "audit": (12, 5), "jobs": (4, 4), "backup": (2, 2)}

pytestmark = pytest.mark.skipif(
    os.environ.get("RONGQIAO_TEST_DATABASE") == "postgresql", reason="the office is copied with its database file"
)


@pytest.fixture(scope="module")
def teller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teller]:
    with a_teller(tmp_path_factory.mktemp("stories") / "city") as made:
        yield made


def test_every_story_is_told_here() -> None:
    assert set(SIZES) == set(STORIES)


@pytest.mark.parametrize("name", list(SIZES))
def test_a_killed_story_ends_as_an_undisturbed_one(teller: Teller, name: str) -> None:
    steps, kills = SIZES[name]
    tally = survive(teller, replace(STORIES[name], steps=steps), kills, SEED)
    assert tally.wrong == []
    assert (tally.kills, tally.lost) == (kills, 0)
    assert tally.acknowledged == tally.rounds * steps


def test_the_harness_sees_what_was_lost_and_what_was_doubled(tmp_path: Path) -> None:
    story = STORIES["audit"]
    with opened(tmp_path / "home") as office:
        said = [story.act(office, step, tmp_path) for step in (0, 1, 1)]
        assert story.missing(office, dict(enumerate([*said, "reading-9999"]))) == ["reading-9999"]
        assert story.repeats(office) == 1
        assert story.seen(office) == said[:2]
