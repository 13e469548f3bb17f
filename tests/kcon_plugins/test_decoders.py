"""The bundled plugin."""

from kcon.plugin_api.decoding import Decoder
from kcon_plugins.decoders import decoders


def test_every_bundled_decoder_keeps_the_contract_and_hex_is_last() -> None:
    """Hex takes everything, so whatever stood behind it would never be asked."""
    found = decoders()
    assert all(isinstance(decoder, Decoder) for decoder in found)
    assert [decoder.name for decoder in found] == ["json", "text", "hex"]
