"""ListGroups (API key 16): request and response, versions 0 to 5, flexible since 3."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class ListGroupsRequest(ApiMessage):
    __slots__ = ("states_filter", "types_filter")
    API_KEY = 16
    MIN_VERSION = 0
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 3
    FIELDS = (
        Field("states_filter", "string", "4+", array=True),
        Field("types_filter", "string", "5+", array=True),
    )

    def __init__(self, *, states_filter: list[str] = EMPTY, types_filter: list[str] = EMPTY) -> None:
        self.states_filter: list[str] = [] if states_filter is EMPTY else states_filter
        self.types_filter: list[str] = [] if types_filter is EMPTY else types_filter


class ListedGroup(Struct):
    __slots__ = ("group_id", "group_state", "group_type", "protocol_type")
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("protocol_type", "string", "0+"),
        Field("group_state", "string", "4+"),
        Field("group_type", "string", "5+"),
    )

    def __init__(
        self, *, group_id: str = "", protocol_type: str = "", group_state: str = "", group_type: str = ""
    ) -> None:
        self.group_id = group_id
        self.protocol_type = protocol_type
        self.group_state = group_state
        self.group_type = group_type


class ListGroupsResponse(ApiMessage):
    __slots__ = ("error_code", "groups", "throttle_time_ms")
    API_KEY = 16
    MIN_VERSION = 0
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 3
    FIELDS = (
        Field("throttle_time_ms", "int32", "1+"),
        Field("error_code", "int16", "0+"),
        Field("groups", ListedGroup, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, error_code: int = 0, groups: list[ListedGroup] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.groups: list[ListedGroup] = [] if groups is EMPTY else groups
