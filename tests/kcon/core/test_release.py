"""The release of a cluster from the level of its metadata."""

import pytest

from kcon.core.release import release_of_level


@pytest.mark.parametrize(
    ("level", "release"),
    [
        (None, None),
        (0, None),
        (1, "3.0"),
        (19, "3.7"),
        (20, "3.8"),
        (25, "4.0"),
        (29, "4.2"),
        (30, "4.3"),
        (31, "4.3+"),
    ],
)
def test_a_level_names_its_release(level: int | None, release: str | None) -> None:
    """Above the last known level only "at least" can be said."""
    assert release_of_level(level) == release
