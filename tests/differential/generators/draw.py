"""What does a maker of requests have at hand?

A maker takes a `Draw` and returns one `Step`, or None where its version of the API cannot say that. Everything
random comes from the draw's own generator, so a seed repeats a run.
"""

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, TypeVar

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreatableTopicConfig
from tests.differential.session import Build, Step

_Value = TypeVar("_Value")

INT32_MAX: Final = (1 << 31) - 1
INT64_MAX: Final = (1 << 63) - 1

BAD_TOPIC_NAMES: Final = ("", ".", "..", "a b", "a/b", "a,b", "ü", "x" * 250, "\0", "a:b", "a\n")
LEGAL: Final = string.ascii_letters + string.digits + "._-"


@dataclass(slots=True)
class Draw:
    """Chance, names and the shared topics of one chapter."""

    key: ApiKey
    version: int
    rng: random.Random
    prefix: str
    base_ms: int
    """The time that records are given, some minutes ago."""
    kind: str = "valid"
    _numbers: Any = field(default_factory=lambda: count(1))

    def pick(self, *values: _Value) -> _Value:
        """Return one of the values."""
        return self.rng.choice(values)

    def some(self, values: Sequence[_Value], *, least: int = 1) -> list[_Value]:
        """Return some of the values, in their order."""
        chosen = self.rng.sample(range(len(values)), self.rng.randint(least, len(values)))
        return [values[index] for index in sorted(chosen)]

    def fresh(self, stem: str) -> str:
        """Return a name that nothing else has."""
        return f"{self.prefix}-{self.key.value}.{self.version}-{stem}-{next(self._numbers)}"

    def word(self, size: int = 8) -> str:
        """Return a legal word that nobody knows."""
        return "".join(self.rng.choice(LEGAL) for _ in range(size))

    def shared(self, name: str) -> str:
        """Return the full name of a topic of `dataset`."""
        return f"{self.prefix}-{name}"

    def step(self, label: str, build: Build, **options: Any) -> Step:
        """Return a step of this chapter."""
        return Step(label=label, api_key=self.key, version=self.version, build=build, kind=self.kind, **options)

    def other(self, key: ApiKey, version: int, label: str, build: Build, **options: Any) -> Step:
        """Return a step of another API that prepares one of this chapter."""
        return Step(label=label, api_key=key, version=version, build=build, kind="", **options)


Maker = Callable[[Draw], Step | None]


@dataclass(frozen=True, slots=True)
class Makers:
    """What an API is asked: requests to be served, and requests to be refused."""

    valid: Sequence[Maker]
    invalid: Sequence[Maker]


def topic(name: str, partitions: int = 1, **configs: str) -> CreatableTopic:
    """Return a topic to create; records stay for ever, whatever their timestamp."""
    configs.setdefault("retention_ms", "-1")
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=1,
        configs=[CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()],
    )
