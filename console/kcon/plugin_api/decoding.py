"""How does a plugin turn the bytes of a key or a value into text? The contract of a decoder.

A plugin package names a module under the entry point group `kcon.plugins`. The module may define

    def decoders() -> Iterable[Decoder]

which is called once. kcon calls `decode` from any thread, for every payload that is shown, and keeps nothing of it.
A decoder that raises is named to the user and passed over; it does not end the view.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, TypeAlias, runtime_checkable

from kcon.core.ids import TopicName
from kcon.core.wire_text import WireText

API_VERSION: Final = 1
"""Grows when this contract changes in a way that breaks a plugin."""

ENTRY_POINT_GROUP: Final = "kcon.plugins"


class Part(Enum):
    """Which part of a record a payload is."""

    KEY = "key"
    VALUE = "value"
    HEADER = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeContext:
    """Where a payload comes from, and how much text may come out."""

    topic: TopicName
    part: Part
    partition: int = -1
    offset: int = -1
    headers: tuple[tuple[WireText, bytes | None], ...] = ()
    chars_max: int = 64 * 1024 * 1024
    """A decoder cuts its text here and says `is_cut`; a longer one is cut for it."""
    wants_pretty: bool = False
    """The text for a whole pane is wanted too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a payload says."""

    text: WireText
    """On one line if the format allows it, and unaltered where the payload is text already."""
    pretty: WireText | None = None
    """For a pane: many lines. None: `text` serves."""
    is_cut: bool = False
    """The payload says more than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeFailure:
    """Why a payload is not in the decoder's format; the next decoder has its turn."""

    reason: str
    """A clause without a full stop, e.g. "not UTF-8 at byte 3"."""


DecodeResult: TypeAlias = Decoded | DecodeFailure


@runtime_checkable
class Decoder(Protocol):
    """One format."""

    @property
    def name(self) -> str:
        """A short unique word, e.g. "avro": what users write in a chain."""

    def decode(self, payload: bytes, context: DecodeContext) -> DecodeResult:
        """Decode, or say why not. Pure: no I/O, no waiting, nothing kept."""


class PluginModule(Protocol):
    """What the module behind an entry point may define."""

    def decoders(self) -> Iterable[Decoder]:
        """Return the decoders, in the order to try them in when nobody configured one."""
