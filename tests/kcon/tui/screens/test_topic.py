"""One topic: bounds, rates, settings and readers."""

from typing import Any

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.tui.screens.group import GroupScreen


def test_partitions_with_their_bounds(consoles: Any) -> None:
    async def test(console: Any) -> None:
        text = await console.until("160 offsets")
        rows = [line.split()[:8] for line in text.splitlines() if line.strip()[:1].isdigit() and "/" not in line]
        assert ["1", "1", "0", "1", "1", "40", "90", "50"] in rows

    consoles.run(test, "topic/orders")


def test_a_partition_that_cannot_be_read_is_a_dash_with_its_reason(consoles: Any) -> None:
    consoles.cluster.unreadable[TopicPartition(topic_name("orders"), 0)] = kafka_error(6)

    async def test(console: Any) -> None:
        text = await console.until("NOT_LEADER_OR_FOLLOWER")
        assert "— offsets" in text
        assert "60+?" in text

    consoles.run(test, "topic/orders")


def test_rates_come_with_the_second_look(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("160 offsets")
        consoles.cluster.topics_by_name["orders"].bounds[0] = (0, 200)
        consoles.now_ms += 4_000
        await console.until("in 25/s")

    consoles.run(test, "topic/orders")


def test_settings_and_readers_are_tabs(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("160 offsets")
        await console.press("2")
        await console.until("retention.ms")
        await console.press("3")
        await console.until("billing")
        await console.press("enter")
        await console.until(lambda: isinstance(console.view, GroupScreen))

    consoles.run(test, "topic/orders")


def test_a_topic_that_does_not_exist_is_a_sentence(consoles: Any) -> None:
    async def test(console: Any) -> None:
        await console.until("Topic nope does not exist.")

    consoles.run(test, "topic/nope")
