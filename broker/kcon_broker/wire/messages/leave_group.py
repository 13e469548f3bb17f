"""LeaveGroup (API key 13): request and response, versions 0 to 5, flexible since 4."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class MemberIdentity(Struct):
    __slots__ = ("group_instance_id", "member_id", "reason")
    FIELDS = (
        Field("member_id", "string", "3+"),
        Field("group_instance_id", "string", "3+", nullable="3+"),
        Field("reason", "string", "5+", nullable="5+"),
    )

    def __init__(self, *, member_id: str = "", group_instance_id: str | None = None, reason: str | None = None) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.reason = reason


class LeaveGroupRequest(ApiMessage):
    __slots__ = ("group_id", "member_id", "members")
    API_KEY = 13
    MIN_VERSION = 0
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("member_id", "string", "0-2"),
        Field("members", MemberIdentity, "3+", array=True),
    )

    def __init__(self, *, group_id: str = "", member_id: str = "", members: list[MemberIdentity] = EMPTY) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.members: list[MemberIdentity] = [] if members is EMPTY else members


class MemberResponse(Struct):
    __slots__ = ("error_code", "group_instance_id", "member_id")
    FIELDS = (
        Field("member_id", "string", "3+"),
        Field("group_instance_id", "string", "3+", nullable="3+"),
        Field("error_code", "int16", "3+"),
    )

    def __init__(self, *, member_id: str = "", group_instance_id: str | None = "", error_code: int = 0) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.error_code = error_code


class LeaveGroupResponse(ApiMessage):
    __slots__ = ("error_code", "members", "throttle_time_ms")
    API_KEY = 13
    MIN_VERSION = 0
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("throttle_time_ms", "int32", "1+"),
        Field("error_code", "int16", "0+"),
        Field("members", MemberResponse, "3+", array=True),
    )

    def __init__(
        self, *, throttle_time_ms: int = 0, error_code: int = 0, members: list[MemberResponse] = EMPTY
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.members: list[MemberResponse] = [] if members is EMPTY else members
