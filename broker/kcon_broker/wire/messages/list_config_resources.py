"""ListConfigResources (API key 74): request and response, versions 0 to 1, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class ListConfigResourcesRequest(ApiMessage):
    __slots__ = ("resource_types",)
    API_KEY = 74
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("resource_types", "int8", "1+", array=True),)

    def __init__(self, *, resource_types: list[int] = EMPTY) -> None:
        self.resource_types: list[int] = [] if resource_types is EMPTY else resource_types


class ConfigResource(Struct):
    __slots__ = ("resource_name", "resource_type")
    FIELDS = (
        Field("resource_name", "string", "0+"),
        Field("resource_type", "int8", "1+"),
    )

    def __init__(self, *, resource_name: str = "", resource_type: int = 16) -> None:
        self.resource_name = resource_name
        self.resource_type = resource_type


class ListConfigResourcesResponse(ApiMessage):
    __slots__ = ("config_resources", "error_code", "throttle_time_ms")
    API_KEY = 74
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("config_resources", ConfigResource, "0+", array=True),
    )

    def __init__(
        self, *, throttle_time_ms: int = 0, error_code: int = 0, config_resources: list[ConfigResource] = EMPTY
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.config_resources: list[ConfigResource] = [] if config_resources is EMPTY else config_resources
