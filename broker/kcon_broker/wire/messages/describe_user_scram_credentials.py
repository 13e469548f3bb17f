"""DescribeUserScramCredentials (API key 50): request and response, versions 0 to 0, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class UserName(Struct):
    __slots__ = ("name",)
    FIELDS = (Field("name", "string", "0+"),)

    def __init__(self, *, name: str = "") -> None:
        self.name = name


class DescribeUserScramCredentialsRequest(ApiMessage):
    __slots__ = ("users",)
    API_KEY = 50
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("users", UserName, "0+", array=True, nullable="0+"),)

    def __init__(self, *, users: list[UserName] | None = EMPTY) -> None:
        self.users: list[UserName] | None = [] if users is EMPTY else users


class CredentialInfo(Struct):
    __slots__ = ("iterations", "mechanism")
    FIELDS = (
        Field("mechanism", "int8", "0+"),
        Field("iterations", "int32", "0+"),
    )

    def __init__(self, *, mechanism: int = 0, iterations: int = 0) -> None:
        self.mechanism = mechanism
        self.iterations = iterations


class DescribeUserScramCredentialsResult(Struct):
    __slots__ = ("credential_infos", "error_code", "error_message", "user")
    FIELDS = (
        Field("user", "string", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("credential_infos", CredentialInfo, "0+", array=True),
    )

    def __init__(
        self,
        *,
        user: str = "",
        error_code: int = 0,
        error_message: str | None = "",
        credential_infos: list[CredentialInfo] = EMPTY,
    ) -> None:
        self.user = user
        self.error_code = error_code
        self.error_message = error_message
        self.credential_infos: list[CredentialInfo] = [] if credential_infos is EMPTY else credential_infos


class DescribeUserScramCredentialsResponse(ApiMessage):
    __slots__ = ("error_code", "error_message", "results", "throttle_time_ms")
    API_KEY = 50
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("results", DescribeUserScramCredentialsResult, "0+", array=True),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        results: list[DescribeUserScramCredentialsResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.error_message = error_message
        self.results: list[DescribeUserScramCredentialsResult] = [] if results is EMPTY else results
