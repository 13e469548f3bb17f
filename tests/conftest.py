"""What every test may ask for: programs it needs, and a live cluster of either kind.

- The markers `java`, `kcat`, `tmux`, `prometheus` and `groff` skip a test, by name, on a machine that lacks the
  program. With KCON_TEST_REQUIRE=all in the environment the same test fails instead, so that CI cannot pass by
  skipping.
- `kcon_broker` is this repository's broker as a child process, `apache_kafka` a real Apache Kafka; both live for
  the whole session. `cluster` runs a test once with each. Topics and groups are shared, so a test names its own
  with `unique`.
- `apache_cluster` is a real Apache Kafka of three nodes for what one node cannot show: replicas, elections, fail-over.
  A test may kill, pause and start its nodes; they all run again when the next test gets it.
"""

import asyncio
import fcntl
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from kcon.admin.client import Admin
from kcon.admin.settings import AdminSettings
from kcon.contexts.context import Context, Mode
from kcon.errors import UnreachableError
from kcon.services.apache_kafka import resolve_classpath
from kcon.services.kafka_node import NodeState
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.local_cluster import LocalCluster, LocalClusterOptions, start_local_cluster
from kcon.services.session import Session, open_session

# A busy machine takes its time: no example of a property fails for that, nor does making examples.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_RAN_ON = "cluster"
RESTORE_TIMEOUT_S = 60.0
_COMMANDS_OF_MARKER = {
    "java": ("java", "mvn"),
    "kcat": ("kcat",),
    "tmux": ("tmux",),
    "groff": ("groff",),
    "go": ("go",),
    "node": ("node", "npm"),
    "prometheus": ("prometheus", "promtool", "prometheus-alertmanager"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A live cluster that a test may use."""

    name: str
    """"kcon" or "apache"."""
    bootstrap: str
    data_dir: Path
    """Where its segment files are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicatedCluster(Cluster):
    """A live Apache Kafka of three nodes, each broker and controller; ids 1 to 3."""

    nodes: LocalCluster

    def kill(self, node_id: int) -> None:
        """End a node by SIGKILL."""
        asyncio.run(self.nodes.node(node_id).stop(grace_s=0))

    def pause(self, node_id: int) -> None:
        """Let a node hang: its sockets stay open and nothing answers."""
        asyncio.run(self.nodes.node(node_id).pause())

    def resume(self, node_id: int) -> None:
        """Let a paused node go on."""
        asyncio.run(self.nodes.node(node_id).resume())

    def start(self, node_id: int) -> None:
        """Start a killed node again, and return when it answers."""
        asyncio.run(self.nodes.start(node_id))

    def restore(self) -> None:
        """Let every node run, and wait until every replica is in sync again. At once if nothing was done to them."""
        asyncio.run(self._restore())

    async def _restore(self) -> None:
        states = {node_id: node.state for node_id, node in self.nodes.nodes.items()}
        if all(state is NodeState.RUNNING for state in states.values()) and await self._is_whole():
            return
        for node_id, state in states.items():
            if state is NodeState.PAUSED:
                await self.nodes.node(node_id).resume()
        await asyncio.gather(*(self.nodes.start(node) for node, state in states.items() if state is NodeState.DEAD))
        async with asyncio.timeout(RESTORE_TIMEOUT_S):
            while not await self._is_whole():
                await asyncio.sleep(0.2)

    async def _is_whole(self) -> bool:
        try:
            async with await Admin.connect(AdminSettings(bootstrap=tuple(self.bootstrap.split(",")))) as admin:
                brokers = len((await admin.cluster()).brokers)
                topics = await admin.topics()
        except UnreachableError:
            return False
        parts = [part for topic in topics for part in topic.partitions]
        return brokers == len(self.nodes.nodes) and all(len(part.isr) == len(part.replicas) for part in parts)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker have all tests that share the three nodes: a second worker would start three more."""
    for item in items:
        if "replicated_nodes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("apache-cluster"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or with KCON_TEST_REQUIRE=all fail, a test whose program is missing."""
    for marker, commands in _COMMANDS_OF_MARKER.items():
        if item.get_closest_marker(marker) is None:
            continue
        for command in commands:
            if shutil.which(command) is None:
                _lacks(command)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that must be complete and yet passed on the two kinds of clusters in different numbers."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("KCON_TEST_REQUIRE") != "all":
        return
    passed = _passed_by_cluster(reporter)
    if passed["kcon"] != passed["apache"] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests passed on each kind of cluster: the same set, so the same number."""
    passed = _passed_by_cluster(terminalreporter)
    if passed:
        counts = ", ".join(f"{name} {passed[name]}" for name in ("kcon", "apache"))
        terminalreporter.write_line(f"tests passed by cluster: {counts}")


def _passed_by_cluster(reporter: pytest.TerminalReporter) -> Counter[object]:
    return Counter(
        value
        for report in reporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == _RAN_ON and report.when == "call"
    )


def _lacks(command: str) -> None:
    if os.environ.get("KCON_TEST_REQUIRE") == "all":
        pytest.fail(f"needs '{command}', and KCON_TEST_REQUIRE=all", pytrace=False)
    pytest.skip(f"needs '{command}'")


@pytest.fixture(scope="session")
def apache_classpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the class path of Apache Kafka and its tools."""
    for command in _COMMANDS_OF_MARKER["java"]:
        if shutil.which(command) is None:
            _lacks(command)
    # Parallel workers would have Maven fill one empty repository at the same time.
    with (tmp_path_factory.getbasetemp().parent / "apache-classpath.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return asyncio.run(resolve_classpath())


@pytest.fixture(scope="session")
def apache_kafka(apache_classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a real Apache Kafka node."""
    folder = tmp_path_factory.mktemp("apache_kafka")
    options = LocalClusterOptions(data_dir=folder, dies_with_parent=True)
    node = asyncio.run(start_local_cluster(apache_classpath, options))
    try:
        yield Cluster(name="apache", bootstrap=node.bootstrap, data_dir=folder / "data")
    finally:
        asyncio.run(node.stop(grace_s=0))


@pytest.fixture(scope="session")
def replicated_nodes(apache_classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicatedCluster]:
    """Yield the three nodes behind `apache_cluster`; a test asks for that one."""
    folder = tmp_path_factory.mktemp("apache_cluster")
    options = LocalClusterOptions(
        data_dir=folder,
        nodes=3,
        heap_mb=384,
        dies_with_parent=True,
        # Fewer partitions to create and to move, and a lost broker is noticed in six seconds instead of nine.
        properties={
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.num.partitions": "4",
            "broker.session.timeout.ms": "6000",
            "broker.heartbeat.interval.ms": "1000",
        },
        jvm_options=("-XX:TieredStopAtLevel=1",),
    )
    nodes = asyncio.run(start_local_cluster(apache_classpath, options))
    try:
        yield ReplicatedCluster(name="apache", bootstrap=nodes.bootstrap, data_dir=folder, nodes=nodes)
    finally:
        asyncio.run(nodes.stop(grace_s=0))


@pytest.fixture
def apache_cluster(replicated_nodes: ReplicatedCluster) -> ReplicatedCluster:
    """Return a real Apache Kafka of three nodes, all of them running and every replica in sync."""
    replicated_nodes.restore()
    return replicated_nodes


@pytest.fixture(scope="session")
def kcon_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield this repository's broker, as a child process."""
    folder = tmp_path_factory.mktemp("kcon_broker")
    broker = asyncio.run(start_local_broker(LocalBrokerOptions(data_dir=folder)))
    try:
        yield Cluster(name="kcon", bootstrap=broker.bootstrap, data_dir=folder)
    finally:
        asyncio.run(broker.stop())


@pytest.fixture(params=["kcon", pytest.param("apache", marks=pytest.mark.java)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Return each of the two clusters in turn: the same test, the same expectations."""
    name = {"kcon": "kcon_broker", "apache": "apache_kafka"}[request.param]
    found = request.getfixturevalue(name)
    assert isinstance(found, Cluster)
    request.node.user_properties.append((_RAN_ON, found.name))
    return found


@pytest.fixture
def session_on(tmp_path: Path) -> Callable[..., Session]:
    """Return a function that makes a session on a cluster, with its state in a temporary folder."""

    def make(cluster: Cluster, mode: Mode = Mode.READ_WRITE) -> Session:
        context = Context(name="test", bootstrap=(cluster.bootstrap,), mode=mode)
        return open_session(context, {"KCON_STATE_DIR": str(tmp_path / "state")})

    return make


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Return a function that makes a name no other test uses, from a readable stem."""
    return lambda stem: f"{stem}-{uuid.uuid4().hex[:10]}"
