"""The decoder chain: fallbacks have reasons, and plugins cannot take a view down."""

from importlib.metadata import EntryPoint

import pytest

from kcon.core.ids import topic_name
from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.plugin_api.decoding import DecodeContext, Decoded, DecodeResult, Part
from kcon.services.decoding import FAULTS_MAX, DecoderChain, load_plugins

CONTEXT = DecodeContext(topic=topic_name("orders"), part=Part.VALUE, chars_max=100)


class Raising:
    """A plugin with a bug."""

    name = "raising"

    def __init__(self) -> None:
        self.calls = 0

    def decode(self, payload: bytes, context: DecodeContext) -> DecodeResult:
        self.calls += 1
        raise RuntimeError("\x1b[2Jboom")


class Endless:
    """A plugin that ignores its limit."""

    name = "endless"

    def decode(self, payload: bytes, context: DecodeContext) -> DecodeResult:
        return Decoded(text=WireText("x" * 1_000_000), pretty=WireText("y" * 1_000_000))


def test_each_fallback_has_its_reason() -> None:
    shown = DecoderChain.of_names().decode(b"\xff\x00", CONTEXT)
    assert shown.decoder == "hex"
    assert [(attempt.decoder, bool(attempt.reason)) for attempt in shown.attempts] == [("json", True), ("text", True)]


def test_null_and_empty_differ() -> None:
    chain = DecoderChain.of_names()
    assert chain.decode(None, CONTEXT).decoder == "null"
    assert chain.decode(b"", CONTEXT).decoder == "text"


def test_a_plugin_that_raises_is_named_and_passed_over() -> None:
    raising = Raising()
    chain = DecoderChain([raising, *load_plugins().decoders])
    shown = chain.decode(b"hi", CONTEXT)
    assert shown.decoder == "text"
    assert shown.attempts[0].decoder == "raising"
    assert shown.attempts[0].is_fault
    assert "\x1b" not in shown.attempts[0].reason


def test_a_plugin_that_keeps_raising_is_not_called_for_ever() -> None:
    raising = Raising()
    chain = DecoderChain([raising])
    for _ in range(FAULTS_MAX + 5):
        chain.decode(b"hi", CONTEXT)
    assert raising.calls == FAULTS_MAX


def test_a_plugin_is_held_to_the_limit() -> None:
    shown = DecoderChain([Endless()]).decode(b"hi", CONTEXT)
    assert len(shown.text.raw) == 100
    assert shown.pretty is not None
    assert len(shown.pretty.raw) == 100
    assert shown.is_cut


def test_without_a_decoder_that_fits_there_are_bytes() -> None:
    shown = DecoderChain([]).decode(b"\x01\x02", CONTEXT)
    assert (shown.decoder, shown.text.raw) == ("bytes", "01 02")


def test_an_unknown_decoder_is_a_usage_error_that_names_the_known() -> None:
    with pytest.raises(UsageError) as caught:
        DecoderChain.of_names(["avro"])
    assert "hex, json, text" in caught.value.hint


def test_a_plugin_that_cannot_be_loaded_is_named_and_the_others_stay() -> None:
    points = [
        EntryPoint(name="broken", value="kcon_plugins.no_such_module", group="kcon.plugins"),
        EntryPoint(name="decoders", value="kcon_plugins.decoders", group="kcon.plugins"),
    ]
    loaded = load_plugins(points)
    assert [fault.plugin for fault in loaded.faults] == ["broken"]
    assert [decoder.name for decoder in loaded.decoders] == ["json", "text", "hex"]


def test_the_environment_limits_what_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad plugin can be kept out without uninstalling it; the bundled one always loads."""
    monkeypatch.setenv("KCON_PLUGINS", "")
    points = [
        EntryPoint(name="broken", value="kcon_plugins.no_such_module", group="kcon.plugins"),
        EntryPoint(name="decoders", value="kcon_plugins.decoders", group="kcon.plugins"),
    ]
    assert load_plugins(points).faults == ()
