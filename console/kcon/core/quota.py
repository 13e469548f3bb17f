"""Which quota wins? Quotas of users, client ids and addresses, and Kafka's order among them."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

USER: Final = "user"
CLIENT_ID: Final = "client-id"
IP: Final = "ip"
KEYS: Final = {
    "producer_byte_rate": "bytes a second a broker",
    "consumer_byte_rate": "bytes a second a broker",
    "request_percentage": "percent of one thread a broker",
    "controller_mutation_rate": "partition changes a second",
    "connection_creation_rate": "connections a second, for an ip",
}


class QuotaEntity(NamedTuple):
    """Who a quota is for: `(kind, name)` pairs sorted by kind; the name None is the default of that kind."""

    parts: tuple[tuple[str, str | None], ...]

    @classmethod
    def of(cls, parts: Mapping[str, str | None]) -> "QuotaEntity":
        """Make an entity of a mapping."""
        return cls(tuple(sorted(parts.items())))

    def __str__(self) -> str:
        return ",".join(f"{kind}={'<default>' if name is None else name}" for kind, name in self.parts)


class Quota(NamedTuple):
    """The quotas of one entity, by key."""

    entity: QuotaEntity
    values: Mapping[str, float]


class QuotaInForce(NamedTuple):
    """The quota that wins for one key."""

    key: str
    value: float
    entity: QuotaEntity
    """Where it is set."""


def resolve(
    quotas: Iterable[Quota], *, user: str | None, client_id: str | None, ip: str | None = None
) -> list[QuotaInForce]:
    """Return the quotas in force for a client, by key.

    The order is Kafka's (KIP-55): the more exact user first, then the more exact client id.
    """
    by_entity = {quota.entity: quota.values for quota in quotas}
    order = [QuotaEntity.of({IP: name}) for name in (ip, None)] if ip is not None else []
    order += [QuotaEntity.of(parts) for parts in _order(user, client_id)]
    won: dict[str, QuotaInForce] = {}
    for entity in order:
        for key, value in by_entity.get(entity, {}).items():
            won.setdefault(key, QuotaInForce(key, value, entity))
    return [won[key] for key in sorted(won)]


def _order(user: str | None, client_id: str | None) -> Iterable[Mapping[str, str | None]]:
    users: list[str | None] = [user, None] if user is not None else [None]
    clients: list[str | None] = [client_id, None] if client_id is not None else [None]
    for name in users:
        for client in clients:
            yield {USER: name, CLIENT_ID: client}
        yield {USER: name}
    for client in clients:
        yield {CLIENT_ID: client}
