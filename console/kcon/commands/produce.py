"""`kcon produce`: which records go into a topic, and where do they come from?"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import click

from kcon.commands.options import Property, connection_options, takes_typed_name
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf

ACKS: Final = ("all", "1", "0")
PARTITIONERS: Final = {
    "java": "murmur2_random",
    "librdkafka": "consistent_random",
    "random": "random",
    "fnv1a": "fnv1a_random",
}
"""How a key finds its partition, by the clients that do so: Java's murmur2 (also KafkaJS, franz-go), librdkafka's CRC
(also kcat), none at all, Sarama's FNV-1a."""
COMPRESSIONS: Final = ("none", "gzip", "snappy", "lz4", "zstd")


class Produce(Request):
    """Write records."""

    command: ClassVar[str] = "produce"
    topic: str
    values: tuple[str, ...] = ()
    """Values given as words; empty: lines of `path` or of standard input."""
    path: str | None = None
    key: str | None = None
    key_separator: str | None = None
    record_separator: str = "\n"
    headers: tuple[tuple[str, str], ...] = ()
    partition: int | None = None
    null_text: str | None = None
    """A key or value equal to this text is null."""
    compression: str | None = None
    as_json: bool = False
    """Each line is a record as `consume -J` writes it."""
    template: bool = False
    """Values, key and header values have fields."""
    seed: int | None = None
    count: int | None = None
    """Write so many, taking the values in turn; None: each once."""
    rate_per_s: float | None = None
    tombstone: bool = False
    timestamp: str | None = None
    """In the words of `core.times`."""
    acks: str = "all"
    partitioner: str | None = None
    confirmation: Confirmation = Confirmation()


@leaf("produce", options=connection_options())
@click.argument("topic", metavar="TOPIC")
@click.argument("values", metavar="[VALUE]...", nargs=-1)
@click.option("-l", "--lines", "path", metavar="FILE", help="Read lines of FILE instead of standard input.")
@click.option("-k", "--key", metavar="KEY", help="The key of every record.")
@click.option("-K", "--key-separator", metavar="TEXT", help="Each line is a key, TEXT, and a value.")
@click.option("-D", "--delimiter", metavar="TEXT", help="Records end with TEXT instead of a newline.")
@click.option(
    "-H", "--header", "headers", multiple=True, type=Property(), metavar="NAME=VALUE", help="A header; repeatable."
)
@click.option("-p", "--partition", type=click.IntRange(min=0), metavar="P", help="Into this partition.")
@click.option("-Z", "--null", metavar="TEXT", help="A key or value equal to TEXT is null.")
@click.option("-z", "--compression", type=click.Choice(COMPRESSIONS), help="How batches are compressed.")
@click.option("-J", "--json", "as_json", is_flag=True, help="Each line is a record as `kcon consume -J` writes it.")
@click.option("-T", "--template", is_flag=True, help="Fill fields in values, key and headers: {n}, {int:1:9}, {uuid}.")
@click.option("-n", "--count", type=click.IntRange(min=1), metavar="N", help="Write N records, the values in turn.")
@click.option("--seed", type=int, metavar="N", help="With -T: the same seed gives the same random values.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="At most N records a second.")
@click.option("--tombstone", is_flag=True, help="Write a null value for the key.")
@click.option("--timestamp", metavar="TIME", help="The time of every record: RFC 3339, -1h, 14:05, an epoch.")
@click.option(
    "--acks", type=click.Choice(ACKS), default="all", help="Who must have it; less than all may lose or double."
)
@click.option(
    "--partitioner",
    type=click.Choice(sorted(PARTITIONERS)),
    help="Whose way from key to partition: java (the default), librdkafka as kcat, fnv1a as Sarama, random.",
)
@takes_typed_name
def produce(
    *,
    shared: Shared,
    topic: str,
    values: tuple[str, ...],
    path: str | None,
    key: str | None,
    key_separator: str | None,
    delimiter: str | None,
    headers: tuple[tuple[str, str], ...],
    partition: int | None,
    null: str | None,
    compression: str | None,
    confirm: str | None,
    **more: Any,
) -> Request:
    """Write records to a topic.

    One for each VALUE, or one for each line of FILE or of standard input. With -T, fields are filled anew for each
    record: {n} or {n:100} counts, {time} and {time_ms} are now, {int:1:9}, {float:0:1}, {choice:a|b}, {hex:8}, {uuid}
    and {word} are random, {{ and }} are braces.

    Example: kcon produce orders '{"id": 7}' -k 7

    Example: kcon produce orders -K : < pairs.txt

    Example: kcon produce orders -T '{{"id": {n}, "amount": {int:1:500}}}' -k '{int:1:9}' -n 1000 --rate 100

    Example: kcon produce customers -k 4711 --tombstone
    """
    if key is not None and key_separator is not None:
        raise click.UsageError("-k and -K exclude each other.")
    if values and path is not None:
        raise click.UsageError("Give values or a file, not both.")
    _check_together(values, key, key_separator, more)
    from kcon.core.escapes import unescape

    return Produce(
        shared=shared,
        topic=topic,
        values=values,
        path=path,
        key=key,
        key_separator=unescape(key_separator) if key_separator else None,
        record_separator=unescape(delimiter) if delimiter else "\n",
        headers=headers,
        partition=partition,
        null_text=null,
        compression=compression,
        as_json=more["as_json"],
        template=more["template"],
        seed=more["seed"],
        count=more["count"],
        rate_per_s=more["rate"],
        tombstone=more["tombstone"],
        timestamp=more["timestamp"],
        acks=more["acks"],
        partitioner=more["partitioner"],
        confirmation=Confirmation(name=confirm),
    )


def _check_together(
    values: tuple[str, ...], key: str | None, key_separator: str | None, more: Mapping[str, Any]
) -> None:
    if more["as_json"] and (values or key is not None or key_separator or more["template"]):
        raise click.UsageError("With -J the lines hold keys and values; leave VALUE, -k, -K and -T out.")
    if more["tombstone"] and (values or key is None):
        raise click.UsageError("--tombstone wants a key and no value: kcon produce TOPIC -k KEY --tombstone.")
    if more["seed"] is not None and not more["template"]:
        raise click.UsageError("--seed is for -T.")
    if more["template"] and not (values or more["tombstone"]):
        raise click.UsageError("-T wants the VALUE to fill.")
    if more["count"] is not None and not (values or more["tombstone"]):
        raise click.UsageError("-n wants the VALUE to write so often.")


COMMAND = produce
