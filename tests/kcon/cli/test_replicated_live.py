"""What one node cannot show, on three: reassignment, throttles, elections, ISR, fail-over, restarts, features."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.java

SETTLE_S = 45.0


class Cli:
    """Runs `kcon` in this process against the three nodes."""

    def __init__(self, kcon: Any, bootstrap: str) -> None:
        self._kcon = kcon
        kcon.variables["KCON_BOOTSTRAP"] = bootstrap

    def __call__(self, *words: str, code: int = 0) -> Any:
        ran = self._kcon(*words)
        assert ran.code == code, (words, ran.code, ran.out, ran.err)
        return ran

    def items(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "-o", "json", code=code).out)["items"]

    def parts(self, topic: str) -> list[dict[str, Any]]:
        """Return the partitions, whether or not every leader tells its offsets now."""
        ran = self._kcon("topic", "describe", topic, "--timeout", "10s", "-o", "json")
        (described,) = json.loads(ran.out)["items"]
        found: list[dict[str, Any]] = described["partitions"]
        return found

    def unsafe(self, broker: int) -> set[str]:
        """Return the topics that `check restart` names; others' tests may have left some that it names, too."""
        ran = self._kcon("check", "restart", str(broker), "--allow-single", "--timeout", "15s", "-o", "json")
        bad = [row for row in json.loads(ran.out)["items"] if row["verdict"] == "bad"]
        assert ran.code == (7 if bad else 0)
        return {example.rpartition("/")[0] for row in bad for example in row["examples"]}

    def settles(self, is_so: Callable[[], bool]) -> None:
        """Ask until it is so: brokers hear of a change a moment after it is made."""
        end = time.monotonic() + SETTLE_S
        while not is_so():
            assert time.monotonic() < end, "the change did not show"
            time.sleep(0.1)


@pytest.fixture
def cli(apache_cluster: Any, kcon: Any) -> Cli:
    return Cli(kcon, apache_cluster.bootstrap)


@pytest.fixture
def topic(cli: Cli, unique: Callable[[str], str]) -> Callable[..., str]:
    """Return a function that makes a topic and waits until every broker could know of it."""

    def make(partitions: int, replicas: int, *configs: str) -> str:
        name = unique("replicated")
        settings = [word for config in configs for word in ("-c", config)]
        cli("topic", "create", name, "-p", str(partitions), "-r", str(replicas), *settings, "-y")
        cli("wait", "urp=0", "offline=0", "-t", name, "--for", "40s", "--every", "100ms")
        return name

    return make


def test_a_replication_factor_grows_and_shrinks_under_a_throttle_that_is_lifted(
    cli: Cli, topic: Callable[..., str]
) -> None:
    name = topic(3, 1)
    planned = cli("reassign", "execute", "-t", name, "-r", "3", "--throttle", "1MiB/s", "--dry-run")
    assert "Throttled to 1.00 MiB/s a broker" in planned.err
    cli("reassign", "execute", "-t", name, "-r", "3", "--throttle", "1MiB/s", "-y")
    cli("wait", "moves=0", "urp=0", "-t", name, "--for", "40s", "--every", "100ms")
    cli.settles(lambda: all(sorted(part["replicas"]) == [1, 2, 3] for part in cli.parts(name)))
    cli.settles(lambda: "is throttled though nothing moves" in cli("reassign", "status").err)
    (config,) = [row for row in cli.items("broker", "config", "2") if row["config"].startswith("follower.replication")]
    assert config["value"] == str(1024 * 1024)
    lifted = cli.items("reassign", "unthrottle", "-y")
    assert {row["resource"] for row in lifted} == {"broker 1", "broker 2", "broker 3", f"topic {name}"}
    cli.settles(lambda: "throttled" not in cli("reassign", "status").err)
    cli("reassign", "execute", "-t", name, "-r", "2", "-y")
    cli("wait", "moves=0", "--for", "40s", "--every", "100ms")
    cli.settles(lambda: all(len(part["replicas"]) == 2 for part in cli.parts(name)))
    cli("topic", "delete", name, "-y")


