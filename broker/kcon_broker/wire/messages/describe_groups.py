"""DescribeGroups (API key 15): request and response, versions 0 to 6, flexible since 5."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class DescribeGroupsRequest(ApiMessage):
    __slots__ = ("groups", "include_authorized_operations")
    API_KEY = 15
    MIN_VERSION = 0
    MAX_VERSION = 6
    FLEXIBLE_SINCE = 5
    FIELDS = (
        Field("groups", "string", "0+", array=True),
        Field("include_authorized_operations", "bool", "3+"),
    )

    def __init__(self, *, groups: list[str] = EMPTY, include_authorized_operations: bool = False) -> None:
        self.groups: list[str] = [] if groups is EMPTY else groups
        self.include_authorized_operations = include_authorized_operations


class DescribedGroupMember(Struct):
    __slots__ = ("client_host", "client_id", "group_instance_id", "member_assignment", "member_id", "member_metadata")
    FIELDS = (
        Field("member_id", "string", "0+"),
        Field("group_instance_id", "string", "4+", nullable="4+"),
        Field("client_id", "string", "0+"),
        Field("client_host", "string", "0+"),
        Field("member_metadata", "bytes", "0+"),
        Field("member_assignment", "bytes", "0+"),
    )

    def __init__(
        self,
        *,
        member_id: str = "",
        group_instance_id: str | None = None,
        client_id: str = "",
        client_host: str = "",
        member_metadata: bytes = b"",
        member_assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.member_metadata = member_metadata
        self.member_assignment = member_assignment


class DescribedGroup(Struct):
    __slots__ = (
        "authorized_operations",
        "error_code",
        "error_message",
        "group_id",
        "group_state",
        "members",
        "protocol_data",
        "protocol_type",
    )
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "6+", nullable="6+"),
        Field("group_id", "string", "0+"),
        Field("group_state", "string", "0+"),
        Field("protocol_type", "string", "0+"),
        Field("protocol_data", "string", "0+"),
        Field("members", DescribedGroupMember, "0+", array=True),
        Field("authorized_operations", "int32", "3+"),
    )

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = None,
        group_id: str = "",
        group_state: str = "",
        protocol_type: str = "",
        protocol_data: str = "",
        members: list[DescribedGroupMember] = EMPTY,
        authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.group_id = group_id
        self.group_state = group_state
        self.protocol_type = protocol_type
        self.protocol_data = protocol_data
        self.members: list[DescribedGroupMember] = [] if members is EMPTY else members
        self.authorized_operations = authorized_operations


class DescribeGroupsResponse(ApiMessage):
    __slots__ = ("groups", "throttle_time_ms")
    API_KEY = 15
    MIN_VERSION = 0
    MAX_VERSION = 6
    FLEXIBLE_SINCE = 5
    FIELDS = (
        Field("throttle_time_ms", "int32", "1+"),
        Field("groups", DescribedGroup, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, groups: list[DescribedGroup] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups: list[DescribedGroup] = [] if groups is EMPTY else groups
