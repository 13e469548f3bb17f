"""`--where`, `get` and `search` against both brokers: what matches, what was looked at, and how to go on."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kcon.cli.shell import Shell

WAIT_S = 60.0


@pytest.fixture
def shell(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


@pytest.fixture
def topic(shell: Shell, unique: Callable[[str], str]) -> Iterator[str]:
    """Make a topic of two partitions: JSON with n 0..19 by parity, and one line that is no JSON in each."""
    name = unique("search")
    shell("topic", "create", name, "-p", "2")
    for partition in (0, 1):
        lines = "".join(f'k{n}\t{{"n": {n}, "tag": "t{n % 5}"}}\n' for n in range(partition, 20, 2)) + "k\tplain text\n"
        shell("produce", name, "-K", "\t", "-p", str(partition), "-H", "region=eu", stdin=lines.encode())
    yield name
    shell("topic", "delete", name, "-y")


def test_consume_and_tail_take_a_filter(shell: Shell, topic: str) -> None:
    ran = shell("consume", topic, "-e", "--where", "value.n > 15", "-f", "%k\\n")
    assert sorted(ran.out.split()) == [b"k16", b"k17", b"k18", b"k19"]
    assert "2 records were no match" in ran.err
    # -n counts what matches.
    assert len(shell("consume", topic, "-n", "2", "--where", "value.n > 15").out.splitlines()) == 2
    ran = shell("tail", topic, "-n", "22", "-e", "--where", "key == 'k7' && headers.region == 'eu'", "-f", "%o\\n")
    assert ran.out == b"3\n"
    shell("consume", topic, "-e", "--where", "value.n >", code=2)
    shell("consume", topic, "-e", "--where", "vlaue.n > 1", code=2)


def test_a_list_takes_a_filter_over_its_columns(shell: Shell, topic: str) -> None:
    names = shell("topic", "list", topic, "-o", "name", "--where", "partitions == 2 && size(name) > 3").out
    assert names == f"{topic}\n".encode()
    assert shell.json("topic", "list", "--where", "partitions > 1000")["items"] == []
    assert "no match" in shell("topic", "list", topic, "--where", "partitions > 'x'").err
    assert "undeclared reference" in shell("topic", "list", "--where", "partition > 1", code=2).err


def test_search_says_what_it_will_read_and_what_it_looked_at(shell: Shell, topic: str) -> None:
    ran = shell("search", topic, "--where", "value.tag == 't3'", "-J")
    assert sorted(json.loads(line)["key"] for line in ran.out.splitlines()) == ["k13", "k18", "k3", "k8"]
    assert "22 offsets in 2 partitions to read." in ran.err
    for partition in (0, 1):
        assert f"{topic}/{partition}: searched offsets 0–11 of 11." in ran.err
    assert "4 of 22 records match." in ran.err
    assert "2 records were no match" in ran.err
    answer = shell.json("search", topic, "-o", "3..6", "-p", "1", "--where", "value.n >= 0")
    assert [item["offset"] for item in answer["items"]] == [3, 4, 5]
    assert answer["coverage"] == [
        {"topic": topic, "partition": 1, "start": 3, "searched_to": 6, "end": 6, "lost": 0, "complete": True}
    ]
    ran = shell("search", topic, "--where", "value.n > 1", "--estimate")
    assert (ran.out, "22 offsets" in ran.err) == (b"", True)


def test_a_search_that_stopped_early_goes_on_without_loss_or_repeats(shell: Shell, topic: str) -> None:
    first = shell(
        "search", topic, "--where", "has(value.n) && value.n % 2 == 0", "-n", "4", "-f", "%k\\n", "--max-rate", "1MB"
    )
    seen = first.out.split()
    assert len(seen) == 4
    (line,) = [line for line in first.err.splitlines() if "--resume" in line]
    rest = shell("search", "--resume", line.split()[-1], "-f", "%k\\n")
    assert sorted(seen + rest.out.split()) == sorted(f"k{n}".encode() for n in range(0, 20, 2))
    assert "--resume" not in rest.err
    shell("search", "--resume", "0ff1ce", code=5)
    shell("search", "--resume", "../../etc/passwd", code=5)


def test_an_interrupted_search_keeps_what_it_found(shell: Shell, topic: str) -> None:
    """At this rate the second read waits for minutes; ctrl-C ends it at once, with coverage and the way on."""
    line = b"x" * 200_000 + b"\n"
    shell("produce", topic, "-p", "0", stdin=line * 30)
    running = shell.start("search", topic, "-p", "0", "--where", "offset >= 0", "-f", "%o\\n", "--max-rate", "1kB")
    assert running.stdout is not None
    found = [running.stdout.readline()]
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=WAIT_S)
    assert running.returncode == 130
    found += out.splitlines()
    told = err.decode()
    coverage = next(line for line in told.splitlines() if "searched offsets" in line)
    assert f"0–{len(found)} of 41" in coverage
    name = next(line for line in told.splitlines() if "--resume" in line).split()[-1]
    rest = shell("search", "--resume", name, "-f", "%o\\n").out.split()
    assert [int(offset) for offset in [*found, *rest]] == list(range(41))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("search", "t"), "Say what to find"),
        (("search", "--where", "true"), "Name a topic"),
        (("search", "t", "--where", "true", "--resume", "x"), "leave them out"),
        (("search", "t", "--where", "true", "--max-rate", "0"), "at least one byte"),
        (("search", "t", "--where", "true", "-o", "json"), "-o is the offset here"),
        (("get", "orders"), "TOPIC/PARTITION/OFFSET"),
        (("get", "orders/1/-3"), "TOPIC/PARTITION/OFFSET"),
        (("get", f"orders/1/{2**63}"), "too large"),
        (("get", f"orders/{2**31}/1"), "too large"),
    ],
)
def test_wrong_words_are_usage_errors(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    assert part in Shell("127.0.0.1:1", tmp_path)(*words, code=2).err


def test_get_shows_one_record(shell: Shell, topic: str) -> None:
    assert shell("get", f"{topic}/1/3").out == b'{"n": 7, "tag": "t2"}\n'
    (item,) = shell.json("get", f"{topic}/1/3")["items"]
    assert (item["key"], item["offset"], item["headers"]) == ("k7", 3, [{"name": "region", "value": "eu"}])
    assert shell("get", f"{topic}/1/3", f"{topic}/0/0", "-f", "%k\\n").out == b"k7\nk0\n"
    ran = shell("get", f"{topic}/1/11", code=5)
    assert "The partition holds offsets 0 to 10." in ran.err
    ran = shell("get", f"{topic}/7/0", f"{topic}/0/0", code=5)
    assert ran.out == b'{"n": 0, "tag": "t0"}\n'


CONFIG = """
[context.here]
bootstrap = ["{bootstrap}"]
[[context.here.mask]]
topic = "search*"
path = "$.tag"
[[context.here.serde]]
topic = "search*"
key = "hex"
"""


def test_masks_and_decoders_of_a_context_count_everywhere_but_in_copies(
    shell: Shell, cluster: Any, topic: str, tmp_path: Path
) -> None:
    shell.variables.pop("KCON_BOOTSTRAP")
    shell.variables["KCON_CONTEXT"] = "here"
    folder = tmp_path / "config"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(CONFIG.format(bootstrap=cluster.bootstrap))
    for words in (
        ("consume", topic, "-e", "--raw"),
        ("consume", topic, "-e", "-J"),
        ("tail", topic, "-n", "30", "-e"),
        ("get", f"{topic}/1/3"),
        ("search", topic, "--where", "true"),
        ("search", topic, "--where", "value.tag == 't2'"),
    ):
        out = shell(*words).out
        assert b'"t2"' not in out, words
        assert b"plain text" not in out, "what is no JSON could hide it, so it is hidden as a whole"
    assert shell("search", topic, "--where", "value.tag == 't2'", "-q").out == b"", (
        "a filter sees no more than its user"
    )
    assert shell("get", f"{topic}/1/3", "-K", "=").out == b'6b 37={"n":7,"tag":"****"}\n'
    assert shell("get", f"{topic}/1/3", "-K", "=", "-s", "key=text").out == b'k7={"n":7,"tag":"****"}\n'
    assert shell("get", f"{topic}/1/3", "-f", "%k\\n", "--raw").out == b"k7\n"
    assert "no decoder nope" in shell("get", f"{topic}/1/3", "-s", "nope", code=2).err
    assert "not key=NAMES" in shell("get", f"{topic}/1/3", "-s", "header=x", code=2).err
    copied = f"copied-{topic}"
    shell("copy", topic, copied, "--create", "-y")
    out = shell("get", f"{copied}/1/3").out
    assert out == b'{"n": 7, "tag": "t2"}\n', "a masked value is never written"
    shell("topic", "delete", copied, "-y")
    (folder / "config.toml").write_text(CONFIG.format(bootstrap=cluster.bootstrap).replace("$.tag", "$tag"))
    assert "cannot be read" in shell("consume", topic, "-e", code=2).err
