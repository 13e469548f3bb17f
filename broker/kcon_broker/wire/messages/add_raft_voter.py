"""AddRaftVoter (API key 80): request and response, versions 0 to 1, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class Listener(Struct):
    __slots__ = ("host", "name", "port")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("host", "string", "0+"),
        Field("port", "uint16", "0+"),
    )

    def __init__(self, *, name: str = "", host: str = "", port: int = 0) -> None:
        self.name = name
        self.host = host
        self.port = port


class AddRaftVoterRequest(ApiMessage):
    __slots__ = ("ack_when_committed", "cluster_id", "listeners", "timeout_ms", "voter_directory_id", "voter_id")
    API_KEY = 80
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("cluster_id", "string", "0+", nullable="0+"),
        Field("timeout_ms", "int32", "0+"),
        Field("voter_id", "int32", "0+"),
        Field("voter_directory_id", "uuid", "0+"),
        Field("listeners", Listener, "0+", array=True),
        Field("ack_when_committed", "bool", "1+"),
    )

    def __init__(
        self,
        *,
        cluster_id: str | None = "",
        timeout_ms: int = 0,
        voter_id: int = 0,
        voter_directory_id: bytes = ZERO_UUID,
        listeners: list[Listener] = EMPTY,
        ack_when_committed: bool = True,
    ) -> None:
        self.cluster_id = cluster_id
        self.timeout_ms = timeout_ms
        self.voter_id = voter_id
        self.voter_directory_id = voter_directory_id
        self.listeners: list[Listener] = [] if listeners is EMPTY else listeners
        self.ack_when_committed = ack_when_committed


class AddRaftVoterResponse(ApiMessage):
    __slots__ = ("error_code", "error_message", "throttle_time_ms")
    API_KEY = 80
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, throttle_time_ms: int = 0, error_code: int = 0, error_message: str | None = "") -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
