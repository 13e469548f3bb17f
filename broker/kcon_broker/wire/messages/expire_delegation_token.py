"""ExpireDelegationToken (API key 40): request and response, versions 1 to 2, flexible since 2."""

from kcon_broker.wire.schema import ApiMessage, Field


class ExpireDelegationTokenRequest(ApiMessage):
    __slots__ = ("expiry_time_period_ms", "hmac")
    API_KEY = 40
    MIN_VERSION = 1
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("hmac", "bytes", "0+"),
        Field("expiry_time_period_ms", "int64", "0+"),
    )

    def __init__(self, *, hmac: bytes = b"", expiry_time_period_ms: int = 0) -> None:
        self.hmac = hmac
        self.expiry_time_period_ms = expiry_time_period_ms


class ExpireDelegationTokenResponse(ApiMessage):
    __slots__ = ("error_code", "expiry_timestamp_ms", "throttle_time_ms")
    API_KEY = 40
    MIN_VERSION = 1
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("expiry_timestamp_ms", "int64", "0+"),
        Field("throttle_time_ms", "int32", "0+"),
    )

    def __init__(self, *, error_code: int = 0, expiry_timestamp_ms: int = 0, throttle_time_ms: int = 0) -> None:
        self.error_code = error_code
        self.expiry_timestamp_ms = expiry_timestamp_ms
        self.throttle_time_ms = throttle_time_ms
