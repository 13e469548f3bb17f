"""How is the broker started from a shell? `python -m kcon_broker --data-dir D --port P`.

Standard output gets exactly one line, when clients are served; everything else goes to standard error. Exit 0 after a
clean stop (SIGTERM, SIGINT), 1 when the broker cannot run, 2 for options that make no sense.
"""

import argparse
import gc
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kcon_broker.errors import BrokerError
from kcon_broker.settings import (
    STANDARD_AUTHORIZER,
    BrokerSettings,
    FlushMode,
    RecordValidation,
    SeedTopic,
    StorageSettings,
)

_NOTE = "one disk is one copy: whoever must survive the loss of this disk needs a cluster of machines."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the broker until it is told to stop; return the exit code."""
    settings = settings_from(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    from kcon_broker.server.repeated import RepeatedLines

    for handler in logging.getLogger().handlers:
        handler.addFilter(RepeatedLines())
    # The state of a broker lives long: collecting it over and over finds nothing.
    gc.set_threshold(50_000, 50, 100)
    from kcon_broker.server.serve import serve

    try:
        serve(settings, on_ready=_say_ready)
    except BrokerError as error:
        print(f"Error: {error.message}", file=sys.stderr)  # noqa: T201  # The last word of a command.
        return 1
    return 0


def settings_from(arguments: Sequence[str] | None) -> BrokerSettings:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="kcon_broker", description="A compact Apache Kafka broker on one folder.")
    parser.add_argument("--data-dir", type=Path, required=True, help="the folder that keeps everything")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default %(default)s)")
    parser.add_argument("--port", type=_port, default=9092, help="0 picks a free one (default %(default)s)")
    parser.add_argument("--advertise", type=_address, metavar="HOST:PORT", help="the address that clients are told")
    parser.add_argument(
        "--control", type=_address, metavar="HOST:PORT", help="where faults can be injected by HTTP; loopback only"
    )
    parser.add_argument(
        "--metrics",
        type=_address,
        metavar="HOST:PORT",
        help="where metrics are served for Prometheus (default: nowhere)",
    )
    parser.add_argument("--insecure", action="store_true", help="listen beyond loopback without authentication")
    parser.add_argument(
        "--flush",
        type=_flush,
        default=(FlushMode.ALWAYS, None),
        metavar="always|interval=MS|os",
        help="when records are synced to the disk, and so become visible (default always)",
    )
    parser.add_argument("--default-partitions", type=_positive, default=4, help="of created topics (default 4)")
    parser.add_argument("--no-auto-create", action="store_true", help="do not create topics that clients mention")
    parser.add_argument("--node-id", type=int, default=1)
    parser.add_argument("--rack")
    parser.add_argument(
        "--record-validation", type=RecordValidation, choices=list(RecordValidation), default=RecordValidation.FULL
    )
    parser.add_argument(
        "--topic-default", type=_config, action="append", default=[], metavar="NAME=VALUE", help="default topic config"
    )
    parser.add_argument(
        "--seed-topic",
        type=_seed_topic,
        action="append",
        default=[],
        metavar="NAME:PARTITIONS",
        help="a topic that exists when the broker is ready",
    )
    parser.add_argument(
        "--authorizer-class-name",
        choices=(STANDARD_AUTHORIZER,),
        default="",
        help="keep access rules (ACLs), and tell them; they are not enforced (default: there are none)",
    )
    given = parser.parse_args(arguments)
    flush, interval_ms = given.flush
    storage = StorageSettings(flush=flush)
    if interval_ms is not None:
        storage = replace(storage, flush_interval_ms=interval_ms)
    advertised_host, advertised_port = given.advertise or (None, None)
    return BrokerSettings(
        data_dir=given.data_dir,
        host=given.host,
        port=given.port,
        advertised_host=advertised_host,
        advertised_port=advertised_port,
        insecure=given.insecure,
        control=given.control,
        metrics=given.metrics,
        node_id=given.node_id,
        rack=given.rack,
        auto_create_topics=not given.no_auto_create,
        default_partitions=given.default_partitions,
        record_validation=given.record_validation,
        topic_config_defaults=tuple(given.topic_default),
        seed_topics=tuple(given.seed_topic),
        authorizer_class_name=given.authorizer_class_name,
        storage=storage,
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not (host and separator):
        raise ValueError
    return host.removeprefix("[").removesuffix("]"), _port(port)


def _flush(text: str) -> tuple[FlushMode, int | None]:
    name, separator, interval = text.partition("=")
    if name == FlushMode.INTERVAL and separator:
        return FlushMode.INTERVAL, _positive(interval)
    if separator:
        raise ValueError
    return FlushMode(name), None


def _config(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError
    return name, value


def _seed_topic(text: str) -> SeedTopic:
    name, separator, partitions = text.rpartition(":")
    if not separator:
        raise ValueError
    return SeedTopic(name=name, partitions=_positive(partitions))


def _say_ready(settings: BrokerSettings, host: str, port: int, cluster_id: str) -> None:
    flush = settings.storage.flush.value
    if settings.storage.flush is FlushMode.INTERVAL:
        flush += f"={settings.storage.flush_interval_ms}"
    control = "" if settings.control is None else f" control={_shown(*settings.control)}"
    metrics = "" if settings.metrics is None else f" metrics={_shown(*settings.metrics)}"
    print(  # noqa: T201  # The one line that whoever started the broker waits for.
        f"ready {_shown(host, port)} cluster={cluster_id} flush={flush}{control}{metrics} "
        f"data={settings.data_dir} ({_NOTE})",
        flush=True,
    )


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
