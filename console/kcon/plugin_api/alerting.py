"""How does a plugin tell somebody of an alert? The contract of a sink.

The module behind an entry point of the group `kcon.plugins` may define

    def sink_kinds() -> Iterable[SinkKind]

which is called once. A kind makes a sink of the settings that a user wrote under `[sink.NAME]` with `kind = "..."`.
kcon calls `send` on one event loop, one message at a time for each sink, with a deadline, and again later when it
fails. A message may come twice, after a crash: its id tells.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotice:
    """One alert began, goes on, or ended. Every text is safe to print."""

    status: str
    """`firing`, `repeated` or `resolved`."""
    rule: str
    severity: str
    """`page` or `warn`."""
    labels: Mapping[str, str]
    summary: str
    """One sentence."""
    value: float | None
    since_ms: int
    """When it was first seen, in milliseconds since 1970."""
    at_ms: int
    """When this notice was made; the end of an alert that is resolved."""

    @property
    def is_resolved(self) -> bool:
        """It is over."""
        return self.status == "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMessage:
    """What a sink is to tell: at least one notice."""

    id: str
    """The same when a message comes again."""
    cluster: str
    """The context's name, or the cluster's id."""
    notices: tuple[AlertNotice, ...]
    omitted: int = 0
    """Further notices of the same moment, for which there was no room."""
    is_test: bool = False

    @property
    def is_resolved(self) -> bool:
        """Everything in it is over."""
        return all(notice.is_resolved for notice in self.notices)

    @property
    def severity(self) -> str:
        """The gravest."""
        return "page" if any(notice.severity == "page" for notice in self.notices) else "warn"

    @property
    def title(self) -> str:
        """One line for all of it."""
        first = self.notices[0]
        count = len(self.notices) + self.omitted
        what = first.rule if count == 1 else f"{first.rule} and {count - 1} more"
        return f"[{'RESOLVED' if self.is_resolved else self.severity.upper()}] {what} on {self.cluster}"

    def to_json(self) -> dict[str, Any]:
        """Return what JSON holds of it."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: str) -> "AlertMessage":
        """Read what `to_json` gave. ValueError, KeyError or TypeError when it is something else."""
        fields = json.loads(text)
        return cls(**{**fields, "notices": tuple(AlertNotice(**notice) for notice in fields["notices"])})


class SinkFailure(Exception):
    """A message could not be told. reason: a clause without a full stop and without secrets."""

    def __init__(self, reason: str, *, is_final: bool = False, retry_after_s: float | None = None) -> None:
        """is_final: it would fail again. retry_after_s: how long the other side asked to be left alone."""
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What a server said."""

    status: int
    text: str
    """Its first kilobyte, made safe to print."""
    retry_after_s: float | None = None


class SecretText(Protocol):
    """A text that nothing prints."""

    def reveal(self) -> str:
        """Return it, for the one call that needs it."""


class SinkTools(Protocol):
    """What kcon does for a sink, within its deadline and limits."""

    async def post(self, url: SecretText, body: bytes, headers: Mapping[str, SecretText | str]) -> HttpAnswer:
        """Send a POST request, following no redirect. SinkFailure when there is no answer."""

    async def run(self, argv: Sequence[str], stdin: bytes, variables: Mapping[str, str]) -> None:
        """Run a program without a shell. SinkFailure unless it ends with 0."""

    def ring(self, line: str) -> None:
        """Ring the terminal's bell and print a line. SinkFailure when there is no terminal."""

    def now_ms(self) -> int:
        """Return the time."""


Value: TypeAlias = str | tuple[str, ...] | SecretText


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSetting:
    """One setting of a kind of sink."""

    name: str
    help: str
    is_required: bool = False
    is_list: bool = False
    is_secret: bool = False
    """It comes as SecretText, from NAME_env, NAME_file or NAME_cmd."""
    may_be_plain: bool = False
    """A secret that may stand in the file as it is: a webhook's address, say. It is never shown all the same."""
    choices: tuple[str, ...] = ()


@runtime_checkable
class Sink(Protocol):
    """Somebody to tell."""

    async def send(self, message: AlertMessage, tools: SinkTools) -> None:
        """Tell. SinkFailure when that did not work."""


@runtime_checkable
class SinkKind(Protocol):
    """A way to tell."""

    @property
    def name(self) -> str:
        """A short unique word, e.g. "webhook"."""

    @property
    def settings(self) -> Sequence[SinkSetting]:
        """What a user may set."""

    @property
    def refresh_ms(self) -> int | None:
        """How often all that goes on is to be told again, whatever the rules say; None: as the rules say."""

    def open(self, settings: Mapping[str, Value]) -> Sink:
        """Return a sink. settings: by name, those that were set. ValueError says in a sentence what is wrong."""


class SinkModule(Protocol):
    """What the module behind an entry point may define."""

    def sink_kinds(self) -> Iterable[SinkKind]:
        """Return the kinds of sinks."""
