"""What does kcon know about one cluster it may talk to? The frozen value behind `-C NAME`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import Enum
from pathlib import Path
from typing import Final

from kcon.contexts.rules import Rules
from kcon.contexts.secrets import Secrets
from kcon.contexts.security import Security
from kcon.errors import UsageError

DEFAULT_PORT: Final = 9092
AD_HOC_NAME: Final = "(none)"
"""The name of the context made of `-b` alone."""


class Mode(Enum):
    """What a context lets its user do."""

    READ_WRITE = "read-write"
    READ_ONLY = "read-only"
    PROTECT = "protect"
    """Mutations want the target's name typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One cluster as the user configured it, after precedence was resolved."""

    name: str
    bootstrap: tuple[str, ...]
    """Addresses as `host:port`, in the order to try."""
    mode: Mode = Mode.READ_WRITE
    color: str | None = None
    """The frame colour in the TUI, or None for the theme's."""
    tz: tzinfo = UTC
    """The zone for naked times. A resolved context holds the configured or the machine's own."""
    tz_name: str = "UTC"
    timeout_ms: int = 30_000
    """The deadline of one command's admin request, retries included."""
    security: Security = field(default_factory=Security)
    secrets: Secrets = field(default_factory=Secrets, repr=False, compare=False)
    """Where the secrets that `security` names are read, once for both planes."""
    client_config: Mapping[str, str] = field(default_factory=dict)
    """Further librdkafka settings for the record plane."""
    rules: Rules = field(default_factory=Rules)
    """How its records are to be decoded and masked, and its schema registry."""
    history_folder: Path | None = field(default=None, compare=False)
    """Where its history is kept instead of the state folder: of a cluster that is gone with its process."""
    recording: Path | None = None
    """It is no cluster but this file: an exported incident."""
    metrics: str | None = None
    """The HTTP address of the broker's own metrics in Prometheus's format, where it has some; None: not known."""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each value came from, e.g. `mode` -> `environment KCON_READ_ONLY`."""

    @property
    def is_authenticated(self) -> bool:
        """Whether the cluster knows us as a user, who may see less than there is."""
        return self.security.uses_sasl or bool(self.security.cert or self.security.keystore)

    @property
    def is_read_only(self) -> bool:
        """Mutations are refused."""
        return self.mode is Mode.READ_ONLY


def parse_bootstrap(text: str) -> tuple[str, ...]:
    """Split `host:port,host2,[::1]:9092`; the port defaults to 9092. UsageError when an address is off."""
    addresses = tuple(_parse_address(part.strip()) for part in text.split(",") if part.strip())
    if not addresses:
        raise UsageError("The bootstrap address is empty.", "Give host:port, e.g. -b localhost:9092.")
    return addresses


def _parse_address(text: str) -> str:
    hint = "Give host:port, e.g. localhost:9092; IPv6 in brackets, e.g. [::1]:9092."
    if "://" in text:
        scheme, _, rest = text.partition("://")
        if scheme.upper() not in {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}:
            raise UsageError(f"Not a Kafka address: {text!r}.", hint)
        text = rest
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UsageError(f"Not a Kafka address: {text!r}.", hint)
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    elif ":" in text:
        raise UsageError(f"Not a Kafka address: {text!r}.", hint)
    if not host or any(char.isspace() or not char.isprintable() or char in "/@" for char in host):
        raise UsageError(f"Not a Kafka address: {text!r}.", hint)
    number = DEFAULT_PORT
    if colon:
        if not (port.isascii() and port.isdigit()) or not 1 <= int(port) <= 65535:
            raise UsageError(f"Not a port: {port!r} in {text!r}.", hint)
        number = int(port)
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def split_address(address: str) -> tuple[str, int]:
    """Split an address that `parse_bootstrap` returned into host (without brackets) and port."""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)
