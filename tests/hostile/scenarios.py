"""What is each attack measured by, beside a client that does nothing wrong?

An attack has failed when the healthy client saw an error or was cut off, when the broker met a defect (a traceback in
its log), kept descriptors, used more memory than it may, or filled its log. Times are told, not judged: they belong to
the machine.
"""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from tests.crash.load import PARTITIONS, TOPIC, BrokerProcess
from tests.hostile.attacks import SlowClients, abuse_fetch, flood_connects, fuzz_sockets, hoarding_answers
from tests.hostile.healthy import HealthyClient, calm_p99_ms, p99_ms
from tests.kcon_broker.raw_client import RawClient, batch, produce

RSS_GROWTH_BYTES_MAX = 256 << 20
_SOCKETS_LEFT_MAX = 5
_LOG_LINES_MAX = 500
_CALM_S = 2.0
_CLOSED_WITHIN_S = 45.0
_SETTLE_S = 20.0
_HOARDED_S = 2.0


@dataclass(slots=True)
class Outcome:
    """What some trials of one attack came to."""

    trials: int
    failures: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    """Name -> the worst that was seen."""


@contextmanager
def attacked(outcome: Outcome, *, before: tuple[str, ...] = ()) -> Iterator[BrokerProcess]:
    """Run a broker and a healthy client beside an attack; judge both when it is over."""
    scratch = Path(tempfile.mkdtemp(prefix="kcon-hostile-"))
    log_path = scratch / "log"
    broker = BrokerProcess(scratch / "data", log_path=log_path, before=before)
    broker.start()
    try:
        outcome.figures["calm p99 ms"] = calm_p99_ms(broker.bootstrap, TOPIC, _CALM_S)
        sockets_before, rss_before = broker.open_sockets(), broker.rss_bytes()
        with HealthyClient(broker.bootstrap, TOPIC) as healthy:
            yield broker
        outcome.failures += healthy.failures
        outcome.figures["p99 ms"] = p99_ms(healthy.times_ms)
        growth_bytes = broker.peak_rss_bytes() - rss_before
        outcome.figures["peak RSS growth MiB"] = growth_bytes / 2**20
        if growth_bytes > RSS_GROWTH_BYTES_MAX:
            outcome.failures.append(f"the memory grew by {growth_bytes >> 20} MiB")
        if not _comes_true(lambda: broker.open_sockets() <= sockets_before + _SOCKETS_LEFT_MAX):
            outcome.failures.append(f"{broker.open_sockets()} sockets are open, {sockets_before} were before")
    finally:
        broker.end(signal.SIGTERM)
    log = log_path.read_text(errors="replace")
    outcome.figures["log lines"] = log.count("\n")
    if "Traceback" in log:
        outcome.failures.append(f"the broker met a defect: {log[log.index('Traceback') :][-1_500:]}")
    if log.count("\n") > _LOG_LINES_MAX:
        outcome.failures.append(f"the log has {log.count(chr(10))} lines")
    if not outcome.failures:
        shutil.rmtree(scratch)
    else:
        outcome.failures.append(f"the folder is kept: {scratch}")


def _fill(broker: BrokerProcess, batches: int) -> None:
    """Give the topic so many batches of nearly a megabyte, the first ones to partition 0."""
    with RawClient(broker.bootstrap) as client:
        # A first request may not be so large.
        client.ask(ApiVersionsRequest(), ApiVersionsResponse, 0)
        for number in range(batches):
            produce(client, TOPIC, batch(os.urandom(900_000)), partition=max(0, number - 12) % PARTITIONS)


def _fill_small(broker: BrokerProcess, batches: int) -> int:
    """Give partition 0 so many batches of 50 kB; return the offset of the first."""
    with RawClient(broker.bootstrap) as client:
        offsets = [produce(client, TOPIC, batch(os.urandom(50_000))).base_offset for _ in range(batches)]
    return offsets[0]


def _is_fetched(bootstrap: str, offset: int) -> bool:
    wish = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    request = FetchRequest(max_wait_ms=0, topics=[FetchTopic(topic=TOPIC, partitions=[wish])])
    with RawClient(bootstrap) as client:
        data = client.ask(request, FetchResponse, 11).responses[0].partitions[0]
    return data.error_code == 0 and bool(data.records)


