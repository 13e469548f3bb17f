"""Running a real Apache Kafka."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kcon.errors import KconError, NotFoundError
from kcon.services.kafka_node import NodeState
from kcon.services.local_cluster import LocalClusterOptions, node_settings, plan_nodes, start_local_cluster

pytestmark = pytest.mark.java


def test_a_node_answers_keeps_its_data_and_stops(tmp_path: Path, apache_classpath: str) -> None:
    async def work() -> list[str]:
        ids = []
        for _ in range(2):
            node = await start_local_cluster(apache_classpath, LocalClusterOptions(data_dir=tmp_path))
            ids.append((tmp_path / "data" / "meta.properties").read_text().split("cluster.id=")[1].split()[0])
            await node.stop()
            await node.stop()
            assert not Path(f"/proc/{node.pid}").exists()
        return ids

    first, second = asyncio.run(work())
    assert first == second


def test_a_port_in_use_is_one_sentence(apache_kafka: Any, apache_classpath: str, tmp_path: Path) -> None:
    port = int(apache_kafka.bootstrap.rpartition(":")[2])
    options = LocalClusterOptions(data_dir=tmp_path, port=port, dies_with_parent=True)
    with pytest.raises(KconError, match=f"Port {port} is in use"):
        asyncio.run(start_local_cluster(apache_classpath, options))


def test_a_bad_setting_names_the_nodes_own_words(apache_classpath: str, tmp_path: Path) -> None:
    options = LocalClusterOptions(data_dir=tmp_path, properties={"num.partitions": "many"})
    with pytest.raises(KconError, match=r"num\.partitions|many"):
        asyncio.run(start_local_cluster(apache_classpath, options))


def test_the_nodes_of_a_cluster_vote_replicate_and_are_known_by_id(apache_cluster: Any) -> None:
    settings = [node.plan.settings_path.read_text() for node in apache_cluster.nodes.nodes.values()]
    assert all("offsets.topic.replication.factor=3\n" in text for text in settings)
    assert all("\nmin.insync.replicas=2\n" in text for text in settings)
    assert len(set(apache_cluster.bootstrap.split(","))) == 3
    with pytest.raises(NotFoundError, match="no node 4"):
        apache_cluster.nodes.node(4)


def test_a_killed_node_comes_back_with_its_data_and_a_paused_one_goes_on(apache_cluster: Any) -> None:
    pid = apache_cluster.nodes.node(3).pid
    apache_cluster.kill(3)
    apache_cluster.pause(2)
    assert [node.state for node in apache_cluster.nodes.nodes.values()] == [
        NodeState.RUNNING,
        NodeState.PAUSED,
        NodeState.DEAD,
    ]
    with pytest.raises(KconError, match="Node 3 does not run"):
        apache_cluster.pause(3)
    apache_cluster.resume(2)
    apache_cluster.start(3)
    assert apache_cluster.nodes.node(3).pid != pid
    assert {node.state for node in apache_cluster.nodes.nodes.values()} == {NodeState.RUNNING}


@pytest.mark.parametrize(("nodes", "controllers", "wanted"), [(1, None, 1), (2, None, 2), (5, None, 3), (3, 1, 1)])
def test_the_first_nodes_are_controllers_up_to_three(
    tmp_path: Path, nodes: int, controllers: int | None, wanted: int
) -> None:
    plans = plan_nodes(LocalClusterOptions(data_dir=tmp_path, nodes=nodes, controllers=controllers))
    assert [plan.controller_port is not None for plan in plans] == [index < wanted for index in range(nodes)]
    ports = [port for plan in plans for port in (plan.port, plan.controller_port) if port is not None]
    assert len(set(ports)) == nodes + wanted


@pytest.mark.parametrize(("nodes", "replicas", "in_sync"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (5, 3, 2)])
def test_internal_topics_have_as_many_replicas_as_there_are_nodes_up_to_three(
    tmp_path: Path, nodes: int, replicas: int, in_sync: int
) -> None:
    plans = plan_nodes(LocalClusterOptions(data_dir=tmp_path, nodes=nodes))
    settings = node_settings(plans[-1], plans, nodes, {})
    assert settings["offsets.topic.replication.factor"] == str(replicas)
    assert settings["transaction.state.log.min.isr"] == str(in_sync)
    # One node keeps the defaults, which then do not show as set.
    assert settings.get("min.insync.replicas") == (str(in_sync) if nodes > 1 else None)
