"""What does a client that does nothing wrong notice of 500 slow clients, and of floods, on the same broker?

    python -m tests.bench.neighbours                  all of them
    python -m tests.bench.neighbours --only "slow clients" --clients 500

The healthy client produces one record (acks=all, synced) every ten milliseconds and waits for its answer. Its times
are taken before, during and after. Figures are printed, never asserted. The bar: p99 at most twice as long.
"""

import argparse
import contextlib
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tests.bench.subjects import machine
from tests.crash.load import PARTITIONS, TOPIC, BrokerProcess
from tests.hostile.attacks import SlowClients, flood_connects, fuzz_sockets, hoarding_answers
from tests.hostile.healthy import HealthyClient, p99_ms
from tests.kcon_broker.raw_client import RawClient, batch, produce, produce_request

_SECONDS = 15.0
_FLOODERS = 4
_FLOOD_REQUESTS = 200


def fill(bootstrap: str, batches: int, size: int) -> None:
    """Give partition 0 so many batches."""
    with RawClient(bootstrap) as client:
        # A first request may not be large.
        client.ask(ApiVersionsRequest(), ApiVersionsResponse, 0)
        for _ in range(batches):
            produce(client, TOPIC, batch(os.urandom(size)))


@contextlib.contextmanager
def slow_clients(bootstrap: str, count: int) -> Iterator[None]:
    """A byte a second, half a frame, answers that are never read; each that is closed comes again."""
    fill(bootstrap, 16, 900_000)
    stop = threading.Event()

    def live() -> None:
        while not stop.is_set():
            clients = SlowClients(bootstrap, count, TOPIC)
            while not stop.is_set() and not clients.closed_within(1.0):
                pass
            clients.close()

    with running(live):
        yield
        stop.set()


@contextlib.contextmanager
def produce_flood(bootstrap: str, count: int) -> Iterator[None]:
    """Small Produce requests without a pause on some connections, hundreds in flight on each."""
    stop = threading.Event()
    records = batch(bytes(100))

    def flood() -> None:
        with RawClient(bootstrap) as client:
            while not stop.is_set():
                for _ in range(_FLOOD_REQUESTS):
                    client.send(produce_request(TOPIC, records, partition=1), 9)
                for _ in range(_FLOOD_REQUESTS):
                    client.receive_frame()

    with contextlib.ExitStack() as stack:
        for _ in range(min(count, _FLOODERS)):
            stack.enter_context(running(flood))
        yield
        stop.set()


@contextlib.contextmanager
def fuzz_flood(bootstrap: str, _count: int) -> Iterator[None]:
    """Mutated frames on ever new connections."""
    stop = threading.Event()
    chance = random.Random(1)

    def fuzz() -> None:
        while not stop.is_set():
            fuzz_sockets(bootstrap, 40, chance.randrange(2**32))

    with running(fuzz):
        yield
        stop.set()


@contextlib.contextmanager
def connect_flood(bootstrap: str, count: int) -> Iterator[None]:
    """Connections that come and go, and so many that stay."""
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            flood_connects(bootstrap, 2 * count, idle=count)

    with running(flood):
        yield
        stop.set()


@contextlib.contextmanager
def hoarders(bootstrap: str, count: int) -> Iterator[None]:
    """Clients that ask for eight megabytes each and take nothing."""
    fill(bootstrap, 8, 50_000)
    with hoarding_answers(bootstrap, TOPIC, partition=0, offset=0, clients=min(count, 200), requests=160):
        yield


@contextlib.contextmanager
def running(work: Callable[[], None]) -> Iterator[None]:
    """Do some work on a thread, and wait for its end."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)


NEIGHBOURS: dict[str, Callable[[str, int], contextlib.AbstractContextManager[None]]] = {
    "nobody": lambda _bootstrap, _count: contextlib.nullcontext(),
    "slow clients": slow_clients,
    "clients that take no answer": hoarders,
    "a flood of small produces": produce_flood,
    "a flood of mutated frames": fuzz_flood,
    "a flood of connections": connect_flood,
}


def measure(name: str, count: int, seconds: float) -> None:
    """Print one row."""
    with tempfile.TemporaryDirectory() as folder:
        broker = BrokerProcess(Path(folder) / "data")
        broker.start()
        try:
            before = times_ms(broker.bootstrap, seconds)
            with NEIGHBOURS[name](broker.bootstrap, count):
                during = times_ms(broker.bootstrap, seconds)
            after = times_ms(broker.bootstrap, seconds)
        finally:
            broker.end(signal.SIGTERM)
    cells = [f"{median(times):.1f} / {p99_ms(times):.1f}" for times in (before, during, after)]
    calm = max(p99_ms(before), p99_ms(after))
    print(f"| {name} | {' | '.join(cells)} | {p99_ms(during) / calm:.2f} | {len(during)} |", flush=True)


def times_ms(bootstrap: str, seconds: float) -> list[float]:
    """Return what a healthy client measures in so many seconds, in a process of its own.

    Beside the threads of the others it would wait for Python's lock, and take that for the broker's time.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own_process:
        return own_process.submit(times_here_ms, bootstrap, seconds).result()


def times_here_ms(bootstrap: str, seconds: float) -> list[float]:
    """Return what a healthy client of this process measures."""
    with HealthyClient(bootstrap, TOPIC) as client:
        time.sleep(seconds)
    assert not client.failures, client.failures[:3]
    return client.times_ms


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=NEIGHBOURS, action="append", help="may be given several times")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="before, during and after each")
    arguments = parser.parse_args()
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}, {arguments.clients} clients, {PARTITIONS} partitions")
    print(
        "| beside | before, p50 / p99 ms | during | after | p99 during / calm | requests |\n|---|---|---|---|---:|---:|"
    )
    for name in arguments.only or NEIGHBOURS:
        measure(name, arguments.clients, arguments.seconds)


if __name__ == "__main__":
    main()