def test_a_move_that_cannot_end_is_shown_and_cancelled(
    apache_cluster: Any, cli: Cli, topic: Callable[..., str]
) -> None:
    """Its new home is gone, so it stays on its way until it is called back."""
    name = topic(2, 2)
    before = {part["partition"]: part["replicas"] for part in cli.parts(name)}
    lacking = {index: ({1, 2, 3} - set(replicas)).pop() for index, replicas in before.items()}
    apache_cluster.kill(lacking[0])
    cli("reassign", "execute", "-t", name, "-r", "3", "--timeout", "20s", "-y")
    cli.settles(lambda: any(row["topic"] == name for row in cli.items("reassign", "status")))
    (row,) = [row for row in cli.items("reassign", "status") if (row["topic"], row["partition"]) == (name, 0)]
    assert row["adding"] == [lacking[0]]
    cli("reassign", "cancel", "-t", name, "-y")
    cli.settles(lambda: not [row for row in cli.items("reassign", "status") if row["topic"] == name])
    cli.settles(lambda: {part["partition"]: part["replicas"] for part in cli.parts(name)}[0] == before[0])
    apache_cluster.start(lacking[0])
    cli("topic", "delete", name, "-y")


def test_a_lost_broker_fails_over_and_the_preferred_leader_is_elected_back(
    apache_cluster: Any, cli: Cli, topic: Callable[..., str]
) -> None:
    name = topic(3, 3)
    leaders = {part["partition"]: part["leader"] for part in cli.parts(name)}
    lost = leaders[0]
    assert name not in cli.unsafe(lost)
    apache_cluster.kill(lost)
    cli.settles(lambda: all(part["leader"] not in (None, lost) for part in cli.parts(name)))
    parts = cli.parts(name)
    assert all(lost not in part["isr"] for part in parts)
    assert cli.items("topic", "list", name)[0]["under_replicated"] == 3
    left = next(node for node in (1, 2, 3) if node != lost)
    assert name in cli.unsafe(left)
    cli("wait", "brokers=2", "--for", "30s", "--every", "200ms")
    apache_cluster.start(lost)
    cli("wait", "urp=0", "brokers=3", "--for", "60s", "--every", "200ms")
    elected = cli.items("cluster", "elect", "-t", name, "-y")
    assert {row["preferred"] for row in elected} <= {lost}
    cli.settles(lambda: {part["partition"]: part["leader"] for part in cli.parts(name)} == leaders)
    cli("topic", "delete", name, "-y")


def test_a_broker_that_hangs_costs_its_own_rows_only(apache_cluster: Any, cli: Cli, topic: Callable[..., str]) -> None:
    """For six seconds the cluster itself believes that it is alive."""
    name = topic(6, 1)
    leaders = {part["partition"]: part["leader"] for part in cli.parts(name)}
    apache_cluster.pause(2)
    (described,) = cli.items("topic", "describe", name, "--timeout", "5s", code=3)
    ends = {part["partition"]: part["end"] for part in described["partitions"]}
    assert {index for index, end in ends.items() if end is None} == {p for p, leader in leaders.items() if leader == 2}
    assert cli.items("topic", "list", name)
    apache_cluster.resume(2)


def test_features_are_lowered_and_raised_again(cli: Cli) -> None:
    levels = {row["name"]: row for row in cli.items("cluster", "features")}
    name = "group.version"
    level = levels[name]["finalized"]
    higher = cli("cluster", "features", "--set", f"{name}={level + 50}", "--dry-run", code=1)
    assert name in higher.err
    cli("cluster", "features", "--set", f"{name}={level - 1}", "-y", code=1)  # Lower needs --downgrade.
    cli("cluster", "features", "--set", f"{name}={level - 1}", "--downgrade", "-y")

    def finalized() -> int | None:
        # A feature that is off is no longer told where its lowest level is 0.
        found = [row["finalized"] for row in cli.items("cluster", "features") if row["name"] == name]
        return found[0] if found else 0

    cli.settles(lambda: finalized() == level - 1)
    cli("cluster", "features", "--set", f"{name}={level}", "-y")
    cli.settles(lambda: finalized() == level)


def test_the_quorum_names_the_active_controller(cli: Cli) -> None:
    rows = cli.items("cluster", "quorum")
    (leader,) = [row["node"] for row in rows if row["role"] == "leader"]
    assert cli.items("cluster", "info")[0]["controller"] == leader
    assert [row["id"] for row in cli.items("broker", "list") if row["controller"]] == [leader]