def _comes_true(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + _SETTLE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def run_socket_fuzz(trials: int, seed: int) -> Outcome:
    """Send so many mutated frames."""
    outcome = Outcome(trials)
    with attacked(outcome) as broker:
        fuzz_sockets(broker.bootstrap, trials, seed)
    return outcome


def run_connect_flood(trials: int, _seed: int) -> Outcome:
    """Connect so often, 900 at a time; then more at once than there may be."""
    outcome = Outcome(trials)
    with attacked(outcome) as broker:
        flood_connects(broker.bootstrap, trials, idle=900)
        if not flood_connects(broker.bootstrap, 1_200, idle=1_200):
            outcome.failures.append("1,200 connections were accepted, the limit is 1,000")
    return outcome


def run_slow_clients(trials: int, _seed: int) -> Outcome:
    """Let so many clients be slow at once: each is closed by its deadline."""
    outcome = Outcome(trials)
    with attacked(outcome) as broker:
        _fill(broker, 16)
        slow = SlowClients(broker.bootstrap, trials, TOPIC)
        if not slow.closed_within(_CLOSED_WITHIN_S):
            outcome.failures.append(f"{len(slow.open_ones)} of {trials} slow clients were not closed")
        slow.close()
    return outcome


def run_fetch_abuse(trials: int, _seed: int) -> Outcome:
    """Abuse Fetch so often."""
    outcome = Outcome(trials)
    with attacked(outcome) as broker:
        _fill(broker, 40)
        offset = _fill_small(broker, 8)
        for _ in range(trials):
            abuse_fetch(broker.bootstrap, TOPIC, partitions=1_000, polls=500)
            # Eight megabytes each: what one client may leave unsent.
            with hoarding_answers(broker.bootstrap, TOPIC, partition=0, offset=offset, clients=200, requests=160):
                end = time.monotonic() + _HOARDED_S
                while time.monotonic() < end:
                    if not _is_fetched(broker.bootstrap, offset):
                        outcome.failures.append("a client that reads got no record beside those that do not")
                        break
    return outcome


def run_out_of_descriptors(trials: int, _seed: int) -> Outcome:
    """Take every descriptor of a broker that has 256; it goes on, and serves newcomers again afterwards."""
    outcome = Outcome(trials)
    with attacked(outcome, before=("sh", "-c", 'ulimit -n 256 && exec "$@"', "sh")) as broker:
        for _ in range(trials):
            if not flood_connects(broker.bootstrap, 400, idle=400):
                outcome.failures.append("400 connections were accepted with 256 descriptors")
            if not _comes_true(lambda: _is_served(broker.bootstrap)):
                outcome.failures.append("nobody new is served after it")
    return outcome


def _is_served(bootstrap: str) -> bool:
    try:
        with RawClient(bootstrap) as client:
            return client.ask(ApiVersionsRequest(), ApiVersionsResponse, 0).error_code == 0
    except (OSError, EOFError):
        return False


def run_soak(trials: int, seed: int) -> Outcome:
    """Work for so many minutes, with a socket fuzz now and then; memory and descriptors stay flat."""
    outcome = Outcome(trials)
    chance = random.Random(seed)
    samples: list[tuple[float, int]] = []
    with attacked(outcome) as broker:
        began_s = time.monotonic()
        with RawClient(broker.bootstrap) as client:
            while (passed_s := time.monotonic() - began_s) < trials * 60:
                for _ in range(200):
                    produce(client, TOPIC, batch(chance.randbytes(1_000)), partition=chance.randrange(PARTITIONS))
                fuzz_sockets(broker.bootstrap, 40, chance.randrange(2**32))
                samples.append((passed_s, broker.rss_bytes()))
    half = samples[len(samples) // 2 :]
    if len(half) > 1:
        hours = (half[-1][0] - half[0][0]) / 3_600
        outcome.figures["RSS MiB/h, second half"] = (half[-1][1] - half[0][1]) / 2**20 / max(hours, 1e-9)
    return outcome
