"""UnregisterBroker (API key 64): request and response, versions 0 to 0, flexible since 0."""

from kcon_broker.wire.schema import ApiMessage, Field


class UnregisterBrokerRequest(ApiMessage):
    __slots__ = ("broker_id",)
    API_KEY = 64
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("broker_id", "int32", "0+"),)

    def __init__(self, *, broker_id: int = 0) -> None:
        self.broker_id = broker_id


class UnregisterBrokerResponse(ApiMessage):
    __slots__ = ("error_code", "error_message", "throttle_time_ms")
    API_KEY = 64
    MIN_VERSION = 0
    MAX_VERSION = 0
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
