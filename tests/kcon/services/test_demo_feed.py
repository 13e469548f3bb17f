"""What the demo's feed keeps account of."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from kcon.core.key_partition import partition_of_key
from kcon.services.demo_feed import TOPICS, Ledger, process_metrics


def test_the_ledgers_hash_is_that_of_the_printed_values() -> None:
    """Anyone can check it with a pipe: values, each with a newline."""
    partition = Ledger().partitions["flights", 0]
    partition.add(b"k", b"one")
    partition.add(None, b"")
    assert partition.sha256.hexdigest() == hashlib.sha256(b"one\n\n").hexdigest()
    assert (partition.records, partition.size_bytes) == (2, 4)


def test_the_ledger_has_every_partition_of_every_topic() -> None:
    assert len(Ledger().partitions) == sum(TOPICS.values())


def test_flights_use_every_partition() -> None:
    """The keys are the carriers; an empty partition would make a dull demo."""
    carriers = (b"AA", b"B6", b"UA", b"DL", b"EV", b"MQ", b"US", b"WN", b"9E", b"FL", b"F9", b"VX", b"AS", b"HA", b"YV")
    assert {partition_of_key(carrier, TOPICS["flights"]) for carrier in carriers} == set(range(TOPICS["flights"]))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_process_metrics_are_those_of_the_system() -> None:
    found = process_metrics(os.getpid())
    assert found is not None
    assert found["threads"] == len(list(Path("/proc/self/task").iterdir()))
    assert found["rss_bytes"] > 1_000_000


def test_a_process_that_is_gone_has_no_metrics() -> None:
    assert process_metrics(2**22 + 1) is None
