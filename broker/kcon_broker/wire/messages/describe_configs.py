"""DescribeConfigs (API key 32): request and response, versions 1 to 4, flexible since 4."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class DescribeConfigsResource(Struct):
    __slots__ = ("configuration_keys", "resource_name", "resource_type")
    FIELDS = (
        Field("resource_type", "int8", "0+"),
        Field("resource_name", "string", "0+"),
        Field("configuration_keys", "string", "0+", array=True, nullable="0+"),
    )

    def __init__(
        self, *, resource_type: int = 0, resource_name: str = "", configuration_keys: list[str] | None = EMPTY
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configuration_keys: list[str] | None = [] if configuration_keys is EMPTY else configuration_keys


class DescribeConfigsRequest(ApiMessage):
    __slots__ = ("include_documentation", "include_synonyms", "resources")
    API_KEY = 32
    MIN_VERSION = 1
    MAX_VERSION = 4
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("resources", DescribeConfigsResource, "0+", array=True),
        Field("include_synonyms", "bool", "0+"),
        Field("include_documentation", "bool", "3+"),
    )

    def __init__(
        self,
        *,
        resources: list[DescribeConfigsResource] = EMPTY,
        include_synonyms: bool = False,
        include_documentation: bool = False,
    ) -> None:
        self.resources: list[DescribeConfigsResource] = [] if resources is EMPTY else resources
        self.include_synonyms = include_synonyms
        self.include_documentation = include_documentation


class DescribeConfigsSynonym(Struct):
    __slots__ = ("name", "source", "value")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("value", "string", "0+", nullable="0+"),
        Field("source", "int8", "0+"),
    )

    def __init__(self, *, name: str = "", value: str | None = "", source: int = 0) -> None:
        self.name = name
        self.value = value
        self.source = source


class DescribeConfigsResourceResult(Struct):
    __slots__ = (
        "config_source",
        "config_type",
        "documentation",
        "is_sensitive",
        "name",
        "read_only",
        "synonyms",
        "value",
    )
    FIELDS = (
        Field("name", "string", "0+"),
        Field("value", "string", "0+", nullable="0+"),
        Field("read_only", "bool", "0+"),
        Field("config_source", "int8", "0+"),
        Field("is_sensitive", "bool", "0+"),
        Field("synonyms", DescribeConfigsSynonym, "0+", array=True),
        Field("config_type", "int8", "3+"),
        Field("documentation", "string", "3+", nullable="3+"),
    )

    def __init__(
        self,
        *,
        name: str = "",
        value: str | None = "",
        read_only: bool = False,
        config_source: int = -1,
        is_sensitive: bool = False,
        synonyms: list[DescribeConfigsSynonym] = EMPTY,
        config_type: int = 0,
        documentation: str | None = "",
    ) -> None:
        self.name = name
        self.value = value
        self.read_only = read_only
        self.config_source = config_source
        self.is_sensitive = is_sensitive
        self.synonyms: list[DescribeConfigsSynonym] = [] if synonyms is EMPTY else synonyms
        self.config_type = config_type
        self.documentation = documentation


class DescribeConfigsResult(Struct):
    __slots__ = ("configs", "error_code", "error_message", "resource_name", "resource_type")
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("resource_type", "int8", "0+"),
        Field("resource_name", "string", "0+"),
        Field("configs", DescribeConfigsResourceResult, "0+", array=True),
    )

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        resource_type: int = 0,
        resource_name: str = "",
        configs: list[DescribeConfigsResourceResult] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.configs: list[DescribeConfigsResourceResult] = [] if configs is EMPTY else configs


class DescribeConfigsResponse(ApiMessage):
    __slots__ = ("results", "throttle_time_ms")
    API_KEY = 32
    MIN_VERSION = 1
    MAX_VERSION = 4
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("results", DescribeConfigsResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, results: list[DescribeConfigsResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results: list[DescribeConfigsResult] = [] if results is EMPTY else results
