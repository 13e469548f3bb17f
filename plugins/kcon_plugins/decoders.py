"""Which decoders come with kcon? They enter by the same door as anyone's."""

from kcon.plugin_api.decoding import Decoder
from kcon_plugins.hex_decoder import HexDecoder
from kcon_plugins.json_decoder import JsonDecoder
from kcon_plugins.text_decoder import TextDecoder


def decoders() -> list[Decoder]:
    """Return JSON, then text, then hex, which takes everything."""
    return [JsonDecoder(), TextDecoder(), HexDecoder()]
