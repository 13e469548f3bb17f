"""What ACLs decide together, as Kafka's authorizer decides it."""

import pytest

from kcon.core.acl import Acl, AclOperation, AclPattern, AclPermission, AclResource, consumer_acls, explain, parse_word
from kcon.core.wire_text import WireText
from kcon.errors import UsageError

O = AclOperation  # noqa: E741 - the table below reads better
LITERAL, PREFIXED = AclPattern.LITERAL, AclPattern.PREFIXED


def acl(
    operation: AclOperation,
    name: str = "orders",
    *,
    pattern: AclPattern = LITERAL,
    principal: str = "User:alice",
    host: str = "*",
    deny: bool = False,
) -> Acl:
    permission = AclPermission.DENY if deny else AclPermission.ALLOW
    return Acl(AclResource.TOPIC, WireText(name), pattern, WireText(principal), WireText(host), operation, permission)


def allowed(acls: list[Acl], operation: AclOperation, host: str | None = None) -> bool:
    (verdict,) = explain(
        acls,
        principal="User:alice",
        resource=AclResource.TOPIC,
        name="orders",
        host=host,
        operations=[operation],
    )
    return verdict.allowed


@pytest.mark.parametrize(
    ("acls", "operation", "expected"),
    [
        ([], O.READ, False),
        ([acl(O.READ)], O.READ, True),
        ([acl(O.READ)], O.WRITE, False),
        ([acl(O.ALL)], O.WRITE, True),
        ([acl(O.READ)], O.DESCRIBE, True),
        ([acl(O.CREATE)], O.DESCRIBE, False),
        ([acl(O.ALTER_CONFIGS)], O.DESCRIBE_CONFIGS, True),
        ([acl(O.READ), acl(O.READ, deny=True)], O.READ, False),
        ([acl(O.DESCRIBE), acl(O.READ, deny=True)], O.DESCRIBE, True),
        ([acl(O.READ, "*")], O.READ, True),
        ([acl(O.READ, "ord", pattern=PREFIXED)], O.READ, True),
        ([acl(O.READ, "ord")], O.READ, False),
        ([acl(O.READ, "orders-2", pattern=PREFIXED)], O.READ, False),
        ([acl(O.READ, principal="User:*")], O.READ, True),
        ([acl(O.READ, principal="User:bob")], O.READ, False),
        ([acl(O.READ), acl(O.ALL, "*", principal="User:*", deny=True)], O.READ, False),
    ],
)
def test_verdicts(acls: list[Acl], operation: AclOperation, expected: bool) -> None:
    assert allowed(acls, operation) is expected


def test_hosts() -> None:
    acls = [acl(O.READ, host="10.0.0.1")]
    assert [allowed(acls, O.READ, host) for host in ("10.0.0.1", "10.0.0.2", None)] == [True, False, False]


def test_the_deciding_acls_are_told_and_a_bare_resource_is_marked() -> None:
    denying = acl(O.READ, deny=True)
    verdicts = explain(
        [acl(O.READ), denying], principal="User:alice", resource=AclResource.TOPIC, name="orders", operations=[O.READ]
    )
    assert [verdict.by for verdict in verdicts] == [(denying,)]
    assert not verdicts[0].unprotected
    bare = explain([], principal="User:alice", resource=AclResource.GROUP, name="g")
    assert {verdict.unprotected for verdict in bare} == {True}


def test_a_consumer_preset_is_enough_to_consume() -> None:
    acls = consumer_acls("User:alice", "orders", "g", LITERAL)
    assert allowed(acls, O.READ)
    assert not allowed(acls, O.WRITE)
    assert {each.resource for each in acls} == {AclResource.TOPIC, AclResource.GROUP}


def test_words() -> None:
    assert parse_word(AclOperation, "describe-configs") is O.DESCRIBE_CONFIGS
    with pytest.raises(UsageError, match="read, write"):
        parse_word(AclOperation, "fly")
