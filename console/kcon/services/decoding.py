"""What does a payload say, and which decoder said so? Plugins found, called one after the other, and contained.

Every front shows keys and values through a `DecoderChain`. A fallback is never silent: `Shown.attempts` holds why
each earlier decoder passed.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from kcon.core.wire_text import WireText, display_safe
from kcon.errors import UsageError
from kcon.plugin_api.decoding import ENTRY_POINT_GROUP, DecodeContext, Decoded, DecodeFailure, Decoder

PLUGINS_VARIABLE: Final = "KCON_PLUGINS"
"""Environment: a comma-separated list of entry points to load; empty loads none but the bundled ones."""

BUNDLED: Final = frozenset({"decoders", "sinks"})
DEFAULT_CHAIN: Final = ("json", "text", "hex")
REASON_CHARS_MAX: Final = 200
FAULTS_MAX: Final = 100
"""A decoder that raised so often is not called again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginFault:
    """A plugin that could not be loaded."""

    plugin: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugins:
    """What the entry points gave."""

    decoders: tuple[Decoder, ...]
    faults: tuple[PluginFault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A decoder that passed."""

    decoder: str
    reason: str
    is_fault: bool = False
    """It raised, which is the plugin's mistake and not the payload's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A payload as it is shown."""

    text: WireText
    decoder: str
    """Who decoded it; "null" for a payload that is none."""
    pretty: WireText | None = None
    is_cut: bool = False
    attempts: tuple[Attempt, ...] = ()


def load_plugins(points: Iterable[EntryPoint] | None = None) -> LoadedPlugins:
    """Load every plugin; one that fails is named, the others stay."""
    names = wanted_plugins()
    decoders: list[Decoder] = []
    faults: list[PluginFault] = []
    for point in entry_points(group=ENTRY_POINT_GROUP) if points is None else points:
        if names is not None and point.name not in names:
            continue
        try:
            module = point.load()
            hook = getattr(module, "decoders", None)
            found = list(hook()) if hook is not None else []
            strangers = [item for item in found if not isinstance(item, Decoder)]
            if strangers:
                raise TypeError(f"{type(strangers[0]).__name__} is not a decoder")
            decoders += found
        except Exception as error:  # noqa: BLE001  # The border to a plugin.
            faults.append(PluginFault(plugin=point.name, reason=_reason_of(error)))
    return LoadedPlugins(decoders=tuple(decoders), faults=tuple(faults))


def wanted_plugins() -> frozenset[str] | None:
    """Return the names of the entry points that may be loaded; None: all."""
    wanted = os.environ.get(PLUGINS_VARIABLE)
    return None if wanted is None else frozenset(name.strip() for name in wanted.split(",")) | BUNDLED


class DecoderChain:
    """Tries decoders in order. Any thread; `decode` keeps only a count of each decoder's faults."""

    def __init__(self, decoders: Sequence[Decoder]) -> None:
        self._decoders = tuple(decoders)
        self.faults: Counter[str] = Counter()
        """How often each decoder raised."""

    @classmethod
    def of_names(cls, names: Sequence[str] = DEFAULT_CHAIN, plugins: LoadedPlugins | None = None) -> "DecoderChain":
        """Make a chain of decoders by name. UsageError when one is unknown."""
        loaded = plugins or load_plugins()
        known = {decoder.name: decoder for decoder in reversed(loaded.decoders)}
        for name in names:
            if name not in known:
                raise UsageError(
                    f"There is no decoder {display_safe(name)}.",
                    "; ".join(
                        [
                            f"Known are {', '.join(sorted(known))}",
                            *(f"plugin {fault.plugin} could not be loaded: {fault.reason}" for fault in loaded.faults),
                        ]
                    )
                    + ".",
                )
        return cls([known[name] for name in names])

    def decode(self, payload: bytes | None, context: DecodeContext) -> Shown:
        """Return the first decoder's text that fits; if none does, the bytes in hexadecimal."""
        if payload is None:
            return Shown(text=WireText("null"), decoder="null")
        attempts: list[Attempt] = []
        for decoder in self._decoders:
            if self.faults[decoder.name] >= FAULTS_MAX:
                attempts.append(Attempt(decoder=decoder.name, reason="failed too often", is_fault=True))
                continue
            try:
                result = decoder.decode(payload, context)
                if isinstance(result, Decoded):
                    return _shown(decoder.name, _cut(result, context.chars_max), attempts)
                if not isinstance(result, DecodeFailure):
                    raise TypeError(f"decode returned {type(result).__name__}")
                attempts.append(Attempt(decoder=decoder.name, reason=display_safe(result.reason)[:REASON_CHARS_MAX]))
            except Exception as error:  # noqa: BLE001  # The border to a plugin.
                self.faults[decoder.name] += 1
                reason = f"plugin failed: {_reason_of(error)}"
                attempts.append(Attempt(decoder=decoder.name, reason=reason, is_fault=True))
        kept = payload[: max(1, context.chars_max // 3)]
        return _shown("bytes", Decoded(text=WireText(kept.hex(" ")), is_cut=len(kept) < len(payload)), attempts)


def _shown(decoder: str, decoded: Decoded, attempts: Sequence[Attempt]) -> Shown:
    return Shown(
        text=decoded.text,
        decoder=decoder,
        pretty=decoded.pretty,
        is_cut=decoded.is_cut,
        attempts=tuple(attempts),
    )


def _cut(decoded: Decoded, chars_max: int) -> Decoded:
    """Hold a decoder to its limit."""
    pretty = decoded.pretty
    if len(decoded.text.raw) <= chars_max and (pretty is None or len(pretty.raw) <= chars_max):
        return decoded
    return replace(
        decoded,
        text=WireText(decoded.text.raw[:chars_max]),
        pretty=None if pretty is None else WireText(pretty.raw[:chars_max]),
        is_cut=True,
    )


def _reason_of(error: Exception) -> str:
    return display_safe(f"{type(error).__name__}: {error}")[:REASON_CHARS_MAX]
