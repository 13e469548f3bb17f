"""Each main view as text at three sizes, on a cluster and a clock that stand still.

KCON_WRITE_SNAPSHOTS=1 writes them anew; look at what changed before it is kept.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name

FOLDER = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 36), (200, 50)]
VIEWS = {
    "overview": "NEEDS YOU 3",
    "topics": "orders",
    "topic/orders": "orders",
    "groups": "billing",
    "group/billing": "orders/1",
    "brokers": "b1:9092",
    "broker/1": "/data",
    "acls": "User:alice",
    "quotas": "producer_byte_rate",
    "users": "SCRAM-SHA-512",
    "transactions": "HANGS",
    "reassignments": "1,2",
    "quorum": "epoch 7",
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_each_view_looks_as_it_did(consoles: Any, administration: Any, size: tuple[int, int]) -> None:
    group = consoles.cluster.groups_by_id["billing"]
    group.state = "Stable"
    group.members = [("app", [TopicPartition(topic_name("orders"), 0)])]
    found: dict[str, str] = {}

    async def test(console: Any) -> None:
        await console.until("NEEDS YOU 3")
        for address, word in VIEWS.items():
            console.app.execute_line("overview")
            await console.pilot.pause()
            console.app.execute_line(address)
            await console.until(word)
            for _turn in range(5):
                await console.pilot.pause()
            found[address] = console.text()

    consoles.size = size
    consoles.run(test)
    path = FOLDER / f"{size[0]}x{size[1]}.txt"
    text = "".join(f"===== {address}\n{screen}\n" for address, screen in found.items())
    if os.environ.get("KCON_WRITE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
