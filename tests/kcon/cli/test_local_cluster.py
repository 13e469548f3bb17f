"""`kcon cluster up` and its like, on this machine."""

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.folders import state_folder
from kcon.services.kafka_node import NodeState
from kcon.services.kept_cluster import KeptCluster, KeptOptions


@pytest.fixture
def folder(kcon: Any) -> Path:
    """Return the state folder of the command line under test."""
    return state_folder(kcon.variables)


@pytest.fixture
def planned(folder: Path) -> KeptCluster:
    """Return a cluster of which no node was started."""
    return KeptCluster.create(folder, "local", KeptOptions(nodes=2))


@pytest.fixture
def real(kcon: Any, folder: Path) -> Iterator[None]:
    """End whatever a test started."""
    yield
    for name in KeptCluster.names(folder):
        asyncio.run(KeptCluster.find(folder, name).stop(grace_s=0))


def test_without_a_cluster_the_verbs_say_how_to_get_one(kcon: Any) -> None:
    for verb in ("kill 1", "pause 1", "resume 1", "add", "remove 1", "down", "status --name local"):
        ran = kcon("cluster", *verb.split())
        assert ran.code == 5, verb
        assert "There is no local cluster local." in ran.err
        assert "`kcon cluster up` starts one." in ran.err
    assert kcon("cluster", "status").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--nodes", "0"), "--nodes"),
        (("--nodes", "33"), "--nodes"),
        (("--nodes", "1", "--controllers", "2"), "1 to 1 can be controllers"),
        (("--kafka-dir", "x", "--kafka-version", "4.3.0"), "it takes no --kafka-version"),
        (("--name", "a/b"), "Not a name for a context"),
    ],
)
def test_counts_and_names_that_make_no_cluster_are_usage_errors(
    kcon: Any, folder: Path, words: tuple[str, ...], message: str
) -> None:
    ran = kcon("cluster", "up", *words)
    assert ran.code == 2
    assert message in ran.err
    assert KeptCluster.names(folder) == []


def test_a_context_of_that_name_is_left_alone(kcon: Any, folder: Path) -> None:
    assert kcon("context", "add", "local", "-b", "elsewhere:9092").code == 0
    ran = kcon("cluster", "up")
    assert ran.code == 2
    assert "There is a context local already" in ran.err
    assert KeptCluster.names(folder) == []


def test_without_java_it_is_one_sentence_and_down_leaves_nothing(
    kcon: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = kcon("cluster", "up")
    assert ran.code == 1
    assert "kcon: Apache Kafka needs Java" in ran.err
    assert kcon("cluster", "down", "-y").code == 0
    assert not list((folder / "clusters").iterdir())


def test_a_port_in_use_is_named(kcon: Any, planned: KeptCluster, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = kcon("cluster", "up", "--name", "other", "--port", str(port))
    assert ran.code == 1
    assert f"Port {port} is in use." in ran.err


def test_what_cannot_change_any_more_is_refused(kcon: Any, planned: KeptCluster) -> None:
    ran = kcon("cluster", "up", "--nodes", "5", "--heap-mb", "256")
    assert ran.code == 2
    assert "exists with 2 nodes; --nodes, --heap-mb came too late" in ran.err


def test_a_node_that_does_not_run_cannot_be_paused(kcon: Any, planned: KeptCluster) -> None:
    ran = kcon("cluster", "pause", "2")
    assert ran.code == 1
    assert "Node 2 does not run." in ran.err
    missing = kcon("cluster", "kill", "7")
    assert missing.code == 5
    assert "has no node 7" in missing.err


def test_a_controller_is_not_removed(kcon: Any, planned: KeptCluster) -> None:
    ran = kcon("cluster", "remove", "2", "-y")
    assert ran.code == 6
    assert "Node 2 is a controller" in ran.err


def test_two_commands_on_one_cluster_exclude_each_other(kcon: Any, planned: KeptCluster) -> None:
    with planned.exclusive():
        ran = kcon("cluster", "down", "-y")
    assert ran.code == 6
    assert "Another command works on local cluster local." in ran.err


def test_down_wants_to_be_confirmed(kcon: Any, folder: Path, planned: KeptCluster) -> None:
    assert kcon("cluster", "down").code == 6
    dry = kcon("cluster", "down", "--dry-run", "-o", "json")
    assert dry.code == 0
    assert [row["node"] for row in json.loads(dry.out)["items"]] == [1, 2]
    assert KeptCluster.names(folder) == ["local"]


def test_a_stranger_with_a_nodes_process_id_is_never_signalled(folder: Path, planned: KeptCluster) -> None:
    """A process id is used again after a while; the settings file on the command line tells whose it is."""
    state = planned.folder / "cluster.json"
    kept = json.loads(state.read_text())
    kept["nodes"][0]["pid"] = os.getpid()
    state.write_text(json.dumps(kept))
    found = KeptCluster.find(folder, "local")
    assert [each.state for each in found.status()] == [NodeState.DEAD, NodeState.DEAD]
    asyncio.run(found.stop(grace_s=0))


def test_a_damaged_state_file_is_a_sentence(kcon: Any, planned: KeptCluster) -> None:
    (planned.folder / "cluster.json").write_text("{")
    ran = kcon("cluster", "status")
    assert ran.code == 1
    assert "cluster.json" in ran.err


@pytest.mark.java
@pytest.mark.usefixtures("real", "apache_classpath")
def test_one_node_from_up_to_down(kcon: Any, folder: Path) -> None:
    """What the nodes do outlives each command; nothing outlives the last."""
    del kcon.variables["KCON_BOOTSTRAP"]

    def states() -> list[str]:
        ran = kcon("cluster", "status", "-o", "json")
        assert ran.code == 0, ran.err
        return [row["state"] for row in json.loads(ran.out)["items"]]

    up = kcon("cluster", "up", "--nodes", "1", "--heap-mb", "256")
    assert up.code == 0, up.err
    assert "kcon -C local cluster info" in up.err
    assert kcon("-C", "local", "topic", "create", "kept", "-p", "1", "-y").code == 0
    assert kcon("cluster", "add").code == 0
    assert states() == ["running", "running"]
    removed = kcon("cluster", "remove", "2", "-y")
    assert removed.code == 0, removed.err
    assert states() == ["running"]
    assert kcon("cluster", "pause", "1").code == 0
    assert states() == ["paused"]
    assert kcon("-C", "local", "topic", "list", "--timeout", "300ms").code == 3
    assert kcon("cluster", "resume", "1").code == 0
    assert kcon("cluster", "kill", "1").code == 0
    assert states() == ["dead"]
    again = kcon("cluster", "up")
    assert again.code == 0, again.err
    assert kcon("-C", "local", "topic", "list", "-o", "name").out.split() == ["kept"]
    pid = KeptCluster.find(folder, "local").status()[0].pid
    assert kcon("cluster", "down", "-y").code == 0
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
    assert not list((folder / "clusters").iterdir())
    assert "local" not in kcon("context", "list").out
