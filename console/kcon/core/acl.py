"""Who may do what? ACLs, and what they decide together: pure rules, as Kafka's StandardAuthorizer has them."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

from kcon.core.wire_text import WireText
from kcon.errors import UsageError

WILDCARD: Final = "*"
CLUSTER_NAME: Final = "kafka-cluster"
"""The one resource of type CLUSTER."""
ANYONE: Final = "User:*"


class AclResource(IntEnum):
    """What an ACL protects; the values are Kafka's."""

    ANY = 1
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class AclPattern(IntEnum):
    """How an ACL's resource name is read."""

    ANY = 1
    MATCH = 2
    """In a filter: every pattern that covers the name."""
    LITERAL = 3
    PREFIXED = 4


class AclOperation(IntEnum):
    """What is done."""

    ANY = 1
    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12
    CREATE_TOKENS = 13
    DESCRIBE_TOKENS = 14
    TWO_PHASE_COMMIT = 15


class AclPermission(IntEnum):
    """Whether it may be done."""

    ANY = 1
    DENY = 2
    ALLOW = 3


_Word = TypeVar("_Word", AclResource, AclPattern, AclOperation, AclPermission)


def word(value: AclResource | AclPattern | AclOperation | AclPermission) -> str:
    """Return the word for people and JSON, e.g. `transactional-id`."""
    return value.name.lower().replace("_", "-")


def parse_word(kind: type[_Word], text: str) -> _Word:
    """Read a word in either spelling. UsageError names those there are."""
    found = kind.__members__.get(text.strip().upper().replace("-", "_"))
    if found is None:
        raise UsageError(f"{text!r} is none of {', '.join(word(each) for each in kind)}.")
    return found


class Acl(NamedTuple):
    """One ACL."""

    resource: AclResource
    name: WireText
    pattern: AclPattern
    principal: WireText
    """`User:alice`, or `User:*` for everyone."""
    host: WireText
    operation: AclOperation
    permission: AclPermission

    def covers(self, resource: AclResource, name: str) -> bool:
        """It speaks about this resource."""
        if self.resource is not resource:
            return False
        if self.pattern is AclPattern.PREFIXED:
            return name.startswith(self.name.raw)
        return self.name.raw in {name, WILDCARD}

    def applies_to(self, principal: str, host: str | None) -> bool:
        """It speaks about this principal from this host. host None: from any host, so only ACLs for all of them."""
        return self.principal.raw in {principal, ANYONE} and self.host.raw in {WILDCARD, host or WILDCARD}

    def decides(self, operation: AclOperation) -> bool:
        """It speaks about this operation. Some allowed ones imply reading about the resource; denied ones do not."""
        if self.operation in {operation, AclOperation.ALL}:
            return True
        return self.permission is AclPermission.ALLOW and self.operation in _IMPLY.get(operation, ())


_IMPLY: Final = {
    AclOperation.DESCRIBE: frozenset({AclOperation.READ, AclOperation.WRITE, AclOperation.DELETE, AclOperation.ALTER}),
    AclOperation.DESCRIBE_CONFIGS: frozenset({AclOperation.ALTER_CONFIGS}),
}


class AclFilter(NamedTuple):
    """Which ACLs are meant; None and ANY match everything."""

    resource: AclResource = AclResource.ANY
    name: str | None = None
    pattern: AclPattern = AclPattern.ANY
    principal: str | None = None
    host: str | None = None
    operation: AclOperation = AclOperation.ANY
    permission: AclPermission = AclPermission.ANY


class AclVerdict(NamedTuple):
    """What the ACLs say about one operation on one resource."""

    operation: AclOperation
    allowed: bool
    by: tuple[Acl, ...]
    """The ACLs that decide: the denying ones, else the allowing ones; empty: nothing allows it."""
    unprotected: bool
    """No ACL speaks about the resource, so `allow.everyone.if.no.acl.found` of the brokers decides."""


OPERATIONS_OF: Final[dict[AclResource, tuple[AclOperation, ...]]] = {
    AclResource.TOPIC: (
        AclOperation.READ,
        AclOperation.WRITE,
        AclOperation.CREATE,
        AclOperation.DESCRIBE,
        AclOperation.DELETE,
        AclOperation.ALTER,
        AclOperation.DESCRIBE_CONFIGS,
        AclOperation.ALTER_CONFIGS,
    ),
    AclResource.GROUP: (
        AclOperation.READ,
        AclOperation.DESCRIBE,
        AclOperation.DELETE,
        AclOperation.DESCRIBE_CONFIGS,
        AclOperation.ALTER_CONFIGS,
    ),
    AclResource.CLUSTER: (
        AclOperation.CREATE,
        AclOperation.CLUSTER_ACTION,
        AclOperation.DESCRIBE,
        AclOperation.ALTER,
        AclOperation.DESCRIBE_CONFIGS,
        AclOperation.ALTER_CONFIGS,
        AclOperation.IDEMPOTENT_WRITE,
    ),
    AclResource.TRANSACTIONAL_ID: (AclOperation.WRITE, AclOperation.DESCRIBE, AclOperation.TWO_PHASE_COMMIT),
    AclResource.DELEGATION_TOKEN: (AclOperation.DESCRIBE,),
    AclResource.USER: (AclOperation.CREATE_TOKENS, AclOperation.DESCRIBE_TOKENS),
}
"""The operations that exist on each kind of resource."""


def explain(
    acls: Iterable[Acl],
    *,
    principal: str,
    resource: AclResource,
    name: str,
    host: str | None = None,
    operations: Sequence[AclOperation] | None = None,
) -> list[AclVerdict]:
    """Say what a principal may do on a resource, operation by operation (None: all there are).

    One denying ACL outweighs every allowing one; without any that allows, it is denied. Super users of the brokers'
    configuration are above all this, and are not visible here.
    """
    about = [acl for acl in acls if acl.covers(resource, name)]
    mine = [acl for acl in about if acl.applies_to(principal, host)]
    verdicts = []
    for operation in operations if operations is not None else OPERATIONS_OF[resource]:
        found = [acl for acl in mine if acl.decides(operation)]
        denying = tuple(acl for acl in found if acl.permission is AclPermission.DENY)
        allowing = tuple(acl for acl in found if acl.permission is AclPermission.ALLOW)
        verdicts.append(AclVerdict(operation, bool(allowing) and not denying, denying or allowing, not about))
    return verdicts


def producer_acls(principal: str, topic: str, pattern: AclPattern, host: str = WILDCARD) -> list[Acl]:
    """Return what a producer of a topic needs."""
    operations = (AclOperation.WRITE, AclOperation.DESCRIBE, AclOperation.CREATE)
    return [_allow(principal, (AclResource.TOPIC, topic, pattern), operation, host) for operation in operations]


def consumer_acls(principal: str, topic: str, group: str, pattern: AclPattern, host: str = WILDCARD) -> list[Acl]:
    """Return what a consumer of a topic in a group needs."""
    of_topic = (AclResource.TOPIC, topic, pattern)
    return [
        _allow(principal, of_topic, AclOperation.READ, host),
        _allow(principal, of_topic, AclOperation.DESCRIBE, host),
        _allow(principal, (AclResource.GROUP, group, pattern), AclOperation.READ, host),
    ]


def _allow(principal: str, on: tuple[AclResource, str, AclPattern], operation: AclOperation, host: str) -> Acl:
    resource, name, pattern = on
    return Acl(resource, WireText(name), pattern, WireText(principal), WireText(host), operation, AclPermission.ALLOW)
