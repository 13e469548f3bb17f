"""Which quotas were set for users, client ids and addresses (KIP-546, KIP-612)?

Quotas are kept and told. Nothing is throttled by them.
"""

import ipaddress
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

USER, CLIENT_ID, IP = "user", "client-id", "ip"

Entity = tuple[tuple[str, str | None], ...]
"""Pairs of a type and a name, ordered by type; the name None is the default of the type."""

_LONG_MAX = float((1 << 63) - 1)
_EPSILON = 1e-6
_WHOLE_KEYS = frozenset(("producer_byte_rate", "consumer_byte_rate", "connection_creation_rate"))
_KEYS = {
    USER: frozenset(("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate")),
    IP: frozenset(("connection_creation_rate",)),
}
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\Z")


class InvalidQuotaError(Exception):
    """A quota cannot be set so; the message is for the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaAltered:
    """An entity has exactly these quotas; none at all: it is forgotten."""

    entity: Entity
    values: Mapping[str, float]


def entity_of(pairs: Iterable[tuple[str, str | None]]) -> Entity:
    """Return an entity; raises InvalidQuotaError for one that cannot be."""
    # Of a type that is named twice the last name counts.
    names = dict(pairs)
    if not names:
        raise InvalidQuotaError("Invalid empty client quota entity")
    for kind, name in names.items():
        if kind not in (USER, CLIENT_ID, IP):
            raise InvalidQuotaError(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise InvalidQuotaError(f"Empty {kind} not supported")
    if IP in names and len(names) > 1:
        raise InvalidQuotaError("An ip cannot be combined with a user or a client-id.")
    address = names.get(IP)
    if address is not None and not _is_address(address):
        raise InvalidQuotaError(f"{address} is not a valid IP or resolvable host.")
    return tuple(sorted(names.items()))


def check_quota(entity: Entity, key: str, value: float) -> None:
    """Raise InvalidQuotaError when an entity cannot have this quota."""
    if key not in _KEYS[IP if entity[0][0] == IP else USER]:
        raise InvalidQuotaError(f"Invalid configuration key {key}")
    if value <= 0:
        raise InvalidQuotaError(f"Quota {key} must be greater than 0")
    if key not in _WHOLE_KEYS:
        return
    if math.isnan(value):
        # Java's rounding makes 0 of it, and nothing is further away from it than allowed.
        return
    if value > _LONG_MAX:
        raise InvalidQuotaError(f"Proposed value for {key} is too large for a LONG.")
    if value < _LONG_MAX and abs(value - math.floor(value + 0.5)) > _EPSILON:
        raise InvalidQuotaError(f"{key} cannot be a fractional value.")


def _is_address(text: str) -> bool:
    """Tell whether a text is an address or may be a host's name; names are not looked up."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST_NAME.match(text) is not None
    return True


class ClientQuotaTable:
    """The quotas of all entities."""

    def __init__(self) -> None:
        self.by_entity: dict[Entity, dict[str, float]] = {}

    def apply(self, change: QuotaAltered) -> None:
        """Change the quotas of one entity."""
        if change.values:
            self.by_entity[change.entity] = dict(change.values)
        else:
            self.by_entity.pop(change.entity, None)

    def snapshot(self) -> Iterable[QuotaAltered]:
        """Yield changes that lead from nothing to the present quotas."""
        for entity, values in self.by_entity.items():
            yield QuotaAltered(entity=entity, values=values)
