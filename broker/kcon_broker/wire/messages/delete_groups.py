"""DeleteGroups (API key 42): request and response, versions 0 to 2, flexible since 2."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class DeleteGroupsRequest(ApiMessage):
    __slots__ = ("groups_names",)
    API_KEY = 42
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (Field("groups_names", "string", "0+", array=True),)

    def __init__(self, *, groups_names: list[str] = EMPTY) -> None:
        self.groups_names: list[str] = [] if groups_names is EMPTY else groups_names


class DeletableGroupResult(Struct):
    __slots__ = ("error_code", "group_id")
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("error_code", "int16", "0+"),
    )

    def __init__(self, *, group_id: str = "", error_code: int = 0) -> None:
        self.group_id = group_id
        self.error_code = error_code


class DeleteGroupsResponse(ApiMessage):
    __slots__ = ("results", "throttle_time_ms")
    API_KEY = 42
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("results", DeletableGroupResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, results: list[DeletableGroupResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results: list[DeletableGroupResult] = [] if results is EMPTY else results
