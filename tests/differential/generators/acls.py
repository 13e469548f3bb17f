"""Requests about access rules: DescribeAcls, CreateAcls, DeleteAcls.

The same requests go to brokers without an authorizer, which refuse all of them, and to brokers with one.
"""

from typing import Any, Final

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.create_acls import AclCreation, CreateAclsRequest
from kcon_broker.wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from kcon_broker.wire.messages.describe_acls import DescribeAclsRequest
from tests.differential.generators.draw import Draw, Makers
from tests.differential.session import Step

_TOPIC, _GROUP, _CLUSTER, _TRANSACTIONAL_ID, _TOKEN, _USER = 2, 3, 4, 5, 6, 7
_ANY, _MATCH, _LITERAL, _PREFIXED = 1, 2, 3, 4
_DENY, _ALLOW = 2, 3
_CLUSTER_NAME = "kafka-cluster"

Fields = dict[str, Any]
"""Fields of a rule or of a filter, by name."""


def _creation(draw: Draw, **fields: Any) -> AclCreation:
    values: Fields = {
        "resource_type": draw.pick(_TOPIC, _GROUP, _TRANSACTIONAL_ID, _TOKEN, _USER),
        "resource_name": draw.fresh("resource"),
        "resource_pattern_type": draw.pick(_LITERAL, _PREFIXED),
        "principal": f"User:{draw.word()}",
        "host": draw.pick("*", "127.0.0.1", "a-host", ""),
        "operation": draw.rng.randint(2, 15),
        "permission_type": draw.pick(_DENY, _ALLOW),
    } | fields
    return AclCreation(**values)


def _create(draw: Draw, label: str, creations: list[AclCreation]) -> Step:
    return draw.step(
        label,
        lambda _: CreateAclsRequest(creations=creations),
        settle=True,
        after=[_described(draw, creation.resource_name) for creation in creations[:2]],
    )


def _described(draw: Draw, name: str) -> Step:
    request = DescribeAclsRequest(
        resource_type_filter=_ANY,
        resource_name_filter=name,
        pattern_type_filter=_ANY,
        principal_filter=None,
        host_filter=None,
        operation=_ANY,
        permission_type=_ANY,
    )
    return draw.other(ApiKey.DESCRIBE_ACLS, 3, f"the rules on {name}", lambda _: request)


def _create_some(draw: Draw) -> Step:
    return _create(draw, "rules", [_creation(draw) for _ in range(draw.rng.randint(1, 3))])


def _create_on_cluster(draw: Draw) -> Step:
    one = _creation(draw, resource_type=_CLUSTER, resource_name=_CLUSTER_NAME, resource_pattern_type=_LITERAL)
    return _create(draw, "the cluster", [one])


def _create_wildcard(draw: Draw) -> Step:
    return _create(draw, "all topics", [_creation(draw, resource_name="*", resource_pattern_type=_LITERAL)])


def _create_twice(draw: Draw) -> Step:
    one = _creation(draw, principal=draw.pick("User:", ":a", "Group:a:b", "User:*"))
    return _create(draw, "one rule twice", [one, one])


def _create_none(draw: Draw) -> Step:
    return _create(draw, "no rule", [])


def _create_filter_codes(draw: Draw) -> Step:
    field, code = draw.pick(
        ("resource_type", 1), ("resource_pattern_type", 1), ("resource_pattern_type", 2), ("operation", 1),
        ("permission_type", 1),
    )  # fmt: skip
    return _create(draw, f"{field} {code}", [_creation(draw, **{field: code}), _creation(draw)])


def _create_future_codes(draw: Draw) -> Step:
    field = draw.pick("resource_type", "resource_pattern_type", "operation", "permission_type")
    code = draw.pick(99, 127, -1, -128)
    return _create(draw, f"{field} {code}", [_creation(draw, **{field: code})])


def _create_unknown_codes(draw: Draw) -> Step:
    field = draw.pick("resource_type", "resource_pattern_type", "operation", "permission_type")
    return _create(draw, f"{field} 0", [_creation(draw), _creation(draw, **{field: 0})])


def _create_bad_cluster(draw: Draw) -> Step:
    return _create(draw, "another cluster", [_creation(draw, resource_type=_CLUSTER, resource_name="x")])


def _create_bad_principal(draw: Draw) -> Step:
    return _create(draw, "principal", [_creation(draw, principal=draw.pick("", "a", "User")), _creation(draw)])


