"""`kcon daemon` as a process: what it tells, what it serves, and what it keeps when it or its cluster is killed."""

import asyncio
import json
import random
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as Place

from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from tests.commits import commit_offsets
from tests.http_receiver import Receiver, receiver
from tests.kcon.cli.shell import Shell

WAIT_S = 60.0

CONFIG = """
[rule.Waits]
on = "group"
when = 'lag > 0 && group.startsWith("{prefix}")'
resolve_after = "0s"
summary = "$group waits"

[rule.KconDown]
for = "0s"
resolve_after = "0s"

[sink.web]
kind = "webhook"
url = "{url}"
rules = ["Waits", "KconDown"]
"""


@pytest.fixture
def web() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


class Staged:
    """A daemon's configuration, a topic with ten records, and groups that have not read them."""

    def __init__(self, bootstrap: str, folder: Path, web: Receiver, name: str) -> None:
        self.bootstrap, self.web, self.name = bootstrap, web, name
        self.shell = Shell(bootstrap, folder)
        self.config = folder / "alerts.toml"
        self.config.write_text(CONFIG.format(prefix=name, url=web.url))
        producer = Producer({"bootstrap.servers": bootstrap})
        for _ in range(10):
            producer.produce(name, b"x", partition=0)
        assert producer.flush(30) == 0

    def commit(self, group: str, offset: int) -> None:
        commit_offsets({"bootstrap.servers": self.bootstrap}, f"{self.name}-{group}", [Place(self.name, 0, offset)])

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        return self.shell.start("daemon", "--config", str(self.config), "--interval", "50ms", *words)

    @contextmanager
    def running(self, *words: str) -> "Iterator[subprocess.Popen[bytes]]":
        process = self.start(*words)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def told(self) -> list[tuple[str, str]]:
        """Return what the sink was told so far: status and summary."""
        notices = [notice for posted in list(self.web.posted) for notice in json.loads(posted.body)["notices"]]
        return [(notice["status"], notice["summary"].removeprefix(f"{self.name}-")) for notice in notices]

    def wait_for(self, wanted: Callable[[list[tuple[str, str]]], bool]) -> list[tuple[str, str]]:
        end = time.monotonic() + WAIT_S
        while not wanted(told := self.told()):
            assert time.monotonic() < end, told
            time.sleep(0.02)
        return told


@pytest.fixture
def staged(kcon_broker: Any, tmp_path: Path, web: Receiver, unique: Callable[[str], str]) -> Staged:
    return Staged(kcon_broker.bootstrap, tmp_path, web, unique("daemon"))


def test_a_lag_is_told_when_it_begins_and_when_it_is_over(staged: Staged) -> None:
    staged.commit("a", 4)
    with staged.running("--listen", "127.0.0.1:0") as process:
        assert process.stderr is not None
        found = re.search(r"http://[0-9.:]+/metrics", process.stderr.readline().decode())
        assert found is not None
        staged.wait_for(lambda told: ("firing", "a waits") in told)
        rows = staged.shell.json("alerts", "status")["items"]
        (row,) = [row for row in rows if row["rule"] == "Waits"]
        assert (row["state"], row["labels"]) == ("firing", f"group={staged.name}-a")
        with urllib.request.urlopen(found.group(), timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        assert 'kcon_alerts{rule="Waits",state="firing"} 1' in lines
        staged.commit("a", 10)
        staged.wait_for(lambda told: ("resolved", "a waits") in told)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=WAIT_S)
    assert (process.returncode, stderr.decode().splitlines()[-1]) == (0, "kcon: Stopped.")
    assert staged.told() == [("firing", "a waits"), ("resolved", "a waits")]


def kill_and_start_again(staged: Staged, rounds: int, seed: int) -> None:
    """Kill the daemon at random moments while alerts begin, and demand that each was told in the end."""
    chance = random.Random(seed)
    for index in range(rounds):
        # Some of the time the sink refuses, so that messages wait over the kill.
        staged.web.answers = [(503, {}, b"")] * chance.choice([0, 0, 1, 3])
        with staged.running("--no-listen") as process:
            assert process.stderr is not None
            process.stderr.readline()
            staged.commit(str(index), 0)
            time.sleep(chance.uniform(0.0, 0.6))  # The moment of the kill is what the test is about.
            process.send_signal(signal.SIGKILL)
    staged.web.answers = []
    with staged.running("--no-listen"):
        wanted = {("firing", f"{index} waits") for index in range(rounds)}
        staged.wait_for(lambda told: wanted <= set(told))
    messages: dict[str, bytes] = {}
    for posted in staged.web.posted:
        assert messages.setdefault(posted.headers["x-kcon-message"], posted.body) == posted.body


