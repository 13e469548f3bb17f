"""`kcon doctor` checks a data folder offline: a table for people, JSON for programs, exit code 7 for damage."""

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a broker that was stopped cleanly, with ten records in t-0."""
    data = tmp_path / "data"
    settings = BrokerSettings(data_dir=data, port=0, seed_topics=(SeedTopic(name="t", partitions=1),))
    with InProcessBroker(data, settings=settings) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        for number in range(10):
            producer.produce("t", b"%d" % number)
        assert producer.flush(30) == 0
    return data


def test_a_sound_folder(kcon: Any, folder: Path) -> None:
    ran = kcon("doctor", "--data-dir", str(folder), "-o", "json")
    (item,) = json.loads(ran.out)["items"]
    assert (item["topic"], item["partition"], item["verdict"], item["end_offset"]) == ("t", 0, "sound", 10)
    assert ran.code == 0
    assert "A folder of kcon; its last stop was clean." in ran.err


def test_a_damaged_folder_ends_with_7(kcon: Any, folder: Path) -> None:
    path = folder / "t-0" / f"{0:020d}.log"
    content = bytearray(path.read_bytes())
    content[30] ^= 1
    path.write_bytes(content)
    ran = kcon("doctor", "--data-dir", str(folder), "--columns", "topic,verdict", "--no-headers")
    assert ran.out.split() == ["t", "damaged"]
    assert ran.code == 7
    assert "is damaged at byte 0 (offset 0): the CRC does not match" in ran.err


def test_another_folder_is_not_found(kcon: Any, tmp_path: Path) -> None:
    ran = kcon("doctor", "--data-dir", str(tmp_path))
    assert ran.code == 5
    assert "is no data folder" in ran.err


def test_the_folder_must_be_named(kcon: Any) -> None:
    assert kcon("doctor").code == 2
