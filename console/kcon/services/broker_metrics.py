"""What does the broker tell of itself? Its own metrics (`kcon serve-broker --metrics`), summed over topics.

Two looks tell rates. Whatever serves the same names in Prometheus's text format will do, as a JMX exporter may.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kcon.errors import KconError
from kcon.http.fetch import fetch

TIMEOUT_S: Final = 2.0
PARTITIONS: Final = "kafka_server_replicamanager_partitioncount"
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})? ([^ ]+)(?: [0-9-]+)?\Z")
_TOPIC: Final = "kafka_server_brokertopicmetrics_"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLoad:
    """One look. None is "not told", or "not told yet" for a rate."""

    taken_ms: int
    totals: Mapping[str, float]
    """By metric, summed over its series."""
    bytes_in_per_s: float | None = None
    bytes_out_per_s: float | None = None
    records_in_per_s: float | None = None
    produce_per_s: float | None = None
    fetch_per_s: float | None = None
    failed_per_s: float | None = None

    @property
    def idle(self) -> float | None:
        """How idle the thread of the network was, 0 to 1."""
        return self.totals.get("kafka_network_socketserver_networkprocessoravgidle_percent")

    @property
    def connections(self) -> int | None:
        """Connections of clients."""
        told = self.totals.get("kafka_server_socket_server_metrics_connection_count")
        return None if told is None else round(told)

    @property
    def open_files(self) -> int | None:
        """Open file descriptors."""
        told = self.totals.get("process_open_fds")
        return None if told is None else round(told)


async def read_broker_load(url: str, now_ms: Callable[[], int], before: BrokerLoad | None = None) -> BrokerLoad:
    """Look once. before: the look before, which makes rates. KconError when nothing can be read."""
    totals = parse_totals((await fetch(url, timeout_s=TIMEOUT_S)).decode("utf-8", "replace"))
    if PARTITIONS not in totals:
        raise KconError("The address of the metrics serves none of a broker.", "Check `metrics` of the context.")
    taken_ms = now_ms()

    def rate(*names: str) -> float | None:
        if before is None or taken_ms <= before.taken_ms:
            return None
        grown = 0.0
        for name in names:
            # Without topics there is no series yet.
            now, then = totals.get(f"{_TOPIC}{name}_total", 0.0), before.totals.get(f"{_TOPIC}{name}_total", 0.0)
            if now < then:
                return None  # The broker started anew.
            grown += now - then
        return grown * 1000 / (taken_ms - before.taken_ms)

    return BrokerLoad(
        taken_ms=taken_ms,
        totals=totals,
        bytes_in_per_s=rate("bytesin"),
        bytes_out_per_s=rate("bytesout"),
        records_in_per_s=rate("messagesin"),
        produce_per_s=rate("totalproducerequests"),
        fetch_per_s=rate("totalfetchrequests"),
        failed_per_s=rate("failedproducerequests", "failedfetchrequests"),
    )


def parse_totals(text: str) -> dict[str, float]:
    """Return by metric the sum of its series. What is no sample, or no number, is passed over."""
    totals: dict[str, float] = {}
    for line in text.splitlines():
        found = _SAMPLE.match(line)
        if found is None:
            continue
        try:
            value = float(found[2])
        except ValueError:
            continue
        if math.isfinite(value):
            totals[found[1]] = totals.get(found[1], 0.0) + value
    return totals