def test_no_alert_is_lost_when_the_daemon_is_killed(staged: Staged) -> None:
    kill_and_start_again(staged, 3, seed=7)


@pytest.mark.slow
def test_no_alert_is_lost_however_often_the_daemon_is_killed(staged: Staged) -> None:
    kill_and_start_again(staged, 25, seed=8)


def test_it_outlives_its_cluster(tmp_path: Path, web: Receiver) -> None:
    async def main() -> None:
        options = LocalBrokerOptions(data_dir=tmp_path / "data")
        broker = await start_local_broker(options)
        port = int(broker.bootstrap.rpartition(":")[2])
        staged = await asyncio.to_thread(Staged, broker.bootstrap, tmp_path, web, "orders")
        with staged.running("--no-listen") as process:
            await asyncio.to_thread(staged.commit, "a", 0)
            await asyncio.to_thread(staged.wait_for, lambda told: ("firing", "a waits") in told)
            await broker.stop(grace_s=0)
            await asyncio.to_thread(staged.wait_for, lambda told: any("cannot read" in text for _s, text in told))
            broker = await start_local_broker(LocalBrokerOptions(data_dir=tmp_path / "data", port=port))
            told = await asyncio.to_thread(
                staged.wait_for, lambda told: any(s == "resolved" and "cannot read" in text for s, text in told)
            )
            assert ("resolved", "a waits") not in told, "what cannot be read is not over"
            assert process.poll() is None
        await broker.stop()

    asyncio.run(main())


def test_a_second_daemon_is_refused(staged: Staged) -> None:
    with staged.running("--no-listen") as first:
        assert first.stderr is not None
        first.stderr.readline()
        with staged.running("--no-listen") as second:
            _, stderr = second.communicate(timeout=WAIT_S)
        assert second.returncode == 6
        assert b"Another kcon daemon" in stderr


def test_systemd_hears_of_the_start_and_of_the_end(staged: Staged, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WAIT_S)
        staged.shell.variables["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        with staged.running("--no-listen") as process:
            assert systemd.recv(100) == b"READY=1"
            assert systemd.recv(100) == b"WATCHDOG=1"
            process.send_signal(signal.SIGINT)
            while (told := systemd.recv(100)) == b"WATCHDOG=1":
                continue
            assert told == b"STOPPING=1"
            process.communicate(timeout=WAIT_S)
        assert process.returncode == 0


def test_a_sink_is_tried_and_what_came_of_it_is_told(staged: Staged) -> None:
    (row,) = staged.shell.json("alerts", "test", "--config", str(staged.config))["items"]
    assert (row["sink"], row["kind"], row["told"]) == ("web", "webhook", True)
    assert json.loads(staged.web.posted[0].body)["is_test"] is True
    staged.web.answers = [(500, {}, b"")]
    (row,) = staged.shell.json("alerts", "test", "web", "--config", str(staged.config), code=7)["items"]
    assert (row["told"], row["problem"]) == (False, "the server answered 500")
    assert "no sink nope" in staged.shell("alerts", "test", "nope", "--config", str(staged.config), code=2).err


def test_no_secret_of_a_sink_shows(staged: Staged) -> None:
    staged.config.write_text(
        '[sink.web]\nkind = "webhook"\nurl = "http://127.0.0.1:1/hooks/CANARY"\nsecret_env = "S"\n'
    )
    staged.shell.variables["S"] = "CANARY"
    ran = [
        staged.shell("alerts", verb, "--config", str(staged.config), code=None) for verb in ("test", "list", "export")
    ]
    assert not [each for each in ran if b"CANARY" in each.out or "CANARY" in each.err]
    assert "127.0.0.1 cannot be reached" in ran[0].out.decode()


def test_a_daemon_probes_where_it_is_told_to_and_writes_nothing_else(staged: Staged) -> None:
    topic = f"kcon-probe-{staged.name}"
    with staged.config.open("a") as file:
        file.write(f'\n[probe]\nevery = "10s"\ncount = 2\ntopic = "{topic}"\ncreate = true\n')
    with staged.running("--listen", "127.0.0.1:0") as process:
        assert process.stderr is not None
        found = re.search(r"http://[0-9.:]+/metrics", process.stderr.readline().decode())
        assert found is not None
        end = time.monotonic() + WAIT_S
        while "kcon_probe_up 1" not in (text := urllib.request.urlopen(found.group(), timeout=30).read().decode()):
            assert time.monotonic() < end, text[-2_000:]
            time.sleep(0.1)
        assert 'kcon_probe_records{outcome="sent"} 2' in text
    assert staged.shell.json("group", "lag", topic)["items"][0]["lag"] == 0
