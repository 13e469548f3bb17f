"""`kcon serve-broker`: how does the broker in the box run in the foreground?"""

import re
from typing import ClassVar, Final

import click

from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf

PORT_DEFAULT: Final = 9092


class ServeBroker(Request):
    """Run the broker until it is told to stop."""

    command: ClassVar[str] = "serve-broker"
    data_dir: str | None = None
    """None: in kcon's state folder."""
    arguments: tuple[str, ...] = ()
    """The broker's other options, as it takes them itself."""


@leaf("serve-broker", options=[])
@click.option("--data-dir", metavar="FOLDER", help="The folder that keeps everything; else in kcon's state folder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    metavar="PORT",
    default=PORT_DEFAULT,
    show_default=True,
    help="0: a free one.",
)
@click.option("--advertise", metavar="HOST:PORT", help="The address that clients are told.")
@click.option("--control", metavar="HOST:PORT", help="Where faults can be injected by HTTP, for tests; loopback only.")
@click.option("--metrics", metavar="HOST:PORT", help="Where metrics are served for Prometheus; by default nowhere.")
@click.option("--insecure", is_flag=True, help="Listen beyond loopback without authentication.")
@click.option(
    "--flush",
    default="always",
    show_default=True,
    metavar="always|interval=MS|os",
    help="When records are synced to the disk, and so become visible.",
)
@click.option("--default-partitions", type=click.IntRange(min=1), metavar="N", help="Of topics that name no number.")
@click.option("--no-auto-create", is_flag=True, help="Do not create topics that clients mention.")
@click.option("--seed-topic", "seed_topics", multiple=True, metavar="NAME:N", help="A topic to have; repeatable.")
@click.option("--topic-default", "topic_defaults", multiple=True, metavar="NAME=VALUE", help="A default of topics.")
def serve_broker(
    *,
    shared: Shared,
    data_dir: str | None,
    host: str,
    port: int,
    advertise: str | None,
    control: str | None,
    metrics: str | None,
    insecure: bool,
    flush: str,
    default_partitions: int | None,
    no_auto_create: bool,
    seed_topics: tuple[str, ...],
    topic_defaults: tuple[str, ...],
) -> Request:
    """Run the Kafka broker in the box.

    Until ctrl-C or SIGTERM. It says one line when clients can connect.

    Example: kcon serve-broker

    Example: kcon serve-broker --port 9092 --data-dir ./data --seed-topic orders:3
    """
    _check("--flush", flush, _FLUSH, "always, interval=MS or os")
    for topic in seed_topics:
        _check("--seed-topic", topic, _SEED, "NAME:N, with N partitions")
    for pair in topic_defaults:
        _check("--topic-default", pair, _PAIR, "NAME=VALUE")
    if advertise is not None:
        _check("--advertise", advertise, _ADDRESS, "HOST:PORT")
    if control is not None:
        _check("--control", control, _ADDRESS, "HOST:PORT")
    if metrics is not None:
        _check("--metrics", metrics, _ADDRESS, "HOST:PORT")
    arguments = ["--host", host, "--port", str(port), "--flush", flush]
    if advertise is not None:
        arguments += ["--advertise", advertise]
    if control is not None:
        arguments += ["--control", control]
    if metrics is not None:
        arguments += ["--metrics", metrics]
    if insecure:
        arguments.append("--insecure")
    if default_partitions is not None:
        arguments += ["--default-partitions", str(default_partitions)]
    if no_auto_create:
        arguments.append("--no-auto-create")
    for topic in seed_topics:
        arguments += ["--seed-topic", topic]
    for pair in topic_defaults:
        arguments += ["--topic-default", pair]
    return ServeBroker(shared=shared, data_dir=data_dir, arguments=tuple(arguments))


_FLUSH: Final = re.compile(r"always|os|interval=[1-9][0-9]{0,8}")
_SEED: Final = re.compile(r"[^:]+:[1-9][0-9]{0,5}")
_PAIR: Final = re.compile(r"[^=]+=.*")
_ADDRESS: Final = re.compile(r".+:[0-9]{1,5}")


def _check(option: str, text: str, pattern: re.Pattern[str], wanted: str) -> None:
    if pattern.fullmatch(text) is None:
        raise click.UsageError(f"{option} wants {wanted}, not {text!r}.")


COMMAND = serve_broker
