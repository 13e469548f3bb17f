"""Every command against a broker that fails in the middle of it: a clear end, within its deadline.

In the default tier the broker is a script: it shakes hands, shows one topic, and then it hangs, hangs up or talks
rubbish. In the slow tier it is one of three nodes of Apache Kafka that is stopped or killed.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from kcon.admin.apis import Api
from tests.kcon.admin.conftest import FakeBroker, Hangup, Silence, fake_broker
from tests.kcon.cli.faults import command_lines

LINES = command_lines()
CLEAR_ENDS = frozenset({0, 1, 2, 3, 4, 5, 6, 7})
TIMEOUT_MS = 400
ANSWERED = frozenset({Api.API_VERSIONS, Api.METADATA})


class ScriptedCluster:
    """A broker on a thread of its own, for the command line runs its own event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopping: asyncio.Event | None = None
        self._ready: Future[FakeBroker] = Future()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._main(),), daemon=True)
        self._thread.start()
        self.broker = self._ready.result(10)

    async def _main(self) -> None:
        self._stopping = asyncio.Event()
        async with fake_broker(topics={"orders": [1, 1, 1], "__consumer_offsets": [1]}) as broker:
            self._ready.set_result(broker)
            await self._stopping.wait()

    def fail_with(self, fault: object) -> None:
        """Let everything but the handshake and the topics meet the fault."""
        for api in Api:
            if api not in ANSWERED:
                self.broker.replies[api] = lambda *_: fault

    def stop(self) -> None:
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedCluster]:
    cluster = ScriptedCluster()
    yield cluster
    cluster.stop()


def test_the_commands_are_found() -> None:
    """The tests below would pass with no commands at all."""
    nouns = {line[0] for line in LINES}
    assert nouns >= {"topic", "group", "broker", "cluster", "acl", "quota", "user", "txn", "reassign"}
    assert len(LINES) >= 45


@pytest.mark.parametrize("fault", [Silence, Hangup, b"\xff" * 40], ids=["silence", "hang-up", "rubbish"])
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_broker_that_fails_ends_in_a_sentence(
    scripted: ScriptedCluster, kcon: Any, line: tuple[str, ...], fault: object
) -> None:
    scripted.fail_with(fault)
    kcon.variables["KCON_BOOTSTRAP"] = scripted.broker.address
    ran = kcon(*line, "--timeout", f"{TIMEOUT_MS}ms", stdin=b"")
    assert ran.code in CLEAR_ENDS, ran.err
    assert "Something is broken inside kcon" not in ran.err
    assert "Traceback" not in ran.err
    # What a check could not learn is its answer.
    assert ran.code == 0 or "kcon:" in ran.err or (line[0] == "check" and ran.out)


@pytest.mark.slow
@pytest.mark.java
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", ["pause", "kill"])
@pytest.mark.parametrize("node", [1, 2])
def test_a_node_that_fails_leaves_an_answer_or_a_sentence(
    apache_cluster: Any, kcon: Any, fault: str, node: int
) -> None:
    """All commands in turn, so that the node fails once: the deadline is 10 s, and they end before it or at it."""
    kcon.variables["KCON_BOOTSTRAP"] = apache_cluster.bootstrap
    kcon("topic", "create", "orders", "-p", "6", "-r", "3", "-y")
    kcon("topic", "create", "kept", "-p", "6", "-r", "1", "-y")
    kcon("group", "reset", "billing", "-t", "orders", "--to", "start", "-y")
    getattr(apache_cluster, fault)(node)
    ends: dict[str, tuple[int, str]] = {}
    for line in LINES:
        ran = kcon(*line, "--timeout", "10s", stdin=b"")
        ends[" ".join(line)] = (ran.code, ran.err)
    unclear = {line: end for line, end in ends.items() if end[0] not in CLEAR_ENDS or "Something is broken" in end[1]}
    assert not unclear
    # A look at names needs one broker alone, whichever is left.
    for words in ("topic list", "cluster info", "broker list"):
        assert kcon(*words.split(), "--timeout", "10s").code == 0, words
    # And what only the lost node could tell is missing for itself, never for the others.
    (topic,) = json.loads(kcon("topic", "describe", "kept", "--timeout", "10s", "-o", "json").out)["items"]
    assert any(part["end"] is not None for part in topic["partitions"])
