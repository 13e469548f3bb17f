"""UpdateFeatures (API key 57): request and response, versions 0 to 2, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class FeatureUpdateKey(Struct):
    __slots__ = ("allow_downgrade", "feature", "max_version_level", "upgrade_type")
    FIELDS = (
        Field("feature", "string", "0+"),
        Field("max_version_level", "int16", "0+"),
        Field("allow_downgrade", "bool", "0"),
        Field("upgrade_type", "int8", "1+"),
    )

    def __init__(
        self, *, feature: str = "", max_version_level: int = 0, allow_downgrade: bool = False, upgrade_type: int = 1
    ) -> None:
        self.feature = feature
        self.max_version_level = max_version_level
        self.allow_downgrade = allow_downgrade
        self.upgrade_type = upgrade_type


class UpdateFeaturesRequest(ApiMessage):
    __slots__ = ("feature_updates", "timeout_ms", "validate_only")
    API_KEY = 57
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("timeout_ms", "int32", "0+"),
        Field("feature_updates", FeatureUpdateKey, "0+", array=True),
        Field("validate_only", "bool", "1+"),
    )

    def __init__(
        self, *, timeout_ms: int = 60000, feature_updates: list[FeatureUpdateKey] = EMPTY, validate_only: bool = False
    ) -> None:
        self.timeout_ms = timeout_ms
        self.feature_updates: list[FeatureUpdateKey] = [] if feature_updates is EMPTY else feature_updates
        self.validate_only = validate_only


class UpdatableFeatureResult(Struct):
    __slots__ = ("error_code", "error_message", "feature")
    FIELDS = (
        Field("feature", "string", "0-1"),
        Field("error_code", "int16", "0-1"),
        Field("error_message", "string", "0-1", nullable="0-1"),
    )

    def __init__(self, *, feature: str = "", error_code: int = 0, error_message: str | None = "") -> None:
        self.feature = feature
        self.error_code = error_code
        self.error_message = error_message


class UpdateFeaturesResponse(ApiMessage):
    __slots__ = ("error_code", "error_message", "results", "throttle_time_ms")
    API_KEY = 57
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("results", UpdatableFeatureResult, "0-1", array=True),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        results: list[UpdatableFeatureResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.results: list[UpdatableFeatureResult] = [] if results is EMPTY else results
