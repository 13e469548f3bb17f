"""Which text stands for a key or a value on output? The decoders of `-s`, or of the context's serde rules, in turn.

Without either the exact bytes go out. A payload that no decoder takes is shown in hexadecimal; it never ends the
output.
"""

from collections.abc import Callable

from kcon.cli.invocation import Invocation
from kcon.commands.consume import RecordFormat
from kcon.contexts.rules import Rules
from kcon.plugin_api.decoding import DecodeContext, Part
from kcon.records.record import Record
from kcon.services.decoding import DecoderChain, load_plugins
from kcon.services.topic_decoders import TopicDecoders

Present = Callable[[Record], Record]


def presenter_of(chosen: RecordFormat, invocation: Invocation) -> Present | None:
    """Return what puts decoded text in the place of keys and values, or None. UsageError: an unknown decoder."""
    rules = invocation.context.rules
    return presenter(chosen, rules) if chosen.decoders or rules.serdes else None


def presenter(chosen: RecordFormat, rules: Rules) -> Present | None:
    """Do what `presenter_of` does, for rules."""
    if chosen.raw:
        return None
    plugins = load_plugins()
    asked = dict(chosen.decoders)
    fixed = {part: DecoderChain.of_names(names, plugins) for part, names in asked.items()}
    decoders = TopicDecoders(rules, plugins)

    def chain_of(topic: str, part: Part) -> DecoderChain | None:
        return fixed.get(part.value) or decoders.chosen(topic, part)

    def present(record: Record) -> Record:
        topic = record.topic.raw
        key_chain, value_chain = chain_of(topic, Part.KEY), chain_of(topic, Part.VALUE)
        if key_chain is None and value_chain is None:
            return record
        return record._replace(
            key=_decoded(record, record.key, Part.KEY, key_chain),
            value=_decoded(record, record.value, Part.VALUE, value_chain),
        )

    return present


def _decoded(record: Record, payload: bytes | None, part: Part, chain: DecoderChain | None) -> bytes | None:
    if payload is None or chain is None:
        return payload
    context = DecodeContext(
        topic=record.topic,
        part=part,
        partition=record.partition,
        offset=record.offset,
        headers=record.headers,
    )
    return chain.decode(payload, context).text.raw.encode("utf-8", "surrogateescape")
