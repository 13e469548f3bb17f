"""`kcon metrics` on both brokers: what it prints, what it serves, and that it only reads."""

import re
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kcon.cli.shell import Shell


@pytest.fixture
def shell(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


def test_one_look_is_printed_and_parsed(shell: Shell, unique: Callable[[str], str]) -> None:
    shell("topic", "create", unique("metrics"), "-p", "2")
    text = shell("metrics", "--once", "--label", "env=test").out.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {"kcon_up", "kafka_brokers", "kafka_topic_partitions"} <= families.keys()
    assert all(sample.labels["env"] == "test" for family in families.values() for sample in family.samples)


@pytest.mark.parametrize(
    "words", [["--profile", "nope"], ["--listen", "9308"], ["--listen", "h:99999"], ["--label", "1x=y"]]
)
def test_bad_words_are_usage_errors(kcon: Any, words: list[str]) -> None:
    assert kcon("metrics", "--once", *words).code == 2


def test_it_serves_until_it_is_stopped(shell: Shell) -> None:
    process = shell.start("metrics", "--listen", "127.0.0.1:0", "--interval", "1s")
    try:
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        found = re.search(r"http://[0-9.:]+/metrics", line)
        assert found is not None, line
        text = b""
        for _ in range(300):
            with urllib.request.urlopen(found.group(), timeout=10) as answer:
                text = answer.read()
            if b"\nkcon_up 1\n" in text:
                break
            time.sleep(0.1)  # A busy machine takes its time for the first look.
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[1]
        assert b"kafka_brokers" in text, told
        assert process.returncode == 0
    finally:
        process.kill()
