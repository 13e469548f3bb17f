"""Running a real Apache Kafka."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from kcon.errors import KconError
from kcon.services.local_cluster import (
    KAFKA_VERSION,
    LocalClusterOptions,
    java_argv,
    resolve_classpath,
    start_local_cluster,
)

pytestmark = pytest.mark.java


def test_the_class_path_names_the_version_and_is_remembered(tmp_path: Path, apache_classpath: str) -> None:
    """A second call must not start Maven: it takes seconds."""
    assert f"kafka-clients-{KAFKA_VERSION}.jar" in apache_classpath
    work = tmp_path / f"apache-kafka-{KAFKA_VERSION}"
    work.mkdir()
    remembered = os.pathsep.join([str(tmp_path), "/"])
    (work / "classpath").write_text(remembered)
    assert asyncio.run(resolve_classpath(tmp_path)) == remembered


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


def test_the_programs_are_quiet_by_default() -> None:
    assert "-Dorg.slf4j.simpleLogger.defaultLogLevel=error" in java_argv("cp", "Main")
