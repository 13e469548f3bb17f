"""CreateAcls (API key 30): request and response, versions 1 to 3, flexible since 2."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class AclCreation(Struct):
    __slots__ = (
        "host",
        "operation",
        "permission_type",
        "principal",
        "resource_name",
        "resource_pattern_type",
        "resource_type",
    )
    FIELDS = (
        Field("resource_type", "int8", "0+"),
        Field("resource_name", "string", "0+"),
        Field("resource_pattern_type", "int8", "0+"),
        Field("principal", "string", "0+"),
        Field("host", "string", "0+"),
        Field("operation", "int8", "0+"),
        Field("permission_type", "int8", "0+"),
    )

    def __init__(
        self,
        *,
        resource_type: int = 0,
        resource_name: str = "",
        resource_pattern_type: int = 3,
        principal: str = "",
        host: str = "",
        operation: int = 0,
        permission_type: int = 0,
    ) -> None:
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.resource_pattern_type = resource_pattern_type
        self.principal = principal
        self.host = host
        self.operation = operation
        self.permission_type = permission_type


class CreateAclsRequest(ApiMessage):
    __slots__ = ("creations",)
    API_KEY = 30
    MIN_VERSION = 1
    MAX_VERSION = 3
    FLEXIBLE_SINCE = 2
    FIELDS = (Field("creations", AclCreation, "0+", array=True),)

    def __init__(self, *, creations: list[AclCreation] = EMPTY) -> None:
        self.creations: list[AclCreation] = [] if creations is EMPTY else creations


class AclCreationResult(Struct):
    __slots__ = ("error_code", "error_message")
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, error_code: int = 0, error_message: str | None = "") -> None:
        self.error_code = error_code
        self.error_message = error_message


class CreateAclsResponse(ApiMessage):
    __slots__ = ("results", "throttle_time_ms")
    API_KEY = 30
    MIN_VERSION = 1
    MAX_VERSION = 3
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("results", AclCreationResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, results: list[AclCreationResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results: list[AclCreationResult] = [] if results is EMPTY else results
