"""Which levels of features make a release of Kafka? What `kafka-features.sh version-mapping` of 4.3 tells."""

from collections.abc import Mapping
from typing import Final

_NAMES: Final = (
    "metadata.version",
    "kraft.version",
    "transaction.version",
    "group.version",
    "eligible.leader.replicas.version",
    "share.version",
    "streams.version",
)
_LEVELS: Final = {
    "3.3": (7, 0, 0, 0, 0, 0, 0),
    "3.4": (8, 0, 0, 0, 0, 0, 0),
    "3.5": (11, 0, 0, 0, 0, 0, 0),
    "3.6": (14, 0, 0, 0, 0, 0, 0),
    "3.7": (19, 0, 0, 0, 0, 0, 0),
    "3.8": (20, 0, 0, 0, 0, 0, 0),
    "3.9": (21, 1, 0, 0, 0, 0, 0),
    "4.0": (25, 1, 2, 1, 0, 0, 0),
    "4.1": (27, 1, 2, 1, 1, 0, 0),
    "4.2": (29, 1, 2, 1, 1, 1, 1),
    "4.3": (30, 1, 2, 1, 1, 1, 1),
}

RELEASES: Final = tuple(_LEVELS)
"""From the first with KRaft in production; oldest first."""


def levels_of_release(release: str) -> Mapping[str, int]:
    """Return the level of each feature; 0 is off. KeyError: not one of RELEASES."""
    return dict(zip(_NAMES, _LEVELS[release], strict=True))
