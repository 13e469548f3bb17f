"""Which features does this release have, and up to which level are they in use (KIP-584, KIP-1022)?

Only what is served is offered. Levels are Apache Kafka 4.3's.
"""

from collections.abc import Iterable
from dataclasses import dataclass

METADATA_VERSION = "metadata.version"
KRAFT_VERSION = "kraft.version"
GROUP_VERSION = "group.version"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature, the levels that are supported and the one that a new cluster begins with."""

    name: str
    level_min: int
    level_max: int
    first_level: int


SUPPORTED = {
    feature.name: feature
    for feature in (
        Feature(GROUP_VERSION, 0, 1, 1),
        Feature(KRAFT_VERSION, 0, 1, 0),
        Feature(METADATA_VERSION, 7, 30, 30),
        Feature("transaction.version", 0, 2, 2),
        Feature("eligible.leader.replicas.version", 0, 1, 1),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureLevelSet:
    """A feature is in use up to this level."""

    name: str
    level: int


class FeatureTable:
    """The levels in use."""

    def __init__(self) -> None:
        self.levels = {name: feature.first_level for name, feature in SUPPORTED.items()}
        self.change_count = 0
        """How often a level changed in this run."""

    def finalized(self) -> dict[str, int]:
        """Return the levels above 0, which ApiVersions tells."""
        return {name: level for name, level in self.levels.items() if level > 0}

    def apply(self, change: FeatureLevelSet) -> None:
        """Change one level."""
        self.levels[change.name] = change.level
        self.change_count += 1

    def snapshot(self) -> Iterable[FeatureLevelSet]:
        """Yield changes that lead from a new cluster's levels to the present ones."""
        for name, level in self.levels.items():
            if level != SUPPORTED[name].first_level:
                yield FeatureLevelSet(name=name, level=level)
