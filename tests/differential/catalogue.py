"""What has to be compared, and which requests does that take?

Everything the broker's handlers register is advertised, so everything they register is compared: each API in each
version. An API without makers of its own is asked with the defaults of its fields and with values at their limits.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from kcon_broker.handlers.registry import HANDLERS, load_handlers
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.messages.create_topics import CreatableTopic
from tests.differential.generators import (
    acls,
    cluster,
    commits,
    configs,
    consumer_groups,
    fetch,
    groups,
    malformed,
    offsets,
    placement,
    produce,
    topics,
    transactions,
    users,
)
from tests.differential.generators.draw import Draw, Maker, Makers
from tests.differential.session import Step, in_order

MAKERS: Final[Mapping[ApiKey, Makers]] = {
    **cluster.MAKERS,
    **topics.MAKERS,
    **configs.MAKERS,
    **produce.MAKERS,
    **offsets.MAKERS,
    **fetch.MAKERS,
    **groups.MAKERS,
    **consumer_groups.MAKERS,
    **commits.MAKERS,
    **transactions.MAKERS,
    **acls.MAKERS,
    **users.MAKERS,
    **placement.MAKERS,
}


@dataclass(frozen=True, slots=True)
class Amount:
    """How many requests an API and version get of each kind."""

    valid: int
    invalid: int
    mutated: int


def advertised() -> dict[ApiKey, tuple[int, int]]:
    """Return every API that the broker advertises, with its lowest and highest version."""
    load_handlers()
    return {handler.api_key: (handler.min_version, handler.max_version) for _, handler in sorted(HANDLERS.items())}


def chapter(key: ApiKey, version: int, amount: Amount, *, seed: int, prefix: str, base_ms: int) -> list[Step]:
    """Return the requests of one API and version; the same for the same arguments."""
    draw = Draw(key, version, random.Random(f"{seed}/{key.name}/{version}"), prefix, base_ms)
    makers = MAKERS.get(key, _plain_makers(key))
    steps: list[Step] = []
    valid = _made(draw, makers.valid, "valid")
    for index in range(amount.valid):
        step = next(valid, None)
        if step is None:
            break
        # Now and then with something that has to be ignored.
        steps.append(malformed.tolerated(step, draw.rng) if index % 5 == 4 else step)
    invalid = _made(draw, makers.invalid, "invalid")
    broken = malformed.malformed(_made(draw, makers.valid, "valid"), draw.rng)
    for index in range(amount.invalid):
        # Where there is nothing to be refused, breaking the format is all that is left.
        step = next(invalid, None) if index % 4 != 3 else None
        step = step if step is not None else next(broken, None) or next(invalid, None)
        if step is not None:
            steps.append(step)
    mutable = _made(draw, (*makers.valid, *makers.invalid), "mutated")
    for _ in range(amount.mutated if malformed.is_safe_to_mutate(key, version) else 0):
        step = next(mutable, None)
        mutated = malformed.mutated(step, draw.rng) if step is not None else None
        if mutated is not None:
            steps.append(mutated)
    return steps


def topics_of(steps: Sequence[Step]) -> list[CreatableTopic]:
    """Return the topics that steps need, each once."""
    wanted = {topic.name: topic for step in in_order(steps) for topic in step.topics}
    return list(wanted.values())


def _made(draw: Draw, makers: Sequence[Maker], kind: str) -> Iterator[Step]:
    """Yield steps of the makers in turn, beginning with another one in each version; forever, unless none can."""
    idle = 0
    for number in count(draw.version):
        if idle > len(makers):
            return
        draw.kind = kind
        step = makers[number % len(makers)](draw) if makers else None
        idle = 0 if step is not None else idle + 1
        if step is not None:
            yield step


def _plain_makers(key: ApiKey) -> Makers:
    """Return makers of requests whose fields all have their defaults."""
    request_class = API_TABLE[key].request_class
    return Makers((lambda draw: draw.step("defaults", lambda _: request_class()),), ())
