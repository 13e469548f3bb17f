"""Which release of Apache Kafka is a cluster on? Told by the levels of `metadata.version` (KIP-584).

Levels and releases as in Kafka's MetadataVersion.java. Brokers do not tell their release in any other way.
"""

from typing import Final

METADATA_VERSION: Final = "metadata.version"
_FIRST_LEVELS: Final = (
    (1, "3.0"),
    (2, "3.1"),
    (3, "3.2"),
    (4, "3.3"),
    (8, "3.4"),
    (9, "3.5"),
    (12, "3.6"),
    (15, "3.7"),
    (20, "3.8"),
    (21, "3.9"),
    (22, "4.0"),
    (26, "4.1"),
    (28, "4.2"),
    (30, "4.3"),
)
"""The lowest level of each release."""
_LAST_LEVEL: Final = 30


def release_of_level(level: int | None) -> str | None:
    """Return the release of a level, e.g. `4.3`; above the last one that is known `4.3+`. None: it does not tell."""
    if level is None or level < _FIRST_LEVELS[0][0]:
        return None
    release = [name for first, name in _FIRST_LEVELS if first <= level][-1]
    return release if level <= _LAST_LEVEL else f"{release}+"
