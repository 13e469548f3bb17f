"""One session of commands, typed on kcon's broker and on Apache Kafka: every stdout is the same text.

What may differ between two clusters by nature is replaced by a word before the comparison, and nothing else:
see `NORMALISED`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

NORMALISED = (
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    # Ids that the cluster chooses: 16 random bytes in base64 without padding.
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])"), "ID"),
    # Times of records, in RFC 3339 and in milliseconds.
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\b1[789]\d{11}\b"), "TIME"),
    # kcon's broker raises the leader epoch at each start, Apache Kafka counts elections.
    (re.compile(r'("leader_epoch": )\d+'), r"\1EPOCH"),
)

SESSION: tuple[tuple[str, ...], ...] = (
    ("topic", "create", "{topic}", "-p", "2"),
    ("topic", "create", "{topic}", "-p", "2"),
    ("topic", "list", "{topic}"),
    ("topic", "list", "{topic}", "--output", "json"),
    ("produce", "{topic}", "one", "-k", "a", "-p", "0"),
    ("produce", "{topic}", "two", "-k", "b", "-p", "0", "-H", "trace=7"),
    ("produce", "{topic}", "three", "-p", "1"),
    ("topic", "describe", "{topic}"),
    ("topic", "describe", "{topic}", "--output", "yaml"),
    ("topic", "describe", "{topic}-absent"),
    ("consume", "{topic}", "-p", "0", "-e"),
    ("consume", "{topic}", "-o", "-1", "-e", "-f", "%t/%p/%o %k=%s %h\\n", "-p", "0"),
    ("consume", "{topic}", "-p", "1", "-e", "-J"),
    ("tail", "{topic}", "-n", "1", "-e", "-p", "0"),
    ("group", "reset", "{group}", "--to", "start", "-t", "{topic}", "--dry-run"),
    ("group", "reset", "{group}", "--to", "start", "-t", "{topic}"),
    ("group", "reset", "{group}", "--to", "start", "-t", "{topic}", "--execute"),
    ("group", "lag", "{group}"),
    ("group", "lag", "{group}", "--output", "csv"),
    ("group", "list", "{group}"),
    ("group", "describe", "{group}", "--output", "json"),
    ("group", "reset", "{group}", "--to", "end", "--execute", "--output", "json"),
    ("group", "lag", "{group}", "--output", "json"),
    ("group", "undo", "{group}", "-y"),
    ("group", "lag", "{group}", "--output", "tsv"),
    ("group", "reset", "{group}", "--to", "+1"),
    ("group", "delete", "{group}", "-y"),
    ("group", "describe", "{group}"),
    ("group", "lag", "{group}"),
    ("topic", "delete", "{topic}", "-y"),
    ("topic", "list", "{topic}"),
)


class HasBootstrap(Protocol):
    """What this test needs of a cluster."""

    @property
    def bootstrap(self) -> str: ...


def normalise(text: str) -> str:
    for pattern, word in NORMALISED:
        text = pattern.sub(word, text)
    return text


def typed_on(bootstrap: str, folder: Path, names: dict[str, str]) -> list[str]:
    """Run the session; return a line with command and exit code, then the normalised stdout, for each command."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KCON_")}
    environment |= {
        "KCON_BOOTSTRAP": bootstrap,
        "KCON_CONFIG_DIR": str(folder / "config"),
        "KCON_STATE_DIR": str(folder / "state"),
        "TZ": "UTC",
    }
    transcript = []
    for words in SESSION:
        argv = [word.format(**names) for word in words]
        result = subprocess.run(
            [sys.executable, "-m", "kcon", *argv],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert "Traceback" not in result.stderr, (argv, result.stderr)
        transcript.append(f"$ kcon {' '.join(argv)}  -> {result.returncode}\n{normalise(result.stdout)}")
    return transcript


@pytest.mark.java
def test_every_stdout_is_the_same_on_both_clusters(
    kcon_broker: HasBootstrap, apache_kafka: HasBootstrap, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """A script that parses kcon's output must not see on which broker it runs."""
    names = {"topic": unique("same"), "group": unique("same-group")}
    ours = typed_on(kcon_broker.bootstrap, tmp_path / "kcon", names)
    theirs = typed_on(apache_kafka.bootstrap, tmp_path / "apache", names)
    assert ours == theirs
    print(f"{len(SESSION)} commands, the same stdout on both clusters")


def test_the_normalisation_leaves_data_alone() -> None:
    """A normalisation that swallowed offsets or lags would make the comparison worthless."""
    text = '{"lag": 1234567, "offset": 48211, "group": "billing", "state": "Empty"}'
    assert normalise(text) == text
    assert normalise("at 127.0.0.1:9092 AAAAAAAAAAAAAAAAAAAAAA 1790000000000") == "at ADDRESS ID TIME"
