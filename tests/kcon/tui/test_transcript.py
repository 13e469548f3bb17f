"""The console in a real terminal: `kcon demo` comes up, and the numbers on the screen are the CLI's numbers."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from confluent_kafka import Producer, TopicPartition

from tests.commits import commit_offsets
from tests.terminal import Terminal, cells

SIZES = [(80, 24), (200, 50)]
ASKED_MAX = 20
STEADY_TOPICS = ("airlines", "airports", "planes")
"""Topics of the demo that get all their records before the console opens."""

pytestmark = pytest.mark.tmux


class HasBootstrap(Protocol):
    """What these tests need of a cluster."""

    @property
    def bootstrap(self) -> str: ...


def environment_in(folder: Path) -> dict[str, str]:
    """Return an environment whose configuration and state are this folder's alone."""
    return {"KCON_CONFIG_DIR": str(folder / "config"), "KCON_STATE_DIR": str(folder / "state"), "TZ": "UTC"}


def kcon_json(bootstrap: str, folder: Path, *words: str) -> list[dict[str, Any]]:
    """Ask by the CLI in another process; return the items of its answer. A cluster that is coming up is asked again."""
    argv = [sys.executable, "-m", "kcon", *words, "-b", bootstrap, "--output", "json"]
    environment: Mapping[str, str] = {**os.environ, **environment_in(folder)}
    for attempts_left in reversed(range(ASKED_MAX)):
        result = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
        if result.returncode == 0:
            items: list[dict[str, Any]] = json.loads(result.stdout)["items"]
            return items
        assert attempts_left, result.stderr
        time.sleep(0.5)
    raise AssertionError("unreachable")


def numbers_of(screen: str, label: str) -> list[int]:
    """Return the whole numbers of the line that begins with a label: `1,234` is 1234."""
    (line,) = [line for line in screen.splitlines() if line.split()[:1] == [label]]
    return [int(word.replace(",", "")) for word in line.split()[1:] if re.fullmatch(r"[0-9][0-9,]*", word)]


def assert_fits(terminal: Terminal) -> None:
    """No line is wider than the terminal, and none is lost below it."""
    lines = terminal.lines()
    assert len(lines) == terminal.rows
    assert max(map(cells, lines)) <= terminal.columns


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_the_demo_shows_what_the_cli_says(columns: int, rows: int, tmp_path: Path) -> None:
    """What a newcomer sees after the README's first line, checked against another process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bootstrap = f"127.0.0.1:{probe.getsockname()[1]}"
    argv = [sys.executable, "-m", "kcon", "demo", "--port", bootstrap.split(":")[1]]
    with Terminal(argv, columns=columns, rows=rows, environment=environment_in(tmp_path)) as terminal:
        terminal.wait_for(lambda screen: "OVERVIEW" in screen and "departures-board" in screen)
        assert_fits(terminal)
        terminal.keys("t")
        screen = terminal.wait_for(lambda screen: "TOPICS" in screen and "planes" in screen and "2,074" in screen)
        assert_fits(terminal)
        for topic in STEADY_TOPICS:
            (described,) = kcon_json(bootstrap, tmp_path, "topic", "describe", topic)
            records = sum(part["end"] - part["start"] for part in described["partitions"])
            assert records in numbers_of(screen, topic), screen
        terminal.keys("g")
        terminal.wait_for(lambda screen: "GROUPS" in screen and "weather-archive" in screen)
        assert_fits(terminal)
        terminal.keys("q")
        terminal.wait_for("ended with 0")


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_lag_on_the_screen_is_the_lag_of_the_cli(
    columns: int, rows: int, cluster: HasBootstrap, unique: Callable[[str], str], tmp_path: Path
) -> None:
    """Per partition, on both kinds of cluster; nothing moves meanwhile, so the numbers must be the very same."""
    topic, group = unique("shown"), unique("showing")
    quiet = {"log_level": 0, "bootstrap.servers": cluster.bootstrap}
    environment = {**os.environ, **environment_in(tmp_path), "KCON_BOOTSTRAP": cluster.bootstrap}
    create = [sys.executable, "-m", "kcon", "topic", "create", topic, "-p", "3"]
    made = subprocess.run(create, env=environment, check=False, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    producer = Producer(quiet)
    for number in range(3_000):
        producer.produce(topic, b"%d" % number, partition=number % 3)
    assert producer.flush(30) == 0
    commit_offsets(quiet, group, [TopicPartition(topic, 0, 1_000), TopicPartition(topic, 1, 10)])
    told = {row["partition"]: row for row in kcon_json(cluster.bootstrap, tmp_path, "group", "lag", group)}
    assert {index: row["lag"] for index, row in told.items()} == {0: 0, 1: 990}
    argv = [sys.executable, "-m", "kcon", "ui", f"group/{group}", "-b", cluster.bootstrap]
    with Terminal(argv, columns=columns, rows=rows, environment=environment_in(tmp_path)) as terminal:
        screen = terminal.wait_for(lambda screen: "990" in screen and "/1" in screen)
        assert_fits(terminal)
        rows_shown = {}
        for line in screen.splitlines():
            match = re.match(rf"\s*{re.escape(topic)[:12]}\S*/(\d)\s+([\d,]+)\s+([\d,]+)\s+([\d,]+)", line)
            if match:
                partition, *numbers = (int(text.replace(",", "")) for text in match.groups())
                rows_shown[partition] = numbers
        assert rows_shown == {index: [row["committed"], row["end"], row["lag"]] for index, row in told.items()}, screen
        terminal.keys("q")
        terminal.wait_for("ended with 0")
