"""Heartbeat (API key 12): request and response, versions 0 to 4, flexible since 4."""

from kcon_broker.wire.schema import ApiMessage, Field


class HeartbeatRequest(ApiMessage):
    __slots__ = ("generation_id", "group_id", "group_instance_id", "member_id")
    API_KEY = 12
    MIN_VERSION = 0
    MAX_VERSION = 4
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("generation_id", "int32", "0+"),
        Field("member_id", "string", "0+"),
        Field("group_instance_id", "string", "3+", nullable="3+"),
    )

    def __init__(
        self, *, group_id: str = "", generation_id: int = 0, member_id: str = "", group_instance_id: str | None = None
    ) -> None:
        self.group_id = group_id
        self.generation_id = generation_id
        self.member_id = member_id
        self.group_instance_id = group_instance_id


class HeartbeatResponse(ApiMessage):
    __slots__ = ("error_code", "throttle_time_ms")
    API_KEY = 12
    MIN_VERSION = 0
    MAX_VERSION = 4
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("throttle_time_ms", "int32", "1+"),
        Field("error_code", "int16", "0+"),
    )

    def __init__(self, *, throttle_time_ms: int = 0, error_code: int = 0) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
