"""How does the admin client behave? Every wait and every bound, each with its unit and default."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from kcon.contexts.context import Context
from kcon.contexts.secrets import Secrets
from kcon.contexts.security import Security

_ONE_REQUEST: Final = 0.3
_ONE_CHANGE: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSettings:
    """Settings of one `Admin`. Times are milliseconds."""

    bootstrap: tuple[str, ...]
    """Addresses as `host:port`, tried in order."""
    context: str = "(none)"
    """The name that permits are bound to."""
    client_id: str = "kcon"
    timeout_ms: int = 30_000
    """One call of `Admin`, retries included."""
    connect_timeout_ms: int = 4_000
    """Resolve, connect and the first answer, for one bootstrap address or broker."""
    request_timeout_ms: int = 10_000
    """One read. A broker that does not answer in this time degrades its items only."""
    change_timeout_ms: int = 20_000
    """One change: longer, because what became of it is unknown afterwards."""
    silent_broker_ms: int = 10_000
    """A broker that did not answer in time is not asked again for so long: each step would wait for it anew."""
    attempts_any_max: int = 3
    """Brokers that are asked in turn for what any of them can tell."""
    retries_max: int = 5
    """Further attempts for an item whose error may pass."""
    retry_backoff_ms: int = 100
    """The first pause; it doubles, up to retry_backoff_max_ms, times a random factor of 0.5 to 1.5."""
    retry_backoff_max_ms: int = 1_000
    metadata_max_age_ms: int = 60_000
    """Leaders known for longer are asked for again; an error that shows stale leaders refreshes at once."""
    response_bytes_max: int = 256 * 1024 * 1024
    """A larger answer closes the connection."""
    in_flight_max: int = 8
    """Requests on one connection that wait for their answer."""
    connections_max: int = 256
    """Open connections; there is one a broker."""
    partitions_per_request_max: int = 10_000
    """Partitions in one ListOffsets request."""
    groups_per_request_max: int = 100
    """Groups in one FindCoordinator, DescribeGroups or OffsetFetch request."""
    partitions_per_hold_max: int = 1_000
    """Decoded partitions between two turns of the event loop."""
    wire_log: Callable[[str], None] | None = field(default=None, repr=False, compare=False)
    """Gets a line for each request and each answer, without secrets; see `wire_log`."""
    security: Security = field(default_factory=Security)
    secrets: Secrets = field(default_factory=Secrets, repr=False, compare=False)
    """Where the secrets that `security` names are read."""

    @classmethod
    def of(cls, context: Context) -> "AdminSettings":
        """Take what the context says; the rest keeps its default."""
        return cls(
            bootstrap=context.bootstrap,
            context=context.name,
            timeout_ms=context.timeout_ms,
            # A part of the whole, so that one broker that hangs leaves time for an answer without it.
            request_timeout_ms=min(round(context.timeout_ms * _ONE_REQUEST), cls.request_timeout_ms_default()),
            change_timeout_ms=min(round(context.timeout_ms * _ONE_CHANGE), 20_000),
            connect_timeout_ms=min(round(context.timeout_ms * _ONE_REQUEST), 4_000),
            security=context.security,
            secrets=context.secrets,
        )

    @staticmethod
    def request_timeout_ms_default() -> int:
        """Return the default of request_timeout_ms."""
        return 10_000
