"""Every step of roll, retention, compaction, deletion, stop and start may be the last: a tier of once each."""

import random

import pytest

from kcon_broker.storage.data_folder import DataFolder
from tests.crash.failpoints import OPERATIONS, crash_points, judge

STEPS_MIN = {"roll": 8, "delete": 10, "compact": 25, "rename": 8, "stop": 12, "start": 6}


@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_step_is_the_last_the_next_start_finds_a_consistent_folder(name: str) -> None:
    """Once as a killed process leaves it, once as a power cut may."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    points = 0
    for life, step, _ in crash_points(name, seed):
        points += 1
        killed = life.node.files.copy()
        assert judge(life, name, killed, is_killed=True) == [], (name, seed, step)
        # A start that follows finds the same.
        assert judge(life, name, killed.copy(), is_killed=True) == [], (name, seed, step)
        cut = life.node.files.power_cut(step, chance)
        assert judge(life, name, cut, is_killed=False) == [], (name, seed, step)
    assert points >= STEPS_MIN[name]


def test_the_failpoints_have_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that keeps the clean marker, and a compaction that does not announce its gaps, are found."""
    monkeypatch.setattr(DataFolder, "note_cleaned", lambda *_: None)
    wrong = [
        judge(life, "compact", life.node.files.copy(), is_killed=True) for life, _, _ in crash_points("compact", 1)
    ]
    assert any("damage" in text for found in wrong for text in found)
