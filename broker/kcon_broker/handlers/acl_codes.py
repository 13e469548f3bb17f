"""What do the numbers in requests about access rules mean, and when does Apache Kafka not even answer them?"""

from collections.abc import Iterable
from typing import Protocol

from kcon_broker.handlers.registry import CloseConnection, RequestContext
from kcon_broker.state.acls import UNKNOWN, AclFilter

LAST_CODES = (7, 4, 15, 3)
"""The highest resource type, pattern type, operation and permission type there are."""
NO_AUTHORIZER = "No Authorizer is configured."


class FilterFields(Protocol):
    """A filter as DescribeAcls and DeleteAcls carry it."""

    resource_type_filter: int
    resource_name_filter: str | None
    pattern_type_filter: int
    principal_filter: str | None
    host_filter: str | None
    operation: int
    permission_type: int


def has_authorizer(ctx: RequestContext) -> bool:
    """Tell whether rules are kept here."""
    return bool(ctx.broker.settings.authorizer_class_name)


def refuse_unknown(codes: Iterable[int]) -> None:
    """Close the connection over the code that stands for "unknown": such a request cannot be read.

    Codes of the future are no better, and yet they are answered.
    """
    if UNKNOWN in codes:
        raise CloseConnection("A code of a request about access rules stands for nothing.")


def filter_codes(fields: FilterFields) -> tuple[int, int, int, int]:
    """Return the codes of a filter that have to mean something."""
    return fields.resource_type_filter, fields.pattern_type_filter, fields.operation, fields.permission_type


def are_known(codes: tuple[int, int, int, int]) -> bool:
    """Tell whether codes mean something today, in a rule or in a filter."""
    return all(0 <= code <= last for code, last in zip(codes, LAST_CODES, strict=True))


def read_filter(fields: FilterFields) -> AclFilter:
    """Return what a filter means."""
    return AclFilter(
        fields.resource_type_filter,
        fields.resource_name_filter,
        fields.pattern_type_filter,
        fields.principal_filter,
        fields.host_filter,
        fields.operation,
        fields.permission_type,
    )
