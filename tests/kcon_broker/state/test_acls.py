"""A filter means the rules that Apache Kafka's means: by name, by pattern, by everything else."""

import pytest

from kcon_broker.state.acls import ANY, LITERAL, MATCH, PREFIXED, AclBinding, AclFilter, AclsCreated, AclTable

LITERAL_RULE = AclBinding(2, "orders", LITERAL, "User:a", "*", 3, 3)
PREFIX_RULE = AclBinding(2, "ord", PREFIXED, "User:a", "*", 4, 2)
WILDCARD_RULE = AclBinding(2, "*", LITERAL, "User:b", "10.0.0.1", 3, 3)
RULES = (LITERAL_RULE, PREFIX_RULE, WILDCARD_RULE)


@pytest.mark.parametrize(
    ("name", "pattern", "meant"),
    [
        (None, ANY, {LITERAL_RULE, PREFIX_RULE, WILDCARD_RULE}),
        (None, PREFIXED, {PREFIX_RULE}),
        ("orders", ANY, {LITERAL_RULE}),
        ("orders", LITERAL, {LITERAL_RULE}),
        ("orders", MATCH, {LITERAL_RULE, PREFIX_RULE, WILDCARD_RULE}),
        ("orders-2", MATCH, {PREFIX_RULE, WILDCARD_RULE}),
        ("or", MATCH, {WILDCARD_RULE}),
        ("*", LITERAL, {WILDCARD_RULE}),
        ("ord", PREFIXED, {PREFIX_RULE}),
    ],
)
def test_patterns(name: str | None, pattern: int, meant: set[AclBinding]) -> None:
    table = AclTable()
    table.apply(AclsCreated(bindings=RULES))
    assert set(table.matching(AclFilter(2, name, pattern, None, None, ANY, ANY))) == meant


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (AclFilter(ANY, None, ANY, "User:b", None, ANY, ANY), [WILDCARD_RULE]),
        (AclFilter(ANY, None, ANY, None, "10.0.0.1", ANY, ANY), [WILDCARD_RULE]),
        (AclFilter(ANY, None, ANY, None, None, 4, ANY), [PREFIX_RULE]),
        (AclFilter(ANY, None, ANY, None, None, ANY, 2), [PREFIX_RULE]),
        (AclFilter(3, None, ANY, None, None, ANY, ANY), []),
    ],
)
def test_other_fields(wanted: AclFilter, meant: list[AclBinding]) -> None:
    table = AclTable()
    table.apply(AclsCreated(bindings=RULES))
    assert table.matching(wanted) == meant
