"""AlterConfigs (API key 33): request and response, versions 0 to 2, flexible since 2."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class AlterableConfig(Struct):
    __slots__ = ("name", "value")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("value", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, name: str = "", value: str | None = "") -> None:
        self.name = name
        self.value = value


class AlterConfigsResource(Struct):
    __slots__ = ("configs", "resource_name", "resource_type")
    FIELDS = (
        Field("resource_type", "int8", "0+"),
        Field("resource_name", "string", "0+"),
        Field("configs", AlterableConfig, "0+", array=True),
    )

    def __init__(
        self, *, resource_type: int = 0, resource_name: str = "", configs: list[AlterableConfig] = EMPTY
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configs: list[AlterableConfig] = [] if configs is EMPTY else configs


class AlterConfigsRequest(ApiMessage):
    __slots__ = ("resources", "validate_only")
    API_KEY = 33
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("resources", AlterConfigsResource, "0+", array=True),
        Field("validate_only", "bool", "0+"),
    )

    def __init__(self, *, resources: list[AlterConfigsResource] = EMPTY, validate_only: bool = False) -> None:
        self.resources: list[AlterConfigsResource] = [] if resources is EMPTY else resources
        self.validate_only = validate_only


class AlterConfigsResourceResponse(Struct):
    __slots__ = ("error_code", "error_message", "resource_name", "resource_type")
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("resource_type", "int8", "0+"),
        Field("resource_name", "string", "0+"),
    )

    def __init__(
        self, *, error_code: int = 0, error_message: str | None = "", resource_type: int = 0, resource_name: str = ""
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name


class AlterConfigsResponse(ApiMessage):
    __slots__ = ("responses", "throttle_time_ms")
    API_KEY = 33
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("responses", AlterConfigsResourceResponse, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, responses: list[AlterConfigsResourceResponse] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.responses: list[AlterConfigsResourceResponse] = [] if responses is EMPTY else responses
