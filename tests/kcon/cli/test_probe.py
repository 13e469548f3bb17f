"""`kcon probe`, as far as it goes without a cluster that carries records; round trips are in the live tests."""

import json
from typing import Any

from tests.kcon.conftest import FakeCluster, FakeTopic


def test_a_topic_that_is_not_there_is_not_made_unasked(kcon: Any, fake_cluster: FakeCluster) -> None:
    ran = kcon("probe")
    assert ran.code == 5
    assert "--create" in ran.err
    assert fake_cluster.mutations == []


def test_a_dry_run_shows_the_steps_and_changes_nothing(kcon: Any, fake_cluster: FakeCluster) -> None:
    ran = kcon("probe", "--create", "--delete", "-n", "3", "--dry-run", "-o", "json")
    assert ran.code == 0
    assert [item["step"] for item in json.loads(ran.out)["items"]] == ["create topic", "produce", "commit", "delete"]
    fake_cluster.topics_by_name["kcon-probe"] = FakeTopic([(0, 0)])
    assert kcon.lines("probe", "--dry-run") == [
        "step\ttarget\tdetail",
        "produce\tkcon-probe\t10 records, 100 B",
        "commit\tgroup kcon-probe\t10 times",
    ]
    assert fake_cluster.mutations == []


def test_it_never_writes_into_somebodys_topic(kcon: Any, fake_cluster: FakeCluster) -> None:
    ran = kcon("probe", "-t", "orders")
    assert ran.code == 2
    assert "begins with kcon-probe" in ran.err


def test_a_protected_context_wants_the_name(kcon: Any, fake_cluster: FakeCluster) -> None:
    kcon.variables["KCON_MODE"] = "protect"
    assert kcon("probe", "--create").code == 6
    assert fake_cluster.mutations == []
