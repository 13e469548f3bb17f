"""AlterUserScramCredentials (API key 51): request and response, versions 0 to 0, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class ScramCredentialDeletion(Struct):
    __slots__ = ("mechanism", "name")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("mechanism", "int8", "0+"),
    )

    def __init__(self, *, name: str = "", mechanism: int = 0) -> None:
        self.name = name
        self.mechanism = mechanism


class ScramCredentialUpsertion(Struct):
    __slots__ = ("iterations", "mechanism", "name", "salt", "salted_password")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("mechanism", "int8", "0+"),
        Field("iterations", "int32", "0+"),
        Field("salt", "bytes", "0+"),
        Field("salted_password", "bytes", "0+"),
    )

    def __init__(
        self,
        *,
        name: str = "",
        mechanism: int = 0,
        iterations: int = 0,
        salt: bytes = b"",
        salted_password: bytes = b"",
    ) -> None:
        self.name = name
        self.mechanism = mechanism
        self.iterations = iterations
        self.salt = salt
        self.salted_password = salted_password


class AlterUserScramCredentialsRequest(ApiMessage):
    __slots__ = ("deletions", "upsertions")
    API_KEY = 51
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("deletions", ScramCredentialDeletion, "0+", array=True),
        Field("upsertions", ScramCredentialUpsertion, "0+", array=True),
    )

    def __init__(
        self, *, deletions: list[ScramCredentialDeletion] = EMPTY, upsertions: list[ScramCredentialUpsertion] = EMPTY
    ) -> None:
        self.deletions: list[ScramCredentialDeletion] = [] if deletions is EMPTY else deletions
        self.upsertions: list[ScramCredentialUpsertion] = [] if upsertions is EMPTY else upsertions


class AlterUserScramCredentialsResult(Struct):
    __slots__ = ("error_code", "error_message", "user")
    FIELDS = (
        Field("user", "string", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, user: str = "", error_code: int = 0, error_message: str | None = "") -> None:
        self.user = user
        self.error_code = error_code
        self.error_message = error_message


class AlterUserScramCredentialsResponse(ApiMessage):
    __slots__ = ("results", "throttle_time_ms")
    API_KEY = 51
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("results", AlterUserScramCredentialsResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, results: list[AlterUserScramCredentialsResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results: list[AlterUserScramCredentialsResult] = [] if results is EMPTY else results
