"""``kill -9`` at random moments of nine stories: nothing acknowledged is missing, nothing is doubled, no trace is left.

``make soak`` does the same a thousand times.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from bench.kills import Teller, a_teller, survive
from bench.stories import STORIES
from models.tables import KeptAnswer
from service.office import opened

SEED = 11
#: Steps and kills of each story here: some fifteen seconds in all.
SIZES = {
    "ingest": (8, 4),
    "build": (2, 3),
    "consent": (9, 5),
    "audit": (12, 5),
    "jobs": (4, 4),
    "backup": (2, 2),
    "application": (7, 2),
    "keyed": (3, 2),
    "webhooks": (2, 1),
}

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


def test_a_change_marked_sent_that_nobody_answered_is_seen(tmp_path: Path) -> None:
    story = STORIES["webhooks"]
    with story.beside(tmp_path):
        story.prepare(tmp_path / "home", tmp_path)
        with opened(tmp_path / "home") as office:
            acked = {0: story.act(office, 0, tmp_path)}
            assert (story.missing(office, acked), story.repeats(office)) == ([], 0)
            said = (tmp_path / "answered").read_text(encoding="utf-8").split()
            (tmp_path / "answered").write_text("\n".join([*said[1:], said[1]]), encoding="utf-8")
            assert len(story.missing(office, acked)) == 2, (
                "the step is not whole, and one change of it was never answered"
            )
            assert story.seen(office)["never answered"] != []
            assert story.repeats(office) == 1


def test_a_keyed_request_that_was_done_twice_is_seen(tmp_path: Path) -> None:
    story = STORIES["keyed"]
    story.prepare(tmp_path / "home", tmp_path)
    with opened(tmp_path / "home") as office:
        first = story.act(office, 0, tmp_path)
        once = story.seen(office)
        assert story.act(office, 0, tmp_path) == first, "sent again it is answered the same"
        assert story.seen(office) == once
        with office.write() as session:
            session.execute(delete(KeptAnswer))
        assert story.missing(office, {0: first}) == [first]
        story.act(office, 0, tmp_path)
        assert len(story.seen(office)["changes"]) == len(once["changes"]) + 1, "without its key it is done again"