def _create_without_name(draw: Draw) -> Step:
    return _create(draw, "no name", [_creation(draw, resource_name="")])


def _existing(draw: Draw, count: int) -> tuple[list[AclCreation], Step]:
    """Return rules and the step that creates them."""
    creations = [_creation(draw) for _ in range(count)]
    step = draw.other(
        ApiKey.CREATE_ACLS, 3, "rules to be found", lambda _: CreateAclsRequest(creations=creations), settle=True
    )
    return creations, step


def _filter(one: AclCreation, **fields: Any) -> Fields:
    return {
        "resource_type_filter": one.resource_type,
        "resource_name_filter": one.resource_name,
        "pattern_type_filter": one.resource_pattern_type,
        "principal_filter": one.principal,
        "host_filter": one.host,
        "operation": one.operation,
        "permission_type": one.permission_type,
    } | fields


def _ask(draw: Draw, label: str, filters: list[Fields], before: list[Step]) -> Step:
    """Describe what the first filter means, or delete what all of them mean."""
    if draw.key == ApiKey.DESCRIBE_ACLS:
        return draw.step(
            f"{label}: {filters[0]}",
            lambda _: DescribeAclsRequest(**filters[0]),
            before=before,
        )
    return draw.step(
        f"{label}: {filters}",
        lambda _: DeleteAclsRequest(filters=[DeleteAclsFilter(**one) for one in filters]),
        before=before,
        settle=True,
        after=[_described(draw, str(one["resource_name_filter"])) for one in filters[:1]],
    )


def _exactly(draw: Draw) -> Step:
    creations, before = _existing(draw, 2)
    return _ask(draw, "exactly", [_filter(creations[0])], [before])


def _by_name(draw: Draw) -> Step:
    creations, before = _existing(draw, 2)
    wide: Fields = {
        "resource_type_filter": _ANY,
        "pattern_type_filter": _ANY,
        "operation": _ANY,
        "permission_type": _ANY,
        "principal_filter": None,
        "host_filter": None,
    }
    return _ask(draw, "by name", [_filter(one, **wide) for one in creations], [before])


def _matching(draw: Draw) -> Step:
    creations, before = _existing(draw, 1)
    name = creations[0].resource_name + draw.pick("", "-more")
    return _ask(draw, "match", [_filter(creations[0], resource_name_filter=name, pattern_type_filter=_MATCH)], [before])


def _by_principal(draw: Draw) -> Step:
    creations, before = _existing(draw, 2)
    return _ask(
        draw, "by principal",
        [_filter(one, resource_name_filter=None, resource_type_filter=_ANY) for one in creations], [before]
    )  # fmt: skip


def _twice(draw: Draw) -> Step:
    creations, before = _existing(draw, 1)
    one = _filter(creations[0])
    return _ask(draw, "one filter twice", [one, one], [before])


def _nothing(draw: Draw) -> Step:
    other = _creation(draw)
    changed = draw.pick(("principal_filter", "a"), ("resource_name_filter", ""), ("host_filter", "elsewhere"))
    return _ask(draw, "nothing", [_filter(other, **dict([changed]))], [])


def _unknown_code(draw: Draw) -> Step:
    field = draw.pick("resource_type_filter", "pattern_type_filter", "operation", "permission_type")
    return _ask(draw, f"{field} 0", [_filter(_creation(draw), **{field: 0})], [])


def _future_code(draw: Draw) -> Step:
    field = draw.pick("resource_type_filter", "pattern_type_filter", "operation", "permission_type")
    return _ask(draw, f"{field}", [_filter(_creation(draw), **{field: draw.pick(99, 127)})], [])


_FILTERS: Final = Makers(
    (_exactly, _by_name, _matching, _by_principal, _twice), (_nothing, _unknown_code, _future_code)
)
MAKERS: Final = {
    ApiKey.CREATE_ACLS: Makers(
        (_create_some, _create_on_cluster, _create_wildcard, _create_twice, _create_none),
        (
            _create_filter_codes,
            _create_future_codes,
            _create_unknown_codes,
            _create_bad_cluster,
            _create_bad_principal,
            _create_without_name,
        ),
    ),
    ApiKey.DESCRIBE_ACLS: _FILTERS,
    ApiKey.DELETE_ACLS: _FILTERS,
}
