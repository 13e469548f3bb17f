"""What a broker tells of itself, read from its endpoint: sums, rates between two looks, and what is none."""

import asyncio
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from kcon.errors import KconError, UnreachableError
from kcon.http.fetch import fetch
from kcon.services.broker_metrics import PARTITIONS, BrokerLoad, parse_totals, read_broker_load
from kcon.tui.screens.broker import load_lines
from kcon_broker.settings import BrokerSettings
from kcon_broker.testing import InProcessBroker

T0 = 1_795_487_700_000


@contextmanager
def served(body: bytes, status: int = 200) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_series_are_summed_and_what_is_no_number_is_passed_over() -> None:
    text = '# HELP a b\na{t="x y}"} 1\na{t="z"} 2.5e1\nb 7 1700000000\nc NaN\nd nope\n\ne{\nf +Inf\n'
    assert parse_totals(text) == {"a": 26.0, "b": 7.0}


def test_two_looks_at_a_broker_tell_rates() -> None:
    times = iter([T0, T0 + 2_000])

    async def main(url: str, bootstrap: str) -> BrokerLoad:
        first = await read_broker_load(url, lambda: next(times))
        assert first.records_in_per_s is None
        producer = Producer({"bootstrap.servers": bootstrap})
        for _ in range(10):
            producer.produce("orders", b"x", partition=0)
        assert await asyncio.to_thread(producer.flush, 30) == 0
        return await read_broker_load(url, lambda: next(times), first)

    settings = BrokerSettings(data_dir=Path(), port=0, metrics=("127.0.0.1", 0))
    with InProcessBroker(settings=settings) as broker:
        load = asyncio.run(main(broker.metrics_url, broker.bootstrap))
    assert (load.records_in_per_s, load.failed_per_s) == (5.0, 0.0)
    assert (load.connections or 0) >= 1
    (line,) = load_lines(load)
    assert "records 5/s" in "".join(str(part.text) for part in line)
    assert load_lines(None) == []


def test_a_broker_that_started_anew_has_no_rates_for_one_look() -> None:
    name = "kafka_server_brokertopicmetrics_bytesin_total"
    before = BrokerLoad(taken_ms=T0, totals={name: 100.0})
    with served(f"{name} 5\n{PARTITIONS} 1\n".encode()) as url:
        load = asyncio.run(read_broker_load(url, lambda: T0 + 1_000, before))
    assert load.bytes_in_per_s is None


def test_an_address_with_other_metrics_is_told() -> None:
    with served(b"node_load1 3\n") as url, pytest.raises(KconError, match="none of a broker"):
        asyncio.run(read_broker_load(url, lambda: T0))


@pytest.mark.parametrize(("size", "is_read"), [(99, True), (100, True), (101, False)])
def test_a_page_is_read_up_to_its_limit(size: int, is_read: bool) -> None:
    with served(b"x" * size) as url:
        if is_read:
            assert len(asyncio.run(fetch(url, timeout_s=30, bytes_max=100))) == size
        else:
            with pytest.raises(UnreachableError, match="more than 100"):
                asyncio.run(fetch(url, timeout_s=30, bytes_max=100))


def test_what_is_no_page_is_unreachable() -> None:
    with served(b"", 404) as url, pytest.raises(UnreachableError, match="answered 404"):
        asyncio.run(fetch(url, timeout_s=30))
    with pytest.raises(UnreachableError, match="cannot be reached"):
        asyncio.run(fetch("http://127.0.0.1:1/", timeout_s=30))
